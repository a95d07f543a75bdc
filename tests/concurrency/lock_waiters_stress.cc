// Threads that park on locked keys: no wake-up is lost, nobody is woken twice, nothing is left.

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "engine/base/random.h"
#include "engine/keyspace/lock_waiters.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using test::RunBatch;

constexpr int kThreads = 6;
constexpr auto kPatience = std::chrono::seconds(20);
#ifdef MANTIS_SANITIZED
constexpr int kEach = 1000;
#else
constexpr int kEach = 5000;
#endif

TEST(LockWaitersStress, NoWakeUpIsLost) {
  const uint64_t seed = test::TestSeed();
  reclaim::Runtime runtime;
  Engine engine{EngineOptions{}};
  const std::vector<std::string> names{"a", "b", "c"};
  std::atomic<int64_t> added{0};
  std::atomic<int64_t> parks{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      OpContext ctx(engine);
      uint64_t random = seed * kThreads + static_cast<uint64_t>(t) + 1;
      for (int i = 0; i < kEach; ++i) {
        const uint64_t choice = NextRandom(random) >> 32;
        const size_t first = choice % names.size();
        const bool both = choice % 16 < 8;
        const bool linger = choice % 64 == 0;
        for (bool done = false; !done;) {
          const auto wakes = std::make_shared<std::atomic<int>>(0);
          bool parked = false;
          done = RunBatch(ctx, [&] {
            Database& db = engine.database(0);
            std::vector<KeyLocks::Target> keys{{&db, KeyRef::Of(names[first])}};
            if (both) keys.emplace_back(&db, KeyRef::Of(names[(first + 1) % names.size()]));
            LockWaiters::ForgetObstacle();
            KeyLocks locks(ctx);
            if (locks.Acquire(keys) != Status::kOk) {
              parked = LockWaiters::Park([wakes] { wakes->fetch_add(1); });
              return false;
            }
            if (linger) std::this_thread::sleep_for(std::chrono::microseconds(100));
            for (const auto& [d, key] : keys) {
              const Status s = d->Mutate(ctx, key, [](const Current& now) {
                const int64_t v = now.exists() ? now.value.integer() : 0;
                return Update::Set(MakeInteger(v + 1, now.value), kNoDeadline, "incrby");
              });
              EXPECT_EQ(s, Status::kOk);
              added.fetch_add(1);
            }
            return true;
          });
          if (!parked) continue;
          parks.fetch_add(1);
          const auto end = std::chrono::steady_clock::now() + kPatience;
          while (*wakes == 0) {
            if (std::chrono::steady_clock::now() > end) {
              ADD_FAILURE() << "a wake-up was lost";
              return;
            }
            std::this_thread::yield();
          }
          EXPECT_EQ(*wakes, 1);
        }
      }
    });
  }
  for (std::thread& t : threads) t.join();
  OpContext ctx(engine);
  int64_t sum = 0;
  RunBatch(ctx, [&] {
    for (const std::string& name : names) {
      Current now;
      EXPECT_EQ(engine.database(0).Get(ctx, KeyRef::Of(name), &now), Status::kOk);
      sum += now.value.integer();
    }
    return 0;
  });
  EXPECT_EQ(sum, added);
  EXPECT_EQ(LockWaiters::parked(), 0u);
  EXPECT_GT(parks, 0);
}

}  // namespace
}  // namespace mantis
