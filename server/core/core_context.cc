#include "server/core/core_context.h"

#include <algorithm>
#include <boost/asio/detail/concurrency_hint.hpp>

#include "engine/base/clock.h"
#include "server/core/shared_state.h"
#include "server/dispatch/blocked_clients.h"
#include "server/net/connection.h"
#include "server/net/core_loop.h"

namespace mantis::server {
namespace {

uint64_t NotedFromNs(const config::Settings& settings) {
  constexpr uint64_t kNsPerUs = 1000;
  constexpr uint64_t kNsPerMs = 1'000'000;
  uint64_t from_ns = UINT64_MAX;
  const auto consider = [&](int64_t least, uint64_t unit) {
    const auto n = static_cast<uint64_t>(least);
    if (n <= UINT64_MAX / unit) from_ns = std::min(from_ns, n * unit);
  };
  if (settings.slowlog_log_slower_than >= 0) consider(settings.slowlog_log_slower_than, kNsPerUs);
  if (settings.latency_monitor_threshold > 0) {
    consider(settings.latency_monitor_threshold, kNsPerMs);
  }
  return from_ns;
}

}  // namespace

// The loop runs on one thread, others only post to it: the queue needs its lock, I/O does not.
CoreContext::CoreContext(size_t the_index, SharedState& the_shared, size_t commands)
    : index(the_index),
      shared(the_shared),
      io(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      stats(commands),
      now_ms(WallClockMs()),
      config_(the_shared.config) {
  ReloadSettings();
  loop = std::make_unique<CoreLoop>(*this);
  blocked = std::make_unique<BlockedClients>(*this);
}

CoreContext::~CoreContext() = default;

void CoreContext::ReloadSettings() {
  // The version first: should a change come in between, it is noticed next time.
  settings_version_ = config_.version();
  settings_ = config_.snapshot();
  noted_from_ns_ = NotedFromNs(*settings_);
}

}  // namespace mantis::server
