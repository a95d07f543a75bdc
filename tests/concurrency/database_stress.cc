// Several threads on one keyspace, each test with an invariant that must hold at any moment.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using test::RunBatch;

constexpr int kThreads = 4;
#ifdef MANTIS_SANITIZED
constexpr int kScale = 1;
#else
constexpr int kScale = 5;
#endif

class DatabaseStress : public ::testing::Test {
 protected:
  // Runs `body(ctx, thread number)` on every thread and waits.
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

  Status Increment(OpContext& ctx, Bytes key) {
    return RunBatch(ctx, [&] {
      return engine_.database(0).Mutate(ctx, KeyRef::Of(key), [](const Current& now) {
        const int64_t v = now.exists() ? now.value.integer() : 0;
        return Update::Set(MakeInteger(v + 1, now.value), kNoDeadline, "incrby");
      });
    });
  }

  // Sets all keys to `value` as one commit; retries while busy.
  void SetTogether(OpContext& ctx, const std::vector<std::string>& keys, Bytes value) {
    while (true) {
      const Status s = RunBatch(ctx, [&] {
        Database& db = engine_.database(0);
        std::vector<KeyLocks::Target> targets;
        for (const std::string& k : keys) targets.emplace_back(&db, KeyRef::Of(k));
        KeyLocks locks(ctx);
        if (locks.Acquire(targets) == Status::kBusy) return Status::kBusy;
        for (const auto& [d, key] : targets) {
          const Status set = d->Mutate(ctx, key, [&](const Current& now) {
            return Update::Set(MakeString(value, now.value), kNoDeadline, "set");
          });
          if (set != Status::kOk) return set;
        }
        return Status::kOk;
      });
      if (s == Status::kOk) return;
      ASSERT_EQ(s, Status::kBusy);
      std::this_thread::yield();
    }
  }

  reclaim::Runtime runtime_;
  Engine engine_{EngineOptions{}};
};

// No update is lost: n increments from many threads give n, deletions in between counted.
TEST_F(DatabaseStress, IncrementsAreNeverLost) {
  constexpr int kEach = 4000 * kScale;
  OnThreads(kThreads, [&](OpContext& ctx, int) {
    for (int i = 0; i < kEach; ++i) {
      const std::string key = "counter:" + std::to_string(i % 3);
      while (Increment(ctx, key) != Status::kOk) std::this_thread::yield();
    }
  });
  OpContext ctx(engine_);
  int64_t sum = 0;
  for (int k = 0; k < 3; ++k) {
    RunBatch(ctx, [&] {
      Current now;
      ASSERT_EQ(engine_.database(0).Get(ctx, KeyRef::Of("counter:" + std::to_string(k)), &now),
                Status::kOk);
      sum += now.value.integer();
    });
  }
  EXPECT_EQ(sum, int64_t{kThreads} * kEach);
}

// A key that flips between absent and present under many threads: creations minus deletions is
// what is left, and the key count agrees.
TEST_F(DatabaseStress, CreateAndDeleteBalance) {
  std::atomic<int64_t> created{0};
  std::atomic<int64_t> deleted{0};
  OnThreads(kThreads, [&](OpContext& ctx, int t) {
    std::mt19937_64 rng(static_cast<uint64_t>(t) + 1);
    for (int i = 0; i < 6000 * kScale; ++i) {
      const std::string key = "k" + std::to_string(rng() % 8);
      if (rng() % 2 == 0) {
        const Status s = RunBatch(ctx, [&] {
          return engine_.database(0).Mutate(ctx, KeyRef::Of(key), [&](const Current& now) {
            if (now.exists()) return Update::Keep(Status::kExists);
            return Update::Set(MakeString("value", now.value), kNoDeadline, "set");
          });
        });
        if (s == Status::kOk) created.fetch_add(1);
      } else if (test::Delete(ctx, 0, key) == Status::kOk) {
        deleted.fetch_add(1);
      }
    }
  });
  EXPECT_EQ(static_cast<int64_t>(engine_.database(0).size()), created.load() - deleted.load());
  EXPECT_EQ(engine_.database(0).index().size(), engine_.database(0).size());
  EXPECT_EQ(engine_.database(0).ordered().size(), engine_.database(0).size());
}

// A multi-key commit is seen whole or not at all, by multi-key readers and by a reader that looks
// at one key after the other (it never sees an older value later).
TEST_F(DatabaseStress, MultiKeyCommitsAreAllOrNothing) {
  const std::vector<std::string> keys = {"a", "b", "c", "d"};
  std::atomic<bool> stop{false};
  {
    OpContext ctx(engine_);
    SetTogether(ctx, keys, "0");
  }
  OnThreads(kThreads, [&](OpContext& ctx, int t) {
    if (t == 0) {
      // One writer, so that values ascend.
      for (int i = 1; i < 3000 * kScale; ++i) SetTogether(ctx, keys, std::to_string(i));
      stop.store(true);
      return;
    }
    std::vector<KeyRef> refs;
    for (const std::string& k : keys) refs.push_back(KeyRef::Of(k));
    std::vector<Current> out;
    while (!stop.load()) {
      RunBatch(ctx, [&] {
        if (engine_.database(0).GetMany(ctx, refs, out) != Status::kOk) return;
        for (const Current& c : out) ASSERT_EQ(c.value.integer(), out[0].value.integer());
        int64_t last = -1;
        for (const KeyRef& r : refs) {
          Current now;
          if (engine_.database(0).Get(ctx, r, &now) != Status::kOk) return;
          ASSERT_GE(now.value.integer(), last);
          last = now.value.integer();
        }
      });
      std::this_thread::yield();
    }
  });
}

// Every key that exists throughout a scan comes up exactly once, in order, whatever happens to
// the keys between them.
TEST_F(DatabaseStress, ScansAreCompleteUnderChurn) {
  constexpr int kPermanent = 2000;
  {
    OpContext ctx(engine_);
    for (int i = 0; i < kPermanent; ++i) {
      ASSERT_EQ(test::SetString(ctx, 0, "p:" + std::to_string(100000 + i), "x"), Status::kOk);
    }
  }
  std::atomic<bool> stop{false};
  OnThreads(kThreads, [&](OpContext& ctx, int t) {
    std::mt19937_64 rng(static_cast<uint64_t>(t) + 7);
    if (t < 2) {
      while (!stop.load()) {
        const std::string key =
            "p:" + std::to_string(100000 + rng() % kPermanent) + ":" + std::to_string(rng() % 10);
        if (rng() % 2 == 0) {
          ASSERT_EQ(test::SetString(ctx, 0, key, "churn"), Status::kOk);
        } else {
          (void)(test::Delete(ctx, 0, key) == Status::kOk);
        }
      }
      return;
    }
    for (int round = 0; round < 40 * kScale; ++round) {
      const bool reverse = round % 2 == 1;
      RunBatch(ctx, [&] {
        int seen = 0;
        std::string last;
        OrderedCursor cursor(engine_.database(0).ordered(), RangeBound::Including("p:"),
                             RangeBound::Excluding("p;"), reverse);
        for (auto run = cursor.NextRun(); !run.empty(); run = cursor.NextRun()) {
          for (const Entry* e : run) {
            if (seen != 0 || !last.empty()) {
              ASSERT_TRUE(reverse ? CompareBytes(e->key(), last) < 0
                                  : CompareBytes(e->key(), last) > 0);
            }
            last.assign(e->key());
            if (e->key().size() == 8) ++seen;
          }
        }
        ASSERT_EQ(seen, kPermanent);
      });
    }
    if (t == 2) stop.store(true);
  });
}

// Under the gate a thread is alone: a plain variable needs no other protection.
TEST_F(DatabaseStress, TheGateExcludesEveryBatch) {
  int64_t plain = 0;
  std::atomic<int64_t> closed{0};
  OnThreads(kThreads, [&](OpContext& ctx, int t) {
    for (int i = 0; i < 2000; ++i) {
      if (t == 0 || i % 100 == 0) {
        if (!ctx.TryCloseGate()) continue;
        ++plain;
        closed.fetch_add(1);
        if (i % 500 == 0) engine_.Flush(ctx, 0);
        ctx.OpenGate();
      } else {
        (void)test::SetString(ctx, 0, "g" + std::to_string(i % 50), "v");
        RunBatch(ctx, [&] { EXPECT_GE(plain, 0); });
      }
    }
  });
  EXPECT_EQ(plain, closed.load());
}

// Keys with deadlines die once each, however many threads meet them.
TEST_F(DatabaseStress, ExpiryCountsEachKeyOnce) {
  constexpr int kKeys = 5000;
  {
    OpContext ctx(engine_);
    const int64_t soon = WallClockMs() + 50;
    for (int i = 0; i < kKeys; ++i) {
      ASSERT_EQ(test::SetString(ctx, 0, "t" + std::to_string(i), "x", soon), Status::kOk);
    }
  }
  const int64_t before = Counters::Sum(Counter::kExpiredKeys);
  std::this_thread::sleep_for(std::chrono::milliseconds(60));
  OnThreads(kThreads, [&](OpContext& ctx, int t) {
    for (int i = 0; i < kKeys; ++i) {
      RunBatch(ctx, [&] {
        Current now;
        EXPECT_NE(engine_.database(0).Get(ctx, KeyRef::Of("t" + std::to_string(i)), &now),
                  Status::kOk);
        if (i % 64 == 0) {
          engine_.database(0).ExpireDue(ctx, static_cast<size_t>(t), kThreads, 20);
        }
      });
    }
  });
  EXPECT_EQ(engine_.database(0).size(), 0u);
  EXPECT_EQ(engine_.database(0).deadlines(), 0u);
  EXPECT_EQ(Counters::Sum(Counter::kExpiredKeys) - before, kKeys);
}

}  // namespace
}  // namespace mantis
