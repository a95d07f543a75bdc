// OrderedIndex under threads. The promise to scans: every entry that is in the index throughout the
// scan is seen exactly once, in strict key order, whatever is split, merged or removed around it.
// The promise to writers: nothing inserted is lost, nothing erased comes back.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/index/ordered_index.h"
#include "engine/reclaim/rcu.h"

namespace mantis {
namespace {

constexpr auto kDuration = std::chrono::milliseconds(1000);

// Freed only after a second grace period, as the database does it.
void RetireEntry(Entry* e) {
  static constexpr auto kFree = [](void* p) { Entry::Destroy(static_cast<Entry*>(p)); };
  static constexpr auto kAgain = [](void* p) {
    reclaim::Retire(p, kFree, static_cast<Entry*>(p)->allocated_bytes());
  };
  reclaim::Retire(e, kAgain, e->allocated_bytes());
}

bool Kill(Entry* e) {
  Word word = e->word();
  return word.kind() != Kind::kDead && e->CompareExchange(word, Word::Of(Kind::kDead));
}

// Blocks of four entries split and merge all the time; the others are as people have them.
constexpr size_t kTinyBlock = 4;
constexpr size_t kRealBlock = 60;

class OrderedIndexStress : public ::testing::Test {
 protected:
  explicit OrderedIndexStress(size_t block_capacity) : index_(block_capacity) {}

  // One attached thread, running until Stop().
  template <class Body>
  void Start(Body body) {
    threads_.emplace_back([this, body, seed = static_cast<unsigned>(threads_.size())] {
      const reclaim::ThreadAttachment attachment;
      std::mt19937 random(seed);
      while (!stop_.load(std::memory_order_relaxed)) {
        body(random);
        reclaim::Poll();
      }
    });
  }
  void RunFor(std::chrono::milliseconds duration) {
    std::this_thread::sleep_for(duration);
    stop_.store(true, std::memory_order_relaxed);
    for (std::thread& t : threads_) t.join();
    threads_.clear();
  }

  // Whether a key is there, seen by a scan of it alone.
  bool Contains(const std::string& key, bool reverse) {
    const RangeBound at = RangeBound::Including(key);
    OrderedCursor cursor(index_, at, at, reverse);
    const std::span<Entry* const> run = cursor.NextRun();
    return !run.empty() && run.front()->key() == key;
  }
  std::vector<std::string> Content() {
    const reclaim::ReadSection section;
    std::vector<std::string> keys;
    index_.Scan(RangeBound::None(), RangeBound::None(), [&keys](auto run) {
      for (const Entry* e : run) keys.emplace_back(e->key());
      return true;
    });
    return keys;
  }

  reclaim::Runtime runtime_;
  reclaim::ThreadAttachment attachment_;
  OrderedIndex index_;
  std::atomic<bool> stop_{false};
  std::vector<std::thread> threads_;
};

// Keys 0..n-1 of a universe; each stride-th is in the index from the first to the last moment, the
// others come and go.
class Universe {
 public:
  Universe(size_t n, size_t stride) : stride_(stride) {
    for (size_t i = 0; i < n; ++i) {
      keys_.push_back("shared:prefix:" + std::to_string(1000000 + i));
    }
  }
  size_t size() const { return keys_.size(); }
  const std::string& key(size_t i) const { return keys_[i]; }
  bool permanent(size_t i) const { return i % stride_ == 0; }
  size_t NumberOf(const Entry* e) const {
    return std::stoul(std::string(e->key().substr(14))) - 1000000;
  }

  // One scan between random bounds, checked against the promise.
  void CheckScan(const OrderedIndex& index, std::mt19937& random, bool reverse) const {
    size_t a = random() % size();
    size_t b = random() % size();
    if (a > b) std::swap(a, b);
    // Every third scan covers all.
    if (random() % 3 == 0) a = 0, b = size() - 1;
    const bool whole = a == 0 && b == size() - 1;
    const RangeBound min = whole ? RangeBound::None() : RangeBound::Including(key(a));
    const RangeBound max = whole ? RangeBound::None() : RangeBound::Including(key(b));
    std::vector<size_t> seen;
    {
      const reclaim::ReadSection section;
      OrderedCursor cursor(index, min, max, reverse);
      for (auto run = cursor.NextRun(); !run.empty(); run = cursor.NextRun()) {
        for (const Entry* e : run) seen.push_back(NumberOf(e));
      }
    }
    if (reverse) std::reverse(seen.begin(), seen.end());
    size_t permanents = 0;
    for (size_t i = 0; i < seen.size(); ++i) {
      ASSERT_TRUE(seen[i] >= a && seen[i] <= b);
      if (i > 0) {
        ASSERT_LT(seen[i - 1], seen[i]);
      }
      permanents += permanent(seen[i]) ? 1 : 0;
    }
    ASSERT_EQ(permanents, b / stride_ - (a + stride_ - 1) / stride_ + 1);
  }

 private:
  size_t stride_;
  std::vector<std::string> keys_;
};

struct Churn {
  const char* name;
  size_t block_capacity;
  size_t keys;
  size_t stride;
  // How a writer goes through its part: whole stretches in and out again, or key by key.
  size_t stretch;
};

class ScanStress : public OrderedIndexStress, public ::testing::WithParamInterface<Churn> {
 protected:
  ScanStress() : OrderedIndexStress(GetParam().block_capacity) {}

  static constexpr size_t kWriters = 2;

  // Keys i with i % kWriters == writer belong to one writer, who puts a stretch of them in or out,
  // one by one or many within one read section, their places looked up ahead.
  void Write(std::vector<Entry*>& mine, const Universe& universe, size_t writer,
             std::mt19937& random) {
    const size_t start = random() % universe.size();
    const size_t end = std::min(start + 1 + random() % GetParam().stretch, universe.size());
    const bool in = random() % 2 == 0;
    const size_t together = random() % 2 == 0 ? 1 : 80;
    for (size_t begin = start; begin < end; begin += together) {
      std::vector<size_t> numbers;
      for (size_t i = begin; i < std::min(begin + together, end); ++i) {
        if (i % kWriters != writer || universe.permanent(i) || (mine[i] != nullptr) == in) continue;
        numbers.push_back(i);
      }
      const reclaim::ReadSection section;
      WriteThese(numbers, mine, universe, in, random);
    }
  }

  void WriteThese(const std::vector<size_t>& numbers, std::vector<Entry*>& mine,
                  const Universe& universe, bool in, std::mt19937& random) {
    std::vector<Bytes> keys;
    for (const size_t i : numbers) keys.emplace_back(universe.key(i));
    std::vector<OrderedIndex::Place> places(keys.size());
    if (keys.size() > 1) index_.FindPlaces(keys, places);
    for (size_t n = 0; n < numbers.size(); ++n) {
      const size_t i = numbers[n];
      if (in) {
        mine[i] = Entry::Create(universe.key(i));
        index_.Insert(mine[i], places[n]);
        ASSERT_TRUE(Contains(universe.key(i), random() % 2 == 0));
      } else {
        ASSERT_TRUE(Kill(mine[i]));
        index_.Erase(mine[i]);
        RetireEntry(mine[i]);
        mine[i] = nullptr;
        ASSERT_FALSE(Contains(universe.key(i), random() % 2 == 0));
      }
    }
  }
};

TEST_P(ScanStress, PermanentKeysAreSeenExactlyOnce) {
  const Universe universe(GetParam().keys, GetParam().stride);
  std::vector<std::vector<Entry*>> owned(kWriters + 1);
  for (auto& o : owned) o.resize(universe.size());
  auto& permanent = owned[kWriters];
  for (size_t i = 0; i < universe.size(); ++i) {
    if (!universe.permanent(i)) continue;
    permanent[i] = Entry::Create(universe.key(i));
    const reclaim::ReadSection section;
    index_.Insert(permanent[i]);
  }
  for (size_t w = 0; w < kWriters; ++w) {
    Start([&, w](std::mt19937& random) { Write(owned[w], universe, w, random); });
  }
  std::atomic<size_t> scans{0};
  for (const bool reverse : {false, true}) {
    Start([&, reverse](std::mt19937& random) {
      universe.CheckScan(index_, random, reverse);
      scans.fetch_add(1, std::memory_order_relaxed);
    });
  }
  RunFor(kDuration);
  EXPECT_GT(scans.load(), 0u);

  std::vector<std::string> expected;
  for (size_t i = 0; i < universe.size(); ++i) {
    for (const auto& o : owned) {
      if (o[i] != nullptr) expected.push_back(universe.key(i));
    }
  }
  EXPECT_EQ(Content(), expected);
  EXPECT_EQ(index_.size(), expected.size());
  for (const auto& o : owned) {
    for (Entry* e : o) {
      if (e == nullptr) continue;
      const reclaim::ReadSection section;
      index_.Erase(e);
      Entry::Destroy(e);
    }
  }
  EXPECT_EQ(index_.size(), 0u);
  EXPECT_EQ(index_.blocks(), 1u);
}

INSTANTIATE_TEST_SUITE_P(Churns, ScanStress,
                         ::testing::Values(Churn{"LargeByKey", kRealBlock, 20000, 4, 1},
                                           Churn{"LargeByStretch", kRealBlock, 20000, 101, 2000},
                                           Churn{"SmallByStretch", kRealBlock, 300, 149, 300},
                                           Churn{"TinyByKey", kTinyBlock, 150, 5, 1},
                                           Churn{"TinyByStretch", kTinyBlock, 40, 29, 20},
                                           Churn{"ManyTinyByStretch", kTinyBlock, 3000, 97, 50}),
                         [](const auto& churn) { return churn.param.name; });

class WriterStress : public OrderedIndexStress, public ::testing::WithParamInterface<size_t> {
 protected:
  WriterStress() : OrderedIndexStress(GetParam()) {}
};
INSTANTIATE_TEST_SUITE_P(BlockCapacities, WriterStress, ::testing::Values(kTinyBlock, kRealBlock));

// Threads put the same region in at once, partly the very same entries, and take it out again.
TEST_P(WriterStress, ConcurrentInsertsLoseNothing) {
  constexpr size_t kThreads = 4;
  constexpr size_t kKeys = 6000;
  std::vector<Entry*> entries;
  std::vector<std::string> expected;
  for (size_t i = 0; i < kKeys; ++i) {
    expected.push_back("k" + std::to_string(100000 + i));
    entries.push_back(Entry::Create(expected.back()));
  }
  // Thread t takes every entry whose number is t or t+1 modulo kThreads: each twice in all.
  const auto for_part = [&](auto operation) {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        const reclaim::ThreadAttachment attachment;
        for (size_t i = 0; i < kKeys; ++i) {
          if (i % kThreads != t && i % kThreads != (t + 1) % kThreads) continue;
          {
            const reclaim::ReadSection section;
            operation(entries[t % 2 == 0 ? i : kKeys - 1 - i]);
          }
          reclaim::Poll();
        }
      });
    }
    for (std::thread& t : threads) t.join();
  };
  for (int round = 0; round < 5; ++round) {
    for_part([this](Entry* e) { index_.Insert(e); });
    ASSERT_EQ(Content(), expected);
    ASSERT_EQ(index_.size(), kKeys);
    for_part([this](Entry* e) { index_.Erase(e); });
    ASSERT_EQ(Content(), std::vector<std::string>());
    ASSERT_EQ(index_.size(), 0u);
    ASSERT_EQ(index_.blocks(), 1u);
  }
  for (Entry* e : entries) Entry::Destroy(e);
}

// The life of entries as the database has it: a directory with one entry a key, whose entry may be
// killed at any moment, even before its creator came to insert it here.
TEST_P(WriterStress, DeadEntriesGiveWayToTheLiving) {
  constexpr size_t kSlots = 100;
  std::vector<std::atomic<Entry*>> slots(kSlots);
  const auto key = [](size_t i) { return "slot:" + std::to_string(100 + i); };
  const auto create = [&](size_t i) {
    Entry* e = Entry::Create(key(i));
    Entry* none = nullptr;
    if (!slots[i].compare_exchange_strong(none, e)) {
      Entry::Destroy(e);
      return;
    }
    index_.Insert(e);
    if (e->dead()) index_.Erase(e);
  };
  const auto kill = [&](size_t i) {
    Entry* e = slots[i].load();
    if (e == nullptr || !Kill(e)) return;
    slots[i].store(nullptr);
    index_.Erase(e);
    RetireEntry(e);
  };
  for (int t = 0; t < 3; ++t) {
    Start([&](std::mt19937& random) {
      const reclaim::ReadSection section;
      const size_t i = random() % kSlots;
      if (random() % 2 == 0) {
        create(i);
      } else {
        kill(i);
      }
    });
  }
  Start([&](std::mt19937&) {
    const std::vector<std::string> content = Content();
    for (size_t i = 1; i < content.size(); ++i) ASSERT_LT(content[i - 1], content[i]);
  });
  RunFor(kDuration);

  std::vector<std::string> expected;
  for (size_t i = 0; i < kSlots; ++i) {
    if (slots[i].load() != nullptr) expected.push_back(key(i));
  }
  EXPECT_EQ(Content(), expected);
  EXPECT_EQ(index_.size(), expected.size());
  const reclaim::ReadSection section;
  for (size_t i = 0; i < kSlots; ++i) kill(i);
  EXPECT_EQ(index_.size(), 0u);
}

}  // namespace
}  // namespace mantis
