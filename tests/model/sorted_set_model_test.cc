// SortedSet against a std::map and a std::set: every operation at random, with thresholds so small
// that sets grow out of the compact form, and ranges in both directions.

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/value/sorted_set.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

class Model {
 public:
  using Pair = std::pair<double, std::string>;

  SortedSet::AddResult Add(double score, const std::string& member, unsigned flags) {
    using Added = SortedSet::Added;
    const auto it = scores_.find(member);
    if (it == scores_.end()) {
      if ((flags & SortedSet::kOnlyPresent) != 0) return {Added::kSkipped, 0};
      Put(score, member);
      return {Added::kNew, score};
    }
    const double now = it->second;
    if ((flags & SortedSet::kOnlyNew) != 0) return {Added::kSkipped, now};
    if ((flags & SortedSet::kIncrement) != 0) score += now;
    if (((flags & SortedSet::kOnlyGreater) != 0 && score <= now) ||
        ((flags & SortedSet::kOnlyLess) != 0 && score >= now)) {
      return {Added::kSkipped, now};
    }
    if (score == now) return {Added::kSame, now};
    Remove(member);
    Put(score, member);
    return {Added::kUpdated, score};
  }
  bool Remove(const std::string& member) {
    const auto it = scores_.find(member);
    if (it == scores_.end()) return false;
    order_.erase({it->second, member});
    scores_.erase(it);
    return true;
  }
  const std::map<std::string, double>& scores() const { return scores_; }
  std::vector<Pair> Sorted() const { return {order_.begin(), order_.end()}; }

 private:
  void Put(double score, const std::string& member) {
    scores_[member] = score;
    order_.insert({score, member});
  }

  std::map<std::string, double> scores_;
  std::set<Pair> order_;
};

class Walk {
 public:
  Walk(uint64_t seed, ValueLimits limits, uint64_t members, uint64_t scores)
      : random_(seed), limits_(limits), members_(members), scores_(scores) {}

  void Run(int steps) {
    for (int i = 0; i < steps; ++i) {
      ASSERT_NO_FATAL_FAILURE(Step());
      if (set_->size() == 0) set_ = std::make_unique<SortedSet>();
      if (i % 101 == 0) {
        ASSERT_NO_FATAL_FAILURE(CheckAll());
      }
    }
    ASSERT_NO_FATAL_FAILURE(CheckAll());
  }
  bool was_big() const { return was_big_; }
  bool was_compact() const { return was_compact_; }

 private:
  uint64_t Draw(uint64_t below) { return random_() % below; }
  std::string Member() {
    const uint64_t n = Draw(members_);
    switch (n % 4) {
      case 0:
        return std::to_string(n);
      case 1:
        return std::string(n % 23, 'm') + std::to_string(n);
      case 2:
        return "-" + std::to_string(n);
      default:
        return std::string(1, static_cast<char>(n)) + std::to_string(n);
    }
  }
  double Score() {
    const double s = static_cast<double>(Draw(scores_)) - static_cast<double>(scores_ / 2);
    return Draw(3) == 0 ? s / 8 : s;
  }

  void Step() {
    const uint64_t what = Draw(100);
    if (what < 60) {
      static constexpr unsigned kFlags[] = {SortedSet::kAlways,
                                            SortedSet::kOnlyNew,
                                            SortedSet::kOnlyPresent,
                                            SortedSet::kOnlyGreater,
                                            SortedSet::kOnlyLess,
                                            SortedSet::kIncrement,
                                            SortedSet::kIncrement | SortedSet::kOnlyGreater,
                                            SortedSet::kOnlyPresent | SortedSet::kOnlyLess};
      const unsigned flags = kFlags[Draw(std::size(kFlags))];
      const std::string member = Member();
      const double score = Score();
      const auto wanted = model_.Add(score, member, flags);
      const auto got = set_->Add(score, member, flags, limits_);
      ASSERT_EQ(got.what, wanted.what);
      if (wanted.what != SortedSet::Added::kSkipped) {
        ASSERT_EQ(got.score, wanted.score);
      }
    } else if (what < 85) {
      const std::string member = Member();
      ASSERT_EQ(set_->Remove(member), model_.Remove(member));
    } else if (what < 90) {
      RemoveSome();
    } else {
      CheckRanges();
    }
    if (set_->size() != 0) (set_->listpack() == nullptr ? was_big_ : was_compact_) = true;
  }

  void RemoveSome() {
    const size_t size = set_->size();
    if (size == 0) return;
    const auto sorted = model_.Sorted();
    const size_t first = Draw(size);
    const size_t count = std::min<size_t>(size - first, Draw(10));
    size_t at = first;
    set_->RemoveRange({first, count}, [&](Bytes member, double score) {
      ASSERT_EQ(member, sorted[at].second);
      ASSERT_EQ(score, sorted[at].first);
      ++at;
    });
    ASSERT_EQ(at, first + count);
    for (size_t i = first; i < first + count; ++i) model_.Remove(sorted[i].second);
  }

  void CheckRanges() {
    const auto sorted = model_.Sorted();
    const ScoreRange scores{Score(), Score(), Draw(2) == 0, Draw(2) == 0};
    SortedSet::RankRange wanted;
    for (const auto& [score, member] : sorted) {
      if (scores.Contains(score)) ++wanted.count;
      if (scores.Below(score)) ++wanted.first;
    }
    const auto got = set_->Range(scores);
    ASSERT_EQ(got.count, wanted.count);
    if (wanted.count != 0) {
      ASSERT_EQ(got.first, wanted.first);
    }
    const bool reverse = Draw(2) == 0;
    size_t at = 0;
    set_->ForEach(got, reverse, [&](Bytes member, double score) {
      const size_t i = reverse ? got.first + got.count - 1 - at : got.first + at;
      ASSERT_EQ(member, sorted[i].second);
      ASSERT_EQ(score, sorted[i].first);
      ++at;
    });
    ASSERT_EQ(at, got.count);
  }

  void CheckAll() {
    ASSERT_EQ(set_->Problem(), "");
    const auto sorted = model_.Sorted();
    ASSERT_EQ(set_->size(), sorted.size());
    size_t rank = 0;
    set_->ForEach([&](Bytes member, double score) {
      ASSERT_EQ(member, sorted[rank].second);
      ASSERT_EQ(score, sorted[rank].first);
      ++rank;
    });
    for (size_t i = 0; i < sorted.size(); i += 1 + Draw(10)) {
      const auto found = set_->Rank(sorted[i].second);
      ASSERT_TRUE(found.has_value());
      ASSERT_EQ(found->rank, i);
      ASSERT_EQ(found->score, sorted[i].first);
      ASSERT_EQ(set_->Score(sorted[i].second), sorted[i].first);
    }
    ASSERT_FALSE(set_->Rank("none").has_value());
    std::map<std::string, double> scanned;
    uint64_t cursor = 0;
    do {
      cursor = set_->Scan(cursor, 7, [&](Bytes member, double score) {
        ASSERT_TRUE(scanned.emplace(member, score).second);
      });
    } while (cursor != 0);
    ASSERT_EQ(scanned, model_.scores());
    ASSERT_NO_FATAL_FAILURE(CheckCopies(sorted));
  }

  // A clone, a set made of pairs, one made of the listpack's bytes, and a slice of everything.
  void CheckCopies(const std::vector<Model::Pair>& sorted) {
    std::vector<SortedSet::Pair> pairs;
    for (const auto& [score, member] : sorted) pairs.push_back({member, score});
    std::shuffle(pairs.begin(), pairs.end(), random_);
    std::vector<std::unique_ptr<SortedSet>> copies;
    copies.push_back(SortedSet::FromPairs(pairs, limits_));
    copies.push_back(set_->Slice(set_->All(), limits_));
    copies.emplace_back(static_cast<SortedSet*>(set_->Clone().release()));
    EXPECT_EQ(copies.back()->encoding(), set_->encoding());
    if (const auto pack = set_->listpack()) {
      auto parsed = Listpack::Parse(pack->raw());
      ASSERT_TRUE(parsed.has_value());
      copies.push_back(SortedSet::FromListpack(std::move(*parsed), limits_));
    }
    for (const auto& copy : copies) {
      ASSERT_NE(copy, nullptr);
      ASSERT_EQ(copy->Problem(), "");
      ASSERT_EQ(copy->size(), sorted.size());
      size_t rank = 0;
      copy->ForEach([&](Bytes member, double score) {
        ASSERT_EQ(member, sorted[rank].second);
        ASSERT_EQ(score, sorted[rank].first);
        ++rank;
      });
    }
  }

  std::mt19937_64 random_;
  ValueLimits limits_;
  uint64_t members_;
  uint64_t scores_;
  std::unique_ptr<SortedSet> set_ = std::make_unique<SortedSet>();
  Model model_;
  bool was_big_ = false;
  bool was_compact_ = false;
};

ValueLimits Limits(size_t entries, size_t value) {
  ValueLimits limits;
  limits.zset_max_listpack_entries = entries;
  limits.zset_max_listpack_value = value;
  return limits;
}

TEST(SortedSetModel, CompactOnly) {
  Walk walk(test::TestSeed(), Limits(1000, 100), 100, 20);
  walk.Run(10'000);
  EXPECT_FALSE(walk.was_big());
}

TEST(SortedSetModel, GrowsByCount) {
  const uint64_t seed = test::TestSeed();
  bool both = false;
  for (uint64_t i = 0; i < 20; ++i) {
    Walk walk(seed + i, Limits(15, 100), 25 + i * 10, 20);
    walk.Run(1000);
    both = both || (walk.was_big() && walk.was_compact());
  }
  EXPECT_TRUE(both);
}

TEST(SortedSetModel, GrowsByLength) {
  const uint64_t seed = test::TestSeed();
  for (uint64_t i = 0; i < 20; ++i) {
    Walk walk(seed + i, Limits(1000, 20), 40, 20);
    walk.Run(500);
  }
}

TEST(SortedSetModel, BigOnly) {
  Walk walk(test::TestSeed(), Limits(0, 0), 3000, 100'000);
  walk.Run(20'000);
  EXPECT_FALSE(walk.was_compact());
}

}  // namespace
}  // namespace mantis
