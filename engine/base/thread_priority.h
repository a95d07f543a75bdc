// The priority of threads that work in the background.
#pragma once

#include <sys/resource.h>
#include <unistd.h>

namespace mantis {

// Lets the calling thread come after those that serve clients where both want a processor: they
// need it for microseconds, and would wait for milliseconds otherwise. What it costs: where the
// processors are all taken, whoever waits for the thread (for a key that a worker has locked) waits
// longer. No harm if it is refused.
inline void StepBehindOthers() {
  constexpr int kNice = 5;
  // Of this thread alone, which is what Linux makes of a thread's id here.
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), kNice);
}

}  // namespace mantis
