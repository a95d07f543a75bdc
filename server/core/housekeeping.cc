#include "server/core/housekeeping.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/counters.h"
#include "engine/keyspace/engine.h"
#include "engine/reclaim/rcu.h"
#include "server/core/core_context.h"
#include "server/core/persistence.h"
#include "server/core/shared_state.h"
#include "server/info/core_sampler.h"
#include "server/net/connection.h"
#include "server/net/core_loop.h"

namespace mantis::server {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kSampleEveryMs = 100;
constexpr int64_t kSecondMs = 1000;
constexpr int64_t kSliceUs = 1000;
constexpr size_t kKeysPerCall = 128;
// How late a deadline may be noticed that was set while nobody watched the clock.
constexpr int64_t kWatchfulDelayMs = 10;
constexpr int64_t kLongestDelayMs = 100;

}  // namespace

Housekeeping::Housekeeping(CoreContext& core)
    : core_(core), round_timer_(core.io), expiry_timer_(core.io) {}

void Housekeeping::Start() {
  ArmRound();
  ExpireSlice();
}

void Housekeeping::Stop() {
  stopped_ = true;
  round_timer_.cancel();
  expiry_timer_.cancel();
}

void Housekeeping::ArmRound() {
  round_timer_.expires_after(milliseconds(1000 / std::max(1, core_.settings().hz)));
  round_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec || stopped_) return;
    Round();
    ArmRound();
  });
}

void Housekeeping::Round() {
  core_.RefreshSettings();
  core_.now_ms = WallClockMs();
  if (core_.op->TryBegin()) {
    core_.shared.engine.Tick(*core_.op, core_.index, core_.shared.cores.size());
    core_.op->End();
  }
  reclaim::Poll(true);
  if (core_.now_ms - last_sample_ms_ >= kSampleEveryMs) {
    last_sample_ms_ = core_.now_ms;
    SampleRates(core_);
    core_.loop->CheckQuietPeers();
  }
  if (core_.now_ms - last_second_ms_ >= kSecondMs) {
    last_second_ms_ = core_.now_ms;
    LookAfterClients();
    SampleClients(core_);
    if (core_.index == 0) core_.shared.persistence->Tick();
  }
}

void Housekeeping::LookAfterClients() {
  // Copied, as closing takes a connection out of the map.
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(core_.connections.size());
  for (const auto& [id, connection] : core_.connections) all.push_back(connection);
  for (const auto& connection : all) connection->Housekeep();
}

void Housekeeping::ExpireSlice() {
  if (stopped_) return;
  if (core_.shared.active_expire.load(std::memory_order_relaxed) && DeleteDue()) {
    boost::asio::post(core_.io, [this] { ExpireSlice(); });
    return;
  }
  expiry_timer_.expires_after(milliseconds(ExpiryDelayMs()));
  expiry_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (!ec) ExpireSlice();
  });
}

bool Housekeeping::DeleteDue() {
  if (!core_.op->TryBegin()) return false;
  const int64_t began_us = MonotonicUs();
  Engine& engine = core_.shared.engine;
  const size_t parts = core_.shared.cores.size();
  bool more = false;
  for (int i = 0; i < engine.database_count(); ++i) {
    Database& db = engine.database(i);
    while (db.ExpireDue(*core_.op, core_.index, parts, kKeysPerCall) >= kKeysPerCall) {
      more = true;
      if (MonotonicUs() - began_us >= kSliceUs) break;
    }
    if (more) break;
  }
  core_.op->End();
  Counters::Local().Add(Counter::kExpireCycleUs, MonotonicUs() - began_us);
  return more;
}

int64_t Housekeeping::ExpiryDelayMs() {
  const int64_t commands = CommandsExecuted();
  const bool active = commands != commands_seen_;
  commands_seen_ = commands;
  const int64_t most = active ? kWatchfulDelayMs : kLongestDelayMs;
  if (!core_.shared.active_expire.load(std::memory_order_relaxed)) return kLongestDelayMs;
  const int64_t next = NextDeadline();
  if (next == kNoDeadline) return most;
  return std::clamp<int64_t>(next - WallClockMs(), 1, most);
}

int64_t Housekeeping::NextDeadline() {
  int64_t next = kNoDeadline;
  if (!core_.op->TryBegin()) return next;
  Engine& engine = core_.shared.engine;
  const size_t parts = core_.shared.cores.size();
  for (int i = 0; i < engine.database_count(); ++i) {
    Database& db = engine.database(i);
    for (size_t shard = core_.index; shard < ExpiryIndex::kShards; shard += parts) {
      next = std::min(next, db.expiry().NextDeadline(shard));
    }
  }
  core_.op->End();
  return next;
}

int64_t Housekeeping::CommandsExecuted() const {
  int64_t sum = 0;
  for (const auto& core : core_.shared.cores) sum += core->stats.commands_processed.Get();
  return sum;
}

}  // namespace mantis::server
