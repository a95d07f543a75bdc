#include "engine/value/sorted_set.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "engine/value/sorted_set_algebra.h"

namespace mantis {
namespace {

using Added = SortedSet::Added;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

ValueLimits Limits(size_t entries, size_t value) {
  ValueLimits limits;
  limits.zset_max_listpack_entries = entries;
  limits.zset_max_listpack_value = value;
  return limits;
}

std::string Text(const SortedSet& set, SortedSet::RankRange range, bool reverse = false) {
  std::string text;
  set.ForEach(range, reverse, [&](Bytes member, double score) {
    text.append(text.empty() ? "" : " ").append(member);
    text.append("=").append(std::to_string(score).substr(0, 4));
  });
  return text;
}

std::unique_ptr<SortedSet> Make(std::vector<SortedSet::Pair> pairs,
                                const ValueLimits& limits = {}) {
  return SortedSet::FromPairs(pairs, limits);
}

// Everything below holds of both forms.
class SortedSetForms : public testing::TestWithParam<bool> {
 protected:
  ValueLimits limits() const { return GetParam() ? Limits(0, 0) : Limits(100, 100); }
  std::unique_ptr<SortedSet> Letters() const {
    return Make({{"b", 2}, {"a", 1}, {"d", 3}, {"c", 3}}, limits());
  }
};
INSTANTIATE_TEST_SUITE_P(, SortedSetForms, testing::Bool(),
                         [](const auto& form) { return form.param ? "Big" : "Compact"; });

TEST_P(SortedSetForms, EncodingNames) {
  EXPECT_EQ(Letters()->encoding(), GetParam() ? "skiplist" : "listpack");
  EXPECT_EQ(Letters()->listpack() == nullptr, GetParam());
}

TEST_P(SortedSetForms, OrdersByScoreThenMember) {
  const auto set = Letters();
  EXPECT_EQ(Text(*set, set->All()), "a=1.00 b=2.00 c=3.00 d=3.00");
  EXPECT_EQ(Text(*set, {1, 2}, true), "c=3.00 b=2.00");
  EXPECT_EQ(Text(*set, {3, 5}), "d=3.00");
  EXPECT_EQ(Text(*set, {4, 1}), "");
  EXPECT_EQ(Text(*set, {0, 0}), "");
}

TEST_P(SortedSetForms, MovesAMemberWithItsScore) {
  const auto set = Letters();
  EXPECT_EQ(set->Add(5, "a", SortedSet::kAlways, limits()).what, Added::kUpdated);
  EXPECT_EQ(set->Add(5, "a", SortedSet::kAlways, limits()).what, Added::kSame);
  EXPECT_EQ(set->Rank("a")->rank, 3u);
  EXPECT_EQ(set->Rank("b")->rank, 0u);
  EXPECT_EQ(set->Problem(), "");
}

TEST_P(SortedSetForms, IncrementsThatGiveNoNumberChangeNothing) {
  const auto set = Make({{"a", kInfinity}}, limits());
  const auto result = set->Add(-kInfinity, "a", SortedSet::kIncrement, limits());
  EXPECT_EQ(result.what, Added::kNaN);
  EXPECT_EQ(set->Score("a"), kInfinity);
}

TEST_P(SortedSetForms, KeepsEveryScoreExactly) {
  std::vector<double> scores = {0.1,
                                1.0 / 3,
                                -2.5e-300,
                                1e308,
                                5e-324,
                                kInfinity,
                                -kInfinity,
                                9007199254740993.0,
                                4611686018427387904.0,
                                4611686018427387904.0 * 1.5,
                                -4611686018427387904.0,
                                1e17,
                                127,
                                -1};
  SortedSet set;
  for (const double s : scores) {
    set.Add(s, std::to_string(s) + "x", SortedSet::kAlways, limits());
  }
  EXPECT_EQ(set.Problem(), "");
  size_t found = 0;
  set.ForEach([&](Bytes, double score) {
    found += static_cast<size_t>(std::count(scores.begin(), scores.end(), score));
  });
  EXPECT_EQ(found, scores.size());
}

TEST_P(SortedSetForms, ScoreRangesWithOpenAndClosedEnds) {
  const auto set = Letters();
  const auto text = [&](ScoreRange r) { return Text(*set, set->Range(r)); };
  EXPECT_EQ(text({1, 3}), "a=1.00 b=2.00 c=3.00 d=3.00");
  EXPECT_EQ(text({1, 3, true, true}), "b=2.00");
  EXPECT_EQ(text({-kInfinity, 2, false, true}), "a=1.00");
  EXPECT_EQ(text({2.5, kInfinity}), "c=3.00 d=3.00");
  EXPECT_EQ(text({3, 1}), "");
  EXPECT_EQ(text({2, 2, true, false}), "");
}

TEST_P(SortedSetForms, LexRangesWithOpenAndClosedEnds) {
  const auto set = Make({{"a", 0}, {"b", 0}, {"bb", 0}, {"10", 0}}, limits());
  using Kind = LexBound::Kind;
  const auto count = [&](LexBound min, LexBound max) { return set->Range({min, max}).count; };
  const LexBound least{Kind::kLeast};
  const LexBound greatest{Kind::kGreatest};
  EXPECT_EQ(count(least, greatest), 4u);
  EXPECT_EQ(count(greatest, least), 0u);
  EXPECT_EQ(count({Kind::kInclusive, "a"}, {Kind::kInclusive, "b"}), 2u);
  EXPECT_EQ(count({Kind::kExclusive, "a"}, {Kind::kExclusive, "bb"}), 1u);
  EXPECT_EQ(count({Kind::kInclusive, ""}, {Kind::kExclusive, "a"}), 1u);
  EXPECT_EQ(count({Kind::kExclusive, "b"}, {Kind::kInclusive, "b"}), 0u);
}

TEST_P(SortedSetForms, RandomGivesEveryMemberItsChance) {
  const auto set = Letters();
  uint64_t state = 42;
  std::map<std::string, int> drawn;
  for (int i = 0; i < 4000; ++i) {
    set->Random([&] { return NextRandom(state); },
                [&](Bytes member, double) { ++drawn[std::string(member)]; });
  }
  ASSERT_EQ(drawn.size(), 4u);
  for (const auto& [member, times] : drawn) EXPECT_NEAR(times, 1000, 200) << member;
}

TEST_P(SortedSetForms, CloneIsIndependent) {
  const auto set = Letters();
  const auto copy = set->Clone();
  set->Remove("a");
  EXPECT_EQ(set->size(), 3u);
  EXPECT_EQ(copy->size(), 4u);
  EXPECT_EQ(static_cast<SortedSet&>(*copy).Problem(), "");
}

TEST_P(SortedSetForms, CountsItsMemory) {
  const int64_t before = memory::UsedBytes();
  const auto set = std::make_unique<SortedSet>();
  for (int i = 0; i < 50; ++i) {
    set->Add(i, "member " + std::to_string(i), SortedSet::kAlways, limits());
  }
  const auto spent = static_cast<size_t>(memory::UsedBytes() - before);
  EXPECT_GT(set->bytes(0), spent * 9 / 10);
  EXPECT_LT(set->bytes(0), spent * 11 / 10);
}

TEST(SortedSet, GrowsOutOfTheCompactForm) {
  const ValueLimits limits = Limits(3, 5);
  SortedSet set;
  for (const char* member : {"a", "b", "c"}) set.Add(1, member, SortedSet::kAlways, limits);
  EXPECT_EQ(set.encoding(), "listpack");
  set.Add(9, "a", SortedSet::kAlways, limits);
  EXPECT_EQ(set.encoding(), "listpack");
  EXPECT_EQ(set.Add(7, "d", SortedSet::kOnlyPresent, limits).what, Added::kSkipped);
  EXPECT_EQ(set.encoding(), "listpack");
  set.Add(0, "d", SortedSet::kAlways, limits);
  EXPECT_EQ(set.encoding(), "skiplist");
  EXPECT_EQ(Text(set, set.All()), "d=0.00 b=1.00 c=1.00 a=9.00");
  EXPECT_EQ(Make({{"12345", 1}}, limits)->encoding(), "listpack");
  EXPECT_EQ(Make({{"123456", 1}}, limits)->encoding(), "skiplist");
}

TEST(SortedSet, WholeScoresAreIntegersInTheListpack) {
  const auto set = Make({{"a", 5}, {"b", 5.5}, {"10", 1e15}, {"c", -0.0}});
  const auto pack = set->listpack();
  std::vector<std::string> shown;
  char digits[24];
  for (auto at = pack->First(); at != Listpack::kEnd; at = pack->Next(at)) {
    const auto item = pack->Get(at);
    shown.push_back((item.is_integer ? "#" : "") + std::string(item.View(digits)));
  }
  EXPECT_EQ(shown, (std::vector<std::string>{"c", "#0", "a", "#5", "b", "5.5", "#10",
                                             "#1000000000000000"}));
}

std::unique_ptr<SortedSet> FromTexts(const std::vector<std::string>& texts) {
  Listpack pack;
  for (const std::string& t : texts) pack.Append(t);
  return SortedSet::FromListpack(std::move(pack), {});
}

TEST(SortedSet, TakesOverOnlySoundListpacks) {
  EXPECT_NE(FromTexts({"a", "1", "b", "1", "c", "1.5", "d", "inf"}), nullptr);
  EXPECT_NE(FromTexts({"a", "1.1000000000000001"}), nullptr);
  EXPECT_NE(FromTexts({}), nullptr);
  EXPECT_EQ(FromTexts({"a"}), nullptr);
  EXPECT_EQ(FromTexts({"a", "x"}), nullptr);
  EXPECT_EQ(FromTexts({"a", ""}), nullptr);
  EXPECT_EQ(FromTexts({"a", "nan"}), nullptr);
  EXPECT_EQ(FromTexts({"a", "2", "b", "1"}), nullptr);
  EXPECT_EQ(FromTexts({"b", "1", "a", "1"}), nullptr);
  EXPECT_EQ(FromTexts({"a", "1", "a", "1"}), nullptr);
  EXPECT_EQ(FromTexts({"a", "1", "b", "2", "a", "3"}), nullptr);
  EXPECT_EQ(FromTexts({"1", "1", "01", "2", "1", "3"}), nullptr);
}

TEST(SortedSet, AListpackOverTheLimitsBecomesBig) {
  Listpack pack;
  for (const char* text : {"a", "1", "b", "2"}) pack.Append(Bytes(text));
  const auto set = SortedSet::FromListpack(std::move(pack), Limits(1, 64));
  EXPECT_EQ(set->encoding(), "skiplist");
  EXPECT_EQ(set->Problem(), "");
}

// --- Algebra ---

std::string Sorted(ScoredResult result) {
  std::sort(result.pairs.begin(), result.pairs.end(), SortedSet::Before);
  std::string text;
  for (const auto& [member, score] : result.pairs) {
    text.append(text.empty() ? "" : " ").append(member);
    text.append("=").append(std::isinf(score) ? "inf" : std::to_string(score).substr(0, 4));
  }
  return text;
}

class SortedSetAlgebra : public testing::Test {
 protected:
  std::string United(Aggregate aggregate = Aggregate::kSum) {
    ScoredResult result;
    Unite(sources_, aggregate, &result);
    return Sorted(std::move(result));
  }
  std::string Common(Aggregate aggregate = Aggregate::kSum, size_t most = 100) {
    ScoredResult result;
    Intersect(sources_, aggregate, most, &result);
    return Sorted(std::move(result));
  }
  std::string Rest() {
    ScoredResult result;
    Subtract(sources_, &result);
    return Sorted(std::move(result));
  }

  std::unique_ptr<SortedSet> x_ = Make({{"a", 1}, {"b", 2}, {"7", 3}});
  std::unique_ptr<SortedSet> y_ = Make({{"b", 10}, {"7", 20}, {"c", 30}}, Limits(0, 0));
  std::vector<ScoredSource> sources_ = {{x_.get(), nullptr, 1}, {y_.get(), nullptr, 1}};
};

TEST_F(SortedSetAlgebra, AggregatesScores) {
  EXPECT_EQ(United(), "a=1.00 b=12.0 7=23.0 c=30.0");
  EXPECT_EQ(United(Aggregate::kMin), "a=1.00 b=2.00 7=3.00 c=30.0");
  EXPECT_EQ(Common(Aggregate::kMax), "b=10.0 7=20.0");
  EXPECT_EQ(Rest(), "a=1.00");
}

TEST_F(SortedSetAlgebra, Weighs) {
  sources_[0].weight = 10;
  sources_[1].weight = 0.5;
  EXPECT_EQ(Common(), "b=25.0 7=40.0");
  EXPECT_EQ(Rest(), "a=1.00");
}

TEST_F(SortedSetAlgebra, SetsCountOneEach) {
  Set plain;
  plain.Add(Bytes("7"), {});
  sources_.push_back({nullptr, &plain, 100});
  EXPECT_EQ(Common(), "7=123.");
  EXPECT_EQ(United(), "a=1.00 b=12.0 c=30.0 7=123.");
}

TEST_F(SortedSetAlgebra, StopsAtTheLimit) {
  ScoredResult result;
  Intersect(sources_, Aggregate::kSum, 1, &result);
  EXPECT_EQ(result.pairs.size(), 1u);
  EXPECT_EQ(Common(Aggregate::kSum, 0), "");
}

TEST_F(SortedSetAlgebra, AbsentSourcesAreEmpty) {
  sources_.push_back({});
  EXPECT_EQ(Common(), "");
  EXPECT_EQ(United(), "a=1.00 b=12.0 7=23.0 c=30.0");
  EXPECT_EQ(Rest(), "a=1.00");
  sources_ = {{}};
  EXPECT_EQ(Rest(), "");
}

TEST_F(SortedSetAlgebra, WhatIsNoNumberCountsAsZero) {
  const auto up = Make({{"a", kInfinity}});
  const auto down = Make({{"a", -kInfinity}});
  sources_ = {{up.get(), nullptr, 1}, {down.get(), nullptr, 1}};
  EXPECT_EQ(United(), "a=0.00");
  EXPECT_EQ(Common(), "a=0.00");
  sources_[0].weight = 0;
  EXPECT_EQ(United(Aggregate::kMax), "a=0.00");
}

}  // namespace
}  // namespace mantis
