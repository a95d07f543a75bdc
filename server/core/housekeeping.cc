#include "server/core/housekeeping.h"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <chrono>
#include <memory>
#include <thread>
#include <vector>

#include "engine/base/clock.h"
#include "engine/base/counters.h"
#include "engine/keyspace/engine.h"
#include "server/core/core_context.h"
#include "server/core/memory_reserve.h"
#include "server/core/persistence.h"
#include "server/core/shared_state.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/interest_table.h"
#include "server/info/core_sampler.h"
#include "server/net/client_eviction.h"
#include "server/net/connection.h"
#include "server/net/core_loop.h"

namespace mantis::server {
namespace {

using std::chrono::milliseconds;

constexpr int64_t kSampleEveryMs = 100;
constexpr int64_t kSecondMs = 1000;
// A command that arrives waits for one slice at most.
constexpr int64_t kSliceUs = 300;
constexpr size_t kKeysPerCall = 32;
// While commands run, deadlines are looked up this often.
constexpr int64_t kLookEveryMs = 10;
// The least time between two expiry timers, for deadlines that come one after another.
constexpr int64_t kExpiryDelayMinMs = 2;

}  // namespace

Housekeeping::Housekeeping(CoreContext& core)
    : core_(core), round_timer_(core.io), expiry_timer_(core.io) {}

void Housekeeping::Start() {
  core_.loop->set_housekeeping(this);
  ArmRound();
}

void Housekeeping::Stop() {
  stopped_ = true;
  core_.loop->set_housekeeping(nullptr);
  round_timer_.cancel();
  expiry_timer_.cancel();
}

void Housekeeping::ArmRound() {
  round_timer_.expires_after(milliseconds(RoundMs()));
  round_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec || stopped_) return;
    Round();
    LookForDeadlines();
    ArmRound();
  });
}

int64_t Housekeeping::RoundMs() const { return 1000 / std::max(1, core_.settings().hz); }

void Housekeeping::Round() {
  core_.RefreshSettings();
  core_.now_ms = WallClockMs();
  core_.shared.engine.Tick(*core_.op, core_.index, core_.shared.cores.size());
  EvictSlice();
  if (core_.now_ms - last_sample_ms_ >= kSampleEveryMs) {
    last_sample_ms_ = core_.now_ms;
    SampleRates(core_);
    core_.loop->CheckQuietPeers();
    core_.loop->client_memory().Publish();
    if (core_.index == 0) core_.shared.client_eviction->LookAgain(core_);
    SweepInterests();
  }
  if (core_.now_ms - last_second_ms_ >= kSecondMs) {
    last_second_ms_ = core_.now_ms;
    RefillMemoryReserve(core_);
    LookAfterClients();
    SampleClients(core_);
    if (core_.index == 0) core_.shared.persistence->Tick();
  }
}

void Housekeeping::SweepInterests() {
  if (!core_.op->TryBegin()) return;
  core_.shared.interests->Sweep(*core_.op, core_.index, core_.shared.cores.size());
  core_.op->End();
}

void Housekeeping::LookAfterClients() {
  // Copied, as closing takes a connection out of the map.
  std::vector<std::shared_ptr<Connection>> all;
  all.reserve(core_.connections.size());
  for (const auto& [id, connection] : core_.connections) all.push_back(connection);
  for (const auto& connection : all) connection->Housekeep();
}

void Housekeeping::LookForDeadlines() {
  look_again_ms_ = core_.now_ms + kLookEveryMs;
  if (slice_queued_ || !core_.shared.active_expire.load(std::memory_order_relaxed)) return;
  const int64_t next = NextDeadline();
  if (next >= core_.now_ms + RoundMs() || next >= armed_for_ms_) return;
  ArmExpiry(std::max(kExpiryDelayMinMs, next - core_.now_ms));
}

void Housekeeping::ArmExpiry(int64_t delay_ms) {
  armed_for_ms_ = core_.now_ms + delay_ms;
  expiry_timer_.expires_after(milliseconds(delay_ms));
  expiry_timer_.async_wait([this](const boost::system::error_code& ec) {
    if (ec || stopped_) return;
    armed_for_ms_ = kNoDeadline;
    ExpireSlice();
  });
}

void Housekeeping::EvictSlice() {
  Engine& engine = core_.shared.engine;
  if (stopped_ || evict_queued_ || core_.shared.conditions.Has(Condition::kLoading)) return;
  // Both modes of CLIENT PAUSE promise that the data stays as it is. The next round looks again.
  if (core_.shared.pause_mode.load(std::memory_order_relaxed) != PauseMode::kNone &&
      WallClockMs() < core_.shared.pause_until_ms.load(std::memory_order_relaxed)) {
    return;
  }
  if (!engine.cache().Look()) return;
  const int64_t began_us = MonotonicUs();
  Cache::Room room = Cache::Room::kEnough;
  while (room == Cache::Room::kEnough && engine.cache().Look() &&
         MonotonicUs() - began_us < kSliceUs) {
    if (!core_.op->TryBegin()) return;
    room = engine.cache().MakeRoom(engine, *core_.op);
    ServeReadyKeys(core_);
    core_.op->End();
  }
  // What was evicted is to come back before more is, and without any key nothing can be done.
  if (room != Cache::Room::kEnough) return;
  evict_queued_ = true;
  std::this_thread::yield();
  boost::asio::post(core_.io, [this] {
    evict_queued_ = false;
    EvictSlice();
  });
}

void Housekeeping::ExpireSlice() {
  slice_queued_ = false;
  if (stopped_) return;
  core_.now_ms = WallClockMs();
  if (DeleteDue()) {
    slice_queued_ = true;
    // On a machine with no core to spare, the clients have to get at one too.
    std::this_thread::yield();
    boost::asio::post(core_.io, [this] { ExpireSlice(); });
  } else {
    LookForDeadlines();
  }
}

bool Housekeeping::DeleteDue() {
  Engine& engine = core_.shared.engine;
  if (!core_.shared.active_expire.load(std::memory_order_relaxed) ||
      engine.expiry_held(core_.now_ms)) {
    return false;
  }
  const int64_t began_us = MonotonicUs();
  const size_t parts = core_.shared.cores.size();
  bool time_is_up = false;
  for (size_t step = 0; step < parts && !time_is_up; ++step) {
    const size_t part = (core_.index + step) % parts;
    for (int i = 0; i < engine.database_count() && !time_is_up; ++i) {
      size_t taken = kKeysPerCall;
      // A batch for each call: unlinking the keys at its end is most of the work.
      while (taken >= kKeysPerCall && !time_is_up) {
        if (!core_.op->TryBegin()) return true;
        taken = engine.database(i).ExpireDue(*core_.op, part, parts, kKeysPerCall);
        ServeReadyKeys(core_);
        core_.op->End();
        time_is_up = MonotonicUs() - began_us >= kSliceUs;
      }
    }
  }
  auto& counters = Counters::Local();
  counters.Add(Counter::kExpireCycleUs, MonotonicUs() - began_us);
  if (time_is_up) counters.Add(Counter::kExpireCyclesCut, 1);
  return time_is_up;
}

int64_t Housekeeping::NextDeadline() {
  int64_t next = kNoDeadline;
  if (!core_.op->TryBegin()) return next;
  Engine& engine = core_.shared.engine;
  for (int i = 0; i < engine.database_count(); ++i) {
    Database& db = engine.database(i);
    for (size_t shard = 0; shard < ExpiryIndex::kShards; ++shard) {
      next = std::min(next, db.expiry().NextDeadline(shard));
    }
  }
  core_.op->End();
  return next;
}

}  // namespace mantis::server
