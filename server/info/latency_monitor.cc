#include "server/info/latency_monitor.h"

#include <algorithm>

namespace mantis::server {

void LatencyMonitor::Add(std::string_view event, int64_t unix_seconds, int64_t ms) {
  const std::lock_guard lock(mutex_);
  auto it = series_.find(event);
  if (it == series_.end()) it = series_.emplace(std::string(event), Series{}).first;
  Series& series = it->second;
  series.max_ms = std::max(series.max_ms, ms);
  const size_t count = series.samples.size();
  if (count != 0) {
    auto& last = series.samples[(series.next + count - 1) % count];
    if (last.first == unix_seconds) {
      last.second = std::max(last.second, ms);
      return;
    }
  }
  if (count < kSamples) {
    series.samples.emplace_back(unix_seconds, ms);  // `next` stays 0 until the ring is full
    return;
  }
  series.samples[series.next] = {unix_seconds, ms};
  series.next = (series.next + 1) % kSamples;
}

std::vector<LatencyMonitor::Latest> LatencyMonitor::LatestAll() const {
  const std::lock_guard lock(mutex_);
  std::vector<Latest> all;
  all.reserve(series_.size());
  for (const auto& [event, series] : series_) {
    const size_t count = series.samples.size();
    const auto& last = series.samples[(series.next + count - 1) % count];
    all.push_back({event, last.first, last.second, series.max_ms});
  }
  return all;
}

std::vector<std::pair<int64_t, int64_t>> LatencyMonitor::History(std::string_view event) const {
  const std::lock_guard lock(mutex_);
  const auto it = series_.find(event);
  if (it == series_.end()) return {};
  std::vector<std::pair<int64_t, int64_t>> samples = it->second.samples;
  std::rotate(samples.begin(), samples.begin() + static_cast<std::ptrdiff_t>(it->second.next),
              samples.end());
  return samples;
}

size_t LatencyMonitor::Reset(std::span<const Bytes> events) {
  const std::lock_guard lock(mutex_);
  if (events.empty()) {
    const size_t count = series_.size();
    series_.clear();
    return count;
  }
  size_t count = 0;
  for (const Bytes event : events) {
    const auto it = series_.find(event);
    if (it == series_.end()) continue;
    series_.erase(it);
    ++count;
  }
  return count;
}

}  // namespace mantis::server
