// Sorted sets in RDB format.

#include <charconv>
#include <cmath>
#include <string>

#include "engine/persist/rdb_legacy.h"
#include "engine/persist/rdb_types.h"
#include "engine/value/sorted_set.h"

namespace mantis::persist {
namespace {

class SortedSetBuilder {
 public:
  explicit SortedSetBuilder(const ValueLimits& limits) : limits_(limits) {}

  bool Add(Bytes member, double score) {
    if (std::isnan(score)) return false;
    return set_->Add(score, member, SortedSet::kAlways, limits_).what == SortedSet::Added::kNew;
  }
  // For encodings that are lists of members and scores in turn.
  bool AddNext(Bytes text) {
    if (!half_) {
      member_ = text;
      half_ = true;
      return true;
    }
    half_ = false;
    double score = 0;
    const auto r = std::from_chars(text.data(), text.data() + text.size(), score);
    return r.ec == std::errc{} && r.ptr == text.data() + text.size() && Add(member_, score);
  }
  std::unique_ptr<Object> Finish(bool ok) {
    if (!ok || half_ || set_->size() == 0) return nullptr;
    return std::move(set_);
  }

 private:
  const ValueLimits& limits_;
  std::unique_ptr<SortedSet> set_ = std::make_unique<SortedSet>();
  std::string member_;
  bool half_ = false;
};

bool ReadMembers(RdbReader& in, bool binary, SortedSetBuilder& set) {
  uint64_t left = 0;
  if (!in.Count(&left)) return false;
  std::string room;
  for (; left > 0; --left) {
    Bytes member;
    double score = 0;
    if (!in.String(&room, &member) ||
        !(binary ? in.BinaryDouble(&score) : in.DecimalDouble(&score)) || !set.Add(member, score)) {
      return false;
    }
  }
  return true;
}

}  // namespace

void EncodeSortedSet(const SortedSet& set, RdbWriter& out) {
  if (const auto pack = set.listpack()) {
    out.Type(RdbType::kSortedSetListpack);
    out.String(pack->raw());
    return;
  }
  out.Type(RdbType::kSortedSet2);
  out.Length(set.size());
  // From the greatest down, as Redis does: its skip list is fastest built from the end.
  set.ForEach(set.All(), true, [&](Bytes member, double score) {
    out.String(member);
    out.BinaryDouble(score);
  });
}

std::unique_ptr<Object> DecodeSortedSet(RdbType type, RdbReader& in, const ValueLimits& limits) {
  SortedSetBuilder set(limits);
  if (type == RdbType::kSortedSet || type == RdbType::kSortedSet2) {
    return set.Finish(ReadMembers(in, type == RdbType::kSortedSet2, set));
  }
  std::string room;
  Bytes raw;
  if (!in.String(&room, &raw)) return nullptr;
  if (type == RdbType::kSortedSetZiplist) {
    return set.Finish(ReadZiplist(raw, [&set](Bytes text) { return set.AddNext(text); }));
  }
  auto pack = Listpack::Parse(raw);
  if (!pack || pack->empty()) return nullptr;
  return SortedSet::FromListpack(*std::move(pack), limits);
}

}  // namespace mantis::persist
