#include "server/net/core_loop.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>

#include "engine/base/allocation_failure.h"
#include "server/core/core_context.h"
#include "server/core/shared_state.h"
#include "server/net/client_eviction.h"
#include "server/net/connection.h"

namespace mantis::server {
namespace {

// After this many tries at once, a busy client is tried again by timer: whoever it waits for may
// need this processor.
constexpr int kTriesAtOnce = 2;
constexpr auto kRetryInterval = std::chrono::microseconds(100);
constexpr auto kPausedInterval = std::chrono::milliseconds(1);
// Many waiting clients are tried less often, so that trying takes a tenth of the time at most.
constexpr auto kIntervalPerClient = std::chrono::microseconds(10);
// A peer silent for this long after a short read is looked at.
constexpr int64_t kQuietMs = 50;

bool ClientsArePaused(const SharedState& shared, int64_t now_ms) {
  return shared.pause_mode.load(std::memory_order_relaxed) != PauseMode::kNone &&
         now_ms < shared.pause_until_ms.load(std::memory_order_relaxed);
}

}  // namespace

CoreLoop::CoreLoop(CoreContext& core)
    : core_(core),
      runner_(core),
      gather_(core),
      client_memory_(*core.shared.client_eviction),
      read_buffer_(std::make_unique_for_overwrite<char[]>(kReadBufferSize)),
      retry_timer_(core.io) {}

void CoreLoop::RetryLater(std::shared_ptr<Connection> connection, int tries) {
  if (tries <= kTriesAtOnce && !ClientsArePaused(core_.shared, core_.now_ms)) {
    boost::asio::post(core_.io, [c = std::move(connection)] { c->Retry(); });
    return;
  }
  delayed_.push_back(std::move(connection));
  ArmRetryTimer();
}

void CoreLoop::ArmRetryTimer() {
  if (retry_armed_ || delayed_.empty()) return;
  retry_armed_ = true;
  const std::chrono::microseconds least =
      ClientsArePaused(core_.shared, core_.now_ms) ? kPausedInterval : kRetryInterval;
  retry_timer_.expires_after(
      std::max(least, kIntervalPerClient * static_cast<int64_t>(delayed_.size())));
  retry_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec) return;
    core_.now_ms = WallClockMs();
    std::vector<std::shared_ptr<Connection>> due;
    due.swap(delayed_);
    for (const auto& connection : due) connection->Retry();
    // Only now, when it is known how many have to wait again.
    retry_armed_ = false;
    ArmRetryTimer();
  });
}

void CoreLoop::CheckQuietPeers() {
  std::vector<uint64_t> candidates;
  candidates.swap(short_reads_);
  for (const uint64_t id : candidates) {
    const auto it = core_.connections.find(id);
    if (it == core_.connections.end()) continue;
    if (core_.now_ms - it->second->client().last_active_ms < kQuietMs) {
      short_reads_.push_back(id);
      continue;
    }
    const std::shared_ptr<Connection> connection = it->second;
    connection->CheckPeer();
  }
}

void CoreLoop::FeedMonitors(std::string_view line) {
  std::erase_if(monitors_, [](Connection* c) { return !c->client().monitor; });
  if (monitors_.size() != core_.monitors) {
    monitors_.clear();
    for (const auto& [id, connection] : core_.connections) {
      if (connection->client().monitor) monitors_.push_back(connection.get());
    }
  }
  for (Connection* connection : monitors_) {
    try {
      const memory::MayFail may_fail;
      connection->client().reply.SimpleString(line);
      connection->FlushSoon();
    } catch (const std::bad_alloc&) {
      connection->Kill();
    } catch (const protocol::ReplyTooLong&) {
      connection->client().DropReply(connection->client().output.mark());
      connection->FlushSoon();
    }
  }
}

void CoreLoop::ForgetMonitor(const Connection* connection) { std::erase(monitors_, connection); }

}  // namespace mantis::server
