// How a thread waits for another that is just about to be done: by looking again, and then, as the
// other may have been put off the processor that it needs, by offering it this one.
//
// Use: `for (BriefWait wait; !done();) if (!wait.Again()) return kBusy;`. Thread safety: none, one
// thread's. Cost of one wait: some microseconds, two system calls among them at most; a caller
// that begins another wait for each of several obstacles pays for each.
#pragma once

#include <thread>

namespace mantis {

class BriefWait {
 public:
  // False once it has been long: whoever is waited for does something longer than a small commit.
  bool Again() {
    if (++turns_ > kTurns) return false;
    if (turns_ % kSpins != 0) {
      __builtin_ia32_pause();
    } else {
      std::this_thread::yield();
    }
    return true;
  }

 private:
  static constexpr int kSpins = 40;
  static constexpr int kTurns = 3 * kSpins - 1;
  int turns_ = 0;
};

}  // namespace mantis
