#include "server/info/latency_report.h"

#include <algorithm>
#include <cmath>

#include "server/core/core_context.h"
#include "server/core/shared_state.h"

namespace mantis::server {
namespace {

constexpr size_t kGraphColumns = 80;
constexpr int64_t kGraphRows = 4;
constexpr uint64_t kFirstStepNs = 1024;

// "5s", "3m", "2h", "9d": two characters where possible, to be read downwards under a column.
std::string Age(int64_t seconds) {
  if (seconds < 60) return std::to_string(seconds) + "s";
  if (seconds < 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 86400) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86400) + "d";
}

}  // namespace

HistogramSum SumHistograms(const SharedState& shared, size_t command_id) {
  HistogramSum sum;
  for (CoreContext* const core : shared.counted) {
    // Acquire: pairs with the release that published the histogram.
    const LatencyHistogram* h =
        core->stats.per_command[command_id].histogram.load(std::memory_order_acquire);
    if (h == nullptr) continue;
    sum.counts.resize(LatencyHistogram::kBuckets);
    for (size_t i = 0; i < LatencyHistogram::kBuckets; ++i) {
      const int64_t n = h->count(i);
      sum.counts[i] += n;
      sum.total += n;
    }
  }
  return sum;
}

double PercentileUs(const HistogramSum& sum, double percent) {
  if (sum.total == 0) return 0;
  const double share = std::clamp(percent, 0.0, 100.0) / 100.0;
  const auto wanted =
      std::max<int64_t>(1, static_cast<int64_t>(std::ceil(share * static_cast<double>(sum.total))));
  int64_t seen = 0;
  for (size_t i = 0; i < sum.counts.size(); ++i) {
    seen += sum.counts[i];
    if (seen >= wanted) return static_cast<double>(LatencyHistogram::UpperBound(i)) / 1000.0;
  }
  return 0;
}

std::vector<std::pair<int64_t, int64_t>> CumulativeByPowers(const HistogramSum& sum) {
  std::vector<std::pair<int64_t, int64_t>> steps;
  int64_t seen = 0;
  size_t bucket = 0;
  for (uint64_t step = kFirstStepNs; seen < sum.total; step *= 2) {
    const int64_t before = seen;
    while (bucket < sum.counts.size() && LatencyHistogram::UpperBound(bucket) < step) {
      seen += sum.counts[bucket++];
    }
    if (seen == before) continue;
    // Redis names a step by the highest value of its own bucket there: 1, 2, …, 16, 33, 66.
    steps.emplace_back(static_cast<int64_t>((step + step / 128 - 1) / 1000), seen);
  }
  return steps;
}

std::string DrawLatencyGraph(std::string_view event,
                             std::span<const std::pair<int64_t, int64_t>> samples,
                             int64_t now_seconds) {
  if (samples.size() > kGraphColumns) samples = samples.last(kGraphColumns);
  const auto by_ms = [](const auto& a, const auto& b) { return a.second < b.second; };
  const auto [low, high] = std::minmax_element(samples.begin(), samples.end(), by_ms);
  std::string text(event);
  text += " - high " + std::to_string(high->second) + " ms, low " + std::to_string(low->second) +
          " ms\n" + std::string(kGraphColumns, '-') + "\n";
  for (int64_t row = kGraphRows; row > 0; --row) {
    for (const auto& [second, ms] : samples) {
      const int64_t height =
          std::max<int64_t>(1, ms * kGraphRows / std::max<int64_t>(1, high->second));
      text += height > row ? '|' : (height == row ? '#' : ' ');
    }
    text += '\n';
  }
  text += '\n';
  std::vector<std::string> ages;
  size_t depth = 0;
  for (const auto& [second, ms] : samples) {
    ages.push_back(Age(std::max<int64_t>(0, now_seconds - second)));
    depth = std::max(depth, ages.back().size());
  }
  for (size_t row = 0; row < depth; ++row) {
    for (const std::string& age : ages) text += row < age.size() ? age[row] : ' ';
    text += '\n';
  }
  return text;
}

std::string DiagnoseLatency(const LatencyMonitor& monitor, int64_t threshold_ms) {
  if (threshold_ms == 0) {
    return "The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> makes "
           "it record events that take at least so long.\n";
  }
  const auto all = monitor.LatestAll();
  if (all.empty()) {
    return "No event took " + std::to_string(threshold_ms) + " ms or longer.\n";
  }
  std::string text = "Events of " + std::to_string(threshold_ms) + " ms or longer:\n\n";
  for (const auto& latest : all) {
    const auto samples = monitor.History(latest.event);
    int64_t sum = 0;
    for (const auto& [second, ms] : samples) sum += ms;
    const auto count = std::max<int64_t>(1, static_cast<int64_t>(samples.size()));
    text += " * " + latest.event + ": " + std::to_string(samples.size()) + " samples, " +
            std::to_string(sum / count) + " ms on average, " + std::to_string(latest.max_ms) +
            " ms at most.\n";
  }
  text +=
      "\nSLOWLOG GET shows which commands took long. Commands over many keys (KEYS, FLUSHALL, "
      "large MSET or MGET) are the usual cause; KSCAN and SCAN do the same in small steps.\n";
  return text;
}

}  // namespace mantis::server
