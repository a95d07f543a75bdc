// OrderedIndex from one thread: contents and ranges against a model, density of blocks, memory.
#include "engine/index/ordered_index.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "engine/base/memory.h"
#include "engine/reclaim/rcu.h"

namespace mantis {
namespace {

using Model = std::map<std::string, Entry*>;

class OrderedIndexTest : public ::testing::Test {
 protected:
  ~OrderedIndexTest() override {
    for (const auto& [key, entry] : model_) Entry::Destroy(entry);
  }

  void Insert(const std::string& key) {
    const auto [it, fresh] = model_.try_emplace(key, nullptr);
    if (fresh) it->second = Entry::Create(key);
    {
      const reclaim::ReadSection section;
      index_.Insert(it->second);
    }
    reclaim::Poll();
  }
  void Erase(const std::string& key) {
    {
      const reclaim::ReadSection section;
      EraseInSection(key);
    }
    reclaim::Poll();
  }
  void EraseInSection(const std::string& key) {
    const auto it = model_.find(key);
    if (it == model_.end()) return;
    index_.Erase(it->second);
    reclaim::Retire(
        it->second, [](void* e) { Entry::Destroy(static_cast<Entry*>(e)); },
        it->second->allocated_bytes());
    model_.erase(it);
  }

  std::vector<Entry*> Collect(const RangeBound& min, const RangeBound& max, bool reverse) const {
    const reclaim::ReadSection section;
    std::vector<Entry*> found;
    const auto take = [&found](std::span<Entry* const> run) {
      EXPECT_FALSE(run.empty());
      found.insert(found.end(), run.begin(), run.end());
      return true;
    };
    if (reverse) {
      index_.ScanReverse(min, max, take);
    } else {
      index_.Scan(min, max, take);
    }
    return found;
  }
  std::vector<Entry*> Expected(const RangeBound& min, const RangeBound& max) const {
    std::vector<Entry*> expected;
    for (const auto& [key, entry] : model_) {
      const int low = min.unbounded ? 1 : CompareBytes(key, min.key);
      const int high = max.unbounded ? -1 : CompareBytes(key, max.key);
      if (low < 0 || (low == 0 && !min.inclusive)) continue;
      if (high > 0 || (high == 0 && !max.inclusive)) continue;
      expected.push_back(entry);
    }
    return expected;
  }
  void CheckRange(const RangeBound& min, const RangeBound& max) const {
    std::vector<Entry*> expected = Expected(min, max);
    ASSERT_EQ(Collect(min, max, false), expected);
    std::reverse(expected.begin(), expected.end());
    ASSERT_EQ(Collect(min, max, true), expected);
  }
  void CheckAll() const {
    CheckRange(RangeBound::None(), RangeBound::None());
    ASSERT_EQ(index_.size(), model_.size());
  }

  reclaim::Runtime runtime_;
  reclaim::ThreadAttachment attachment_;
  Model model_;
  OrderedIndex index_;
};

// Keys as people and enemies choose them: long shared prefixes, binary, very short, very long.
std::string RandomKey(std::mt19937& random) {
  static const std::vector<std::string> prefixes = {"",
                                                    "u",
                                                    "user:",
                                                    "user:profile:settings:",
                                                    std::string("bin\0\0", 5),
                                                    "\xff\xff\xff\xff",
                                                    std::string(300, 'L')};
  std::string key = prefixes[random() % prefixes.size()];
  if (random() % 2 == 0) return key + std::to_string(random() % 2000);
  for (size_t n = random() % 6; n > 0; --n) key += static_cast<char>(random() % 4 * 85);
  return key;
}

TEST_F(OrderedIndexTest, EmptyIndexHasNothingInAnyRange) {
  CheckAll();
  CheckRange(RangeBound::Including("a"), RangeBound::Excluding("b"));
  EXPECT_EQ(index_.size(), 0u);
  EXPECT_EQ(index_.blocks(), 1u);
}

TEST_F(OrderedIndexTest, AgreesWithTheModel) {
  std::mt19937 random(1);
  // Growing, steady and shrinking phases.
  for (const unsigned insert_percent : {90u, 50u, 10u, 70u, 5u}) {
    for (int i = 0; i < 6000; ++i) {
      const std::string key = RandomKey(random);
      if (random() % 100 < insert_percent) {
        Insert(key);
      } else {
        Erase(key);
      }
    }
    CheckAll();
    for (int i = 0; i < 60; ++i) {
      const std::string a = RandomKey(random);
      const std::string b = RandomKey(random);
      const RangeBound min{a, random() % 2 == 0, random() % 8 == 0};
      const RangeBound max{b, random() % 2 == 0, random() % 8 == 0};
      CheckRange(min, max);
      CheckRange({a, true, false}, {a, random() % 2 == 0, false});
    }
  }
}

TEST_F(OrderedIndexTest, PlacesAreHintsOnly) {
  std::mt19937 random(2);
  // The last round erases more than it inserts, so that places are merged away.
  for (const unsigned erased : {0u, 20u, 200u}) {
    for (int i = 0; i < 200; ++i) {
      std::vector<std::string> names;
      for (size_t n = random() % 100; n > 0; --n) names.push_back(RandomKey(random));
      const std::vector<Bytes> keys(names.begin(), names.end());
      std::vector<OrderedIndex::Place> places(keys.size());
      const reclaim::ReadSection section;
      index_.FindPlaces(keys, places);
      for (unsigned n = 0; n < erased; ++n) EraseInSection(RandomKey(random));
      for (size_t k = 0; k < names.size(); ++k) {
        const auto [it, fresh] = model_.try_emplace(names[k], nullptr);
        if (fresh) it->second = Entry::Create(names[k]);
        index_.Insert(it->second, places[k]);
      }
    }
    CheckAll();
  }
}

TEST_F(OrderedIndexTest, BoundsAreExactAroundEveryKey) {
  for (int i = 100; i < 400; ++i) Insert("k" + std::to_string(i));
  for (int i = 99; i < 401; ++i) {
    const std::string key = "k" + std::to_string(i);
    for (const bool inclusive : {false, true}) {
      CheckRange({key, inclusive, false}, RangeBound::None());
      CheckRange(RangeBound::None(), {key, inclusive, false});
      CheckRange({key, inclusive, false}, {key + "~", inclusive, false});
    }
  }
  Insert("");
  CheckRange(RangeBound::Including(""), RangeBound::Including(""));
  CheckRange(RangeBound::None(), RangeBound::Excluding(""));
  CheckRange(RangeBound::Excluding(""), RangeBound::None());
}

TEST_F(OrderedIndexTest, KeyThatBreaksThePrefixOfAFullBlock) {
  for (int i = 0; i < 500; ++i) Insert("tenant:7:customer:" + std::to_string(i));
  for (const char* key : {"", "a", "tenant", "tenant:7", "tenant:7:customer:", "tenant:70", "z"}) {
    Insert(key);
    CheckAll();
  }
}

TEST_F(OrderedIndexTest, ScanStopsWhenTheVisitorSaysSo) {
  for (int i = 0; i < 1000; ++i) Insert(std::to_string(i));
  const reclaim::ReadSection section;
  int runs = 0;
  index_.Scan(RangeBound::None(), RangeBound::None(), [&runs](auto) { return ++runs < 3; });
  EXPECT_EQ(runs, 3);
  index_.ScanReverse(RangeBound::None(), RangeBound::None(), [&runs](auto) { return ++runs < 6; });
  EXPECT_EQ(runs, 6);
}

TEST_F(OrderedIndexTest, InsertAndEraseGoByIdentity) {
  Insert("key");
  Entry* present = model_["key"];
  const reclaim::ReadSection section;
  index_.Insert(present);
  EXPECT_EQ(index_.size(), 1u);

  Entry* other = Entry::Create("key");
  index_.Erase(other);
  EXPECT_EQ(Collect(RangeBound::None(), RangeBound::None(), false), std::vector{present});
  // A dead newcomer does not displace a living entry...
  Word word = other->word();
  ASSERT_TRUE(other->CompareExchange(word, Word::Of(Kind::kDead)));
  index_.Insert(other);
  EXPECT_EQ(Collect(RangeBound::None(), RangeBound::None(), false), std::vector{present});
  // ... but a dead entry gives way.
  index_.Erase(present);
  index_.Insert(other);
  index_.Insert(present);
  EXPECT_EQ(Collect(RangeBound::None(), RangeBound::None(), false), std::vector{present});
  index_.Erase(other);
  EXPECT_EQ(index_.size(), 1u);
  Entry::Destroy(other);
}

TEST_F(OrderedIndexTest, LoadsInKeyOrderLeaveDenseBlocks) {
  const auto key = [](int i) { return "key:" + std::to_string(1000000 + i); };
  constexpr int kKeys = 10000;
  for (int i = 0; i < kKeys; ++i) Insert(key(i));
  CheckAll();
  EXPECT_LT(index_.blocks(), kKeys / 50);
  for (int i = 0; i < kKeys; ++i) Erase(key(i));
  for (int i = kKeys; i > 0; --i) Insert(key(i));
  CheckAll();
  EXPECT_LT(index_.blocks(), kKeys / 50);
}

TEST_F(OrderedIndexTest, BlocksEndWhereGroupsOfKeysDo) {
  const auto key = [](const char* group, int i) { return group + std::to_string(100 + i); };
  constexpr int kInGroup = 25;
  // The first and last key at first, so that the insert that splits is at neither end.
  Insert(key("a:", 0));
  Insert(key("b:", 99));
  for (int i = 1; i < kInGroup; ++i) Insert(key("a:", i));
  for (int i = 0; index_.blocks() == 1; ++i) Insert(key("b:", i));
  CheckAll();
  const reclaim::ReadSection section;
  OrderedCursor cursor(index_, RangeBound::None(), RangeBound::None(), false);
  EXPECT_EQ(cursor.NextRun().size(), static_cast<size_t>(kInGroup));
}

TEST_F(OrderedIndexTest, RandomErasuresLeaveNoSparseBlocks) {
  std::mt19937 random(3);
  std::vector<std::string> keys;
  for (int i = 0; i < 50000; ++i) keys.push_back("object:" + std::to_string(random()));
  for (const std::string& key : keys) Insert(key);
  std::shuffle(keys.begin(), keys.end(), random);
  for (size_t i = 0; i < keys.size() * 9 / 10; ++i) Erase(keys[i]);
  CheckAll();
  EXPECT_LT(index_.blocks(), index_.size() / 16);
}

// Both sides of every block boundary vanish before the middle, or the other way round.
TEST_F(OrderedIndexTest, ErasingEverythingGivesTheMemoryBack) {
  constexpr int kKeys = 20000;
  const auto key = [](int i) { return "key:" + std::to_string(100000 + i); };
  reclaim::Drain();
  const int64_t before = memory::UsedBytes();
  std::mt19937 random(5);
  std::vector<int> order(kKeys);
  for (int i = 0; i < kKeys; ++i) order[static_cast<size_t>(i)] = i;
  for (const bool shuffled : {false, true}) {
    if (shuffled) std::shuffle(order.begin(), order.end(), random);
    for (const int i : order) Insert(key(i));
    reclaim::Drain();
    EXPECT_GT(memory::UsedBytes() - before, kKeys * 16);
    if (shuffled) std::shuffle(order.begin(), order.end(), random);
    for (const int i : order) Erase(key(i));
    CheckAll();
    EXPECT_EQ(index_.blocks(), 1u);
    reclaim::Drain();
    // What remains: reclamation's own lists, which keep their capacity.
    EXPECT_LT(memory::UsedBytes() - before, 128 * 1024);
  }
}

}  // namespace
}  // namespace mantis
