// Histograms of command durations summed over cores, and LATENCY's graph and findings.
//
// Thread safety: reads atomics and the latency monitor; any thread.
// Units: nanoseconds in histograms, microseconds and milliseconds where the name says so.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "server/core/core_stats.h"

namespace mantis::server {

struct SharedState;
class LatencyMonitor;

struct HistogramSum {
  std::vector<int64_t> counts;  // per bucket; empty if nothing was recorded
  int64_t total = 0;
};

// Of the command with this id, over all cores.
HistogramSum SumHistograms(const SharedState& shared, size_t command_id);

// The duration that `percent` of the calls did not exceed, in microseconds.
double PercentileUs(const HistogramSum& sum, double percent);

// Pairs of microseconds and how many calls took at most that, at powers of two from about 1 µs,
// without those at which the count did not grow.
std::vector<std::pair<int64_t, int64_t>> CumulativeByPowers(const HistogramSum& sum);

// `samples` (second, ms), oldest first, at least one.
std::string DrawLatencyGraph(std::string_view event,
                             std::span<const std::pair<int64_t, int64_t>> samples,
                             int64_t now_seconds);

std::string DiagnoseLatency(const LatencyMonitor& monitor, int64_t threshold_ms);

}  // namespace mantis::server
