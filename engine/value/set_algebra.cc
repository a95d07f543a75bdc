#include "engine/value/set_algebra.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <vector>

#include "engine/value/value.h"

namespace mantis {
namespace {

// Members of several sets, a number being the same one whether its set keeps it as such or as text.
class Members {
 public:
  // False if it was there already.
  bool Insert(const Set::Member& m) {
    const auto value = IntegerOf(m);
    return value ? integers_.insert(*value).second : texts_.insert(m.text).second;
  }
  bool Contains(const Set::Member& m) const {
    const auto value = IntegerOf(m);
    return value ? integers_.contains(*value) : texts_.contains(m.text);
  }

 private:
  static std::optional<int64_t> IntegerOf(const Set::Member& m) {
    return m.is_integer ? m.integer : ParseCanonicalInteger(m.text);
  }
  absl::flat_hash_set<int64_t> integers_;
  absl::flat_hash_set<Bytes> texts_;
};

// The different ones that are not empty, the largest first.
std::vector<const Set*> LargestFirst(Operands sets) {
  std::vector<const Set*> sorted;
  for (const Set* s : sets) {
    if (s != nullptr) sorted.push_back(s);
  }
  std::sort(sorted.begin(), sorted.end(), [](const Set* a, const Set* b) {
    return a->size() != b->size() ? a->size() > b->size() : a < b;
  });
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  return sorted;
}

bool IsEmpty(const Set* s) { return s == nullptr || s->size() == 0; }

size_t SumOfSizes(Operands sets) {
  size_t sum = 0;
  for (const Set* s : sets) sum += s == nullptr ? 0 : s->size();
  return sum;
}

// What one look-up in the set takes, in those of a table.
size_t LookupSteps(const Set& set) {
  constexpr size_t kListpackElements = 8;  // gone through in the time of one
  return set.listpack() != nullptr ? 1 + set.size() / kListpackElements : 1;
}

bool InAny(std::span<const Set* const> sets, const Set::Member& m) {
  return std::any_of(sets.begin(), sets.end(), [&m](const Set* s) { return s->Contains(m); });
}

struct DifferencePlan {
  bool gather = false;  // put the others' members in one hash table and look up there
  size_t steps = 0;
};

DifferencePlan PlanDifference(const Set& first, Operands others) {
  size_t each = 1;
  for (const Set* s : others) each += s == nullptr ? 0 : LookupSteps(*s);
  const size_t one_by_one = first.size() * each;
  const size_t gathering = 2 * SumOfSizes(others) + 2 * first.size();
  return {gathering < one_by_one, std::min(gathering, one_by_one)};
}

}  // namespace

void Intersect(Operands sets, MemberSink emit) {
  if (sets.empty() || std::any_of(sets.begin(), sets.end(), IsEmpty)) return;
  std::vector<const Set*> sorted = LargestFirst(sets);
  std::reverse(sorted.begin(), sorted.end());
  const auto others = Operands(sorted).subspan(1);
  sorted[0]->Walk([&](const Set::Member& m) {
    const bool in_all =
        std::all_of(others.begin(), others.end(), [&m](const Set* s) { return s->Contains(m); });
    return !in_all || emit(m);
  });
}

size_t IntersectSteps(Operands sets) {
  if (sets.empty() || std::any_of(sets.begin(), sets.end(), IsEmpty)) return 0;
  size_t least = sets[0]->size();
  for (const Set* s : sets) least = std::min(least, s->size());
  return least * sets.size();
}

void Unite(Operands sets, MemberSink emit) {
  const std::vector<const Set*> sorted = LargestFirst(sets);
  // With few sets it is cheaper to ask the larger ones than to remember all members.
  constexpr size_t kFew = 4;
  const bool remember = sorted.size() > kFew;
  Members seen;
  bool more = true;
  for (size_t i = 0; i < sorted.size() && more; ++i) {
    const auto before = Operands(sorted).first(i);
    sorted[i]->Walk([&](const Set::Member& m) {
      const bool fresh = remember ? seen.Insert(m) : !InAny(before, m);
      if (fresh) more = emit(m);
      return more;
    });
  }
}

size_t UniteSteps(Operands sets) { return 2 * SumOfSizes(sets); }

void Subtract(Operands sets, MemberSink emit) {
  if (sets.empty() || IsEmpty(sets[0])) return;
  const Set& first = *sets[0];
  // The larger one is more likely to have a member.
  const std::vector<const Set*> others = LargestFirst(sets.subspan(1));
  if (std::find(others.begin(), others.end(), &first) != others.end()) return;
  if (!PlanDifference(first, others).gather) {
    first.Walk([&](const Set::Member& m) { return InAny(others, m) || emit(m); });
    return;
  }
  Members taken;
  for (const Set* s : others) {
    s->ForEach([&taken](const Set::Member& m) { taken.Insert(m); });
  }
  first.Walk([&](const Set::Member& m) { return taken.Contains(m) || emit(m); });
}

size_t SubtractSteps(Operands sets) {
  if (sets.empty() || IsEmpty(sets[0])) return 0;
  return PlanDifference(*sets[0], sets.subspan(1)).steps;
}

}  // namespace mantis
