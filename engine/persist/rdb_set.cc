// Sets in RDB format.

#include <string>

#include "engine/persist/rdb_types.h"
#include "engine/value/set.h"

namespace mantis::persist {
namespace {

std::unique_ptr<Set> ReadMembers(RdbReader& in, const ValueLimits& limits) {
  uint64_t count = 0;
  if (!in.Count(&count)) return nullptr;
  auto set = std::make_unique<Set>();
  std::string room;
  for (uint64_t i = 0; i < count; ++i) {
    Bytes member;
    if (!in.String(&room, &member) || member.size() > Set::kMemberBytesMax) return nullptr;
    // Only what the bytes can hold: the count is anybody's claim, but each member takes one.
    if (i == 0) set->Expect(static_cast<size_t>(count), member, limits);
    if (!set->Add(member, limits)) return nullptr;
  }
  return set;
}

}  // namespace

void EncodeSet(const Set& set, RdbWriter& out) {
  if (const auto integers = set.integers()) {
    out.Type(RdbType::kSetIntset);
    out.String(integers->raw());
    return;
  }
  const auto pack = set.listpack();
  if (pack != nullptr && out.version_max() >= kRdbVersionOfSetListpack) {
    out.Type(RdbType::kSetListpack);
    out.String(pack->raw());
    return;
  }
  out.Type(RdbType::kSet);
  out.Length(set.size());
  set.ForEach([&out](const Set::Member& member) {
    if (member.is_integer) {
      out.IntegerString(member.integer);
    } else {
      out.String(member.text);
    }
  });
}

std::unique_ptr<Object> DecodeSet(RdbType type, RdbReader& in, const ValueLimits& limits) {
  std::unique_ptr<Set> set;
  std::string room;
  Bytes raw;
  if (type == RdbType::kSet) {
    set = ReadMembers(in, limits);
  } else if (!in.String(&room, &raw)) {
    return nullptr;
  } else if (type == RdbType::kSetIntset) {
    if (auto integers = IntSet::Parse(raw)) set = Set::FromIntSet(*std::move(integers), limits);
  } else if (auto pack = Listpack::Parse(raw)) {
    set = Set::FromListpack(*std::move(pack), limits);
  }
  return set != nullptr && set->size() != 0 ? std::move(set) : nullptr;
}

}  // namespace mantis::persist
