#include "engine/value/set.h"

#include <absl/container/flat_hash_set.h>

#include <array>
#include <span>
#include <string_view>
#include <tuple>

#include "engine/base/allocation_failure.h"
#include "engine/base/memory.h"
#include "engine/value/value.h"

namespace mantis {
namespace {

// Longest texts first: of a negative number, of a positive one.
size_t DigitsMax(const IntSet& ints) {
  if (ints.empty()) return 0;
  std::array<char, 24> room;
  const auto length = [&room](int64_t v) { return Set::Member{{}, v, true}.View(room).size(); };
  return std::max(length(ints.At(0)), length(ints.At(ints.size() - 1)));
}

void Append(Listpack& to, const Set::Member& member) {
  if (member.is_integer) {
    to.Append(member.integer);
  } else {
    to.Append(member.text);
  }
}

}  // namespace

Set::~Set() {
  if (table() != nullptr) FreeTable(*table());
}

void Set::FreeTable(Table& table) {
  table.DestroyElements([](SetMember* m) { SetMember::Destroy(m); });
}

size_t Set::IntegersMax(const ValueLimits& limits) {
  return std::min(limits.set_max_intset_entries, IntSet::kSizeMax);
}

std::unique_ptr<Set> Set::FromIntSet(IntSet members, const ValueLimits& limits) {
  auto set = std::make_unique<Set>();
  const bool fits = members.size() <= IntegersMax(limits);
  set->form_ = std::move(members);
  if (!fits) set->ConvertToTable();
  return set;
}

std::unique_ptr<Set> Set::FromListpack(Listpack members, const ValueLimits& limits) {
  auto set = std::make_unique<Set>();
  set->form_ = std::move(members);
  // Equal members are encoded equally.
  absl::flat_hash_set<std::tuple<bool, int64_t, Bytes>> seen;
  bool fits = set->size() <= limits.set_max_listpack_entries;
  bool unique = true;
  set->Walk([&](const Member& m) {
    unique = seen.emplace(m.is_integer, m.integer, m.text).second;
    fits = fits && m.text.size() <= limits.set_max_listpack_value;
    return unique;
  });
  if (!unique) return nullptr;
  if (!fits) set->ConvertToTable();
  return set;
}

std::string_view Set::encoding() const {
  if (integers() != nullptr) return "intset";
  return listpack() != nullptr ? "listpack" : "hashtable";
}

size_t Set::size() const {
  if (integers() != nullptr) return integers()->size();
  return listpack() != nullptr ? listpack()->size() : table()->size();
}

size_t Set::bytes(size_t samples) const {
  const size_t own = memory::UsableSize(this);
  if (integers() != nullptr) return own + integers()->allocated_bytes();
  if (listpack() != nullptr) return own + listpack()->allocated_bytes();
  size_t seen = 0;
  size_t members = 0;
  table()->ForEachWhile([&](const SetMember* m) {
    members += m->allocated_bytes();
    return ++seen != samples;
  });
  if (seen != 0) members = members * size() / seen;
  return own + memory::UsableSize(table()) + table()->bytes() + members;
}

std::unique_ptr<Object> Set::Clone() const {
  auto copy = std::make_unique<Set>();
  if (integers() != nullptr) {
    copy->form_ = integers()->Clone();
  } else if (listpack() != nullptr) {
    copy->form_ = listpack()->Clone();
  } else {
    auto fresh = std::make_unique<Table>();
    table()->ForEach([&fresh](const SetMember* m) { fresh->Insert(SetMember::Create(m->text())); });
    copy->form_ = std::move(fresh);
  }
  return copy;
}

bool Set::Contains(Bytes member) const {
  if (const Table* t = table(); t != nullptr) return t->Find(member) != nullptr;
  if (const auto pack = listpack()) {
    return pack->Find(member, pack->First()) != Listpack::kEnd;
  }
  const auto value = ParseCanonicalInteger(member);
  return value && integers()->Contains(*value);
}

bool Set::Contains(const Member& member) const {
  if (member.is_integer && integers() != nullptr) return integers()->Contains(member.integer);
  std::array<char, 24> digits;
  return Contains(member.View(digits));
}

void Set::Expect(size_t count, Bytes first, const ValueLimits& limits) {
  if (integers() != nullptr) {
    const bool fresh = size() == 0;
    if (count <= IntegersMax(limits)) return;
    if (fresh && count <= limits.set_max_listpack_entries) {
      if (ParseCanonicalInteger(first)) ConvertToListpack();
      return;
    }
  } else if (listpack() == nullptr || count <= limits.set_max_listpack_entries) {
    return;
  }
  ConvertToTable();
}

bool Set::Add(Bytes member, const ValueLimits& limits) {
  memory::Ensure(member.size());
  const memory::MustSucceed must;
  if (Table* t = table(); t != nullptr) {
    return t->FindOrInsert(member, [member] { return SetMember::Create(member); }).second;
  }
  if (const auto ints = integers()) {
    const auto value = ParseCanonicalInteger(member);
    if (value) return AddInteger(*value, limits);
    if (DigitsMax(*ints) <= limits.set_max_listpack_value && FitsListpack(member.size(), limits)) {
      ConvertToListpack();
    }
  }
  if (listpack() != nullptr) return AddToListpack(member, limits);
  ConvertToTable();
  AddToTable({member});
  return true;
}

bool Set::Add(const Member& member, const ValueLimits& limits) {
  if (!member.is_integer) return Add(member.text, limits);
  if (integers() != nullptr) return AddInteger(member.integer, limits);
  std::array<char, 24> digits;
  return Add(member.View(digits), limits);
}

bool Set::AddInteger(int64_t value, const ValueLimits& limits) {
  if (!form_.Edit<IntSet>()->Insert(value)) return false;
  if (size() > IntegersMax(limits)) ConvertToTable();
  return true;
}

bool Set::FitsListpack(size_t text_bytes, const ValueLimits& limits) const {
  // What one more text, or each of so many integers, takes at most beside its content.
  constexpr size_t kOverhead = 16;
  const size_t held = listpack() != nullptr ? listpack()->total() : size() * kOverhead;
  return size() < limits.set_max_listpack_entries && text_bytes <= limits.set_max_listpack_value &&
         held + text_bytes + kOverhead <= Listpack::kBytesMax;
}

bool Set::AddToListpack(Bytes member, const ValueLimits& limits) {
  if (Contains(member)) return false;
  if (FitsListpack(member.size(), limits)) {
    form_.Edit<Listpack>()->Append(member);
  } else {
    ConvertToTable();
    AddToTable({member});
  }
  return true;
}

void Set::AddToTable(const Member& member) {
  std::array<char, 24> digits;
  table()->Insert(SetMember::Create(member.View(digits)));
}

bool Set::Erase(Bytes member) {
  if (Table* t = table(); t != nullptr) {
    SetMember* m = t->Erase(member);
    if (m == nullptr) return false;
    SetMember::Destroy(m);
    return true;
  }
  if (const auto pack = form_.Edit<Listpack>()) {
    const auto p = pack->Find(member, pack->First());
    if (p == Listpack::kEnd) return false;
    pack->Erase(p);
    return true;
  }
  const auto value = ParseCanonicalInteger(member);
  return value && form_.Edit<IntSet>()->Erase(*value);
}

Set::Member Set::Random(uint64_t& random_state) const {
  const auto next = [&random_state] { return NextRandom(random_state); };
  if (const auto ints = integers()) {
    return {{}, ints->At(next() % ints->size()), true};
  }
  if (const auto pack = listpack()) {
    return pack->Get(pack->At(static_cast<int64_t>(next() % pack->size())));
  }
  return {table()->Random(next)->text()};
}

void Set::ConvertToListpack() {
  Listpack pack;
  ForEach([&pack](const Member& m) { Append(pack, m); });
  form_ = std::move(pack);
}

void Set::ConvertToTable() {
  Set big;
  big.form_ = std::make_unique<Table>();
  ForEach([&big](const Member& m) { big.AddToTable(m); });
  std::swap(form_, big.form_);
}

}  // namespace mantis
