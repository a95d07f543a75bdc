// Several threads write at the memory limit, while others read, delete and flush.
//
// Invariants: memory in use stays within the bound of the limit, whatever is pending; no write is
// told to wait for longer than MakeRoom promises; no more is evicted than has to be.

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/memory.h"
#include "engine/base/random.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using test::RunBatch;

constexpr int kThreads = 4;
#ifdef MANTIS_SANITIZED
constexpr int kWrites = 10'000;
#else
constexpr int kWrites = 50'000;
#endif
constexpr int64_t kMiB = 1024 * 1024;

class EvictionStress : public ::testing::Test {
 protected:
  void Limit(int64_t bytes, EvictionPolicy policy) {
    limit_ = memory::UsedBytes() + bytes;
    CacheOptions options;
    options.max_bytes = limit_;
    options.policy = policy;
    engine_.cache().SetOptions(options);
  }

  // As the dispatcher does: the write comes after room was made, and again while it has to wait.
  Cache::Room Put(OpContext& ctx, const std::string& key, Bytes value) {
    const auto began = std::chrono::steady_clock::now();
    while (true) {
      const Cache::Room room = RunBatch(ctx, [&] {
        const Cache::Room r = engine_.cache().MakeRoom(engine_, ctx);
        if (r == Cache::Room::kEnough) {
          static_cast<void>(
              engine_.database(0).Mutate(ctx, KeyRef::Of(key), [&](const Current& now) {
                return Update::Set(MakeString(value, now.value), kNoDeadline, "set");
              }));
        }
        return r;
      });
      if (room != Cache::Room::kWait) return room;
      waits_.fetch_add(1);
      const auto waited = std::chrono::steady_clock::now() - began;
      if (waited > std::chrono::seconds(30)) return room;
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    }
  }

  template <class F>
  void OnThreads(int n, F&& body) {
    std::vector<std::thread> threads;
    for (int t = 0; t < n; ++t) {
      threads.emplace_back([&, t] {
        OpContext ctx(engine_);
        body(ctx, t);
      });
    }
    for (std::thread& t : threads) t.join();
  }

  int64_t limit_ = 0;
  std::atomic<int64_t> waits_{0};
  reclaim::Runtime runtime_;
  Engine engine_{EngineOptions{}};
};

TEST_F(EvictionStress, MemoryStaysAtTheLimit) {
  Limit(16 * kMiB, EvictionPolicy::kAllKeysLru);
  const int64_t evicted_before = Counters::Sum(Counter::kEvictedKeys);
  std::atomic<int64_t> most{0};
  std::atomic<int> refused{0};
  OnThreads(kThreads, [&](OpContext& ctx, int t) {
    const std::string value(1000, 'v');
    for (int i = 0; i < kWrites; ++i) {
      const Cache::Room room = Put(ctx, std::to_string(t) + ":" + std::to_string(i), value);
      if (room != Cache::Room::kEnough) refused.fetch_add(1);
      if (i % 64 == 0) {
        const int64_t used = memory::UsedBytes();
        int64_t seen = most.load();
        while (used > seen && !most.compare_exchange_weak(seen, used)) {
        }
      }
    }
  });
  EXPECT_EQ(refused.load(), 0);
  // The slack for pending memory, and one value of each thread.
  EXPECT_LT(most.load(), limit_ + kMiB);
  OpContext ctx(engine_);
  const auto keys = static_cast<int64_t>(RunBatch(ctx, [&] { return engine_.database(0).size(); }));
  const int64_t evicted = Counters::Sum(Counter::kEvictedKeys) - evicted_before;
  EXPECT_EQ(keys + evicted, int64_t{kThreads} * kWrites);
  // What is left fills the room: a key takes 1,100 bytes with what belongs to it.
  EXPECT_GT(keys * 1100, 14 * kMiB);
  RecordProperty("waits", static_cast<int>(waits_.load()));
}

TEST_F(EvictionStress, WritesOfOtherSizesAndDeletesBetween) {
  Limit(16 * kMiB, EvictionPolicy::kAllKeysLfu);
  const uint64_t seed = test::TestSeed();
  std::atomic<int> refused{0};
  OnThreads(kThreads, [&](OpContext& ctx, int t) {
    uint64_t random = (seed ^ (static_cast<uint64_t>(t) + 1) * 0x9e3779b97f4a7c15) | 1;
    for (int i = 0; i < kWrites / 4; ++i) {
      const std::string key = std::to_string(NextRandom(random) % 20'000);
      const uint64_t what = NextRandom(random) % 100;
      if (what < 5) {
        static_cast<void>(test::Delete(ctx, 0, key));
      } else if (what == 5 && t == 0 && i % 50 == 0) {
        RunBatch(ctx, [] { return 0; });
        while (!ctx.TryCloseGate()) std::this_thread::yield();
        engine_.Flush(ctx, 0);
        ctx.OpenGate();
      } else {
        const std::string value(NextRandom(random) % 4000, 'v');
        if (Put(ctx, key, value) != Cache::Room::kEnough) refused.fetch_add(1);
      }
      if (i % 64 == 0) {
        EXPECT_LT(memory::UsedBytes(), limit_ + 2 * kMiB);
      }
    }
  });
  EXPECT_EQ(refused.load(), 0);
}

// A thread that stays in its read section holds all reclamation up.
TEST_F(EvictionStress, WritesGoOnOrAreRefusedWhileNothingComesBack) {
  Limit(8 * kMiB, EvictionPolicy::kAllKeysLru);
  std::atomic<bool> stop{false};
  std::thread reader([&] {
    OpContext ctx(engine_);
    RunBatch(ctx, [&] {
      while (!stop.load()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
      return 0;
    });
  });
  {
    OpContext ctx(engine_);
    const std::string value(1000, 'v');
    int refused = 0;
    for (int i = 0; i < 30'000 && refused < 100; ++i) {
      const Cache::Room room = Put(ctx, std::to_string(i), value);
      ASSERT_NE(room, Cache::Room::kWait) << i;
      if (room == Cache::Room::kNone) ++refused;
    }
    EXPECT_EQ(refused, 100);
    EXPECT_LT(memory::UsedBytes(), limit_ + 4 * kMiB);
    stop.store(true);
    reader.join();
    // All comes back, and writes are taken again.
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    Cache::Room room = Cache::Room::kNone;
    while (room != Cache::Room::kEnough && std::chrono::steady_clock::now() < until) {
      reclaim::Poll(true);
      room = Put(ctx, "after", value);
    }
    EXPECT_EQ(room, Cache::Room::kEnough);
  }
}

TEST_F(EvictionStress, WhatWasFlushedCountsAsFreeAtOnce) {
  Limit(8 * kMiB, EvictionPolicy::kNoEviction);
  OpContext ctx(engine_);
  const std::string value(1000, 'v');
  for (int round = 0; round < 3; ++round) {
    int i = 0;
    while (Put(ctx, std::to_string(i), value) == Cache::Room::kEnough && i < 20'000) ++i;
    ASSERT_GT(i, 5'000) << round;
    ASSERT_LT(i, 20'000) << round;
    while (!ctx.TryCloseGate()) std::this_thread::yield();
    engine_.Flush(ctx, 0);
    ctx.OpenGate();
    EXPECT_EQ(Put(ctx, "k", value), Cache::Room::kEnough) << round;
  }
}

}  // namespace
}  // namespace mantis
