// ElementTable: contents against a model, what SCAN promises, evenness of Random, its structure
// under growth, shrinkage and hostile hashes, memory.
#include "engine/value/element_table.h"

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

struct Item {
  std::string key;
  int value = 0;
};
struct ItemTraits {
  static Bytes Key(const Item& i) { return i.key; }
};
using Table = ElementTable<Item, ItemTraits>;

std::string Key(size_t i) { return "member:" + std::to_string(i); }

class ElementTableTest : public ::testing::Test {
 protected:
  ~ElementTableTest() override {
    table_.ForEach([](Item* e) { delete e; });
  }
  void Insert(const std::string& key, int value = 0) { table_.Insert(new Item{key, value}); }
  bool Erase(const std::string& key) {
    Item* e = table_.Erase(key);
    const bool there = e != nullptr;
    EXPECT_TRUE(!there || e->key == key);
    delete e;
    return there;
  }
  void InsertKeys(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) Insert(Key(i));
  }
  void EraseKeys(size_t from, size_t to) {
    for (size_t i = from; i < to; ++i) ASSERT_TRUE(Erase(Key(i))) << i;
  }
  Item* Random() {
    return table_.Random([this] { return NextRandom(random_); });
  }
  // One call of Scan; the keys it gave are appended.
  uint64_t Scan(uint64_t cursor, size_t count, std::vector<std::string>& out) {
    return table_.Scan(cursor, count, [&](Item* e) { out.push_back(e->key); });
  }
  // Sum over (seen - expected)^2 / expected for `draws` draws from a table of these keys.
  double ChiSquare(const std::vector<std::string>& keys, size_t draws) {
    std::unordered_map<const Item*, size_t> seen;
    for (size_t i = 0; i < draws; ++i) ++seen[Random()];
    const double expected = static_cast<double>(draws) / static_cast<double>(keys.size());
    double sum = 0;
    for (const std::string& key : keys) {
      const double off = static_cast<double>(seen[table_.Find(key)]) - expected;
      sum += off * off / expected;
    }
    EXPECT_EQ(seen.size(), keys.size());
    return sum;
  }
  // Five standard deviations above the mean of the distribution: one run in millions.
  static double ChiSquareBound(size_t keys) {
    const auto freedom = static_cast<double>(keys - 1);
    return freedom + 5 * std::sqrt(2 * freedom) + 10;
  }

  Table table_;
  uint64_t random_ = 0x9e3779b97f4a7c15ull;
};

TEST_F(ElementTableTest, EmptyTable) {
  EXPECT_EQ(table_.size(), 0u);
  EXPECT_EQ(table_.Find("x"), nullptr);
  EXPECT_EQ(table_.Erase("x"), nullptr);
  std::vector<std::string> keys;
  EXPECT_EQ(Scan(0, 10, keys), 0u);
  EXPECT_EQ(Scan(~uint64_t{0}, 10, keys), 0u);
  EXPECT_TRUE(keys.empty());
  EXPECT_LT(table_.bytes(), 200u);
}

TEST_F(ElementTableTest, FindsByContent) {
  Insert("");
  Insert(std::string("a\0b", 3), 7);
  EXPECT_NE(table_.Find(""), nullptr);
  ASSERT_NE(table_.Find(Bytes("a\0b", 3)), nullptr);
  EXPECT_EQ(table_.Find(Bytes("a\0b", 3))->value, 7);
  EXPECT_EQ(table_.Find("a"), nullptr);
  EXPECT_EQ(table_.size(), 2u);
}

TEST_F(ElementTableTest, FindOrInsertAcrossSplits) {
  constexpr size_t kKeys = 3000;
  for (int round = 0; round < 2; ++round) {
    for (size_t i = 0; i < kKeys; ++i) {
      const std::string key = Key(i);
      const auto [e, inserted] = table_.FindOrInsert(key, [&] {
        return new Item{key, static_cast<int>(i)};
      });
      ASSERT_EQ(inserted, round == 0);
      ASSERT_EQ(e->key, key);
      ASSERT_EQ(e->value, static_cast<int>(i));
      ASSERT_EQ(table_.size(), round == 0 ? i + 1 : kKeys);
    }
  }
}

TEST_F(ElementTableTest, ReplaceKeepsThePlace) {
  InsertKeys(0, 1000);
  for (size_t i = 0; i < 1000; ++i) {
    auto* fresh = new Item{Key(i), 5};
    Item* old = table_.Replace(fresh);
    EXPECT_EQ(old->key, fresh->key);
    EXPECT_EQ(old->value, 0);
    delete old;
    EXPECT_EQ(table_.Find(Key(i)), fresh);
  }
  EXPECT_EQ(table_.size(), 1000u);
}

TEST_F(ElementTableTest, MovingTakesEverything) {
  InsertKeys(0, 2000);
  const size_t bytes = table_.bytes();
  Table other(std::move(table_));
  EXPECT_EQ(other.size(), 2000u);
  EXPECT_EQ(other.bytes(), bytes);
  for (size_t i = 0; i < 2000; ++i) delete other.Erase(Key(i));
  EXPECT_EQ(other.size(), 0u);
}

TEST_F(ElementTableTest, ForEachWhileStops) {
  InsertKeys(0, 1000);
  size_t visited = 0;
  table_.ForEachWhile([&](Item*) { return ++visited < 300; });
  EXPECT_EQ(visited, 300u);
}

TEST_F(ElementTableTest, AgreesWithAMapWhileGrowingAndShrinking) {
  std::mt19937_64 rng(test::TestSeed());
  std::map<std::string, int> model;
  // Grows, stays, shrinks to nothing, again and again.
  for (const int insert_percent : {80, 50, 10, 70, 30, 5}) {
    for (int step = 0; step < 20'000; ++step) {
      const std::string key = Key(rng() % 20'000);
      const bool there = model.contains(key);
      ASSERT_EQ(table_.Find(key) != nullptr, there);
      if (static_cast<int>(rng() % 100) < insert_percent) {
        if (there) continue;
        Insert(key, step);
        model[key] = step;
      } else if (insert_percent < 40 && !model.empty()) {
        auto it = model.lower_bound(key);
        if (it == model.end()) it = model.begin();
        ASSERT_TRUE(Erase(it->first));
        model.erase(it);
      } else {
        ASSERT_EQ(Erase(key), there);
        model.erase(key);
      }
      ASSERT_EQ(table_.size(), model.size());
    }
    std::map<std::string, int> all;
    table_.ForEach([&](const Item* e) { ASSERT_TRUE(all.emplace(e->key, e->value).second); });
    ASSERT_EQ(all, model);
  }
}

TEST_F(ElementTableTest, ScanGivesEachElementOnce) {
  for (const size_t size : {1u, 10u, 222u, 223u, 5000u}) {
    InsertKeys(table_.size(), size);
    for (const size_t count : {0u, 1u, 7u, 100u, 1000u, 100'000u}) {
      std::vector<std::string> keys;
      size_t calls = 0;
      uint64_t cursor = 0;
      do {
        const size_t before = keys.size();
        cursor = Scan(cursor, count, keys);
        ++calls;
        const size_t least = std::max<size_t>(count, 1);
        ASSERT_TRUE(cursor == 0 || keys.size() - before >= least);
        // Two of the same place are rare beyond measure.
        ASSERT_LE(keys.size() - before, least + 1);
      } while (cursor != 0);
      ASSERT_EQ(keys.size(), size);
      ASSERT_EQ(std::set<std::string>(keys.begin(), keys.end()).size(), size);
      ASSERT_LE(calls, size / std::max<size_t>(count, 1) + 1);
    }
  }
}

TEST_F(ElementTableTest, ScanGivesWhatStaysOnceWhateverElseHappens) {
  std::mt19937_64 rng(test::TestSeed());
  for (int round = 0; round < 60; ++round) {
    // What stays, and a crowd that comes and goes between the calls.
    const size_t stays = 1 + rng() % 2000;
    for (size_t i = 0; i < stays; ++i) Insert("stay:" + std::to_string(i));
    std::set<size_t> crowd;
    const bool begins_crowded = rng() % 2 == 0;
    const size_t crowd_max = rng() % 6000;
    for (size_t i = 0; begins_crowded && i < crowd_max; ++i) {
      Insert(Key(i));
      crowd.insert(i);
    }
    const size_t count = 1 + rng() % 60;
    std::map<std::string, int> seen;
    uint64_t cursor = 0;
    do {
      cursor = table_.Scan(cursor, count, [&](const Item* e) { ++seen[e->key]; });
      for (size_t k = rng() % 500; k > 0; --k) {
        if (begins_crowded && !crowd.empty()) {
          ASSERT_TRUE(Erase(Key(*crowd.begin())));
          crowd.erase(crowd.begin());
        } else if (!begins_crowded && crowd.size() < crowd_max) {
          Insert(Key(crowd.size()));
          crowd.insert(crowd.size());
        }
      }
    } while (cursor != 0);
    for (size_t i = 0; i < stays; ++i) {
      ASSERT_EQ(seen["stay:" + std::to_string(i)], 1) << "round " << round << " element " << i;
    }
    std::vector<std::string> all;
    table_.ForEach([&](const Item* e) { all.push_back(e->key); });
    for (const std::string& key : all) ASSERT_TRUE(Erase(key));
  }
}

TEST_F(ElementTableTest, AnyCursorIsHarmless) {
  InsertKeys(0, 3000);
  std::mt19937_64 rng(test::TestSeed());
  for (int i = 0; i < 2000; ++i) {
    std::vector<std::string> keys;
    // All lengths of numbers, and the ends of their ranges.
    uint64_t cursor = rng() >> (rng() % 64);
    if (i % 4 == 0) cursor = ~uint64_t{0} << (rng() % 64);
    const uint64_t next = Scan(cursor, 10, keys);
    ASSERT_LE(keys.size(), 11u);
    ASSERT_LT(next, uint64_t{1} << 48);
  }
}

TEST_F(ElementTableTest, RandomIsEven) {
  random_ = test::TestSeed() | 1;
  for (const size_t size : {1u, 2u, 100u, 300u, 2000u}) {
    InsertKeys(table_.size(), size);
    std::vector<std::string> keys;
    for (size_t i = 0; i < size; ++i) keys.push_back(Key(i));
    EXPECT_LE(ChiSquare(keys, 200 * size), ChiSquareBound(size)) << size;
  }
}

TEST_F(ElementTableTest, RandomIsEvenAfterShrinking) {
  random_ = test::TestSeed() | 1;
  InsertKeys(0, 20'000);
  EraseKeys(0, 19'600);
  std::vector<std::string> keys;
  for (size_t i = 19'600; i < 20'000; ++i) keys.push_back(Key(i));
  EXPECT_LE(ChiSquare(keys, 80'000), ChiSquareBound(keys.size()));
}

// Keys that all have the same top bits of the hash, as somebody might choose who knows the seed.
std::vector<std::string> KeysOfOnePlace(size_t n, int bits) {
  std::vector<std::string> keys;
  for (size_t i = 0; keys.size() < n; ++i) {
    if (HashIndex::Hash(Key(i)) >> (64 - bits) == 0) keys.push_back(Key(i));
  }
  return keys;
}

TEST_F(ElementTableTest, HostileHashesCostNoMoreThanOthers) {
  const std::vector<std::string> keys = KeysOfOnePlace(2000, 10);
  for (const std::string& key : keys) Insert(key);
  // The ten bits they have in common need a directory of 1024 by themselves; it may not become
  // larger than the elements warrant.
  EXPECT_LT(table_.bytes(), keys.size() * 40);
  std::vector<std::string> scanned;
  uint64_t cursor = 0;
  do {
    cursor = Scan(cursor, 10, scanned);
  } while (cursor != 0);
  EXPECT_EQ(std::set<std::string>(scanned.begin(), scanned.end()).size(), keys.size());
  EXPECT_EQ(scanned.size(), keys.size());
  EXPECT_LE(ChiSquare(keys, 50 * keys.size()), ChiSquareBound(keys.size()));
  for (const std::string& key : keys) ASSERT_TRUE(Erase(key));
  EXPECT_EQ(table_.size(), 0u);
}

TEST_F(ElementTableTest, RandomIsEvenWhereOnlyOneCornerIsLeft) {
  random_ = test::TestSeed() | 1;
  InsertKeys(0, 50'000);
  std::vector<std::string> left;
  for (size_t i = 0; i < 50'000; ++i) {
    if (HashIndex::Hash(Key(i)) >> (64 - 7) == 5) {
      left.push_back(Key(i));
    } else {
      ASSERT_TRUE(Erase(Key(i)));
    }
  }
  ASSERT_GT(left.size(), 200u);
  EXPECT_LE(ChiSquare(left, 100 * left.size()), ChiSquareBound(left.size()));
}

TEST_F(ElementTableTest, MemoryFollowsTheSize) {
  const auto per_element = [&] {
    return static_cast<double>(table_.bytes()) / static_cast<double>(table_.size());
  };
  constexpr size_t kKeys = 100'000;
  double worst_growing = 0;
  for (size_t i = 0; i < kKeys; ++i) {
    Insert(Key(i));
    if (i >= 1000) worst_growing = std::max(worst_growing, per_element());
  }
  // Places are twice as many as elements at most, give or take; a Redis dictionary spends 32 to 40.
  EXPECT_LT(worst_growing, 24);
  double worst_shrinking = 0;
  for (size_t i = 0; i + 1000 < kKeys; ++i) {
    ASSERT_TRUE(Erase(Key(i)));
    worst_shrinking = std::max(worst_shrinking, per_element());
  }
  EXPECT_LT(worst_shrinking, 48);
  EraseKeys(kKeys - 1000, kKeys);
  EXPECT_LT(table_.bytes(), 2000u);
}

TEST_F(ElementTableTest, BytesAreWhatTheAllocatorWasAskedFor) {
  std::vector<Item> items(20'000);
  for (size_t i = 0; i < items.size(); ++i) items[i].key = Key(i);
  const int64_t before = memory::UsedBytes();
  auto table = std::make_unique<Table>();
  for (Item& item : items) table->Insert(&item);
  for (size_t i = 5000; i < items.size(); ++i) ASSERT_NE(table->Erase(items[i].key), nullptr);
  const auto spent = static_cast<double>(memory::UsedBytes() - before);
  const auto told = static_cast<double>(sizeof(Table) + table->bytes());
  // The allocator rounds up by an eighth on average and a quarter at most.
  EXPECT_GE(spent, told * 0.99);
  EXPECT_LE(spent, told * 1.3);
  table.reset();
  EXPECT_EQ(memory::UsedBytes(), before);
}

}  // namespace
}  // namespace mantis
