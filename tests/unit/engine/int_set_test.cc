// IntSet: the layout byte for byte, widths, edges, memory.
#include "engine/value/int_set.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <string>
#include <vector>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

std::string Raw(std::initializer_list<int> bytes) {
  std::string raw;
  for (const int b : bytes) raw.push_back(static_cast<char>(b));
  return raw;
}
std::vector<int64_t> Values(const IntSet& set) {
  std::vector<int64_t> values;
  for (size_t i = 0; i < set.size(); ++i) values.push_back(set.At(i));
  return values;
}
IntSet Of(const std::vector<int64_t>& values) {
  IntSet set;
  for (const int64_t v : values) set.Insert(v);
  return set;
}

TEST(IntSetTest, LayoutIsThatOfRedis) {
  EXPECT_EQ(IntSet().raw(), Raw({2, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(Of({5, -1, 300}).raw(), Raw({2, 0, 0, 0, 3, 0, 0, 0, 0xff, 0xff, 5, 0, 0x2c, 0x01}));
  EXPECT_EQ(Of({-1, 32768}).raw(),
            Raw({4, 0, 0, 0, 2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0x00, 0x80, 0, 0}));
  EXPECT_EQ(Of({1, 2147483648}).raw(), Raw({8, 0, 0, 0,    2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,  //
                                            0, 0, 0, 0x80, 0, 0, 0, 0}));
}

TEST(IntSetTest, WidthGrowsAtTheBounds) {
  const struct {
    int64_t value;
    size_t width;
  } cases[] = {{0, 2},           {32767, 2},      {-32768, 2},      {32768, 4},
               {-32769, 4},      {2147483647, 4}, {-2147483648, 4}, {2147483648, 8},
               {-2147483649, 8}, {kMax, 8},       {kMin, 8}};
  for (const auto& [value, width] : cases) {
    for (const bool with_others : {false, true}) {
      IntSet set = with_others ? Of({-7, 0, 7}) : IntSet();
      const bool fresh = !set.Contains(value);
      EXPECT_EQ(set.Insert(value), fresh);
      EXPECT_FALSE(set.Insert(value));
      EXPECT_TRUE(set.Contains(value));
      EXPECT_EQ(static_cast<size_t>(set.raw()[0]), width) << value;
      EXPECT_EQ(set.raw().size(), 8 + set.size() * width);
      EXPECT_TRUE(!with_others || (set.Contains(-7) && set.Contains(7)));
    }
  }
}

TEST(IntSetTest, WidthStaysWhenTheWideOnesGo) {
  IntSet set = Of({1, 2, kMax});
  EXPECT_TRUE(set.Erase(kMax));
  EXPECT_EQ(set.raw()[0], 8);
  EXPECT_EQ(Values(set), (std::vector<int64_t>{1, 2}));
  EXPECT_FALSE(set.Contains(kMax));
}

TEST(IntSetTest, ErasingTheLastGivesAnEmptySet) {
  IntSet set = Of({kMin});
  EXPECT_FALSE(set.Erase(0));
  EXPECT_FALSE(set.Erase(kMax));
  EXPECT_TRUE(set.Erase(kMin));
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set.allocated_bytes(), 0u);
  EXPECT_FALSE(set.Erase(kMin));
  EXPECT_TRUE(set.Insert(3));
  EXPECT_EQ(Values(set), (std::vector<int64_t>{3}));
}

TEST(IntSetTest, ParsesWhatItWrote) {
  for (const auto& values : std::vector<std::vector<int64_t>>{
           {}, {0}, {-1, 5, 300}, {-32769, 4}, {kMin, -1, 0, 1, kMax}}) {
    const IntSet set = Of(values);
    const auto parsed = IntSet::Parse(set.raw());
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->raw(), set.raw());
    EXPECT_EQ(Values(*parsed), values);
  }
}

TEST(IntSetTest, RefusesWhatIsNone) {
  const std::string good(Of({1, 2, 70000}).raw());
  for (size_t n = 0; n < good.size(); ++n) EXPECT_FALSE(IntSet::Parse(Bytes(good).substr(0, n)));
  EXPECT_FALSE(IntSet::Parse(good + "x"));
  EXPECT_FALSE(IntSet::Parse(Raw({3, 0, 0, 0, 0, 0, 0, 0})));
  EXPECT_FALSE(IntSet::Parse(Raw({0, 0, 0, 0, 0, 0, 0, 0})));
  EXPECT_FALSE(IntSet::Parse(Raw({16, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,  //
                                  0,  0, 0, 0, 0, 0, 0, 0})));
  // Lengths whose product with the width is past 32 bits.
  EXPECT_FALSE(IntSet::Parse(Raw({8, 0, 0, 0, 0, 0, 0, 0x20})));
  EXPECT_FALSE(IntSet::Parse(Raw({4, 0, 0, 0, 0, 0, 0, 0x40})));
  EXPECT_FALSE(IntSet::Parse(Raw({2, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1, 0})));
  // Equal, and descending.
  EXPECT_FALSE(IntSet::Parse(Raw({2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 1, 0})));
  EXPECT_FALSE(IntSet::Parse(Raw({2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0xff, 0xff})));
}

TEST(IntSetTest, CloneIsApart) {
  IntSet set = Of({1, 2, 3});
  IntSet copy = set.Clone();
  set.Erase(2);
  copy.Insert(kMax);
  EXPECT_EQ(Values(set), (std::vector<int64_t>{1, 3}));
  EXPECT_EQ(Values(copy), (std::vector<int64_t>{1, 2, 3, kMax}));
  EXPECT_TRUE(IntSet().Clone().empty());
}

TEST(IntSetTest, AgreesWithAStdSet) {
  std::mt19937_64 rng(test::TestSeed());
  for (int round = 0; round < 40; ++round) {
    IntSet set;
    std::set<int64_t> model;
    const int shift_max = 1 + static_cast<int>(rng() % 63);
    for (int step = 0; step < 1500; ++step) {
      const auto any = static_cast<int64_t>(rng()) >> (63 - rng() % static_cast<size_t>(shift_max));
      const bool drawn = !model.empty() && rng() % 2 == 0;
      const int64_t value = drawn ? set.At(rng() % set.size()) : any;
      ASSERT_EQ(set.Contains(value), model.contains(value));
      if (rng() % 5 < 3) {
        ASSERT_EQ(set.Insert(value), model.insert(value).second);
      } else {
        ASSERT_EQ(set.Erase(value), model.erase(value) == 1);
      }
      ASSERT_EQ(set.size(), model.size());
    }
    ASSERT_EQ(Values(set), std::vector<int64_t>(model.begin(), model.end()));
    const auto parsed = IntSet::Parse(set.raw());
    ASSERT_TRUE(parsed);
    ASSERT_EQ(parsed->raw(), set.raw());
  }
}

TEST(IntSetTest, MemoryFollowsTheSize) {
  IntSet set;
  for (int64_t i = 0; i < 2000; ++i) {
    set.Insert(i);
    ASSERT_LE(set.allocated_bytes(), 2 * set.raw().size() + 32);
  }
  for (int64_t i = 0; i < 1999; ++i) {
    set.Erase(i);
    ASSERT_LE(set.allocated_bytes(), 2 * set.raw().size() + 32);
  }
}

}  // namespace
}  // namespace mantis
