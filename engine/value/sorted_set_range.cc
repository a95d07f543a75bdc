// Ranges of a sorted set by score and by member, as ranges of ranks.

#include "engine/value/sorted_set.h"

namespace mantis {
namespace {

bool BelowBound(Bytes member, const LexBound& min) {
  switch (min.kind) {
    case LexBound::Kind::kLeast:
      return false;
    case LexBound::Kind::kGreatest:
      return true;
    case LexBound::Kind::kInclusive:
      return CompareBytes(member, min.text) < 0;
    case LexBound::Kind::kExclusive:
      return CompareBytes(member, min.text) <= 0;
  }
  return true;
}

bool AboveBound(Bytes member, const LexBound& max) {
  switch (max.kind) {
    case LexBound::Kind::kLeast:
      return true;
    case LexBound::Kind::kGreatest:
      return false;
    case LexBound::Kind::kInclusive:
      return CompareBytes(member, max.text) > 0;
    case LexBound::Kind::kExclusive:
      return CompareBytes(member, max.text) >= 0;
  }
  return true;
}

}  // namespace

bool LexRange::Below(Bytes member) const { return BelowBound(member, min); }
bool LexRange::Above(Bytes member) const { return AboveBound(member, max); }

bool LexRange::empty() const {
  if (min.kind == LexBound::Kind::kGreatest || max.kind == LexBound::Kind::kLeast) return true;
  if (min.kind == LexBound::Kind::kLeast || max.kind == LexBound::Kind::kGreatest) return false;
  const int c = CompareBytes(min.text, max.text);
  return c > 0 || (c == 0 && (min.kind == LexBound::Kind::kExclusive ||
                              max.kind == LexBound::Kind::kExclusive));
}

namespace {

// The ranks from the first element that is not below up to the last that is not above.
// `below(score, member)`, `above(score, member)`.
template <class Below, class Above>
SortedSet::RankRange RanksIn(const Listpack& pack, Below&& below, Above&& above) {
  SortedSet::RankRange found;
  char digits[24];
  for (Listpack::Pos at = pack.First(); at != Listpack::kEnd;) {
    const Bytes member = pack.Get(at).View(std::span<char, 24>(digits));
    const Listpack::Pos score_at = pack.Next(at);
    const double score = SortedSet::ScoreOf(pack, score_at);
    if (below(score, member)) {
      ++found.first;
    } else if (above(score, member)) {
      break;
    } else {
      ++found.count;
    }
    at = pack.Next(score_at);
  }
  return found;
}

template <class Below, class Above>
SortedSet::RankRange RanksIn(const RankTree& tree, Below&& below, Above&& above) {
  const size_t first =
      tree.PartitionPoint([&](double score, const ScoredMember& e) { return below(score, e); });
  const size_t end =
      tree.PartitionPoint([&](double score, const ScoredMember& e) { return !above(score, e); });
  return {first, end > first ? end - first : 0};
}

}  // namespace

SortedSet::RankRange SortedSet::Range(const ScoreRange& range) const {
  if (range.empty()) return {};
  const auto below = [&](double score, const auto&) { return range.Below(score); };
  const auto above = [&](double score, const auto&) { return range.Above(score); };
  if (const Big* b = big(); b != nullptr) return RanksIn(b->tree, below, above);
  const auto pack = listpack();
  return RanksIn(*pack, below, above);
}

SortedSet::RankRange SortedSet::Range(const LexRange& range) const {
  if (range.empty()) return {};
  if (const Big* b = big(); b != nullptr) {
    return RanksIn(
        b->tree, [&](double, const ScoredMember& e) { return range.Below(e.member()); },
        [&](double, const ScoredMember& e) { return range.Above(e.member()); });
  }
  const auto pack = listpack();
  return RanksIn(
      *pack, [&](double, Bytes member) { return range.Below(member); },
      [&](double, Bytes member) { return range.Above(member); });
}

}  // namespace mantis
