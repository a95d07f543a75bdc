// The interest table under threads: waiters and watchers against writers, the gate, and each other.
// Integers stand for lists here: a waiter takes one unit away from the first of its keys that has
// any.

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/random.h"
#include "server/dispatch/interest_table.h"
#include "tests/support/engine_fixture.h"

namespace mantis::server {
namespace {

using mantis::test::RunBatch;

#ifdef MANTIS_SANITIZED
constexpr int kScale = 1;
#else
constexpr int kScale = 4;
#endif
constexpr auto kPatience = std::chrono::seconds(20);

// Lets other threads in at places where they could do harm.
void Jitter(OpContext& ctx) {
  const uint64_t n = NextRandom(ctx.random_state()) >> 58;
  if (n < 8) std::this_thread::yield();
  if (n == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
}

// A committing thread that takes its time before it tells the table.
class SlowObserver final : public CommitObserver {
 public:
  explicit SlowObserver(InterestTable& table) : table_(table) {}
  void OnCommit(OpContext& ctx, Database& db, Bytes key, std::string_view event,
                bool watched) override {
    if (watched) Jitter(ctx);
    table_.OnCommit(ctx, db, key, event, watched);
  }
  void BeforeReplace(OpContext& ctx, Database& now, Database& next) override {
    table_.BeforeReplace(ctx, now, next);
  }
  void AfterReplace(OpContext& ctx, Database& db) override { table_.AfterReplace(ctx, db); }

 private:
  InterestTable& table_;
};

class InterestTableStress : public ::testing::Test {
 protected:
  class UnitWaiter;

  InterestTableStress() { engine_.set_observer(&observer_); }

  template <class F>
  std::vector<std::thread> Start(int n, F&& body) {
    std::vector<std::thread> threads;
    for (int t = 0; t < n; ++t) {
      threads.emplace_back([this, t, body] {
        OpContext ctx(engine_);
        body(ctx, t);
      });
    }
    return threads;
  }
  static void Join(std::vector<std::thread>& threads) {
    for (std::thread& t : threads) t.join();
  }

  // Serves what this thread has made ready, and what others could not serve.
  void Serve(OpContext& ctx) {
    std::vector<std::shared_ptr<Waiter>> again;
    {
      const std::lock_guard lock(retry_mutex_);
      again.swap(retries_);
    }
    for (const auto& waiter : again) table_.Note(*waiter);
    if (!InterestTable::AnyReady()) return;
    RunBatch(ctx, [&] { return table_.ServeReady(ctx, nullptr); });
  }

  void Add(OpContext& ctx, int db, const std::string& key, int64_t n) {
    const Status s = RunBatch(ctx, [&] {
      while (true) {
        const Status done =
            engine_.database(db).Mutate(ctx, KeyRef::Of(key), [n](const Current& now) {
              const int64_t v = now.exists() ? now.value.integer() : 0;
              return Update::Set(MakeInteger(v + n, now.value), kNoDeadline, "incrby");
            });
        if (done != Status::kBusy) return done;
      }
    });
    ASSERT_EQ(s, Status::kOk);
    Serve(ctx);
  }

  int64_t Units(OpContext& ctx, int db, const std::string& key) {
    return RunBatch(ctx, [&] {
      Current now;
      const Status s = engine_.database(db).Get(ctx, KeyRef::Of(key), &now);
      return s == Status::kOk ? now.value.integer() : 0;
    });
  }

  // True once `waiter` was served; false after a long time.
  template <class W>
  bool Await(OpContext& ctx, W& waiter) {
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!waiter.served()) {
      Serve(ctx);
      std::this_thread::yield();
      if (std::chrono::steady_clock::now() > end) return false;
    }
    return true;
  }

  std::shared_ptr<UnitWaiter> Wait(OpContext& ctx, int db, const std::vector<std::string>& keys,
                                   ValueType type = ValueType::kString);

  reclaim::Runtime runtime_;
  Engine engine_{EngineOptions{}};
  InterestTable table_;
  SlowObserver observer_{table_};
  std::mutex retry_mutex_;
  std::vector<std::shared_ptr<Waiter>> retries_;
  std::mutex order_mutex_;
  std::vector<int64_t> order_;  // tickets in the order in which they were served
};

class InterestTableStress::UnitWaiter final : public Waiter,
                                              public std::enable_shared_from_this<UnitWaiter> {
 public:
  // With type kNone it is tried also while its keys are absent.
  UnitWaiter(InterestTableStress& test, int db, const std::vector<std::string>& keys,
             ValueType type = ValueType::kString)
      : Waiter(db, keys, {.type = type}), test_(test), keys_(keys) {}

  Attempt Try(OpContext& ctx, CoreContext*) override {
    EXPECT_FALSE(inside_.exchange(true)) << "tried by two threads at once";
    Jitter(ctx);
    const Attempt attempt = LockAndTake(ctx);
    if (attempt != Attempt::kServed) Jitter(ctx);
    inside_ = false;
    return attempt;
  }
  // Cancel has said yes: from now on it must not take anything.
  void MarkCancelled() { cancelled_ = true; }
  void Served() override { EXPECT_FALSE(served_.exchange(true)) << "served twice"; }
  void RetrySoon() override {
    const std::lock_guard lock(test_.retry_mutex_);
    test_.retries_.push_back(shared_from_this());
  }

  bool served() const { return served_; }
  int64_t ticket = 0;

 private:
  Attempt LockAndTake(OpContext& ctx) {
    std::vector<KeyLocks::Target> targets;
    for (const std::string& key : keys_) {
      targets.emplace_back(&test_.engine_.database(db()), KeyRef::Of(key));
    }
    KeyLocks locks(ctx);
    if (locks.Acquire(targets) != Status::kOk) return Attempt::kBusy;
    Jitter(ctx);
    if (!BeginTaking()) return Attempt::kWaits;
    Jitter(ctx);
    const Attempt attempt = Take(ctx);
    EXPECT_FALSE(cancelled_) << "it takes although it was cancelled";
    if (attempt != Attempt::kServed) EndTaking();
    return attempt;
  }

  Attempt Take(OpContext& ctx) {
    Database& database = test_.engine_.database(db());
    for (const std::string& key : keys_) {
      const Status s = database.Mutate(ctx, KeyRef::Of(key), [](const Current& now) {
        if (!now.exists()) return Update::Keep(Status::kNotFound);
        const int64_t v = now.value.integer();
        if (v == 1) return Update::Erase("del");
        return Update::Set(MakeInteger(v - 1, now.value), kNoDeadline, "decr");
      });
      if (s == Status::kBusy) return Attempt::kBusy;
      if (s != Status::kOk) continue;
      const std::lock_guard lock(test_.order_mutex_);
      test_.order_.push_back(ticket);
      return Attempt::kServed;
    }
    return Attempt::kWaits;
  }

  InterestTableStress& test_;
  const std::vector<std::string> keys_;
  std::atomic<bool> inside_{false};
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> served_{false};
};

std::shared_ptr<InterestTableStress::UnitWaiter> InterestTableStress::Wait(
    OpContext& ctx, int db, const std::vector<std::string>& keys, ValueType type) {
  auto waiter = std::make_shared<UnitWaiter>(*this, db, keys, type);
  RunBatch(ctx, [&] {
    table_.Enqueue(ctx, waiter);
    return 0;
  });
  Serve(ctx);
  return waiter;
}

std::string Key(uint64_t n) { return "k" + std::to_string(n); }

// No wake-up is lost. In each round as many units come, at random keys, as there are waiters, all
// at the same time; whoever is not served then, would be by nothing that comes later.
TEST_F(InterestTableStress, EveryWaiterIsServed) {
  constexpr int kThreads = 3;
  constexpr int kRounds = 1500 * kScale;
  constexpr uint64_t kKeys = 2;
  std::barrier round(2 * kThreads);
  std::atomic<int> left{0};
  auto threads = Start(2 * kThreads, [&](OpContext& ctx, int t) {
    for (int i = 0; i < kRounds; ++i) {
      if (t == 0) left = kThreads;
      round.arrive_and_wait();
      Jitter(ctx);
      if (t % 2 == 0) {
        const uint64_t first = NextRandom(ctx.random_state()) >> 63;
        const auto waiter = Wait(ctx, 0, {Key(first), Key(1 - first)},
                                 i % 2 == 0 ? ValueType::kString : ValueType::kNone);
        EXPECT_TRUE(Await(ctx, *waiter)) << "a wake-up was lost";
        --left;
      } else {
        Add(ctx, 0, Key((NextRandom(ctx.random_state()) >> 32) % kKeys), 1);
        // It may have become this thread's turn to serve again.
        const auto end = std::chrono::steady_clock::now() + kPatience;
        while (left > 0 && std::chrono::steady_clock::now() < end) {
          Serve(ctx);
          std::this_thread::yield();
        }
      }
      round.arrive_and_wait();
      if (HasFailure()) return;
    }
  });
  Join(threads);
  OpContext ctx(engine_);
  for (uint64_t k = 0; k < kKeys; ++k) EXPECT_EQ(Units(ctx, 0, Key(k)), 0);
  EXPECT_EQ(table_.waiting(), 0u);
  EXPECT_EQ(table_.keys(), 0u);
  EXPECT_EQ(engine_.database(0).index().size(), 0u) << "tombs of keys nobody waits for are left";
}

// Who is cancelled gets nothing, who is not is served or still waits: units taken and left are
// those that came.
TEST_F(InterestTableStress, CancellingLosesAndDoublesNothing) {
  constexpr int kUnits = 6000 * kScale;
  std::atomic<bool> stop{false};
  std::atomic<int64_t> taken{0};
  auto consumers = Start(4, [&](OpContext& ctx, int t) {
    while (!stop) {
      const auto waiter = Wait(ctx, 0, {Key(static_cast<uint64_t>(t) % 2), Key(2)});
      const uint64_t patience = NextRandom(ctx.random_state()) % 64;
      for (uint64_t i = 0; i < patience && !waiter->served(); ++i) Serve(ctx);
      bool cancelled = false;
      while (!cancelled && !waiter->served()) {
        cancelled = t % 2 == 0 ? table_.Cancel(nullptr, *waiter)
                               : RunBatch(ctx, [&] { return table_.Cancel(&ctx, *waiter); });
        if (cancelled) waiter->MarkCancelled();
        Serve(ctx);
      }
      if (!cancelled) taken.fetch_add(1);
      ASSERT_TRUE(cancelled != waiter->served());
    }
  });
  auto producers = Start(2, [&](OpContext& ctx, int) {
    for (int i = 0; i < kUnits; ++i) Add(ctx, 0, Key(NextRandom(ctx.random_state()) % 3), 1);
  });
  Join(producers);
  stop = true;
  Join(consumers);
  OpContext ctx(engine_);
  int64_t left = 0;
  for (uint64_t k = 0; k < 3; ++k) left += Units(ctx, 0, Key(k));
  EXPECT_EQ(taken + left, 2 * kUnits);
  EXPECT_EQ(static_cast<int64_t>(order_.size()), taken);
  EXPECT_GT(taken, 0);
  RunBatch(ctx, [&] {
    table_.Sweep(ctx, 0, 1);
    return 0;
  });
  EXPECT_EQ(table_.keys(), 0u);
}

// First come, first served.
TEST_F(InterestTableStress, ServedInTheOrderTheyCame) {
  constexpr int kEach = 500 * kScale;
  std::mutex tickets_mutex;
  int64_t tickets = 0;
  auto consumers = Start(3, [&](OpContext& ctx, int) {
    for (int i = 0; i < kEach; ++i) {
      auto waiter = std::make_shared<UnitWaiter>(*this, 0, std::vector<std::string>{"queue"});
      {
        const std::lock_guard lock(tickets_mutex);
        waiter->ticket = tickets++;
        RunBatch(ctx, [&] {
          table_.Enqueue(ctx, waiter);
          return 0;
        });
      }
      Serve(ctx);
      // Every third gives up, if it is not served first.
      if (i % 3 == 0 && table_.Cancel(nullptr, *waiter)) continue;
      ASSERT_TRUE(Await(ctx, *waiter));
    }
  });
  std::atomic<bool> stop{false};
  auto producers = Start(2, [&](OpContext& ctx, int) {
    while (!stop) Add(ctx, 0, "queue", 1);
  });
  Join(consumers);
  stop = true;
  Join(producers);
  for (size_t i = 1; i < order_.size(); ++i) ASSERT_LT(order_[i - 1], order_[i]) << "at " << i;
}

// Waiters stay with the number of their database when contents change places.
TEST_F(InterestTableStress, SwappingDatabasesWakesWhoWaits) {
  constexpr int kUnits = 1000 * kScale;
  auto consumers = Start(2, [&](OpContext& ctx, int t) {
    for (int i = 0; i < kUnits; ++i) {
      ASSERT_TRUE(Await(ctx, *Wait(ctx, t, {"x"}))) << "a wake-up was lost";
    }
  });
  std::atomic<bool> stop{false};
  // Whichever database the units come to, swapping brings them to both.
  auto swapper = Start(1, [&](OpContext& ctx, int) {
    while (!stop) {
      while (!ctx.TryCloseGate()) std::this_thread::yield();
      engine_.SwapDatabases(ctx, 0, 1);
      ctx.OpenGate();
      Serve(ctx);
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  auto producer = Start(1, [&](OpContext& ctx, int) {
    while (!stop) {
      Add(ctx, 0, "x", 1);
      std::this_thread::sleep_for(std::chrono::microseconds(50));
    }
  });
  Join(consumers);
  stop = true;
  Join(swapper);
  Join(producer);
}

// Optimistic transactions that test what they watch under the key's lock never overwrite a change,
// though waiters keep setting the same flag.
TEST_F(InterestTableStress, WatchingLosesNoUpdate) {
  constexpr int kEach = 500 * kScale;
  std::atomic<bool> stop{false};
  std::atomic<int64_t> added{0};
  const auto increment = [&](OpContext& ctx) {
    return RunBatch(ctx, [&] {
      Database& db = engine_.database(0);
      const KeyRef key = KeyRef::Of("n");
      const auto state = std::make_shared<WatchState>();
      table_.Watch(ctx, 0, key, state);
      Current now;
      const Status s = db.Get(ctx, key, &now);
      const int64_t value = s == Status::kOk ? now.value.integer() : 0;
      Jitter(ctx);
      bool done = false;
      const std::vector<KeyLocks::Target> targets{{&db, key}};
      KeyLocks locks(ctx);
      if (s != Status::kBusy && locks.Acquire(targets) == Status::kOk) {
        done = InterestTable::Unchanged(ctx, 0, key, *state);
        table_.Unwatch(&ctx, 0, key, state);
        if (done) {
          const Status set = db.Mutate(ctx, key, [&](const Current& before) {
            return Update::Set(MakeInteger(value + 1, before.value), kNoDeadline, "set");
          });
          EXPECT_EQ(set, Status::kOk);
        }
      } else {
        table_.Unwatch(&ctx, 0, key, state);
      }
      return done;
    });
  };
  auto writers = Start(3, [&](OpContext& ctx, int) {
    for (int i = 0; i < kEach;) {
      if (increment(ctx)) ++i;
      Serve(ctx);
    }
  });
  auto plain = Start(1, [&](OpContext& ctx, int) {
    for (; !stop; ++added) {
      Add(ctx, 0, "n", 1);
      Jitter(ctx);
    }
  });
  // Waits for nothing that ever comes, so that it is tried and the flag set again and again.
  auto noise = Start(1, [&](OpContext& ctx, int) {
    class Never final : public Waiter {
     public:
      Never() : Waiter(0, {"n"}, {.type = ValueType::kString}) {}
      Attempt Try(OpContext& ctx, CoreContext*) override {
        Jitter(ctx);
        return Attempt::kWaits;
      }
      void Served() override { FAIL(); }
      void RetrySoon() override {}
    };
    while (!stop) {
      const auto waiter = std::make_shared<Never>();
      RunBatch(ctx, [&] {
        table_.Enqueue(ctx, waiter);
        return table_.ServeReady(ctx, nullptr);
      });
      while (!table_.Cancel(nullptr, *waiter)) std::this_thread::yield();
    }
  });
  Join(writers);
  stop = true;
  Join(plain);
  Join(noise);
  OpContext ctx(engine_);
  EXPECT_EQ(Units(ctx, 0, "n"), 3 * kEach + added);
}

}  // namespace
}  // namespace mantis::server
