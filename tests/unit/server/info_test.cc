#include "server/info/info.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <string>
#include <vector>

#include "server/info/info_text.h"
#include "server/info/latency_monitor.h"
#include "server/info/slow_log.h"

namespace mantis::server {
namespace {

InfoSections Choose(std::vector<Bytes> names) { return ChooseSections(names); }

TEST(InfoSections, NoneMeansDefaultAndAllAddsTheStatisticsPerCommand) {
  EXPECT_EQ(Choose({}), Choose({"default"}));
  EXPECT_EQ(Choose({"all"}), Choose({"EVERYTHING"}));
  const InfoSections extra = Choose({"all"}) & ~Choose({});
  EXPECT_EQ(extra, Choose({"commandstats", "latencystats"}));
}

TEST(InfoSections, NamesCombineWhateverTheirCaseAndUnknownOnesAreIgnored) {
  EXPECT_EQ(Choose({"SERVER", "clients"}), Choose({"server"}) | Choose({"Clients"}));
  EXPECT_EQ(std::popcount(Choose({"server", "nosuch", "server"})), 1);
  EXPECT_EQ(Choose({"nosuch"}), 0u);
  EXPECT_EQ(Choose({"module_list"}), Choose({"modules"}));
  EXPECT_EQ(Choose({"default", "commandstats"}), Choose({}) | Choose({"commandstats"}));
}

TEST(InfoText, SectionsArePartedAndFieldsEndInCrlf) {
  InfoText text;
  text.Section("One");
  text.Field("a", 1);
  text.Section("Two");
  text.Fixed("b", 2.5, 2, "%");
  text.Zeros({"c"});
  EXPECT_EQ(text.Take(), "# One\r\na:1\r\n\r\n# Two\r\nb:2.50%\r\nc:0\r\n");
}

TEST(InfoText, SizesForPeople) {
  EXPECT_EQ(HumanBytes(0), "0B");
  EXPECT_EQ(HumanBytes(1023), "1023B");
  EXPECT_EQ(HumanBytes(1024), "1.00K");
  EXPECT_EQ(HumanBytes(1536 * 1024), "1.50M");
  EXPECT_EQ(HumanBytes(int64_t{3} << 30), "3.00G");
}

TEST(SlowLog, KeepsTheNewestAndForgetsBeyondItsLength) {
  SlowLog log;
  const std::array<Bytes, 2> args{"GET", "k"};
  for (int i = 0; i < 5; ++i) log.Add(100 + i, 10 * i, args, "addr", "name", 3);
  EXPECT_EQ(log.size(), 3u);
  const auto latest = log.Latest(2);
  ASSERT_EQ(latest.size(), 2u);
  EXPECT_EQ(latest[0].id, 4);
  EXPECT_EQ(latest[1].id, 3);
  EXPECT_EQ(log.Latest(-1).size(), 3u);
  log.Reset();
  EXPECT_EQ(log.size(), 0u);
  log.Add(1, 1, args, "addr", "name", 3);
  EXPECT_EQ(log.Latest(-1)[0].id, 5) << "ids go on after a reset";
}

TEST(SlowLog, ShortensManyAndLongArguments) {
  SlowLog log;
  const std::string long_arg(200, 'x');
  std::vector<Bytes> args(32, "a");
  args[1] = long_arg;
  log.Add(1, 1, args, "", "", 10);
  auto item = log.Latest(1)[0];
  ASSERT_EQ(item.args.size(), 32u);
  EXPECT_EQ(item.args[1], std::string(128, 'x') + "... (72 more bytes)");
  EXPECT_EQ(item.args[31], "a");
  args.resize(50, "a");
  log.Add(1, 1, args, "", "", 10);
  item = log.Latest(1)[0];
  ASSERT_EQ(item.args.size(), 32u);
  EXPECT_EQ(item.args[31], "... (19 more arguments)");
}

TEST(LatencyMonitor, OneSampleASecondTheWorstOfIt) {
  LatencyMonitor monitor;
  monitor.Add("command", 10, 5);
  monitor.Add("command", 10, 7);
  monitor.Add("command", 10, 6);
  monitor.Add("command", 12, 3);
  const std::vector<std::pair<int64_t, int64_t>> wanted{{10, 7}, {12, 3}};
  EXPECT_EQ(monitor.History("command"), wanted);
  EXPECT_TRUE(monitor.History("nosuch").empty());
  const auto all = monitor.LatestAll();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].unix_seconds, 12);
  EXPECT_EQ(all[0].latest_ms, 3);
  EXPECT_EQ(all[0].max_ms, 7);
}

TEST(LatencyMonitor, KeepsTheLast160SamplesInOrder) {
  LatencyMonitor monitor;
  for (int64_t i = 0; i < 400; ++i) monitor.Add("e", i, i);
  const auto history = monitor.History("e");
  ASSERT_EQ(history.size(), 160u);
  for (size_t i = 0; i < history.size(); ++i) {
    EXPECT_EQ(history[i].first, static_cast<int64_t>(240 + i));
  }
  monitor.Add("e", 399, 1000);  // still the same second
  EXPECT_EQ(monitor.History("e").back().second, 1000);
}

TEST(LatencyMonitor, ResetForgetsWhatIsNamedOrAll) {
  LatencyMonitor monitor;
  monitor.Add("a", 1, 1);
  monitor.Add("b", 1, 1);
  monitor.Add("c", 1, 1);
  const std::array<Bytes, 2> names{"a", "nosuch"};
  EXPECT_EQ(monitor.Reset(names), 1u);
  EXPECT_EQ(monitor.Reset({}), 2u);
  EXPECT_TRUE(monitor.LatestAll().empty());
}

}  // namespace
}  // namespace mantis::server
