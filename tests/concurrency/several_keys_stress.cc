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
// Keys between the two that matter. Many make the time between the looks at the two long, so that
// an odd number of switches in it is as likely as an even one; with few, looks mostly stand.
constexpr size_t kFew = 30;
constexpr size_t kMany = 2000;
// Switches in one batch, in which entries that became absent are revived and not buried: few, or as
// many as happen while many keys are looked at.
constexpr uint64_t kShortBatch = 8;
constexpr uint64_t kLongBatch = 4000;

class SeveralKeys : public ::testing::Test {
 protected:
  SeveralKeys() {
    for (size_t i = 0; i < kMany; ++i) names_.push_back("filler" + std::to_string(i));
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
          const uint64_t most = rng() % 2 == 0 ? kShortBatch : kLongBatch;
          for (uint64_t i = 1 + rng() % most; i > 0 && !stop; --i) change(ctx, n++);
          return 0;
        });
      }
    });
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&, t] {
        OpContext ctx(engine_);
        const std::vector<KeyRef> refs = Refs(t == 0 ? kFew : kMany);
        std::vector<Current> out;
        while (!stop) {
          const Status s = RunBatch(ctx, [&] {
            const Status got = db().GetMany(ctx, refs, out);
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

  std::vector<KeyRef> Refs(size_t filler) const {
    std::vector<KeyRef> refs{a_};
    for (size_t i = 0; i < filler; ++i) refs.push_back(KeyRef::Of(names_[i]));
    refs.push_back(b_);
    return refs;
  }

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

// Each in a batch of its own, so that the entries themselves come and go.
TEST_F(SeveralKeys, EntriesThatComeAndGo) {
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
        writer.End();
        while (!writer.TryBegin()) std::this_thread::yield();
      },
      ExactlyOne);
}

}  // namespace
}  // namespace mantis
