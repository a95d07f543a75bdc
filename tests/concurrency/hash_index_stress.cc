// HashIndex under threads: who wins an insertion, what readers may rely on, and the life of an
// entry from insertion over death to its two-stage freeing.
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <random>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "engine/base/memory.h"
#include "engine/index/hash_index.h"
#include "engine/reclaim/rcu.h"

namespace mantis {
namespace {

constexpr size_t kThreads = 4;
constexpr auto kDuration = std::chrono::milliseconds(1500);

// Freed only after a second grace period, as the database does it.
void RetireEntry(Entry* e) {
  static constexpr auto kFree = [](void* p) { Entry::Destroy(static_cast<Entry*>(p)); };
  static constexpr auto kAgain = [](void* p) {
    reclaim::Retire(p, kFree, static_cast<Entry*>(p)->allocated_bytes());
  };
  reclaim::Retire(e, kAgain, e->allocated_bytes());
}

std::vector<std::string> MakeKeys(const std::string& prefix, size_t n) {
  std::vector<std::string> keys;
  for (size_t i = 0; i < n; ++i) keys.push_back(prefix + std::to_string(i));
  return keys;
}

class HashIndexStress : public ::testing::Test {
 protected:
  // Runs body(thread number) on attached threads and waits for them.
  template <class Body>
  static void RunThreads(size_t n, Body body) {
    std::vector<std::thread> threads;
    for (size_t i = 0; i < n; ++i) {
      threads.emplace_back([&body, i] {
        const reclaim::ThreadAttachment attachment;
        body(i);
      });
    }
    for (std::thread& t : threads) t.join();
  }

  reclaim::Runtime runtime_;
  reclaim::ThreadAttachment attachment_;
};

// All threads insert the same keys, then erase what won. Each key has one winner, known to all, and
// each entry one eraser, while the table grows from nothing and shrinks again.
TEST_F(HashIndexStress, OneWinnerPerKey) {
  constexpr size_t kKeys = 4000;
  const std::vector<std::string> keys = MakeKeys("k", kKeys);
  for (int round = 0; round < 20; ++round) {
    HashIndex index;
    std::vector<std::vector<Entry*>> got(kThreads, std::vector<Entry*>(kKeys));
    std::vector<std::atomic<int>> inserted(kKeys);
    std::vector<std::atomic<int>> erased(kKeys);
    std::barrier barrier(kThreads);
    RunThreads(kThreads, [&](size_t t) {
      // Odd threads go backwards, so that threads meet in many places.
      const auto nth = [&](size_t i) { return t % 2 == 0 ? i : kKeys - 1 - i; };
      for (size_t i = 0; i < kKeys; ++i) {
        const size_t k = nth(i);
        const reclaim::ReadSection section;
        Entry* fresh = Entry::Create(keys[k]);
        bool won = false;
        got[t][k] = index.FindOrInsert(fresh, HashIndex::Hash(keys[k]), &won);
        if (won) {
          inserted[k].fetch_add(1);
        } else {
          Entry::Destroy(fresh);
        }
      }
      barrier.arrive_and_wait();
      for (size_t i = 0; i < kKeys; ++i) {
        const size_t k = nth(i);
        const reclaim::ReadSection section;
        if (index.Erase(got[t][k], HashIndex::Hash(keys[k]))) erased[k].fetch_add(1);
      }
      barrier.arrive_and_wait();
      reclaim::Poll(true);
    });
    for (size_t k = 0; k < kKeys; ++k) {
      ASSERT_EQ(inserted[k].load(), 1) << keys[k];
      ASSERT_EQ(erased[k].load(), 1) << keys[k];
      for (size_t t = 0; t < kThreads; ++t) ASSERT_EQ(got[t][k], got[0][k]);
      ASSERT_EQ(got[0][k]->key(), keys[k]);
      Entry::Destroy(got[0][k]);
    }
    EXPECT_EQ(index.size(), 0u);
  }
}

// Writers let other keys come and go in waves (several doublings and halvings each); what stays is
// found by every lookup and every complete scan.
TEST_F(HashIndexStress, WhatStaysIsAlwaysSeen) {
  constexpr size_t kWave = 4000;
  HashIndex index;
  const std::vector<std::string> stay_keys = MakeKeys("stay", 300);
  std::vector<Entry*> stay;
  for (const std::string& key : stay_keys) {
    const reclaim::ReadSection section;
    bool won = false;
    stay.push_back(index.FindOrInsert(Entry::Create(key), HashIndex::Hash(key), &won));
    ASSERT_TRUE(won);
  }
  std::atomic<bool> stop{false};
  std::atomic<size_t> lookups{0};
  std::atomic<size_t> scans{0};
  std::atomic<size_t> missed{0};
  std::atomic<size_t> waves{0};

  const auto write = [&](size_t t) {
    const std::vector<std::string> keys = MakeKeys("wave" + std::to_string(t) + ":", kWave);
    std::vector<Entry*> mine(kWave);
    while (!stop.load(std::memory_order_relaxed)) {
      for (size_t i = 0; i < kWave; ++i) {
        const reclaim::ReadSection section;
        bool won = false;
        mine[i] = index.FindOrInsert(Entry::Create(keys[i]), HashIndex::Hash(keys[i]), &won);
        if (!won) missed.fetch_add(1);
      }
      for (size_t i = 0; i < kWave; ++i) {
        const reclaim::ReadSection section;
        if (!index.Erase(mine[i], HashIndex::Hash(keys[i]))) missed.fetch_add(1);
        RetireEntry(mine[i]);
      }
      reclaim::Poll();
      waves.fetch_add(1, std::memory_order_relaxed);
    }
  };
  const auto look_up = [&] {
    std::mt19937 random(1);
    while (!stop.load(std::memory_order_relaxed)) {
      const size_t k = random() % stay.size();
      const uint64_t hash = HashIndex::Hash(stay_keys[k]);
      const reclaim::ReadSection section;
      index.PrefetchBucket(hash);
      index.PrefetchArray(hash);
      if (index.PrefetchEntry(hash) == nullptr) missed.fetch_add(1);
      if (index.Find(stay_keys[k], hash) != stay[k]) missed.fetch_add(1);
      lookups.fetch_add(1, std::memory_order_relaxed);
    }
  };
  const auto scan = [&] {
    uint64_t rng = 1;
    while (!stop.load(std::memory_order_relaxed)) {
      std::unordered_set<const Entry*> seen;
      uint64_t cursor = 0;
      do {
        const reclaim::ReadSection section;
        std::vector<Entry*> out;
        cursor = index.Scan(cursor, out);
        for (const Entry* e : out) {
          if (e->key().starts_with("stay")) seen.insert(e);
        }
        out.clear();
        index.Sample(rng, 3, out);
        for (const Entry* e : out) {
          if (e->key().empty()) missed.fetch_add(1);
        }
      } while (cursor != 0);
      if (seen.size() != stay.size()) missed.fetch_add(1);
      scans.fetch_add(1, std::memory_order_relaxed);
      const reclaim::ReadSection section;
      index.MigrateSome(4);
    }
  };
  RunThreads(5, [&](size_t t) {
    if (t < 2) {
      write(t);
    } else if (t == 2) {
      look_up();
    } else if (t == 3) {
      scan();
    } else {
      std::this_thread::sleep_for(kDuration);
      stop.store(true);
    }
  });
  EXPECT_EQ(missed.load(), 0u);
  EXPECT_GT(waves.load(), 0u);
  EXPECT_GT(lookups.load(), 0u);
  EXPECT_GT(scans.load(), 0u);
  EXPECT_EQ(index.size(), stay.size());
  for (Entry* e : stay) Entry::Destroy(e);
}

// Threads create and bury entries of few keys. An entry can be claimed (lock bit) only after its
// creator has counted it, and is uncounted before it dies, so a count above one would mean that two
// entries of a key were alive at once.
TEST_F(HashIndexStress, AtMostOneLiveEntryPerKey) {
  constexpr size_t kKeys = 128;
  const std::vector<std::string> keys = MakeKeys("hot", kKeys);
  reclaim::Drain();
  const int64_t used_before = memory::UsedBytes();
  {
    HashIndex index;
    std::vector<std::atomic<int>> alive(kKeys);
    std::atomic<size_t> wrong{0};
    std::atomic<size_t> buried{0};
    std::atomic<bool> stop{false};

    const auto create = [&](size_t k, uint64_t hash) {
      Entry* fresh = Entry::Create(keys[k]);
      bool won = false;
      const Entry* e = index.FindOrInsert(fresh, hash, &won);
      if (e->key() != keys[k] || won != (e == fresh)) wrong.fetch_add(1);
      if (!won) {
        Entry::Destroy(fresh);
        return;
      }
      if (alive[k].fetch_add(1) != 0) wrong.fetch_add(1);
      Word word = Word::Of(Kind::kNew);
      if (!fresh->CompareExchange(word, Word::Of(Kind::kTomb))) wrong.fetch_add(1);
    };
    const auto bury = [&](size_t k, uint64_t hash) {
      Entry* e = index.Find(keys[k], hash);
      if (e == nullptr) return;
      if (e->key() != keys[k]) wrong.fetch_add(1);
      Word word = Word::Of(Kind::kTomb);
      const Word claimed = word.WithFlags(Word::kLocked);
      if (!e->CompareExchange(word, claimed)) return;
      alive[k].fetch_sub(1);
      word = claimed;
      if (!e->CompareExchange(word, Word::Of(Kind::kDead))) wrong.fetch_add(1);
      if (!index.Erase(e, hash)) wrong.fetch_add(1);
      if (index.Erase(e, hash)) wrong.fetch_add(1);
      RetireEntry(e);
      buried.fetch_add(1, std::memory_order_relaxed);
    };
    RunThreads(kThreads + 1, [&](size_t t) {
      if (t == kThreads) {
        std::this_thread::sleep_for(kDuration);
        stop.store(true);
        return;
      }
      std::mt19937_64 random(t);
      while (!stop.load(std::memory_order_relaxed)) {
        for (int i = 0; i < 64; ++i) {
          const reclaim::ReadSection section;
          const size_t k = random() % kKeys;
          const uint64_t hash = HashIndex::Hash(keys[k]);
          if (random() % 2 == 0) {
            create(k, hash);
          } else {
            bury(k, hash);
          }
        }
        reclaim::Poll();
      }
    });

    EXPECT_EQ(wrong.load(), 0u);
    EXPECT_GT(buried.load(), 0u);
    size_t live = 0;
    for (size_t k = 0; k < kKeys; ++k) {
      const reclaim::ReadSection section;
      Entry* e = index.Find(keys[k], HashIndex::Hash(keys[k]));
      ASSERT_EQ(alive[k].load(), e == nullptr ? 0 : 1) << keys[k];
      if (e == nullptr) continue;
      ++live;
      ASSERT_TRUE(index.Erase(e, HashIndex::Hash(keys[k])));
      RetireEntry(e);
    }
    EXPECT_GT(live, 0u);
    EXPECT_EQ(index.size(), 0u);
  }
  // Nothing leaks: the entries went through both stages, the arrays and tables through one.
  reclaim::Drain();
  EXPECT_LT(std::abs(memory::UsedBytes() - used_before), 8192);
}

}  // namespace
}  // namespace mantis
