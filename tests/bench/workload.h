// What the in-process benchmarks do to every structure alike: the keys, the threads, the clock.
//
// Keys are 16 bytes and unique: 12 hexadecimal digits of a scrambled group number, then 4 of the
// member's number in its group, so that kGroupSize keys share a prefix of kPrefixSize bytes and
// groups lie scattered over the key space.
//
// Time is that of the clock on the wall, or, where other work shares the machine, the CPU time of
// the busiest thread: use_cpu_time, which is set before anything is measured.
//
// Thread safety: a KeyPool is immutable. Units: seconds.
#pragma once

#include <time.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace mantis::bench {

constexpr size_t kKeySize = 16;
constexpr size_t kPrefixSize = 12;
constexpr size_t kGroupSize = 100;
constexpr size_t kValueSize = 32;
constexpr size_t kBatch = 16;

// The keys numbered [first, first + n) in an order drawn from `seed`. The bytes lie in that order
// too: reading the pool costs no cache miss, only what is looked up with it does.
class KeyPool {
 public:
  KeyPool(size_t first, size_t n, uint64_t seed) : bytes_(n * kKeySize), size_(n) {
    std::vector<uint32_t> order(n);
    std::iota(order.begin(), order.end(), static_cast<uint32_t>(first));
    std::mt19937_64 rng(seed);
    std::shuffle(order.begin(), order.end(), rng);
    for (size_t i = 0; i < n; ++i) Write(order[i], &bytes_[i * kKeySize]);
  }

  size_t size() const { return size_; }
  std::string_view operator[](size_t i) const { return {&bytes_[i * kKeySize], kKeySize}; }

 private:
  static void Write(uint64_t number, char* out) {
    // Odd, so the multiplication permutes the 48-bit numbers.
    constexpr uint64_t kScramble = 0x9e3779b97f4b;
    const uint64_t group = number / kGroupSize * kScramble & 0xffff'ffff'ffff;
    Hex(group, kPrefixSize, out);
    Hex(number % kGroupSize, kKeySize - kPrefixSize, out + kPrefixSize);
  }
  static void Hex(uint64_t v, size_t digits, char* out) {
    for (size_t i = digits; i-- > 0; v >>= 4) out[i] = "0123456789abcdef"[v & 15];
  }

  std::vector<char> bytes_;
  size_t size_;
};

inline bool use_cpu_time = false;

inline double ThreadCpuSeconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Runs body(thread) on `threads` threads at once and returns the time from the first one's start
// to the last one's end. Each thread first calls prepare() and keeps what it gives for its body.
template <class Prepare, class Body>
double TimeThreads(size_t threads, Prepare&& prepare, Body&& body) {
  using Clock = std::chrono::steady_clock;
  std::vector<Clock::time_point> begin(threads);
  std::vector<Clock::time_point> end(threads);
  std::vector<double> cpu(threads);
  std::barrier start(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::thread> running;
  for (size_t t = 0; t < threads; ++t) {
    running.emplace_back([&, t] {
      auto session = prepare();
      start.arrive_and_wait();
      begin[t] = Clock::now();
      const double cpu_begin = ThreadCpuSeconds();
      body(session, t);
      cpu[t] = ThreadCpuSeconds() - cpu_begin;
      end[t] = Clock::now();
    });
  }
  for (std::thread& thread : running) thread.join();
  if (use_cpu_time) return *std::max_element(cpu.begin(), cpu.end());
  const auto first = *std::min_element(begin.begin(), begin.end());
  const auto last = *std::max_element(end.begin(), end.end());
  return std::chrono::duration<double>(last - first).count();
}

// Thread t's share of n things: [first, last).
struct Share {
  size_t first;
  size_t last;
  Share(size_t n, size_t threads, size_t t) : first(n * t / threads), last(n * (t + 1) / threads) {}
};

}  // namespace mantis::bench
