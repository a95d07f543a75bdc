#include "server/core/core_stats.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <random>

#include "server/info/latency_report.h"

namespace mantis::server {
namespace {

TEST(LatencyHistogram, EveryValueFallsIntoTheBucketThatEndsAtOrAfterIt) {
  std::mt19937_64 random(20240719);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t ns = random() >> (24 + random() % 40);  // all magnitudes below 2^40
    const size_t bucket = LatencyHistogram::BucketOf(ns);
    ASSERT_LT(bucket, LatencyHistogram::kBuckets);
    ASSERT_LE(ns, LatencyHistogram::UpperBound(bucket)) << ns;
    if (bucket > 0) {
      ASSERT_GT(ns, LatencyHistogram::UpperBound(bucket - 1)) << ns;
    }
    ASSERT_LE(static_cast<double>(LatencyHistogram::UpperBound(bucket)),
              static_cast<double>(ns) * 1.0625 + 1);
  }
}

TEST(LatencyHistogram, ValuesBeyondTheEndStayInTheLastBucket) {
  EXPECT_EQ(LatencyHistogram::BucketOf(UINT64_MAX), LatencyHistogram::kBuckets - 1);
  EXPECT_EQ(LatencyHistogram::BucketOf((uint64_t{1} << 40) - 1), LatencyHistogram::kBuckets - 1);
}

HistogramSum SumOf(std::initializer_list<uint64_t> values) {
  HistogramSum sum;
  sum.counts.resize(LatencyHistogram::kBuckets);
  for (const uint64_t ns : values) {
    ++sum.counts[LatencyHistogram::BucketOf(ns)];
    ++sum.total;
  }
  return sum;
}

TEST(LatencyReport, PercentilesOfKnownValues) {
  const HistogramSum sum = SumOf({1000, 1000, 1000, 100000});
  EXPECT_NEAR(PercentileUs(sum, 50), 1.0, 0.07);
  EXPECT_NEAR(PercentileUs(sum, 75), 1.0, 0.07);
  EXPECT_NEAR(PercentileUs(sum, 99), 100.0, 6.5);
  EXPECT_NEAR(PercentileUs(sum, 100), 100.0, 6.5);
  EXPECT_EQ(PercentileUs(HistogramSum{}, 50), 0);
}

TEST(LatencyReport, CumulativeStepsGrowToTheTotal) {
  const auto steps = CumulativeByPowers(SumOf({500, 3000, 3100, 40000}));
  const std::vector<std::pair<int64_t, int64_t>> wanted{{1, 1}, {4, 3}, {66, 4}};
  EXPECT_EQ(steps, wanted);
  EXPECT_TRUE(CumulativeByPowers(HistogramSum{}).empty());
}

TEST(LatencyReport, GraphNamesTheExtremesAndDrawsOneColumnASample) {
  const std::vector<std::pair<int64_t, int64_t>> samples{{100, 10}, {101, 40}};
  const std::string graph = DrawLatencyGraph("command", samples, 105);
  EXPECT_TRUE(graph.starts_with("command - high 40 ms, low 10 ms\n"));
  EXPECT_NE(graph.find("\n #\n |\n |\n#|\n"), std::string::npos) << graph;
  EXPECT_NE(graph.find("54\nss\n"), std::string::npos) << graph;
}

TEST(RateMeter, AveragesTheLastSamplesAndSurvivesAReset) {
  RateMeter meter;
  meter.Sample(1000000, 0);
  EXPECT_EQ(meter.per_second(), 0);
  for (int i = 1; i <= 16; ++i) meter.Sample(1000000 + i * 100000, i * 50);
  EXPECT_NEAR(meter.per_second(), 500, 0.001);
  // The total starts again from zero: the rate does not go below it.
  meter.Sample(2700000, 50);
  EXPECT_NEAR(meter.per_second(), 500, 0.001);
  meter.Reset();
  EXPECT_EQ(meter.per_second(), 0);
}

TEST(CoreStats, ResetClearsWhatConfigResetstatClears) {
  CoreStats stats(2);
  stats.commands_processed.Add(3);
  stats.per_command[1].calls.Add(2);
  stats.per_command[1].histogram.store(new LatencyHistogram);
  stats.per_command[1].histogram.load()->Record(1000);
  stats.errors.emplace("ERR", 4);
  stats.Reset();
  EXPECT_EQ(stats.commands_processed.Get(), 0);
  EXPECT_EQ(stats.per_command[1].calls.Get(), 0);
  EXPECT_EQ(stats.per_command[1].histogram.load()->count(LatencyHistogram::BucketOf(1000)), 0);
  EXPECT_TRUE(stats.errors.empty());
}

}  // namespace
}  // namespace mantis::server
