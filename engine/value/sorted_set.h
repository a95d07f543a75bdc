// A sorted set: members, each with a score, in the order of (score, member bytes).
//
// Two forms. Compact: a listpack member,score,member,score,… in order, as Redis has it, up to
// ValueLimits' zset_max_listpack_entries members of at most zset_max_listpack_value bytes. Big: one
// allocation per member, found by name through an ElementTable and by score or rank through a
// RankTree. A set becomes big when it outgrows the limits; it does not turn back by itself.
//
// Every range, by score or by bytes, is a range of ranks first (Range()); what is done with it
// (counting, visiting, removing) is done by rank.
//
// Thread safety and ownership: see object.h. Views given to visitors hold during the call.
// Invariants: scores are never NaN; in the big form table and tree hold the same elements.
// Complexity with n members: compact O(n) each, n being small. Big: Score, size O(1); Add, Remove,
// Rank, Range O(log n); ForEach, RemoveRange O(log n + k).
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "engine/value/element_table.h"
#include "engine/value/limits.h"
#include "engine/value/listpack.h"
#include "engine/value/object.h"
#include "engine/value/one_of.h"
#include "engine/value/rank_tree.h"

namespace mantis {

// Scores from min to max.
struct ScoreRange {
  double min = 0;
  double max = 0;
  bool min_exclusive = false;
  bool max_exclusive = false;

  bool empty() const { return min > max || (min == max && (min_exclusive || max_exclusive)); }
  bool Below(double score) const { return min_exclusive ? score <= min : score < min; }
  bool Above(double score) const { return max_exclusive ? score >= max : score > max; }
  bool Contains(double score) const { return !Below(score) && !Above(score); }
};

// One end of a range of members in byte order.
struct LexBound {
  enum class Kind : uint8_t { kLeast, kInclusive, kExclusive, kGreatest };
  Kind kind = Kind::kLeast;
  Bytes text = {};
};

// Members from min to max; meaningful if all members have the same score.
struct LexRange {
  LexBound min;
  LexBound max;

  bool empty() const;
  bool Below(Bytes member) const;
  bool Above(Bytes member) const;
};

class SortedSet final : public Object {
 public:
  static constexpr Kind kKind = Kind::kSortedSet;

  // What Add must not do, and how it takes the score; to be or-ed.
  enum AddFlag : unsigned {
    kAlways = 0,
    kOnlyNew = 1,      // NX
    kOnlyPresent = 2,  // XX
    kOnlyGreater = 4,  // GT: a present member's score only grows
    kOnlyLess = 8,     // LT
    kIncrement = 16,   // the score is added to the present one
  };
  enum class Added : uint8_t {
    kNew,      // the member was added
    kUpdated,  // it got another score
    kSame,     // it had that score
    kSkipped,  // a flag forbade it
    kNaN,      // the increment would have given no number; nothing changed
  };
  struct AddResult {
    Added what;
    double score;  // the member's score now, if it is in the set and was not skipped
  };
  // Ranks first to first + count - 1.
  struct RankRange {
    size_t first = 0;
    size_t count = 0;
  };
  struct Ranked {
    size_t rank;
    double score;
  };
  struct Pair {
    Bytes member;
    double score;
  };
  // The order of members.
  static bool Before(const Pair& a, const Pair& b) {
    return a.score != b.score ? a.score < b.score : CompareBytes(a.member, b.member) < 0;
  }

  // Bytes a member may have; the caller sees to it.
  static constexpr size_t kMemberMax = UINT32_MAX;

  SortedSet() = default;
  ~SortedSet() override;

  // A set of these members, which are different; in any order.
  static std::unique_ptr<SortedSet> FromPairs(std::span<const Pair> pairs,
                                              const ValueLimits& limits);
  // Takes over a listpack member,score,… if that is what it is: in order, no member twice, no score
  // that is not a number. It becomes big if it is over the limits. nullptr otherwise.
  static std::unique_ptr<SortedSet> FromListpack(Listpack pack, const ValueLimits& limits);
  // A copy of the members of these ranks.
  std::unique_ptr<SortedSet> Slice(RankRange range, const ValueLimits& limits) const;
  // Of such a listpack, the score that is at `score_at`.
  static double ScoreOf(const Listpack& pack, Listpack::Pos score_at);
  // The compact form's listpack, null of a big set.
  FormView<Listpack> listpack() const { return form_.View<Listpack>(); }

  AddResult Add(double score, Bytes member, unsigned flags, const ValueLimits& limits);
  bool Remove(Bytes member);
  // Removes the members of these ranks, which exist: `f(Bytes member, double score)` is called for
  // each, in order, before it goes.
  template <class F>
  void RemoveRange(RankRange range, F&& f);
  void RemoveRange(RankRange range) {
    RemoveRange(range, [](Bytes, double) {});
  }

  std::optional<double> Score(Bytes member) const;
  bool Contains(Bytes member) const { return Score(member).has_value(); }
  // How many members are before it, and its score.
  std::optional<Ranked> Rank(Bytes member) const;
  RankRange Range(const ScoreRange& range) const;
  RankRange Range(const LexRange& range) const;
  RankRange All() const { return {0, size()}; }

  // `f(Bytes member, double score)` for the members of these ranks (as far as they exist), from the
  // greatest rank down if `reverse`. ForEachWhile ends when f returns false.
  template <class F>
  void ForEach(RankRange range, bool reverse, F&& f) const;
  template <class F>
  void ForEachWhile(RankRange range, bool reverse, F&& f) const;
  template <class F>
  void ForEach(F&& f) const {
    ForEach(All(), false, f);
  }
  // ElementTable::Scan; a compact set is returned whole.
  template <class F>
  uint64_t Scan(uint64_t cursor, size_t count, F&& f) const;
  // A member, each with the same probability, for `f(Bytes member, double score)`. `next()` gives
  // random 64-bit numbers. The set is not empty.
  template <class Next, class F>
  void Random(Next&& next, F&& f) const;

  Kind kind() const override { return kKind; }
  std::string_view encoding() const override { return big() == nullptr ? "listpack" : "skiplist"; }
  size_t size() const override;
  size_t bytes(size_t samples) const override;
  size_t free_effort() const override { return big() == nullptr ? 1 : size(); }
  std::unique_ptr<Object> Clone() const override;
  void Prefetch(std::span<const Bytes> elements) const override {
    if (const Big* b = big(); b != nullptr) b->table.Prefetch(elements);
  }

  // What is wrong with the set, empty if the invariants hold. O(n).
  std::string_view Problem() const;

 private:
  struct Traits {
    static Bytes Key(const ScoredMember& e) { return e.member(); }
  };
  struct Big {
    Big() = default;
    ~Big();
    Big(const Big&) = delete;
    Big& operator=(const Big&) = delete;

    ElementTable<ScoredMember, Traits> table;
    RankTree tree;
    size_t member_bytes = 0;
  };

  Big* big() const { return form_.Get<std::unique_ptr<Big>>(); }

  // What a pair takes in a listpack beyond the bytes of its member, at most.
  static constexpr size_t kPairOverhead = 5 + 5 + 32 + 2;

  struct Extent;
  static std::unique_ptr<SortedSet> EmptyFor(const Extent& extent, const ValueLimits& limits);
  // Adds a member that comes after all others.
  void Append(double score, Bytes member);
  void BecomeBig();
  // Nothing if it has to become big for that.
  std::optional<AddResult> AddCompact(double score, Bytes member, unsigned flags,
                                      const ValueLimits& limits);
  AddResult AddBig(Big& big, double score, Bytes member, unsigned flags);
  static void AppendBig(Big& big, double score, Bytes member);
  std::string_view CompactProblem() const;

  OneOf<Listpack, std::unique_ptr<Big>> form_;
};
static_assert(sizeof(SortedSet) == 2 * sizeof(void*), "one block of the allocator's second size");

template <class F>
void SortedSet::ForEachWhile(RankRange range, bool reverse, F&& f) const {
  if (range.first >= size()) return;
  size_t left = std::min(range.count, size() - range.first);
  if (left == 0) return;
  const size_t start = reverse ? range.first + left - 1 : range.first;
  if (const Big* b = big(); b != nullptr) {
    for (RankTree::Cursor c = b->tree.At(start);; reverse ? c.Prev() : c.Next()) {
      if (!f(c->member(), c->score) || --left == 0) return;
    }
  }
  const auto pack = listpack();
  char digits[24];
  for (Listpack::Pos at = pack->At(static_cast<int64_t>(start * 2));; --left) {
    const Listpack::Pos score_at = pack->Next(at);
    const bool more = f(pack->Get(at).View(std::span<char, 24>(digits)), ScoreOf(*pack, score_at));
    if (!more || left == 1) return;
    at = reverse ? pack->Prev(pack->Prev(at)) : pack->Next(score_at);
  }
}

template <class F>
void SortedSet::ForEach(RankRange range, bool reverse, F&& f) const {
  ForEachWhile(range, reverse, [&](Bytes member, double score) {
    f(member, score);
    return true;
  });
}

template <class F>
void SortedSet::RemoveRange(RankRange range, F&& f) {
  if (range.count == 0) return;
  if (Big* b = big(); b != nullptr) {
    b->tree.EraseRange(range.first, range.count, [&](ScoredMember* e) {
      f(e->member(), e->score);
      b->table.Erase(e->member());
      b->member_bytes -= memory::UsableSize(e);
      ScoredMember::Free(e);
    });
    return;
  }
  ForEach(range, false, f);
  const auto pack = form_.Edit<Listpack>();
  pack->Erase(pack->At(static_cast<int64_t>(range.first * 2)), range.count * 2);
}

template <class F>
uint64_t SortedSet::Scan(uint64_t cursor, size_t count, F&& f) const {
  if (const Big* b = big(); b != nullptr) {
    return b->table.Scan(cursor, count, [&](ScoredMember* e) { f(e->member(), e->score); });
  }
  ForEach(f);
  return 0;
}

template <class Next, class F>
void SortedSet::Random(Next&& next, F&& f) const {
  ForEach({static_cast<size_t>(next() % size()), 1}, false, f);
}

}  // namespace mantis
