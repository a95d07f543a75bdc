// Reading several keys at one instant while values come back to keys that they were at before, and
// absent keys come and go: everything that two looks at the keys could take for "nothing happened".

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using test::RunBatch;

constexpr auto kLength = std::chrono::milliseconds(700);
// Keys between the two that matter: they make the time between their looks longer, and some share
// a bucket with them.
constexpr int kFiller = 30;
// Switches in one batch, so that entries that became absent are revived and not buried.
constexpr uint64_t kSwitchesMax = 8;

class SeveralKeys : public ::testing::Test {
 protected:
  SeveralKeys() {
    refs_.push_back(a_);
    for (int i = 0; i < kFiller; ++i) names_.push_back("filler" + std::to_string(i));
    for (const std::string& name : names_) refs_.push_back(KeyRef::Of(name));
    refs_.push_back(b_);
  }

  // `change` switches from one state to another, again and again in batches of several, on one
  // thread; on two others `judge(a, b)` must say yes to what is read.
  template <class Change, class Judge>
  void Run(Change&& change, Judge&& judge) {
    const uint64_t seed = test::TestSeed();
    std::atomic<bool> stop{false};
    std::atomic<int64_t> reads{0};
    std::atomic<int64_t> wrong{0};
    std::vector<std::thread> threads;
    threads.emplace_back([&] {
      OpContext ctx(engine_);
      std::mt19937_64 rng(seed);
      for (int64_t n = 0; !stop;) {
        RunBatch(ctx, [&] {
          for (uint64_t i = 1 + rng() % kSwitchesMax; i > 0; --i) change(ctx, n++);
          return 0;
        });
      }
    });
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        OpContext ctx(engine_);
        std::vector<Current> out;
        while (!stop) {
          const Status s = RunBatch(ctx, [&] {
            const Status got = db().GetMany(ctx, refs_, out);
            if (got == Status::kOk && !judge(out.front(), out.back())) wrong.fetch_add(1);
            return got;
          });
          if (s == Status::kOk) reads.fetch_add(1);
        }
      });
    }
    std::this_thread::sleep_for(kLength);
    stop = true;
    for (std::thread& t : threads) t.join();
    EXPECT_EQ(wrong, 0) << "of " << reads << " reads";
    EXPECT_GT(reads, 0);
  }

  Database& db() { return engine_.database(0); }

  void Set(OpContext& ctx, const KeyRef& key, std::string_view text) {
    while (db().Mutate(ctx, key, [&](const Current& now) {
      return Update::Set(MakeString(text, now.value), kNoDeadline, "set");
    }) == Status::kBusy) {
    }
  }
  void Remove(OpContext& ctx, const KeyRef& key) {
    while (db().Remove(ctx, key) == Status::kBusy) {
    }
  }
  // `f` with the locks of both keys.
  template <class F>
  void Together(OpContext& ctx, F&& f) {
    const std::vector<KeyLocks::Target> targets{{&db(), a_}, {&db(), b_}};
    KeyLocks locks(ctx);
    while (locks.Acquire(targets) != Status::kOk) {
    }
    f();
  }

  reclaim::Runtime runtime_;
  Engine engine_{EngineOptions{}};
  const KeyRef a_ = KeyRef::Of("a");
  const KeyRef b_ = KeyRef::Of("b");
  std::vector<std::string> names_;
  std::vector<KeyRef> refs_;
};

bool ExactlyOne(const Current& a, const Current& b) { return a.exists() != b.exists(); }

TEST_F(SeveralKeys, AValueThatIsMovedToAndFro) {
  OpContext ctx(engine_);
  RunBatch(ctx, [&] {
    Set(ctx, a_, "token");
    return 0;
  });
  Run(
      [&](OpContext& writer, int64_t n) {
        Together(writer, [&] {
          const auto& [from, to] = n % 2 == 0 ? std::pair(a_, b_) : std::pair(b_, a_);
          ASSERT_EQ(db().MoveLocked(writer, from, db(), to), Status::kOk);
        });
      },
      ExactlyOne);
}

TEST_F(SeveralKeys, KeysDeletedAndMadeAgainTogether) {
  OpContext ctx(engine_);
  RunBatch(ctx, [&] {
    Set(ctx, a_, "token");
    return 0;
  });
  Run(
      [&](OpContext& writer, int64_t n) {
        Together(writer, [&] {
          Remove(writer, n % 2 == 0 ? a_ : b_);
          Set(writer, n % 2 == 0 ? b_ : a_, "token");
        });
      },
      ExactlyOne);
}

TEST_F(SeveralKeys, IntegersSetTogether) {
  OpContext ctx(engine_);
  RunBatch(ctx, [&] {
    Together(ctx, [&] {
      Set(ctx, a_, "0");
      Set(ctx, b_, "1");
    });
    return 0;
  });
  Run(
      [&](OpContext& writer, int64_t n) {
        Together(writer, [&] {
          // Other values in between: an integer that follows them does not count on.
          Set(writer, a_, "text");
          Set(writer, a_, n % 2 == 0 ? "1" : "0");
          Set(writer, b_, n % 2 == 0 ? "0" : "1");
        });
      },
      [](const Current& a, const Current& b) {
        return a.value.integer() + b.value.integer() == 1;
      });
}

// Without locks: b is there only while a is.
TEST_F(SeveralKeys, AbsentKeysThatComeAndGo) {
  Run(
      [&](OpContext& writer, int64_t n) {
        const std::string_view text = n % 2 == 0 ? "1" : "text";
        Set(writer, a_, text);
        Set(writer, b_, text);
        Remove(writer, b_);
        Remove(writer, a_);
      },
      [](const Current& a, const Current& b) { return a.exists() || !b.exists(); });
}

// The same in batches of their own, so that the entries themselves come and go.
TEST_F(SeveralKeys, EntriesThatComeAndGo) {
  Run(
      [&](OpContext& writer, int64_t) {
        const auto next_batch = [&] {
          writer.End();
          while (!writer.TryBegin()) std::this_thread::yield();
        };
        Set(writer, a_, "text");
        Set(writer, b_, "text");
        Remove(writer, b_);
        next_batch();
        Remove(writer, a_);
        next_batch();
      },
      [](const Current& a, const Current& b) { return a.exists() || !b.exists(); });
}

}  // namespace
}  // namespace mantis
