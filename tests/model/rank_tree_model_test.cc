// RankTree against a sorted vector: random insertions, erasures and moves, growing to several
// levels and shrinking to nothing, with the invariants checked on the way.

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "engine/value/rank_tree.h"
#include "tests/support/engine_fixture.h"

namespace mantis {
namespace {

struct Before {
  bool operator()(const ScoredMember* a, const ScoredMember* b) const {
    return CompareScored(a->score, a->member(), b->score, *b) < 0;
  }
};

class Pair {
 public:
  explicit Pair(uint64_t seed) : random_(seed) {}
  ~Pair() {
    for (ScoredMember* e : model_) ScoredMember::Free(e);
  }
  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  uint64_t Draw(uint64_t below) { return random_() % below; }
  size_t size() const { return model_.size(); }

  // A member never seen before, its score one of `scores`.
  ScoredMember* Make(uint64_t scores) {
    std::string name = std::to_string(Draw(1000));
    // The colon, or "1" + "23" would be "12" + "3".
    name.append(Draw(3) * 9, 'x').append(":").append(std::to_string(next_++));
    return ScoredMember::Create(static_cast<double>(Draw(scores)), name);
  }
  void Insert(uint64_t scores) {
    ScoredMember* e = Make(scores);
    tree_.Insert(e);
    model_.insert(std::upper_bound(model_.begin(), model_.end(), e, Before{}), e);
  }
  void Append() {
    const double last = model_.empty() ? 0 : model_.back()->score;
    ScoredMember* e = ScoredMember::Create(last + 1, std::to_string(next_++));
    tree_.Append(e);
    model_.push_back(e);
  }
  void EraseOne() {
    const auto it = model_.begin() + static_cast<ptrdiff_t>(Draw(size()));
    tree_.Erase(**it);
    ScoredMember::Free(*it);
    model_.erase(it);
  }
  void EraseRange(size_t count_max) {
    const size_t first = Draw(size());
    const size_t count = std::min<size_t>(size() - first, Draw(count_max) + 1);
    size_t at = first;
    tree_.EraseRange(first, count, [&](ScoredMember* e) {
      ASSERT_EQ(e, model_[at]);
      ++at;
      ScoredMember::Free(e);
    });
    EXPECT_EQ(at, first + count);
    const auto begin = model_.begin() + static_cast<ptrdiff_t>(first);
    model_.erase(begin, begin + static_cast<ptrdiff_t>(count));
  }
  void Rescore(uint64_t scores) {
    const auto it = model_.begin() + static_cast<ptrdiff_t>(Draw(size()));
    ScoredMember* e = *it;
    const double score = Draw(2) == 0 ? e->score + 1 : static_cast<double>(Draw(scores));
    tree_.Rescore(e, score);
    EXPECT_EQ(e->score, score);
    model_.erase(it);
    model_.insert(std::upper_bound(model_.begin(), model_.end(), e, Before{}), e);
  }

  void CheckAll() {
    ASSERT_EQ(tree_.Problem(), "");
    ASSERT_EQ(tree_.size(), model_.size());
    ASSERT_FALSE(tree_.At(size()).valid());
    RankTree::Cursor c = tree_.At(0);
    for (const ScoredMember* e : model_) {
      ASSERT_TRUE(c.valid());
      ASSERT_EQ(&*c, e);
      c.Next();
    }
    ASSERT_FALSE(c.valid());
    if (model_.empty()) return;
    c = tree_.At(size() - 1);
    for (size_t i = size(); i-- > 0; c.Prev()) ASSERT_EQ(&*c, model_[i]);
    ASSERT_FALSE(c.valid());
    for (int i = 0; i < 30; ++i) CheckOne(Draw(size()));
  }

 private:
  void CheckOne(size_t rank) {
    const ScoredMember& e = *model_[rank];
    ASSERT_EQ(tree_.RankOf(e), rank);
    ASSERT_EQ(&*tree_.At(rank), &e);
    const auto first_not = [&](auto&& before) {
      return static_cast<size_t>(
          std::partition_point(model_.begin(), model_.end(),
                               [&](const ScoredMember* m) { return before(m->score, *m); }) -
          model_.begin());
    };
    const auto below = [&](double score, const ScoredMember&) { return score < e.score; };
    const auto up_to = [&](double score, const ScoredMember&) { return score <= e.score; };
    ASSERT_EQ(tree_.PartitionPoint(below), first_not(below));
    ASSERT_EQ(tree_.PartitionPoint(up_to), first_not(up_to));
  }

  std::mt19937_64 random_;
  RankTree tree_;
  std::vector<ScoredMember*> model_;
  uint64_t next_ = 0;
};

// `scores` different scores; few of them make the members' bytes decide.
void GrowAndShrink(uint64_t seed, uint64_t scores, size_t most) {
  Pair pair(seed);
  for (int round = 0; round < 3; ++round) {
    const size_t target = 1 + pair.Draw(most);
    size_t steps = 0;
    while (pair.size() < target) {
      const uint64_t what = pair.Draw(10);
      if (what < 7 || pair.size() == 0) {
        pair.Insert(scores);
      } else if (what == 7) {
        pair.EraseOne();
      } else if (what == 8) {
        pair.Rescore(scores);
      } else {
        pair.Append();
      }
      if (++steps % 997 == 0) {
        ASSERT_NO_FATAL_FAILURE(pair.CheckAll());
      }
    }
    ASSERT_NO_FATAL_FAILURE(pair.CheckAll());
    while (pair.size() > 0) {
      const uint64_t what = pair.Draw(100);
      if (what < 80) {
        pair.EraseOne();
      } else if (what < 90) {
        pair.Rescore(scores);
      } else if (what < 99) {
        pair.Insert(scores);
      } else {
        pair.EraseRange(most / 10 + 2);
      }
      if (++steps % 997 == 0) {
        ASSERT_NO_FATAL_FAILURE(pair.CheckAll());
      }
    }
    ASSERT_NO_FATAL_FAILURE(pair.CheckAll());
  }
}

TEST(RankTreeModel, OneScore) { GrowAndShrink(test::TestSeed(), 1, 3000); }
TEST(RankTreeModel, FewScores) { GrowAndShrink(test::TestSeed(), 10, 3000); }
TEST(RankTreeModel, ManyScores) { GrowAndShrink(test::TestSeed(), 1'000'000, 20'000); }
TEST(RankTreeModel, SmallTrees) {
  const uint64_t seed = test::TestSeed();
  for (uint64_t i = 0; i < 200; ++i) GrowAndShrink(seed + i, 5, 150);
}

// What only ascending input makes: full nodes, and nearly empty ones on the right edge.
TEST(RankTreeModel, AppendedThenErasedFromAnywhere) {
  const uint64_t seed = test::TestSeed();
  for (uint64_t i = 0; i < 12; ++i) {
    Pair pair(seed + i);
    // Around the sizes at which a new node is begun on one or two levels.
    const size_t full = RankTree::kLeafMax * (i % 2 == 0 ? 1 : RankTree::kInnerMax);
    for (size_t n = full - 1 + pair.Draw(4); n > 0; --n) pair.Append();
    ASSERT_NO_FATAL_FAILURE(pair.CheckAll());
    while (pair.size() > 0) {
      pair.Draw(3) == 0 ? pair.EraseRange(1 + pair.Draw(400)) : pair.EraseOne();
      if (pair.Draw(20) == 0) pair.Append();
      ASSERT_NO_FATAL_FAILURE(pair.CheckAll());
    }
  }
}

TEST(RankTreeModel, AscendingInputPacksDensely) {
  RankTree tree;
  std::vector<ScoredMember*> all;
  for (int i = 0; i < 100'000; ++i) {
    all.push_back(ScoredMember::Create(i, "m"));
    tree.Insert(all.back());
  }
  EXPECT_EQ(tree.Problem(), "");
  EXPECT_LT(tree.bytes() / all.size(), 18u);
  for (ScoredMember* e : all) ScoredMember::Free(e);
}

}  // namespace
}  // namespace mantis
