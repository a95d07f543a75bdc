#include "engine/keyspace/entry.h"

#include "engine/base/brief_wait.h"
#include "engine/base/counters.h"
#include "engine/keyspace/lock_waiters.h"

namespace mantis {

bool Entry::AwaitUnlocked(Word* w) const {
  for (BriefWait wait; w->locked(); *w = word()) {
    // Where others have given up and parked there is something long.
    if (!LockWaiters::Crowded(this) && wait.Again()) continue;
    LockWaiters::NoteObstacle(this);
    Counters::Local().Add(Counter::kBusyRetries, 1);
    return false;
  }
  return true;
}

void Entry::Unlock() {
  word_.fetch_and(~Word::kLocked, std::memory_order_seq_cst);
  LockWaiters::AfterUnlock(this);
}

}  // namespace mantis
