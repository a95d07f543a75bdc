// Set: which form it has when, conversions, random members, construction from foreign parts.
#include "engine/value/set.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

std::string TextOf(const Set::Member& m) {
  std::array<char, 24> digits;
  return std::string(m.View(digits));
}
std::set<std::string> Members(const Set& set) {
  std::set<std::string> members;
  set.ForEach([&members](const Set::Member& m) { members.insert(TextOf(m)); });
  EXPECT_EQ(members.size(), set.size());
  return members;
}
std::unique_ptr<Set> Of(const std::vector<std::string>& members, const ValueLimits& limits = {}) {
  auto set = std::make_unique<Set>();
  for (const std::string& m : members) EXPECT_TRUE(set->Add(m, limits)) << m;
  return set;
}
std::vector<std::string> Numbers(int from, int to, const std::string& prefix = "") {
  std::vector<std::string> texts;
  for (int i = from; i < to; ++i) texts.push_back(prefix + std::to_string(i));
  return texts;
}
// One set of each form, with ten members or more.
std::vector<std::unique_ptr<Set>> OneOfEachForm() {
  std::vector<std::unique_ptr<Set>> sets;
  sets.push_back(Of(Numbers(0, 40)));
  sets.push_back(Of(Numbers(0, 40, "m")));
  sets.push_back(Of(Numbers(0, 1000, "m")));
  EXPECT_EQ(sets[0]->encoding(), "intset");
  EXPECT_EQ(sets[1]->encoding(), "listpack");
  EXPECT_EQ(sets[2]->encoding(), "hashtable");
  return sets;
}

TEST(SetTest, IntegersUpToTheirLimit) {
  const ValueLimits limits{.set_max_intset_entries = 4};
  const auto set = Of({"1", "-5", "9223372036854775807", "4"}, limits);
  EXPECT_EQ(set->encoding(), "intset");
  EXPECT_FALSE(set->Add("4", limits));
  EXPECT_EQ(set->encoding(), "intset");
  EXPECT_TRUE(set->Add("7", limits));
  EXPECT_EQ(set->encoding(), "hashtable");
  EXPECT_EQ(Members(*set), (std::set<std::string>{"1", "-5", "9223372036854775807", "4", "7"}));
}

TEST(SetTest, OnlyCanonicalNumbersAreIntegers) {
  for (const char* text : {"01", "+1", "-0", " 1", "1 ", "1.0", "9223372036854775808", "", "1e3"}) {
    const auto set = Of({"1", text});
    EXPECT_EQ(set->encoding(), "listpack") << text;
    EXPECT_TRUE(set->Contains(Bytes("1")));
    EXPECT_TRUE(set->Contains(Bytes(text)));
    EXPECT_EQ(set->size(), 2u);
  }
}

TEST(SetTest, TextsUpToTheirLimits) {
  const ValueLimits limits{.set_max_listpack_entries = 3, .set_max_listpack_value = 5};
  auto set = Of({"a", "bcdef", "1"}, limits);
  EXPECT_EQ(set->encoding(), "listpack");
  EXPECT_FALSE(set->Add("a", limits));
  EXPECT_TRUE(set->Add("d", limits));
  EXPECT_EQ(set->encoding(), "hashtable");
  EXPECT_EQ(Members(*set), (std::set<std::string>{"a", "bcdef", "1", "d"}));
  set = Of({"a", "123456"}, limits);
  EXPECT_EQ(set->encoding(), "hashtable");
  set = Of({"123456", "a"}, limits);
  EXPECT_EQ(set->encoding(), "hashtable") << "a number that is too long as a text";
  set = Of({"12345", "-1234", "a"}, limits);
  EXPECT_EQ(set->encoding(), "listpack");
}

TEST(SetTest, WithoutListpacksTextsMakeATable) {
  const ValueLimits limits{.set_max_listpack_entries = 0};
  EXPECT_EQ(Of({"a"}, limits)->encoding(), "hashtable");
  EXPECT_EQ(Of({"1"}, limits)->encoding(), "intset");
  EXPECT_EQ(Of({"1", "a"}, limits)->encoding(), "hashtable");
}

TEST(SetTest, ManyMembersExpectedMakeATableAtOnce) {
  const ValueLimits limits{.set_max_intset_entries = 4, .set_max_listpack_entries = 8};
  const auto expecting = [&](size_t count, Bytes first, std::vector<std::string> before) {
    auto set = Of(before, limits);
    set->Expect(count, first, limits);
    set->Add(first, limits);
    return std::string(set->encoding());
  };
  EXPECT_EQ(expecting(4, "1", {}), "intset");
  EXPECT_EQ(expecting(5, "1", {}), "listpack");
  EXPECT_EQ(expecting(9, "1", {}), "hashtable");
  EXPECT_EQ(expecting(8, "a", {}), "listpack");
  EXPECT_EQ(expecting(9, "a", {}), "hashtable");
  EXPECT_EQ(expecting(4, "1", {"2"}), "intset");
  EXPECT_EQ(expecting(5, "1", {"2"}), "hashtable");
  EXPECT_EQ(expecting(8, "1", {"a"}), "listpack");
  EXPECT_EQ(expecting(9, "1", {"a"}), "hashtable");
}

TEST(SetTest, EveryFormFindsAndErases) {
  for (const auto& set : OneOfEachForm()) {
    const std::set<std::string> before = Members(*set);
    EXPECT_FALSE(set->Contains(Bytes("nothing")));
    EXPECT_FALSE(set->Contains(Bytes("100000")));
    EXPECT_FALSE(set->Erase("nothing"));
    EXPECT_FALSE(set->Erase("100000"));
    for (const std::string& m : before) {
      EXPECT_TRUE(set->Contains(Bytes(m)));
      EXPECT_TRUE(set->Erase(m));
      EXPECT_FALSE(set->Contains(Bytes(m)));
    }
    EXPECT_EQ(set->size(), 0u);
  }
}

TEST(SetTest, MembersOfAnyLength) {
  auto set = std::make_unique<Set>();
  const ValueLimits limits{};
  std::vector<std::string> texts;
  for (const size_t n : {0u, 1u, 64u, 65u, 253u, 254u, 255u, 256u, 70'000u}) {
    texts.push_back(std::string(n, 'x'));
    EXPECT_TRUE(set->Add(texts.back(), limits));
    EXPECT_FALSE(set->Add(texts.back(), limits));
  }
  EXPECT_EQ(set->encoding(), "hashtable");
  EXPECT_EQ(Members(*set), std::set<std::string>(texts.begin(), texts.end()));
}

TEST(SetTest, CloneIsApartAndOfTheSameForm) {
  for (const auto& set : OneOfEachForm()) {
    const std::unique_ptr<Object> copied = set->Clone();
    auto& copy = static_cast<Set&>(*copied);
    EXPECT_EQ(copy.encoding(), set->encoding());
    EXPECT_EQ(Members(copy), Members(*set));
    uint64_t random = 7;
    set->Pop(random, [](const Set::Member&) {});
    EXPECT_EQ(copy.size(), set->size() + 1);
  }
}

TEST(SetTest, DrawIsEven) {
  uint64_t random = test::TestSeed() | 1;
  for (const auto& set : OneOfEachForm()) {
    std::map<std::string, size_t> seen;
    const size_t draws = 300 * set->size();
    set->Draw(draws / 2, random, [&](const Set::Member& m) { ++seen[TextOf(m)]; });
    for (size_t i = 0; i < draws / 2; ++i) ++seen[TextOf(set->Random(random))];
    ASSERT_EQ(seen.size(), set->size());
    for (const auto& [text, count] : seen) {
      // 300 are expected, and the deviation is 17.
      EXPECT_GT(count, 180u) << text;
      EXPECT_LT(count, 430u) << text;
    }
  }
}

TEST(SetTest, SampleGivesDifferentMembers) {
  uint64_t random = test::TestSeed() | 1;
  for (const auto& set : OneOfEachForm()) {
    const std::set<std::string> members = Members(*set);
    for (const size_t count :
         {size_t{0}, size_t{1}, size_t{7}, set->size() - 1, set->size(), set->size() + 5}) {
      std::vector<std::string> sampled;
      set->Sample(count, random, [&](const Set::Member& m) { sampled.push_back(TextOf(m)); });
      EXPECT_EQ(sampled.size(), std::min(count, set->size()));
      const std::set<std::string> distinct(sampled.begin(), sampled.end());
      EXPECT_EQ(distinct.size(), sampled.size());
      for (const std::string& m : distinct) EXPECT_TRUE(members.contains(m));
    }
  }
}

TEST(SetTest, PopManyTakesWhatItGives) {
  uint64_t random = test::TestSeed() | 1;
  const ValueLimits limits{};
  for (const size_t share : {0u, 3u, 30u, 50u, 84u, 95u, 100u, 300u}) {
    for (const auto& set : OneOfEachForm()) {
      const std::set<std::string> before = Members(*set);
      const size_t count = before.size() * share / 100;
      std::set<std::string> given;
      set->PopMany(count, limits, random,
                   [&](const Set::Member& m) { EXPECT_TRUE(given.insert(TextOf(m)).second); });
      EXPECT_EQ(given.size(), std::min(count, before.size()));
      std::set<std::string> all = Members(*set);
      for (const std::string& m : given) EXPECT_FALSE(all.contains(m));
      all.insert(given.begin(), given.end());
      EXPECT_EQ(all, before);
    }
  }
}

TEST(SetTest, PopManyOfNearlyAllMayLeaveASmallerForm) {
  uint64_t random = 5;
  const ValueLimits limits{};
  auto set = Of(Numbers(0, 1000));
  EXPECT_EQ(set->encoding(), "hashtable");
  set->PopMany(990, limits, random, [](const Set::Member&) {});
  EXPECT_EQ(set->encoding(), "intset");
  EXPECT_EQ(set->size(), 10u);
  set = Of(Numbers(0, 1000, "m"));
  set->PopMany(900, limits, random, [](const Set::Member&) {});
  EXPECT_EQ(set->encoding(), "listpack");
  EXPECT_EQ(set->size(), 100u);
}

TEST(SetTest, PoppedSubsetsAreEven) {
  uint64_t random = test::TestSeed() | 1;
  // From 20 members 10 are taken: each goes half of the times.
  for (const std::string prefix : {"", "m"}) {
    std::map<std::string, size_t> taken;
    constexpr size_t kRounds = 4000;
    for (size_t i = 0; i < kRounds; ++i) {
      Of(Numbers(0, 20, prefix))->PopMany(10, {}, random, [&](const Set::Member& m) {
        ++taken[TextOf(m)];
      });
    }
    ASSERT_EQ(taken.size(), 20u);
    // The deviation is 32.
    for (const auto& [text, count] : taken) EXPECT_NEAR(static_cast<double>(count), 2000, 190);
  }
}

TEST(SetTest, ScanOfCompactFormsIsWhole) {
  for (const auto& set : OneOfEachForm()) {
    std::set<std::string> seen;
    size_t calls = 0;
    uint64_t cursor = 0;
    do {
      cursor = set->Scan(cursor, 3, [&](const Set::Member& m) { seen.insert(TextOf(m)); });
      ++calls;
    } while (cursor != 0);
    EXPECT_EQ(seen, Members(*set));
    EXPECT_EQ(calls == 1, set->encoding() != "hashtable");
  }
}

TEST(SetTest, FromAnIntSet) {
  IntSet ints;
  for (int i = 0; i < 10; ++i) ints.Insert(i);
  const auto small = Set::FromIntSet(ints.Clone(), {});
  EXPECT_EQ(small->encoding(), "intset");
  EXPECT_EQ(small->integers()->raw(), ints.raw());
  const auto big = Set::FromIntSet(ints.Clone(), {.set_max_intset_entries = 9});
  EXPECT_EQ(big->encoding(), "hashtable");
  EXPECT_EQ(Members(*big), Members(*small));
}

TEST(SetTest, FromAListpack) {
  const auto pack_of = [](const std::vector<std::string>& members) {
    Listpack pack;
    for (const std::string& m : members) pack.Append(m);
    return pack;
  };
  const auto small = Set::FromListpack(pack_of({"a", "", "0", "12", "b"}), {});
  ASSERT_NE(small, nullptr);
  EXPECT_EQ(small->encoding(), "listpack");
  EXPECT_EQ(small->listpack()->raw(), pack_of({"a", "", "0", "12", "b"}).raw());
  const auto many = Set::FromListpack(pack_of({"a", "1", "c"}), {.set_max_listpack_entries = 2});
  ASSERT_NE(many, nullptr);
  EXPECT_EQ(many->encoding(), "hashtable");
  EXPECT_EQ(Members(*many), (std::set<std::string>{"a", "1", "c"}));
  const auto longer = Set::FromListpack(pack_of({"abc"}), {.set_max_listpack_value = 2});
  ASSERT_NE(longer, nullptr);
  EXPECT_EQ(longer->encoding(), "hashtable");
  EXPECT_EQ(Set::FromListpack(pack_of({"a", "b", "a"}), {}), nullptr);
  EXPECT_EQ(Set::FromListpack(pack_of({"7", "7"}), {}), nullptr);
  EXPECT_EQ(Set::FromListpack(pack_of({"", ""}), {}), nullptr);
}

TEST(SetTest, BytesAreWhatTheAllocatorSpends) {
  const ValueLimits limits{};
  for (const size_t members : {1u, 20u, 100u, 1000u, 30'000u}) {
    for (const std::string prefix : {"", "member:"}) {
      const std::vector<std::string> texts = Numbers(0, static_cast<int>(members), prefix);
      const int64_t before = memory::UsedBytes();
      auto set = std::make_unique<Set>();
      for (const std::string& m : texts) set->Add(m, limits);
      const auto spent = static_cast<double>(memory::UsedBytes() - before);
      EXPECT_NEAR(static_cast<double>(set->bytes(0)) / spent, 1.0, 0.15) << members << prefix;
      EXPECT_NEAR(static_cast<double>(set->bytes(5)) / spent, 1.0, 0.25) << members << prefix;
      set.reset();
      EXPECT_EQ(memory::UsedBytes(), before);
    }
  }
}

}  // namespace
}  // namespace mantis
