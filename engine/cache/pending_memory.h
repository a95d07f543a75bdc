// Which part of the memory that is on its way counts as free under `maxmemory`.
//
// What was retired comes back after a grace period, or when the background thread has freed it:
// mostly within a millisecond. So it counts as free already, or else eviction would throw away far
// too much and a SET right after DEL would be refused. That holds for a bounded time: memory that
// has been pending for one to two windows counts as used again, whatever keeps it. It is the least
// that was pending at any moment of that time, since what comes back is not traced piece by piece.
//
// Steady load always has something pending. Its usual most, over the same time, is what eviction
// keeps room for, so that memory in use stays under the limit and not only near it.
//
// Thread safety: any thread, any time. A thread that finds another one noting leaves it out.
// Complexity: O(1).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

namespace mantis {

class PendingMemory {
 public:
  static constexpr int64_t kWindowMs = 500;

  // Tells how much is pending now, at a time that never goes back. To be called at least once in a
  // window: what was pending before a gap is as if it had been retired after it.
  void Note(int64_t now_ms, int64_t pending) {
    // Acquire and release: a lock, for who got it.
    if (noting_.exchange(true, std::memory_order_acquire)) return;
    if (now_ms - began_ms_ >= 2 * kWindowMs) {
      began_ms_ = now_ms;
      before_ = {0, 0};
      present_ = {pending, pending};
    } else if (now_ms - began_ms_ >= kWindowMs) {
      began_ms_ = now_ms;
      before_ = present_;
      present_ = {pending, pending};
    }
    present_.least = std::min(present_.least, pending);
    present_.most = std::max(present_.most, pending);
    // Relaxed: each by itself is an estimate.
    stale_.store(std::min(before_.least, present_.least), std::memory_order_relaxed);
    usual_.store(std::max(before_.most, present_.most), std::memory_order_relaxed);
    noting_.store(false, std::memory_order_release);
  }

  // Pending for so long that it counts as used.
  int64_t stale() const { return stale_.load(std::memory_order_relaxed); }
  // The most that was pending at once lately.
  int64_t usual() const { return usual_.load(std::memory_order_relaxed); }

 private:
  struct Range {
    int64_t least = 0;
    int64_t most = 0;
  };

  std::atomic<bool> noting_{false};
  // Of the one who notes. The window before the present one, and the present one since began_ms_.
  int64_t began_ms_ = INT64_MIN / 2;
  Range before_;
  Range present_;
  std::atomic<int64_t> stale_{0};
  std::atomic<int64_t> usual_{0};
};

}  // namespace mantis
