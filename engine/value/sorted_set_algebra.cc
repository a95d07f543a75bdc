#include "engine/value/sorted_set_algebra.h"

#include <absl/container/flat_hash_map.h>

#include <algorithm>
#include <cmath>

namespace mantis {
namespace {

double Counted(double score) { return std::isnan(score) ? 0 : score; }

double Combine(double a, double b, Aggregate aggregate) {
  switch (aggregate) {
    case Aggregate::kMin:
      return std::min(a, b);
    case Aggregate::kMax:
      return std::max(a, b);
    case Aggregate::kSum:
      break;
  }
  return Counted(a + b);
}

// `f(Bytes member, double score, bool lasts)` for every member until it returns false.
template <class F>
void Walk(const ScoredSource& source, F&& f) {
  if (source.scored != nullptr) {
    // A listpack's integers are written out for each call.
    const bool lasts = source.scored->listpack() == nullptr;
    source.scored->ForEachWhile(source.scored->All(), false, [&](Bytes member, double score) {
      return f(member, score, lasts);
    });
  } else if (source.plain != nullptr) {
    char digits[24];
    source.plain->Walk([&](const Set::Member& m) {
      return f(m.View(std::span<char, 24>(digits)), 1.0, !m.is_integer);
    });
  }
}

// The smallest first. That is also the order in which Redis adds up scores.
std::vector<ScoredSource> BySize(std::span<const ScoredSource> sources) {
  std::vector<ScoredSource> sorted(sources.begin(), sources.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const ScoredSource& a, const ScoredSource& b) {
    return a.size() < b.size();
  });
  return sorted;
}

}  // namespace

std::optional<double> ScoredSource::Score(Bytes member) const {
  if (scored != nullptr) return scored->Score(member);
  if (plain != nullptr && plain->Contains(member)) return 1.0;
  return std::nullopt;
}

void ScoredResult::Add(Bytes member, double score, bool lasts) {
  pairs.push_back({lasts ? member : Bytes(copies_.emplace_back(member)), score});
}

void Unite(std::span<const ScoredSource> sources, Aggregate aggregate, ScoredResult* out) {
  absl::flat_hash_map<Bytes, size_t> places;  // in out->pairs
  for (const ScoredSource& source : BySize(sources)) {
    Walk(source, [&](Bytes member, double unweighted, bool lasts) {
      const double score = Counted(unweighted * source.weight);
      if (const auto it = places.find(member); it != places.end()) {
        double& sum = out->pairs[it->second].score;
        sum = Combine(sum, score, aggregate);
      } else {
        out->Add(member, score, lasts);
        places.emplace(out->pairs.back().member, out->pairs.size() - 1);
      }
      return true;
    });
  }
}

void Intersect(std::span<const ScoredSource> sources, Aggregate aggregate, size_t most,
               ScoredResult* out) {
  const auto sorted = BySize(sources);
  if (most == 0 || sorted.empty() || sorted[0].size() == 0) return;
  Walk(sorted[0], [&](Bytes member, double unweighted, bool lasts) {
    double sum = Counted(unweighted * sorted[0].weight);
    for (size_t i = 1; i < sorted.size(); ++i) {
      const auto score = sorted[i].Score(member);
      if (!score) return true;
      sum = Combine(sum, Counted(*score * sorted[i].weight), aggregate);
    }
    out->Add(member, sum, lasts);
    return out->pairs.size() < most;
  });
}

void Subtract(std::span<const ScoredSource> sources, ScoredResult* out) {
  auto others = BySize(sources.subspan(1));
  // The largest most likely has a member.
  std::reverse(others.begin(), others.end());
  Walk(sources[0], [&](Bytes member, double score, bool lasts) {
    const bool elsewhere = std::any_of(others.begin(), others.end(), [&](const ScoredSource& s) {
      return s.Score(member).has_value();
    });
    if (!elsewhere) out->Add(member, score, lasts);
    return true;
  });
}

size_t UniteSteps(std::span<const ScoredSource> sources) {
  size_t sum = 0;
  for (const ScoredSource& s : sources) sum += s.size();
  return sum;
}

size_t IntersectSteps(std::span<const ScoredSource> sources) {
  size_t least = std::numeric_limits<size_t>::max();
  for (const ScoredSource& s : sources) least = std::min(least, s.size());
  return least * sources.size();
}

size_t SubtractSteps(std::span<const ScoredSource> sources) {
  return sources[0].size() * sources.size();
}

}  // namespace mantis
