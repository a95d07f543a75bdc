#include "server/core/core_stats.h"

#include <numeric>

namespace mantis::server {
uint64_t LatencyHistogram::UpperBound(size_t bucket) {
  if (bucket < kSubBuckets) return bucket;
  const size_t exponent = bucket / kSubBuckets + kSubBits - 1;
  const uint64_t sub = bucket % kSubBuckets;
  return ((kSubBuckets + sub + 1) << (exponent - kSubBits)) - 1;
}

void LatencyHistogram::Reset() {
  for (Tally& count : counts_) count.Reset();
}

void RateMeter::Sample(int64_t now_us, int64_t total) {
  // A total that shrank was reset: nothing can be said about this interval.
  if (last_us_ != 0 && now_us > last_us_ && total >= last_total_) {
    window_[next_] =
        static_cast<double>(total - last_total_) * 1e6 / static_cast<double>(now_us - last_us_);
    next_ = (next_ + 1) % kWindow;
    const double sum = std::accumulate(window_.begin(), window_.end(), 0.0);
    per_second_.store(sum / kWindow, std::memory_order_relaxed);
  }
  last_us_ = now_us;
  last_total_ = total;
}

void RateMeter::Reset() {
  window_.fill(0);
  last_us_ = 0;
  per_second_.store(0, std::memory_order_relaxed);
}

LatencyHistogram& CommandStats::MakeHistogram() {
  auto* const h = new LatencyHistogram;
  // Release: a reader that finds the histogram finds it made.
  histogram.store(h, std::memory_order_release);
  return *h;
}

void CommandStats::Reset() {
  calls.Reset();
  time_ns.Reset();
  rejected.Reset();
  failed.Reset();
  // Readers may hold the histogram, so it is emptied and kept.
  if (LatencyHistogram* h = histogram.load(std::memory_order_relaxed)) h->Reset();
}

void CoreStats::Reset() {
  for (Tally* tally :
       {&connections_received, &connections_rejected, &commands_processed, &bytes_in, &bytes_out,
        &reads_processed, &writes_processed, &output_limit_disconnects, &query_limit_disconnects,
        &clients_evicted, &failed_logins, &busy_retries, &commands_gathered}) {
    tally->Reset();
  }
  for (CommandStats& stats : per_command) stats.Reset();
  for (RateMeter* meter : {&command_rate, &input_rate, &output_rate}) meter->Reset();
  const std::lock_guard lock(errors_mutex);
  errors.clear();
}

}  // namespace mantis::server
