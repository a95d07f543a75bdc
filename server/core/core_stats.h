// What one core counts while it serves. Summed over cores when INFO or LATENCY asks.
//
// Thread safety: written by the owning core only (relaxed load and store), read by any. Maps are
// under a mutex that only errors and readers take.
// Units: times in nanoseconds unless the name says otherwise.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace mantis::server {

// One writer, any readers.
class Tally {
 public:
  void Add(int64_t n) {
    v_.store(v_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void Reset() { v_.store(0, std::memory_order_relaxed); }
  int64_t Get() const { return v_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> v_{0};
};

// Log-linear histogram of durations: 16 sub-buckets per power of two, so a percentile is within
// 6 % of the truth. 1 ns to about 18 minutes.
class LatencyHistogram {
 public:
  static constexpr size_t kBuckets = 16 * 37;
  static size_t BucketOf(uint64_t ns) {
    if (ns < kSubBuckets) return static_cast<size_t>(ns);
    const auto exponent = static_cast<size_t>(std::bit_width(ns)) - 1;
    const size_t sub = (ns >> (exponent - kSubBits)) & (kSubBuckets - 1);
    return std::min(kSubBuckets * (exponent - kSubBits + 1) + sub, kBuckets - 1);
  }
  static uint64_t UpperBound(size_t bucket);
  void Record(uint64_t ns) { counts_[BucketOf(ns)].Add(1); }
  int64_t count(size_t bucket) const { return counts_[bucket].Get(); }
  void Reset();

 private:
  static constexpr size_t kSubBits = 4;
  static constexpr size_t kSubBuckets = size_t{1} << kSubBits;
  std::array<Tally, kBuckets> counts_;
};

// Events per second over the last 16 samples of a growing total. Sampled by the owning core's
// timer, about every 100 ms; per_second() may be read by any thread.
class RateMeter {
 public:
  void Sample(int64_t now_us, int64_t total);
  double per_second() const { return per_second_.load(std::memory_order_relaxed); }
  void Reset();

 private:
  static constexpr size_t kWindow = 16;
  std::array<double, kWindow> window_{};
  size_t next_ = 0;
  int64_t last_us_ = 0;
  int64_t last_total_ = 0;
  std::atomic<double> per_second_{0};
};

struct CommandStats {
  Tally calls;
  Tally time_ns;
  Tally rejected;
  Tally failed;
  // Created by the owning core at the first call; atomic for readers.
  std::atomic<LatencyHistogram*> histogram{nullptr};
  CommandStats() = default;
  CommandStats(const CommandStats&) = delete;
  CommandStats& operator=(const CommandStats&) = delete;
  ~CommandStats() { delete histogram.load(); }
  // Puts one execution into the histogram. On the owning core.
  void RecordLatency(uint64_t ns) {
    LatencyHistogram* const h = histogram.load(std::memory_order_relaxed);
    (h != nullptr ? *h : MakeHistogram()).Record(ns);
  }
  void Reset();

 private:
  LatencyHistogram& MakeHistogram();
};

struct CoreStats {
  explicit CoreStats(size_t commands) : per_command(commands) {}

  Tally connections_received;
  Tally connections_rejected;
  Tally commands_processed;
  Tally bytes_in;
  Tally bytes_out;
  Tally reads_processed;
  Tally writes_processed;
  Tally output_limit_disconnects;
  Tally query_limit_disconnects;
  Tally clients_evicted;
  Tally failed_logins;
  Tally busy_retries;
  Tally commands_gathered;  // by RequestGather
  std::vector<CommandStats> per_command;

  // Kept by SampleCore (info/core_sampler.h).
  RateMeter command_rate;
  RateMeter input_rate;
  RateMeter output_rate;
  std::atomic<int64_t> input_buffer_max{0};  // largest among this core's connections now, bytes
  std::atomic<int64_t> output_buffer_max{0};

  // CONFIG RESETSTAT. On the owning core only.
  void Reset();

  std::mutex errors_mutex;
  std::map<std::string, int64_t, std::less<>> errors;  // by error code: "ERR", "WRONGTYPE", …
};

}  // namespace mantis::server
