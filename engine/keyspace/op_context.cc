#include "engine/keyspace/op_context.h"

#include <cassert>
#include <random>

#include "engine/keyspace/engine.h"
#include "engine/keyspace/lock_waiters.h"
#include "engine/value/blob.h"

namespace mantis {

OpContext::OpContext(Engine& engine) : engine_(engine), now_ms_(WallClockMs()) {
  std::random_device device;
  random_state_ = (static_cast<uint64_t>(device()) << 32 | device()) | 1;
}

OpContext::~OpContext() = default;

bool OpContext::TryBegin() {
  section_.emplace();
  // After the section was entered: the gate's owner first closes it and then waits for sections,
  // so either it waits for this one or this one sees the gate closed.
  if (engine_.gate_.ClosedTo(this)) {
    section_.reset();
    return false;
  }
  in_batch_ = true;
  now_ms_ = WallClockMs();
  return true;
}

bool OpContext::BeginLong(const std::atomic<bool>* give_up) {
  if (!engine_.gate_.EnterLong(give_up)) return false;
  LockWaiters::ForgetObstacle();
  EnterSection();
  in_batch_ = in_long_batch_ = true;
  now_ms_ = WallClockMs();
  return true;
}

void OpContext::End() {
  BuryTombs();
  places_.Clear();
  section_.reset();
  in_batch_ = false;
  if (in_long_batch_) {
    in_long_batch_ = false;
    ReleaseKept();
    engine_.gate_.LeaveLong();
    reclaim::Poll();
    // This thread may have nothing to do for long.
    reclaim::HandOver();
    return;
  }
  reclaim::Poll();
}

void OpContext::LeaveSection() {
  const memory::MustSucceed must;
  // An entry that is absent and not locked may be freed by somebody else once the section is left.
  BuryTombs();
  places_.Clear();
  // The lock that an attempt met: its entry is good in this section only.
  LockWaiters::ForgetObstacle();
  section_.reset();
  reclaim::HandOver(reclaim::Give::kIfMany);
}

void OpContext::Keep(Blob* blob) {
  if (!in_long_batch_) return;
  kept_.push_back(blob);
  blob->Ref();
}

void OpContext::ReleaseKept() {
  for (Blob* blob : kept_) blob->Unref();
  kept_.clear();
}

void OpContext::BuryTombs() {
  // In the section in which the entries became absent: until it ends they cannot be freed, though
  // another thread may revive and bury them.
  if (tombs_.size() > 1) {
    for (const auto& [db, entry] : tombs_)
      db->index().PrefetchBucket(HashIndex::Hash(entry->key()));
    for (const auto& [db, entry] : tombs_) db->index().PrefetchArray(HashIndex::Hash(entry->key()));
  }
  for (const auto& [db, entry] : tombs_) db->Bury(entry);
  tombs_.clear();
}

bool OpContext::TryCloseGate() {
  assert(!in_long_batch_);
  if (!engine_.gate_.TryClose(this)) return false;
  if (in_batch_) End();
  reclaim::Synchronize();
  EnterSection();
  in_batch_ = true;
  now_ms_ = WallClockMs();
  AdjustLockDepth(1);
  return true;
}

bool OpContext::alone() const { return engine_.gate_.OwnedBy(this); }

void OpContext::OpenGate() {
  places_.Clear();
  AdjustLockDepth(-1);
  BuryTombs();
  section_.reset();
  in_batch_ = false;
  engine_.gate_.Open();
  reclaim::Poll();
}

}  // namespace mantis
