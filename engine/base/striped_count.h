// A count that many threads change: each adds to one of several cache lines.
//
// Thread safety: any thread, any time. Sum() is approximate while others add, exact when nobody
// does. Complexity: Add O(1), Sum O(stripes).
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace mantis {

// Threads share stripes round-robin; the same number serves all counts.
inline size_t StripeOfThread() {
  static constinit std::atomic<size_t> next{0};
  thread_local const size_t mine = next.fetch_add(1, std::memory_order_relaxed);
  return mine;
}

template <size_t kStripes = 16>
class StripedCount {
 public:
  // Answers what this thread's stripe held before. Relaxed: a statistic orders nothing.
  int64_t Add(int64_t n) {
    return lines_[StripeOfThread() % kStripes].value.fetch_add(n, std::memory_order_relaxed);
  }
  // Never negative, though between two stripes' reading things may have moved from one to the
  // other.
  size_t Sum() const {
    const int64_t sum = Total();
    return sum < 0 ? 0 : static_cast<size_t>(sum);
  }
  // The sum of amounts that may be negative.
  int64_t Total() const {
    int64_t sum = 0;
    for (const Line& line : lines_) sum += line.value.load(std::memory_order_relaxed);
    return sum;
  }

 private:
  struct alignas(64) Line {
    std::atomic<int64_t> value{0};
  };
  std::array<Line, kStripes> lines_;
};

}  // namespace mantis
