// HashIndex from one thread: contents against a model, growth and shrinking, memory, iteration.
#include "engine/index/hash_index.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>
#include <string>
#include <unordered_map>

#include "engine/base/memory.h"
#include "engine/reclaim/rcu.h"

namespace mantis {
namespace {

void FreeEntry(void* p) { Entry::Destroy(static_cast<Entry*>(p)); }

std::string Key(size_t i) { return "key:" + std::to_string(i); }

class HashIndexTest : public ::testing::Test {
 protected:
  // Inserts a new entry of this key; nullptr if the key is there already.
  static Entry* Insert(HashIndex& index, Bytes key) {
    const reclaim::ReadSection section;
    Entry* fresh = Entry::Create(key);
    bool inserted = false;
    Entry* e = index.FindOrInsert(fresh, HashIndex::Hash(key), &inserted);
    EXPECT_EQ(inserted, e == fresh);
    EXPECT_EQ(e->key(), key);
    if (inserted) return e;
    Entry::Destroy(fresh);
    return nullptr;
  }
  static bool Erase(HashIndex& index, Entry* e) {
    const reclaim::ReadSection section;
    const bool erased = index.Erase(e, HashIndex::Hash(e->key()));
    if (erased) reclaim::Retire(e, FreeEntry, e->allocated_bytes());
    return erased;
  }
  static Entry* Find(const HashIndex& index, Bytes key) {
    const reclaim::ReadSection section;
    return index.Find(key, HashIndex::Hash(key));
  }
  static void FinishResizes(HashIndex& index) {
    bool more = true;
    while (more) {
      const reclaim::ReadSection section;
      more = index.MigrateSome(64);
    }
    reclaim::Poll();
  }
  static std::vector<Entry*> ScanAll(const HashIndex& index) {
    const reclaim::ReadSection section;
    std::vector<Entry*> all;
    uint64_t cursor = 0;
    do {
      cursor = index.Scan(cursor, all);
    } while (cursor != 0);
    return all;
  }
  static void EraseAll(HashIndex& index) {
    for (Entry* e : ScanAll(index)) EXPECT_TRUE(Erase(index, e));
  }
  // Bytes in use once everything retired is freed (and, the first time, once the background thread
  // has allocated what it needs).
  static int64_t SettledBytes() {
    reclaim::Drain();
    return memory::UsedBytes();
  }
  // What the reclamation's own batches may keep.
  static constexpr int64_t kSlack = 4096;

  reclaim::Runtime runtime_;
  reclaim::ThreadAttachment attachment_;
};

TEST_F(HashIndexTest, EmptyIndexAnswersAndCostsLittle) {
  const int64_t before = SettledBytes();
  auto index = std::make_unique<HashIndex>();
  std::vector<Entry*> out;
  uint64_t rng = 1;
  {
    const reclaim::ReadSection section;
    EXPECT_EQ(index->Scan(0, out), 0u);
    EXPECT_EQ(index->Scan(12345, out), 0u);
    index->Sample(rng, 5, out);
    index->PrefetchBucket(7);
    index->PrefetchArray(7);
    EXPECT_EQ(index->PrefetchEntry(7), nullptr);
    EXPECT_FALSE(index->MigrateSome(10));
  }
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(Find(*index, "a"), nullptr);
  EXPECT_EQ(index->size(), 0u);
  EXPECT_EQ(index->bucket_count(), 0u);
  EXPECT_LT(memory::UsedBytes() - before, 1024);

  Entry* e = Insert(*index, "a");
  ASSERT_NE(e, nullptr);
  EXPECT_LT(memory::UsedBytes() - before, 1200);
  EXPECT_TRUE(Erase(*index, e));
}

TEST_F(HashIndexTest, KeysAreArbitraryBytes) {
  HashIndex index;
  const std::string zeros(3, '\0');
  const std::string large(100000, 'x');
  for (const Bytes key : {Bytes(""), Bytes(zeros), Bytes("\xff\0\n", 3), Bytes(large)}) {
    Entry* e = Insert(index, key);
    ASSERT_NE(e, nullptr);
    EXPECT_EQ(Find(index, key), e);
    EXPECT_EQ(Insert(index, key), nullptr);
  }
  EXPECT_EQ(Find(index, Bytes(zeros).substr(1)), nullptr);
  EXPECT_EQ(index.size(), 4u);
  EraseAll(index);
}

TEST_F(HashIndexTest, DeadEntryStandsBesideALiveOne) {
  HashIndex index;
  Entry* first = Insert(index, "k");
  Word word = first->word();
  ASSERT_TRUE(first->CompareExchange(word, Word::Of(Kind::kDead)));
  EXPECT_EQ(Find(index, "k"), nullptr);

  Entry* second = Insert(index, "k");
  ASSERT_NE(second, nullptr);
  EXPECT_NE(second, first);
  EXPECT_EQ(Find(index, "k"), second);
  EXPECT_EQ(index.size(), 2u);

  EXPECT_TRUE(Erase(index, first));
  {
    const reclaim::ReadSection section;
    EXPECT_FALSE(index.Erase(first, HashIndex::Hash("k")));
  }
  EXPECT_EQ(Find(index, "k"), second);
  EXPECT_EQ(index.size(), 1u);
  EXPECT_TRUE(Erase(index, second));
  EXPECT_EQ(Find(index, "k"), nullptr);
}

// Random operations on a key range that first fills up to 200 000 keys, then empties again.
TEST_F(HashIndexTest, AgreesWithAModelWhileGrowingAndShrinking) {
  const int64_t before = SettledBytes();
  {
    HashIndex index;
    std::unordered_map<std::string, Entry*> model;
    std::mt19937_64 random(42);
    constexpr size_t kKeys = 220'000;
    size_t buckets_max = 0;
    for (const bool fill : {true, false}) {
      const size_t operations = fill ? 1'000'000 : 700'000;
      for (size_t i = 0; i < operations; ++i) {
        const std::string key = Key(random() % kKeys);
        const auto known = model.find(key);
        Entry* const expected = known == model.end() ? nullptr : known->second;
        ASSERT_EQ(Find(index, key), expected);
        const bool insert = random() % 16 < (fill ? 15 : 1);
        if (insert) {
          Entry* e = Insert(index, key);
          ASSERT_EQ(e == nullptr, expected != nullptr);
          if (e != nullptr) model[key] = e;
        } else if (expected != nullptr) {
          ASSERT_TRUE(Erase(index, expected));
          model.erase(known);
        }
        if (i % 64 == 0) {
          ASSERT_EQ(index.size(), model.size());
          reclaim::Poll();
        }
      }
      if (fill) {
        EXPECT_GT(model.size(), 200'000u);
        buckets_max = index.bucket_count();
        EXPECT_LE(static_cast<double>(model.size()) / static_cast<double>(buckets_max), 5.1);
      }
    }
    EXPECT_LT(index.bucket_count(), buckets_max);
    for (const auto& [key, e] : model) ASSERT_TRUE(Erase(index, e));
    FinishResizes(index);
    EXPECT_EQ(index.size(), 0u);
    EXPECT_EQ(index.bucket_count(), HashIndex::kMinBuckets);
    std::unordered_map<std::string, Entry*>().swap(model);
    EXPECT_LT(SettledBytes() - before, kSlack);
  }
  EXPECT_LT(std::abs(SettledBytes() - before), kSlack);
}

TEST_F(HashIndexTest, IdleTicksAloneShrinkTheTable) {
  HashIndex index;
  for (size_t i = 0; i < 20'000; ++i) ASSERT_NE(Insert(index, Key(i)), nullptr);
  FinishResizes(index);
  const size_t large = index.bucket_count();
  EXPECT_GE(large * 5, index.size());
  EraseAll(index);
  FinishResizes(index);
  EXPECT_EQ(index.bucket_count(), HashIndex::kMinBuckets);
  EXPECT_GT(large, 100 * HashIndex::kMinBuckets);
}

// Keys chosen to share one bucket of the smallest table: far more slots than usual to split.
TEST_F(HashIndexTest, CrowdedBucketSplits) {
  HashIndex index;
  std::vector<Entry*> entries;
  for (size_t i = 0; entries.size() < 100; ++i) {
    if (HashIndex::Hash(Key(i)) % HashIndex::kMinBuckets != 3) continue;
    entries.push_back(Insert(index, Key(i)));
    ASSERT_NE(entries.back(), nullptr);
  }
  FinishResizes(index);
  EXPECT_EQ(index.bucket_count(), 2 * HashIndex::kMinBuckets);
  for (Entry* e : entries) EXPECT_EQ(Find(index, e->key()), e);
  EraseAll(index);
}

TEST_F(HashIndexTest, DestructionInTheMiddleOfAResizeFreesEverything) {
  const int64_t before = SettledBytes();
  for (const bool shrink : {false, true}) {
    auto index = std::make_unique<HashIndex>();
    std::vector<Entry*> entries;
    bool resizing = false;
    // Stops at the first operation after 10 000 keys that leaves a resize unfinished.
    for (size_t i = 0; i < 10'000 || (!shrink && !resizing); ++i) {
      entries.push_back(Insert(*index, Key(i)));
      if (i < 10'000) continue;
      const reclaim::ReadSection section;
      resizing = index->MigrateSome(1);
    }
    if (shrink) FinishResizes(*index);
    while (!resizing) {
      ASSERT_FALSE(entries.empty());
      ASSERT_TRUE(Erase(*index, entries.back()));
      entries.pop_back();
      const reclaim::ReadSection section;
      resizing = index->MigrateSome(1);
    }
    for (Entry* e : entries) EXPECT_EQ(Find(*index, e->key()), e);
    index.reset();
    for (Entry* e : entries) Entry::Destroy(e);
  }
  EXPECT_LT(std::abs(SettledBytes() - before), kSlack);
}

TEST_F(HashIndexTest, ScanReturnsEachEntryOnceWhenNothingChanges) {
  HashIndex index;
  for (size_t i = 0; i < 3000; ++i) ASSERT_NE(Insert(index, Key(i)), nullptr);
  FinishResizes(index);
  const std::vector<Entry*> all = ScanAll(index);
  EXPECT_EQ(all.size(), 3000u);
  EXPECT_EQ(std::set<Entry*>(all.begin(), all.end()).size(), 3000u);
  EraseAll(index);
}

// Between the steps of an iteration other keys come and go in waves that resize the table both
// ways, migration being left half-done at many steps.
TEST_F(HashIndexTest, ScanMissesNothingThatStays) {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    HashIndex index;
    std::set<Entry*> stay;
    for (size_t i = 0; i < 200; ++i) stay.insert(Insert(index, "stay:" + std::to_string(i)));
    std::vector<Entry*> wave;
    size_t next = 0;
    bool growing = random() % 2 == 0;
    std::set<size_t> bucket_counts;
    std::set<Entry*> seen;
    uint64_t cursor = 0;
    do {
      {
        const reclaim::ReadSection section;
        std::vector<Entry*> out;
        cursor = index.Scan(cursor, out);
        seen.insert(out.begin(), out.end());
      }
      const size_t changes = random() % 200;
      for (size_t i = 0; i < changes; ++i) {
        if (growing) {
          wave.push_back(Insert(index, Key(next++)));
        } else if (!wave.empty()) {
          ASSERT_TRUE(Erase(index, wave.back()));
          wave.pop_back();
        }
      }
      if (wave.size() > 4000) growing = false;
      if (wave.empty()) growing = true;
      if (random() % 8 == 0) growing = !growing;
      bucket_counts.insert(index.bucket_count());
    } while (cursor != 0);
    for (Entry* e : stay) EXPECT_TRUE(seen.contains(e)) << e->key() << " in round " << round;
    EXPECT_GT(bucket_counts.size(), 1u);
    EraseAll(index);
  }
}

TEST_F(HashIndexTest, SampleGivesMembers) {
  HashIndex index;
  std::set<Entry*> members;
  for (size_t i = 0; i < 40; ++i) members.insert(Insert(index, Key(i)));
  uint64_t rng = 0;
  std::map<Entry*, int> drawn;
  {
    const reclaim::ReadSection section;
    std::vector<Entry*> out;
    index.Sample(rng, 1000, out);
    EXPECT_EQ(std::set<Entry*>(out.begin(), out.end()), members);
    EXPECT_EQ(out.size(), members.size());
    for (int i = 0; i < 10'000; ++i) {
      out.clear();
      index.Sample(rng, 1, out);
      ASSERT_EQ(out.size(), 1u);
      ++drawn[out[0]];
    }
    out.clear();
    index.Sample(rng, 7, out);
    EXPECT_EQ(std::set<Entry*>(out.begin(), out.end()).size(), 7u);
  }
  // Every member has its chance: a bucket of 16 is drawn 600 times or more.
  EXPECT_EQ(drawn.size(), members.size());
  EraseAll(index);
}

TEST_F(HashIndexTest, PrefetchFindsTheEntryInEveryStateOfAResize) {
  HashIndex index;
  for (size_t i = 0; i < 1000; ++i) {
    Entry* e = Insert(index, Key(i));
    const uint64_t hash = HashIndex::Hash(e->key());
    const reclaim::ReadSection section;
    index.PrefetchBucket(hash);
    index.PrefetchArray(hash);
    const Entry* first = index.PrefetchEntry(hash);
    ASSERT_NE(first, nullptr);
    // Another one only if its 16-bit tag is the same.
    ASSERT_EQ(HashIndex::Hash(first->key()) >> 48, hash >> 48);
  }
  EraseAll(index);
}

// Two equal looks at an absent key are to mean that it was absent in between.
TEST_F(HashIndexTest, AnEmptyBucketNeverLooksAsItDidBefore) {
  HashIndex index;
  const uint64_t hash = HashIndex::Hash("key");
  const auto look = [&] {
    const reclaim::ReadSection section;
    HashIndex::Sight sight;
    EXPECT_EQ(index.Find("key", hash, &sight), nullptr);
    return sight;
  };
  const auto come_and_go = [&] { ASSERT_TRUE(Erase(index, Insert(index, "key"))); };
  come_and_go();
  // So that the allocator hands out the same memory again.
  reclaim::Drain();
  const HashIndex::Sight before = look();
  for (int i = 0; i < 1000; ++i) {
    come_and_go();
    if (i % 10 == 0) reclaim::Drain();
    ASSERT_FALSE(look() == before) << i;
  }
}

}  // namespace
}  // namespace mantis
