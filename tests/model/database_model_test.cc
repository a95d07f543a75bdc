// Random operations on the keyspace against a plain std::map that is told the same.

#include <gtest/gtest.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

struct ModelValue {
  std::string text;
  int64_t deadline_ms = kNoDeadline;
};
using Model = std::map<std::string, ModelValue>;

class DatabaseModel : public ::testing::Test {
 protected:
  static constexpr int kDatabases = 3;

  std::string RandomKey() {
    static const std::vector<std::string> kPrefixes = {"", "user:", "user:1000:", "\xff\xff", "a"};
    std::string key = kPrefixes[rng_() % kPrefixes.size()];
    if (rng_() % 16 == 0) return key;
    return key + std::to_string(rng_() % key_space_);
  }
  std::string RandomText() {
    switch (rng_() % 4) {
      case 0:
        return std::to_string(static_cast<int64_t>(rng_()));
      case 1:
        return std::to_string(rng_() % 100);
      case 2:
        return std::string(rng_() % 300, static_cast<char>(rng_()));
      default:
        return "v" + std::to_string(rng_());
    }
  }

  void Step() {
    const int db = static_cast<int>(rng_() % kDatabases);
    const std::string key = RandomKey();
    Model& model = model_[static_cast<size_t>(db)];
    Database& real = engine_.database(db);
    const KeyRef ref = KeyRef::Of(key);
    const auto found = model.find(key);
    switch (rng_() % 12) {
      case 0:
      case 1:
      case 2: {
        const std::string text = RandomText();
        ASSERT_EQ(test::SetString(ctx_, db, key, text), Status::kOk);
        model[key] = {text};
        break;
      }
      case 3: {
        // A deadline in the past is the same as absent from the next look on.
        const bool past = rng_() % 2 == 0;
        const int64_t deadline = past ? ctx_.now_ms() - 1 : ctx_.now_ms() + 1000000;
        ASSERT_EQ(test::SetString(ctx_, db, key, "timed", deadline), Status::kOk);
        if (past) {
          model.erase(key);
        } else {
          model[key] = {"timed", deadline};
        }
        break;
      }
      case 4:
      case 5:
      case 6: {
        const Status expected = found == model.end() ? Status::kNotFound : Status::kOk;
        ASSERT_EQ(test::Delete(ctx_, db, key), expected) << key;
        model.erase(key);
        break;
      }
      case 7: {
        const int64_t deadline = ctx_.now_ms() + 5000000 + static_cast<int64_t>(rng_() % 1000);
        test::RunBatch(ctx_, [&] {
          EXPECT_EQ(real.Mutate(ctx_, ref,
                                [&](const Current& now) {
                                  return now.exists() ? Update::SetDeadline(deadline, "expire")
                                                      : Update::Keep(Status::kNotFound);
                                }),
                    found == model.end() ? Status::kNotFound : Status::kOk);
        });
        if (found != model.end()) found->second.deadline_ms = deadline;
        break;
      }
      case 8:
        MoveKey(db, key);
        break;
      case 9:
        CheckRange(db);
        break;
      default:
        test::RunBatch(ctx_, [&] {
          Current now;
          const Status s = real.Get(ctx_, ref, &now);
          ASSERT_EQ(s, found == model.end() ? Status::kNotFound : Status::kOk) << key;
          if (s != Status::kOk) return;
          EXPECT_EQ(test::TextOf(now), found->second.text);
          EXPECT_EQ(now.deadline_ms, found->second.deadline_ms);
        });
    }
  }

  void MoveKey(int db, const std::string& key) {
    const int to_db = static_cast<int>(rng_() % kDatabases);
    const std::string to = RandomKey();
    Model& model = model_[static_cast<size_t>(db)];
    if (!model.contains(key) || (db == to_db && key == to)) return;
    test::RunBatch(ctx_, [&] {
      KeyLocks locks(ctx_);
      Database& from_db = engine_.database(db);
      Database& target_db = engine_.database(to_db);
      const std::array<KeyLocks::Target, 2> targets{KeyLocks::Target{&from_db, KeyRef::Of(key)},
                                                    KeyLocks::Target{&target_db, KeyRef::Of(to)}};
      ASSERT_EQ(locks.Acquire(targets), Status::kOk);
      ASSERT_EQ(from_db.MoveLocked(ctx_, targets[0].second, target_db, targets[1].second),
                Status::kOk);
    });
    model_[static_cast<size_t>(to_db)][to] = model[key];
    model.erase(key);
  }

  void CheckRange(int db) {
    const Model& model = model_[static_cast<size_t>(db)];
    std::string low = RandomKey();
    std::string high = RandomKey();
    if (high < low) std::swap(low, high);
    std::vector<std::string> expected;
    for (auto it = model.lower_bound(low); it != model.end() && it->first <= high; ++it) {
      expected.push_back(it->first);
    }
    const bool reverse = rng_() % 2 == 0;
    if (reverse) std::reverse(expected.begin(), expected.end());
    std::vector<std::string> got;
    test::RunBatch(ctx_, [&] {
      OrderedCursor cursor(engine_.database(db).ordered(), RangeBound::Including(low),
                           RangeBound::Including(high), reverse);
      for (auto run = cursor.NextRun(); !run.empty(); run = cursor.NextRun()) {
        for (const Entry* e : run) {
          if (Database::IsLive(e, ctx_.now_ms())) got.emplace_back(e->key());
        }
      }
    });
    ASSERT_EQ(got, expected);
  }

  void ExpireAll() {
    // What is due comes up when its tick has ended.
    std::this_thread::sleep_for(std::chrono::milliseconds(ExpiryIndex::kTickMs + 1));
    for (int db = 0; db < kDatabases; ++db) {
      test::RunBatch(ctx_, [&] {
        while (engine_.database(db).ExpireDue(ctx_, 0, 1, 100) == 100) {
        }
      });
    }
  }

  void CheckAll() {
    ExpireAll();
    for (int db = 0; db < kDatabases; ++db) {
      const Model& model = model_[static_cast<size_t>(db)];
      size_t timed = 0;
      for (const auto& [key, value] : model) timed += value.deadline_ms != kNoDeadline ? 1 : 0;
      EXPECT_EQ(engine_.database(db).size(), model.size());
      EXPECT_EQ(engine_.database(db).deadlines(), timed);
      EXPECT_EQ(engine_.database(db).index().size(), model.size());
      EXPECT_EQ(engine_.database(db).ordered().size(), model.size());
    }
  }

  size_t key_space_ = 500;
  reclaim::Runtime runtime_;
  Engine engine_{EngineOptions{}};
  OpContext ctx_{engine_};
  std::mt19937_64 rng_{test::TestSeed()};
  std::array<Model, kDatabases> model_;
};

TEST_F(DatabaseModel, RandomOperationsMatchAMap) {
  for (int round = 0; round < 20 && !HasFatalFailure(); ++round) {
    key_space_ = size_t{10} << (round % 8);
    for (int i = 0; i < 5000 && !HasFatalFailure(); ++i) Step();
    CheckAll();
  }
}

TEST_F(DatabaseModel, MemoryComesBackAfterDeletingEverything) {
  reclaim::Drain();
  const int64_t empty = memory::UsedBytes();
  for (int i = 0; i < 100000; ++i) {
    ASSERT_EQ(test::SetString(ctx_, 0, "key:" + std::to_string(i), std::string(50, 'x'),
                              i % 3 == 0 ? ctx_.now_ms() + 10000000 : kNoDeadline),
              Status::kOk);
  }
  const int64_t full = memory::UsedBytes();
  EXPECT_GT(full - empty, 100000 * 100);
  for (int i = 0; i < 100000; ++i) {
    ASSERT_EQ(test::Delete(ctx_, 0, "key:" + std::to_string(i)), Status::kOk);
  }
  for (int i = 0; i < 100; ++i) engine_.Tick(ctx_, 0, 1);
  reclaim::Drain();
  EXPECT_LT(memory::UsedBytes() - empty, (full - empty) / 50);
  EXPECT_EQ(Counters::Sum(Counter::kRetiredObjects), Counters::Sum(Counter::kReclaimedObjects));
}

TEST_F(DatabaseModel, BytesPerKeyStayWithinRedis) {
  reclaim::Drain();
  const int64_t empty = memory::UsedBytes();
  constexpr int kKeys = 200000;
  for (int i = 0; i < kKeys; ++i) {
    char key[17];
    std::snprintf(key, sizeof(key), "key:%012llu",
                  static_cast<unsigned long long>(i) * 7919 % kKeys);
    ASSERT_EQ(test::SetString(ctx_, 0, Bytes(key, 16), std::string(32, 'x')), Status::kOk);
  }
  for (int i = 0; i < 100; ++i) engine_.Tick(ctx_, 0, 1);
  reclaim::Drain();
  const double each = static_cast<double>(memory::UsedBytes() - empty) / kKeys;
  RecordProperty("bytes_per_key", std::to_string(each));
#ifndef MANTIS_SANITIZED
  EXPECT_LE(each, 136.0);
#endif
  std::cout << "bytes per key: " << each << "\n";
}

}  // namespace
}  // namespace mantis
