#include "engine/keyspace/entry.h"

#include "engine/base/brief_wait.h"
#include "engine/base/counters.h"

namespace mantis {

bool Entry::AwaitUnlocked(Word* w) const {
  for (BriefWait wait; w->locked(); *w = word()) {
    if (wait.Again()) continue;
    Counters::Local().Add(Counter::kBusyRetries, 1);
    return false;
  }
  return true;
}

}  // namespace mantis
