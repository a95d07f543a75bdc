// Random operations on sets in the keyspace against std::set: with small limits, so that sets pass
// through all forms; and intersections, unions and differences of them.

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/value/set.h"
#include "engine/value/set_algebra.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

using Model = std::set<std::string>;

std::string TextOf(const Set::Member& m) {
  std::array<char, 24> digits;
  return std::string(m.View(digits));
}

class SetModel : public ::testing::Test {
 protected:
  static constexpr size_t kKeys = 6;

  std::string RandomMember() {
    switch (rng_() % 4) {
      case 0:
        return std::to_string(static_cast<int64_t>(rng_()) >> (rng_() % 64));
      case 1:
        return std::string(rng_() % 80, static_cast<char>('a' + rng_() % 3));
      default:
        return (numbers_only_ ? "" : "m") + std::to_string(rng_() % 2000);
    }
  }
  // Mostly one that is there.
  std::string SomeMember(const Model& model) {
    if (model.empty() || rng_() % 4 == 0) return RandomMember();
    const auto it = model.lower_bound(RandomMember());
    return it == model.end() ? *model.begin() : *it;
  }

  Status Edit(size_t key, const std::function<bool(Set&)>& f) {
    return test::RunBatch(ctx_, [&] {
      return db_.Edit<Set>(ctx_, KeyOf(key), [&](Set& set) {
        return f(set) ? Edited::Yes("changed") : Edited::No();
      });
    });
  }

  void Add(size_t key) {
    const std::string member = RandomMember();
    bool added = false;
    const Status s = test::RunBatch(ctx_, [&] {
      return db_.EditOrCreate<Set>(
          ctx_, KeyOf(key), [] { return std::make_unique<Set>(); },
          [&](Set& set) {
            if (rng_() % 8 == 0) set.Expect(1 + rng_() % 40, member, limits_);
            added = set.Add(member, limits_);
            return added ? Edited::Yes("sadd") : Edited::No();
          });
    });
    ASSERT_EQ(s, Status::kOk);
    ASSERT_EQ(added, models_[key].insert(member).second) << member;
  }

  void Remove(size_t key) {
    Model& model = models_[key];
    const std::string member = SomeMember(model);
    bool removed = false;
    const Status s = Edit(key, [&](Set& set) { return removed = set.Erase(member); });
    ASSERT_EQ(s, model.empty() ? Status::kNotFound : Status::kOk);
    ASSERT_EQ(removed, model.erase(member) == 1) << member;
  }

  void Pop(size_t key) {
    Model& model = models_[key];
    const size_t count = 1 + rng_() % (1 + model.size() + model.size() / 4);
    std::vector<std::string> given;
    const auto take = [&given](const Set::Member& m) { given.push_back(TextOf(m)); };
    const Status s = Edit(key, [&](Set& set) {
      if (count == 1) {
        set.Pop(ctx_.random_state(), take);
      } else {
        set.PopMany(count, limits_, ctx_.random_state(), take);
      }
      return true;
    });
    ASSERT_EQ(s, model.empty() ? Status::kNotFound : Status::kOk);
    ASSERT_EQ(given.size(), std::min(count, model.size()));
    for (const std::string& m : given) ASSERT_EQ(model.erase(m), 1u) << m;
  }

  void CopyTo(size_t key) {
    const size_t to = rng_() % kKeys;
    if (to == key || models_[key].empty()) return;
    test::RunBatch(ctx_, [&] {
      std::unique_ptr<Object> copy;
      ASSERT_EQ(db_.Read<Set>(ctx_, KeyOf(key),
                              [&](const Set& set) {
                                copy = set.Clone();
                                return Status::kOk;
                              }),
                Status::kOk);
      ASSERT_EQ(db_.Replace(ctx_, KeyOf(to), std::move(copy), "copy"), Status::kOk);
    });
    models_[to] = models_[key];
  }

  void Check(size_t key) {
    const Model& model = models_[key];
    const std::string member = SomeMember(model);
    const Status s = test::RunBatch(ctx_, [&] {
      return db_.Read<Set>(ctx_, KeyOf(key), [&](const Set& set) {
        EXPECT_EQ(set.Contains(Bytes(member)), model.contains(member));
        EXPECT_EQ(set.size(), model.size());
        EXPECT_TRUE(model.contains(TextOf(set.Random(ctx_.random_state()))));
        CheckForm(set, model);
        if (rng_() % 10 == 0) CheckAll(set, model);
        return Status::kOk;
      });
    });
    ASSERT_EQ(s, model.empty() ? Status::kNotFound : Status::kOk);
  }

  void CheckForm(const Set& set, const Model& model) {
    const bool numbers = std::all_of(model.begin(), model.end(), [](const std::string& m) {
      return ParseCanonicalInteger(m).has_value();
    });
    const bool short_enough = std::all_of(model.begin(), model.end(), [this](const std::string& m) {
      return m.size() <= limits_.set_max_listpack_value;
    });
    if (set.integers() != nullptr) {
      EXPECT_TRUE(numbers);
      EXPECT_LE(set.size(), limits_.set_max_intset_entries);
    } else if (set.listpack() != nullptr) {
      EXPECT_TRUE(short_enough);
      EXPECT_LE(set.size(), limits_.set_max_listpack_entries);
    }
    ++forms_[std::string(set.encoding())];
  }

  void CheckAll(const Set& set, const Model& model) {
    Model all;
    set.ForEach([&](const Set::Member& m) { EXPECT_TRUE(all.insert(TextOf(m)).second); });
    EXPECT_EQ(all, model);
    Model scanned;
    uint64_t cursor = 0;
    do {
      cursor = set.Scan(
          cursor, 7, [&](const Set::Member& m) { EXPECT_TRUE(scanned.insert(TextOf(m)).second); });
    } while (cursor != 0);
    EXPECT_EQ(scanned, model);
  }

  void Combine() {
    std::vector<size_t> keys;
    for (size_t n = 1 + rng_() % 7; n > 0; --n) keys.push_back(rng_() % kKeys);
    Model all;
    Model common = models_[keys[0]];
    Model rest = models_[keys[0]];
    for (size_t i = 0; i < keys.size(); ++i) {
      const Model& m = models_[keys[i]];
      all.insert(m.begin(), m.end());
      std::erase_if(common, [&m](const std::string& x) { return !m.contains(x); });
      if (i > 0) std::erase_if(rest, [&m](const std::string& x) { return m.contains(x); });
    }
    test::RunBatch(ctx_, [&] {
      std::vector<KeyLocks::Target> targets;
      for (const size_t key : keys) targets.emplace_back(&db_, KeyOf(key));
      KeyLocks locks(ctx_);
      ASSERT_EQ(locks.Acquire(targets), Status::kOk);
      std::vector<const Set*> sets;
      for (const auto& [db, key] : targets) {
        sets.push_back(nullptr);
        const Status s = db->Read<Set>(ctx_, key, [&sets](const Set& set) {
          sets.back() = &set;
          return Status::kOk;
        });
        ASSERT_TRUE(s == Status::kOk || s == Status::kNotFound);
      }
      ASSERT_EQ(Collect(Intersect, sets), common);
      ASSERT_EQ(Collect(Unite, sets), all);
      ASSERT_EQ(Collect(Subtract, sets), rest);
    });
  }
  static Model Collect(void (*combine)(Operands, MemberSink), Operands sets) {
    Model result;
    combine(sets, [&result](const Set::Member& m) {
      EXPECT_TRUE(result.insert(TextOf(m)).second) << TextOf(m);
      return true;
    });
    return result;
  }

  void Step() {
    const size_t key = rng_() % kKeys;
    const size_t choice = rng_() % 100;
    if (choice < grow_percent_) {
      Add(key);
    } else if (choice < 80) {
      Remove(key);
    } else if (choice < 82 && rng_() % 20 == 0) {
      Pop(key);
    } else if (choice < 83 && rng_() % 20 == 0) {
      CopyTo(key);
    } else if (choice < 84) {
      Combine();
    } else {
      Check(key);
    }
  }

  KeyRef KeyOf(size_t key) { return KeyRef::Of(names_[key]); }

  reclaim::Runtime runtime_;
  Engine engine_{EngineOptions{}};
  OpContext ctx_{engine_};
  Database& db_{engine_.database(0)};
  std::mt19937_64 rng_{test::TestSeed()};
  std::array<std::string, kKeys> names_{"a", "b", "c", "d", "e", "f"};
  std::array<Model, kKeys> models_;
  std::map<std::string, size_t> forms_;
  ValueLimits limits_;
  bool numbers_only_ = false;
  size_t grow_percent_ = 60;
};

TEST_F(SetModel, RandomOperations) {
  for (int round = 0; round < 24; ++round) {
    limits_.set_max_intset_entries = rng_() % 60;
    limits_.set_max_listpack_entries = rng_() % 4 == 0 ? 0 : rng_() % 40;
    limits_.set_max_listpack_value = 10 + rng_() % 60;
    numbers_only_ = rng_() % 3 == 0;
    for (int step = 0; step < 6000 && !HasFatalFailure(); ++step) {
      grow_percent_ = (step / 2000) % 2 == 0 ? 60 : 25;
      Step();
    }
    ASSERT_FALSE(HasFailure()) << "round " << round;
    // Limits bind new members only, so each round begins with new sets.
    for (size_t key = 0; key < kKeys; ++key) {
      test::RunBatch(ctx_, [&] { (void)db_.Remove(ctx_, KeyOf(key)); });
      models_[key].clear();
    }
  }
  EXPECT_GT(forms_["intset"], 0u);
  EXPECT_GT(forms_["listpack"], 0u);
  EXPECT_GT(forms_["hashtable"], 0u);
}

}  // namespace
}  // namespace mantis
