// Long batches, the gate and reclamation: who may wait for whom, and what stays valid meanwhile.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/random.h"
#include "engine/value/list.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using test::RunBatch;

// Far more than anything here takes: a test that waits this long has found a thread that waits for
// ever.
constexpr seconds kForever(60);

class LongBatchStress : public ::testing::Test {
 protected:
  Database& db() { return engine_.database(0); }

  Status Push(OpContext& ctx, Bytes key, Bytes element) {
    return db().EditOrCreate<List>(
        ctx, KeyRef::Of(key), [] { return std::make_unique<List>(-2); },
        [&](List& list) {
          list.Push(element, List::End::kTail);
          return Edited::Yes("rpush");
        });
  }

  template <class Ready>
  static bool Await(Ready&& ready) {
    const auto end = std::chrono::steady_clock::now() + kForever;
    while (!ready()) {
      if (std::chrono::steady_clock::now() > end) return false;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return true;
  }

  static int64_t NotReclaimed() {
    return Counters::Sum(Counter::kRetiredObjects) - Counters::Sum(Counter::kReclaimedObjects);
  }

  reclaim::Runtime runtime_;
  Engine engine_{EngineOptions{}};
};

TEST_F(LongBatchStress, WorkUnderALockHoldsBackNobodysReclamation) {
  std::promise<void> began;
  std::promise<void> drained;
  std::thread worker([&] {
    OpContext ctx(engine_);
    ASSERT_TRUE(ctx.BeginLong());
    ASSERT_EQ(Push(ctx, "list", "a"), Status::kOk);
    const Status s = db().Read<List>(ctx, KeyRef::Of("list"), [&](const List& list) {
      EXPECT_FALSE(reclaim::InReadSection());
      began.set_value();
      EXPECT_EQ(drained.get_future().wait_for(kForever), std::future_status::ready);
      EXPECT_EQ(list.size(), 1u);
      return Status::kOk;
    });
    EXPECT_EQ(s, Status::kOk);
    EXPECT_TRUE(reclaim::InReadSection());
    ctx.End();
  });
  began.get_future().wait();
  OpContext ctx(engine_);
  for (int i = 0; i < 1000; ++i) (void)test::SetString(ctx, 0, "k", "a value that is no integer");
  // Would never return if the worker were in its section.
  reclaim::Drain();
  drained.set_value();
  worker.join();
}

TEST_F(LongBatchStress, WhatAnIdleThreadRetiredComesBack) {
  std::promise<void> done;
  std::promise<void> may_end;
  std::thread worker([&] {
    OpContext ctx(engine_);
    for (int i = 0; i < 10; ++i) {
      ASSERT_TRUE(ctx.BeginLong());
      ASSERT_EQ(Push(ctx, "list", "a"), Status::kOk);
      ASSERT_EQ(db().Remove(ctx, KeyRef::Of("list")), Status::kOk);
      ctx.End();
    }
    done.set_value();
    // Does nothing any more, and is not in the way either.
    may_end.get_future().wait();
  });
  done.get_future().wait();
  EXPECT_TRUE(Await([] { return NotReclaimed() == 0; })) << NotReclaimed();
  may_end.set_value();
  worker.join();
}

TEST_F(LongBatchStress, LocksOfSeveralKeysKeepThemOutsideOfTheSection) {
  std::promise<void> locked;
  std::promise<void> may_go;
  std::thread worker([&] {
    OpContext ctx(engine_);
    ASSERT_TRUE(ctx.BeginLong());
    ASSERT_EQ(Push(ctx, "a", "1"), Status::kOk);
    ASSERT_EQ(Push(ctx, "b", "1"), Status::kOk);
    {
      const KeyLocks::Target targets[] = {
          {&db(), KeyRef::Of("a")}, {&db(), KeyRef::Of("b")}, {&db(), KeyRef::Of("absent")}};
      KeyLocks locks(ctx);
      ASSERT_EQ(locks.Acquire(targets), Status::kOk);
      EXPECT_FALSE(reclaim::InReadSection());
      locked.set_value();
      may_go.get_future().wait();
      // What enters a section leaves it again.
      Current now;
      EXPECT_EQ(db().Get(ctx, KeyRef::Of("absent"), &now), Status::kNotFound);
      EXPECT_EQ(Push(ctx, "a", "2"), Status::kOk);
      EXPECT_EQ(Push(ctx, "absent", "1"), Status::kOk);
      EXPECT_EQ(db().Remove(ctx, KeyRef::Of("b")), Status::kOk);
      EXPECT_FALSE(reclaim::InReadSection());
    }
    EXPECT_TRUE(reclaim::InReadSection());
    ctx.End();
  });
  locked.get_future().wait();
  OpContext ctx(engine_);
  // Deleting, expiring, evicting and burying pass locked keys by.
  for (const Bytes key : {Bytes("a"), Bytes("b"), Bytes("absent")}) {
    RunBatch(ctx, [&] {
      Entry* e = db().index().Find(key, HashIndex::Hash(key));
      ASSERT_NE(e, nullptr);
      EXPECT_EQ(db().Remove(ctx, KeyRef::Of(key)), Status::kBusy);
      EXPECT_FALSE(db().Evict(ctx, e));
      EXPECT_FALSE(db().ExpireIfDue(ctx, e));
      db().Bury(e);
      EXPECT_FALSE(e->dead());
    });
  }
  EXPECT_FALSE(ctx.TryCloseGate());
  reclaim::Drain();
  may_go.set_value();
  worker.join();
  RunBatch(ctx, [&] {
    Current now;
    EXPECT_EQ(db().Get(ctx, KeyRef::Of("a"), &now), Status::kOk);
    EXPECT_EQ(db().Get(ctx, KeyRef::Of("b"), &now), Status::kNotFound);
    EXPECT_EQ(db().Get(ctx, KeyRef::Of("absent"), &now), Status::kOk);
  });
}

TEST_F(LongBatchStress, AStringReadByALongBatchOutlivesItsKey) {
  const std::string text(1000, 'x');
  OpContext ctx(engine_);
  ASSERT_EQ(test::SetString(ctx, 0, "k", text), Status::kOk);
  std::promise<void> reading;
  std::promise<void> gone;
  std::thread worker([&] {
    OpContext mine(engine_);
    ASSERT_TRUE(mine.BeginLong());
    const Status s = db().ReadString(mine, KeyRef::Of("k"), [&](Bytes seen) {
      EXPECT_FALSE(reclaim::InReadSection());
      reading.set_value();
      gone.get_future().wait();
      EXPECT_EQ(seen, text);
      return Status::kOk;
    });
    EXPECT_EQ(s, Status::kOk);
    mine.End();
  });
  reading.get_future().wait();
  EXPECT_EQ(test::Delete(ctx, 0, "k"), Status::kOk);
  reclaim::Drain();
  gone.set_value();
  worker.join();
}

TEST_F(LongBatchStress, TheGateAndLongBatchesTakeTurns) {
  constexpr int kTurns = 200;
  std::atomic<bool> stop{false};
  std::atomic<int> long_batches{0};
  std::atomic<int> gates{0};
  std::atomic<int> short_batches{0};
  std::atomic<int> inside{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t) {
    threads.emplace_back([&] {
      OpContext ctx(engine_);
      while (!stop) {
        if (!ctx.BeginLong(&stop)) break;
        inside.fetch_add(1);
        std::this_thread::sleep_for(std::chrono::microseconds(200));
        inside.fetch_sub(1);
        ctx.End();
        long_batches.fetch_add(1);
      }
    });
    threads.emplace_back([&] {
      OpContext ctx(engine_);
      while (!stop) {
        if (!ctx.TryCloseGate()) {
          std::this_thread::sleep_for(std::chrono::microseconds(100));
          continue;
        }
        EXPECT_EQ(inside.load(), 0);
        ctx.OpenGate();
        gates.fetch_add(1);
      }
    });
  }
  threads.emplace_back([&] {
    OpContext ctx(engine_);
    while (!stop) {
      if (!ctx.TryBegin()) {
        std::this_thread::yield();
        continue;
      }
      ctx.End();
      short_batches.fetch_add(1);
    }
  });
  EXPECT_TRUE(Await([&] {
    return long_batches >= kTurns && gates >= kTurns && short_batches >= kTurns;
  })) << long_batches
      << " " << gates << " " << short_batches;
  stop = true;
  for (std::thread& t : threads) t.join();
}

TEST_F(LongBatchStress, ARequestThatIsNotRepeatedHoldsNobodyBack) {
  OpContext first(engine_);
  ASSERT_TRUE(first.BeginLong());
  std::thread([&] {
    OpContext second(engine_);
    EXPECT_FALSE(second.TryCloseGate());
  }).join();
  first.End();
  ASSERT_TRUE(first.BeginLong());
  first.End();
}

// Long batches change lists under locks, outside of their sections, while others delete the keys,
// bury them, flush and swap databases, and let what was retired be freed.
TEST_F(LongBatchStress, WhatIsLockedStaysWhileOthersDeleteFlushAndSwap) {
  constexpr int kKeys = 4;
  const auto end = std::chrono::steady_clock::now() + seconds(2);
  const uint64_t seed = test::TestSeed();
  const auto running = [end] { return std::chrono::steady_clock::now() < end; };
  std::vector<std::thread> threads;
  for (uint64_t t = 0; t < 2; ++t) {
    threads.emplace_back([&, t] {
      OpContext ctx(engine_);
      uint64_t random = seed + t + 1;
      while (running()) {
        ASSERT_TRUE(ctx.BeginLong());
        for (int step = 0; step < 10; ++step) {
          const std::string a = "k" + std::to_string(NextRandom(random) % kKeys);
          const std::string b = "k" + std::to_string(NextRandom(random) % kKeys);
          Database& here = engine_.database(0);
          const KeyLocks::Target targets[] = {{&here, KeyRef::Of(a)}, {&here, KeyRef::Of(b)}};
          KeyLocks locks(ctx);
          if (locks.Acquire(targets) != Status::kOk) continue;
          const List* list = nullptr;
          (void)here.Read<List>(ctx, KeyRef::Of(a), [&](const List& l) {
            list = &l;
            return Status::kOk;
          });
          std::this_thread::yield();
          size_t seen = 0;
          if (list != nullptr) {
            for (auto it = list->First(); it.valid(); it.Next()) ++seen;
            EXPECT_EQ(seen, list->size());
          }
          if (seen > 200) {
            EXPECT_EQ(here.Remove(ctx, KeyRef::Of(a)), Status::kOk);
          } else {
            EXPECT_EQ(Push(ctx, b, "element"), Status::kOk);
          }
          locks.Release();
          ctx.End();
          ASSERT_TRUE(ctx.BeginLong());
        }
        ctx.End();
      }
    });
  }
  threads.emplace_back([&] {
    OpContext ctx(engine_);
    uint64_t random = seed + 100;
    while (running()) {
      const std::string key = "k" + std::to_string(NextRandom(random) % kKeys);
      (void)test::Delete(ctx, 0, key);
      reclaim::Poll(true);
      std::this_thread::yield();
    }
  });
  threads.emplace_back([&] {
    OpContext ctx(engine_);
    uint64_t random = seed + 200;
    while (running()) {
      std::this_thread::sleep_for(milliseconds(1));
      if (!ctx.TryCloseGate()) continue;
      if (NextRandom(random) % 2 == 0) {
        engine_.FlushAll(ctx);
      } else {
        engine_.SwapDatabases(ctx, 0, 1);
      }
      ctx.OpenGate();
    }
  });
  for (std::thread& t : threads) t.join();
}

}  // namespace
}  // namespace mantis
