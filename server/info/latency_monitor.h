// LATENCY: spikes of named events (command, fast-command, expire-cycle, eviction-cycle…), 160
// samples each, at most one per second and event, as Redis keeps them.
//
// Thread safety: all methods from any thread; one mutex, taken only by events over the threshold
// and readers.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "engine/base/bytes.h"

namespace mantis::server {

class LatencyMonitor {
 public:
  struct Latest {
    std::string event;
    int64_t unix_seconds;
    int64_t latest_ms;
    int64_t max_ms;
  };

  // The caller has compared `ms` with latency-monitor-threshold.
  void Add(std::string_view event, int64_t unix_seconds, int64_t ms);
  std::vector<Latest> LatestAll() const;
  std::vector<std::pair<int64_t, int64_t>> History(std::string_view event) const;
  // Forgets the named events, all if none are named; returns how many were there.
  size_t Reset(std::span<const Bytes> events);

 private:
  static constexpr size_t kSamples = 160;
  struct Series {
    std::vector<std::pair<int64_t, int64_t>> samples;  // ring of (second, ms)
    size_t next = 0;
    int64_t max_ms = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::string, Series, std::less<>> series_;
};

}  // namespace mantis::server
