#include "server/commands/key_walk.h"

#include <chrono>
#include <thread>
#include <utility>

#include "engine/base/cycle_clock.h"

namespace mantis::server {
namespace {

// Of a loop's millisecond this leaves half to a clock that is looked at late and to the reply.
constexpr uint64_t kLoopSliceNs = 400'000;
constexpr uint64_t kWorkerSliceNs = 500'000;
constexpr auto kLockPause = std::chrono::microseconds(100);
constexpr int kTombWaitMs = 10;

}  // namespace

WalkPacer::WalkPacer(CommandContext& c)
    : c_(c),
      may_offload_(c.mode == RunMode::kNormal && !c.alone),
      may_pause_(c.mode == RunMode::kWorker && !c.op.holds_locks()),
      tomb_waits_left_(kTombWaitMs * std::chrono::microseconds(std::chrono::milliseconds(1)) /
                       kLockPause),
      slice_begin_(Ticks()) {}

WalkPacer::Next WalkPacer::AfterSome() {
  const uint64_t ns = TicksToNs(Ticks() - slice_begin_);
  if (may_offload_ && ns > kLoopSliceNs) return Next::kOffload;
  if (may_pause_ && ns > kWorkerSliceNs) return Next::kPause;
  return Next::kGoOn;
}

WalkPacer::Next WalkPacer::AtLock() {
  if (may_offload_) return Next::kOffload;
  if (!may_pause_) return Next::kBusy;
  waits_ = true;
  return Next::kPause;
}

WalkPacer::Next WalkPacer::AtLockedTomb() {
  if (may_pause_ && tomb_waits_left_-- <= 0) return Next::kGoOn;
  const Next next = AtLock();
  return next == Next::kBusy ? Next::kGoOn : next;
}

void WalkPacer::Pause() {
  c_.op.End();
  if (std::exchange(waits_, false)) {
    std::this_thread::sleep_for(kLockPause);
  } else {
    std::this_thread::yield();
  }
  (void)c_.op.BeginLong();
  slice_begin_ = Ticks();
}

bool IsLockedTomb(const OpContext& op, const Entry* e, Word* w) {
  if (!w->locked() || w->kind() != Kind::kTomb || op.holds_locks()) return false;
  return !e->AwaitUnlocked(w);
}

}  // namespace mantis::server
