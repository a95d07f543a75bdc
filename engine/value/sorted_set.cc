#include "engine/value/sorted_set.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <system_error>
#include <vector>

#include "engine/base/allocation_failure.h"
#include "engine/base/memory.h"

namespace mantis {
namespace {

// Whole numbers that Redis stores as such; beyond them a double has no fraction to lose, but its
// text is shorter.
constexpr double kWholeMax = 4611686018427387904.0;  // 2^62

// How a score is written in a listpack: as an integer, or as text.
class WrittenScore {
 public:
  explicit WrittenScore(double score) {
    if (score >= -kWholeMax && score <= kWholeMax) {
      whole_ = static_cast<int64_t>(score);
      is_whole_ = static_cast<double>(whole_) == score;
    }
    if (is_whole_) return;
    const auto r = std::to_chars(text_.data(), text_.data() + text_.size(), score);
    length_ = static_cast<size_t>(r.ptr - text_.data());
  }

  Listpack::Pos InsertInto(Listpack& pack, Listpack::Pos before) const {
    return is_whole_ ? pack.Insert(before, whole_) : pack.Insert(before, Text());
  }

 private:
  Bytes Text() const { return {text_.data(), length_}; }

  bool is_whole_ = false;
  int64_t whole_ = 0;
  std::array<char, 32> text_;
  size_t length_ = 0;
};

std::optional<double> ParseScore(const Listpack::Item& item) {
  if (item.is_integer) return static_cast<double>(item.integer);
  double score = 0;
  const char* end = item.text.data() + item.text.size();
  const auto r = std::from_chars(item.text.data(), end, score);
  if (r.ec != std::errc{} || r.ptr != end || std::isnan(score)) return std::nullopt;
  return score;
}

bool FitsCompact(size_t count, size_t longest_member, const ValueLimits& limits) {
  return count <= limits.zset_max_listpack_entries &&
         longest_member <= limits.zset_max_listpack_value;
}

struct Decided {
  SortedSet::Added what;
  double score;
};

// What Add makes of a member that is there with the score `now`.
Decided Decide(double now, double score, unsigned flags) {
  if ((flags & SortedSet::kOnlyNew) != 0) return {SortedSet::Added::kSkipped, now};
  if ((flags & SortedSet::kIncrement) != 0) {
    score += now;
    if (std::isnan(score)) return {SortedSet::Added::kNaN, now};
  }
  if (((flags & SortedSet::kOnlyLess) != 0 && score >= now) ||
      ((flags & SortedSet::kOnlyGreater) != 0 && score <= now)) {
    return {SortedSet::Added::kSkipped, now};
  }
  return {score == now ? SortedSet::Added::kSame : SortedSet::Added::kUpdated, score};
}

// Where a member of that score belongs; kEnd: at the end.
Listpack::Pos PlaceIn(const Listpack& pack, double score, Bytes member) {
  char digits[24];
  for (Listpack::Pos at = pack.First(); at != Listpack::kEnd;) {
    const Listpack::Pos score_at = pack.Next(at);
    const double other = ParseScore(pack.Get(score_at)).value_or(0);
    if (other > score) return at;
    if (other == score &&
        CompareBytes(pack.Get(at).View(std::span<char, 24>(digits)), member) > 0) {
      return at;
    }
    at = pack.Next(score_at);
  }
  return Listpack::kEnd;
}

void InsertPair(Listpack& pack, Listpack::Pos before, double score, Bytes member) {
  const WrittenScore written(score);
  if (before == Listpack::kEnd) {
    pack.Append(member);
    written.InsertInto(pack, Listpack::kEnd);
    return;
  }
  // The score first: what goes before it then is where it was put.
  pack.Insert(written.InsertInto(pack, before), member);
}

}  // namespace

// --- Building ---

SortedSet::Big::~Big() {
  table.DestroyElements([](ScoredMember* e) { ScoredMember::Free(e); });
}

SortedSet::~SortedSet() = default;

void SortedSet::AppendBig(Big& big, double score, Bytes member) {
  memory::Ensure(member.size());
  const memory::MustSucceed must;
  ScoredMember* e = ScoredMember::Create(score, member);
  big.member_bytes += memory::UsableSize(e);
  big.tree.Append(e);
  big.table.Insert(e);
}

void SortedSet::BecomeBig() {
  auto big = std::make_unique<Big>();
  ForEach([&](Bytes member, double score) { AppendBig(*big, score, member); });
  form_ = std::move(big);
}

// What decides on the form of a set that is built whole.
struct SortedSet::Extent {
  size_t count = 0;
  size_t longest = 0;
  size_t bytes = 0;

  void Add(Bytes member) {
    ++count;
    longest = std::max(longest, member.size());
    bytes += member.size() + kPairOverhead;
  }
};

std::unique_ptr<SortedSet> SortedSet::EmptyFor(const Extent& extent, const ValueLimits& limits) {
  auto set = std::make_unique<SortedSet>();
  if (!FitsCompact(extent.count, extent.longest, limits) || !set->listpack()->Fits(extent.bytes)) {
    set->form_ = std::make_unique<Big>();
  }
  return set;
}

void SortedSet::Append(double score, Bytes member) {
  if (Big* b = big(); b != nullptr) {
    AppendBig(*b, score, member);
  } else {
    InsertPair(*form_.Edit<Listpack>(), Listpack::kEnd, score, member);
  }
}

std::unique_ptr<SortedSet> SortedSet::FromPairs(std::span<const Pair> pairs,
                                                const ValueLimits& limits) {
  std::vector<const Pair*> sorted;
  sorted.reserve(pairs.size());
  Extent extent;
  for (const Pair& p : pairs) {
    sorted.push_back(&p);
    extent.Add(p.member);
  }
  std::sort(sorted.begin(), sorted.end(),
            [](const Pair* a, const Pair* b) { return Before(*a, *b); });
  auto set = EmptyFor(extent, limits);
  for (const Pair* p : sorted) set->Append(p->score, p->member);
  return set;
}

std::unique_ptr<SortedSet> SortedSet::Slice(RankRange range, const ValueLimits& limits) const {
  Extent extent;
  ForEach(range, false, [&](Bytes member, double) { extent.Add(member); });
  auto part = EmptyFor(extent, limits);
  ForEach(range, false, [&](Bytes member, double score) { part->Append(score, member); });
  return part;
}

std::unique_ptr<SortedSet> SortedSet::FromListpack(Listpack pack, const ValueLimits& limits) {
  auto set = std::make_unique<SortedSet>();
  set->form_ = std::move(pack);
  if (!set->CompactProblem().empty()) return nullptr;
  Extent extent;
  set->ForEach([&](Bytes member, double) { extent.Add(member); });
  if (!FitsCompact(extent.count, extent.longest, limits)) set->BecomeBig();
  return set;
}

std::unique_ptr<Object> SortedSet::Clone() const {
  auto copy = std::make_unique<SortedSet>();
  if (const auto pack = listpack()) {
    copy->form_ = pack->Clone();
  } else {
    copy->form_ = std::make_unique<Big>();
    ForEach([&](Bytes member, double score) { copy->Append(score, member); });
  }
  return copy;
}

// --- Members ---

double SortedSet::ScoreOf(const Listpack& pack, Listpack::Pos score_at) {
  return ParseScore(pack.Get(score_at)).value_or(0);
}

SortedSet::AddResult SortedSet::Add(double score, Bytes member, unsigned flags,
                                    const ValueLimits& limits) {
  memory::Ensure(member.size());
  const memory::MustSucceed must;
  if (big() == nullptr) {
    if (const auto added = AddCompact(score, member, flags, limits)) return *added;
    BecomeBig();
  }
  return AddBig(*big(), score, member, flags);
}

std::optional<SortedSet::AddResult> SortedSet::AddCompact(double score, Bytes member,
                                                          unsigned flags,
                                                          const ValueLimits& limits) {
  const auto edit = form_.Edit<Listpack>();
  Listpack& pack = *edit;
  const Listpack::Pos at = pack.Find(member, pack.First(), 1);
  if (at != Listpack::kEnd) {
    const Decided decided = Decide(ScoreOf(pack, pack.Next(at)), score, flags);
    if (decided.what == Added::kUpdated) {
      pack.Erase(at, 2);
      InsertPair(pack, PlaceIn(pack, decided.score, member), decided.score, member);
    }
    return AddResult{decided.what, decided.score};
  }
  if ((flags & kOnlyPresent) != 0) return AddResult{Added::kSkipped, score};
  const size_t count = pack.size() / 2 + 1;
  if (!FitsCompact(count, member.size(), limits) || !pack.Fits(member.size() + kPairOverhead)) {
    return std::nullopt;
  }
  InsertPair(pack, PlaceIn(pack, score, member), score, member);
  return AddResult{Added::kNew, score};
}

SortedSet::AddResult SortedSet::AddBig(Big& big, double score, Bytes member, unsigned flags) {
  ScoredMember* e = nullptr;
  if ((flags & kOnlyPresent) != 0) {
    e = big.table.Find(member);
    if (e == nullptr) return {Added::kSkipped, score};
  } else {
    const auto [found, fresh] =
        big.table.FindOrInsert(member, [&] { return ScoredMember::Create(score, member); });
    if (fresh) {
      big.tree.Insert(found);
      big.member_bytes += memory::UsableSize(found);
      return {Added::kNew, score};
    }
    e = found;
  }
  const Decided decided = Decide(e->score, score, flags);
  if (decided.what == Added::kUpdated) big.tree.Rescore(e, decided.score);
  return {decided.what, decided.score};
}

bool SortedSet::Remove(Bytes member) {
  if (Big* b = big(); b != nullptr) {
    ScoredMember* e = b->table.Erase(member);
    if (e == nullptr) return false;
    b->tree.Erase(*e);
    b->member_bytes -= memory::UsableSize(e);
    ScoredMember::Free(e);
    return true;
  }
  const auto pack = form_.Edit<Listpack>();
  const Listpack::Pos at = pack->Find(member, pack->First(), 1);
  if (at == Listpack::kEnd) return false;
  pack->Erase(at, 2);
  return true;
}

std::optional<double> SortedSet::Score(Bytes member) const {
  if (const Big* b = big(); b != nullptr) {
    const ScoredMember* e = b->table.Find(member);
    if (e == nullptr) return std::nullopt;
    return e->score;
  }
  const auto pack = listpack();
  const Listpack::Pos at = pack->Find(member, pack->First(), 1);
  if (at == Listpack::kEnd) return std::nullopt;
  return ScoreOf(*pack, pack->Next(at));
}

std::optional<SortedSet::Ranked> SortedSet::Rank(Bytes member) const {
  if (const Big* b = big(); b != nullptr) {
    const ScoredMember* e = b->table.Find(member);
    if (e == nullptr) return std::nullopt;
    return Ranked{b->tree.RankOf(*e), e->score};
  }
  const auto pack = listpack();
  const Listpack::Pos found = pack->Find(member, pack->First(), 1);
  if (found == Listpack::kEnd) return std::nullopt;
  size_t rank = 0;
  for (Listpack::Pos at = pack->First(); at != found; at = pack->Next(pack->Next(at))) ++rank;
  return Ranked{rank, ScoreOf(*pack, pack->Next(found))};
}

size_t SortedSet::size() const {
  const Big* b = big();
  return b != nullptr ? b->tree.size() : listpack()->size() / 2;
}

size_t SortedSet::bytes(size_t) const {
  const size_t own = memory::UsableSize(this);
  const Big* b = big();
  if (b == nullptr) return own + listpack()->allocated_bytes();
  return own + memory::UsableSize(b) + b->table.bytes() + b->tree.bytes() + b->member_bytes;
}

// --- Checking ---

std::string_view SortedSet::CompactProblem() const {
  const auto pack = listpack();
  if (pack->size() % 2 != 0) return "a member without a score";
  std::vector<std::string> members;
  double last = -std::numeric_limits<double>::infinity();
  char digits[24];
  for (Listpack::Pos at = pack->First(); at != Listpack::kEnd;) {
    const Bytes member = pack->Get(at).View(std::span<char, 24>(digits));
    const Listpack::Pos score_at = pack->Next(at);
    const auto score = ParseScore(pack->Get(score_at));
    if (!score) return "a score that is no number";
    if (*score < last ||
        (*score == last && !members.empty() && CompareBytes(members.back(), member) >= 0)) {
      return "the order";
    }
    last = *score;
    members.emplace_back(member);
    at = pack->Next(score_at);
  }
  std::sort(members.begin(), members.end());
  const auto twice = std::adjacent_find(members.begin(), members.end());
  return twice == members.end() ? std::string_view{} : "a member twice";
}

std::string_view SortedSet::Problem() const {
  const Big* b = big();
  if (b == nullptr) return CompactProblem();
  if (b->tree.size() != b->table.size()) return "table and tree differ in size";
  size_t bytes = 0;
  for (RankTree::Cursor c = b->tree.At(0); c.valid(); c.Next()) {
    if (b->table.Find(c->member()) != &*c) return "the table lacks an element";
    bytes += memory::UsableSize(&*c);
  }
  if (bytes != b->member_bytes) return "the members' bytes";
  return b->tree.Problem();
}

}  // namespace mantis
