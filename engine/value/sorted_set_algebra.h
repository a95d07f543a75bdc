// Union, intersection and difference of sorted sets and sets, whose members count as having
// score 1.
//
// Thread safety: none; the caller holds the locks of all sources meanwhile.
// Ownership: a result views the members of its sources, which must not change while it is used.
// Complexity: Unite O(N) with N the members of all sources, Intersect and Subtract O(N*K) with N
// the members of the smallest, or of the first, of K sources. Results are in no particular order.
#pragma once

#include <deque>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "engine/value/set.h"
#include "engine/value/sorted_set.h"

namespace mantis {

// One operand: a sorted set, a set, or nothing.
struct ScoredSource {
  const SortedSet* scored = nullptr;
  const Set* plain = nullptr;
  double weight = 1;

  size_t size() const {
    return scored != nullptr ? scored->size() : (plain != nullptr ? plain->size() : 0);
  }
  std::optional<double> Score(Bytes member) const;
};

enum class Aggregate : uint8_t { kSum, kMin, kMax };

struct ScoredResult {
  std::vector<SortedSet::Pair> pairs;

  // Adds a member; `lasts` says whether its bytes are those of a source.
  void Add(Bytes member, double score, bool lasts);

 private:
  std::deque<std::string> copies_;
};

// A member's scores, each times its source's weight, are aggregated; what is no number counts as 0.
void Unite(std::span<const ScoredSource> sources, Aggregate aggregate, ScoredResult* out);
// Ends when `most` members are found.
void Intersect(std::span<const ScoredSource> sources, Aggregate aggregate, size_t most,
               ScoredResult* out);
// The members of the first source that are in no other, with their scores there.
void Subtract(std::span<const ScoredSource> sources, ScoredResult* out);

// How many elements each looks at, at most.
size_t UniteSteps(std::span<const ScoredSource> sources);
size_t IntersectSteps(std::span<const ScoredSource> sources);
size_t SubtractSteps(std::span<const ScoredSource> sources);

}  // namespace mantis
