// A set of distinct byte strings.
//
// Small sets are an IntSet while all members are integers (in canonical decimal form), else a
// listpack; beyond the limits they are a table. A set never returns to a smaller form, except by
// PopMany of nearly all members, and by being copied through RESTORE.
//
// Thread safety: as Object: under the entry's lock. Ownership: owns its members. Members handed out
// are views that hold until the next change.
// Bounds: members of kMemberBytesMax bytes, checked by the caller.
// Complexity: O(1) for one member of a table, O(log n) to look one up among integers, O(n)
// otherwise, the compact forms being small.
#pragma once

#include <algorithm>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "engine/base/random.h"
#include "engine/base/sampling.h"
#include "engine/value/element_table.h"
#include "engine/value/int_set.h"
#include "engine/value/limits.h"
#include "engine/value/listpack.h"
#include "engine/value/object.h"
#include "engine/value/one_of.h"
#include "engine/value/set_member.h"

namespace mantis {

class Set final : public Object {
 public:
  static constexpr Kind kKind = Kind::kSet;
  static constexpr size_t kMemberBytesMax = SetMember::kBytesMax;

  // Text or an integer. A table's members are texts even where they are digits.
  using Member = Listpack::Item;

  Set() = default;
  ~Set() override;

  // A set of these members, in the form that the limits want.
  static std::unique_ptr<Set> FromIntSet(IntSet members, const ValueLimits& limits);
  // nullptr if a member comes twice.
  static std::unique_ptr<Set> FromListpack(Listpack members, const ValueLimits& limits);

  Kind kind() const override { return kKind; }
  std::string_view encoding() const override;
  size_t size() const override;
  size_t bytes(size_t samples) const override;
  size_t free_effort() const override { return table() != nullptr ? table()->size() : 1; }
  std::unique_ptr<Object> Clone() const override;
  void Prefetch(std::span<const Bytes> elements) const override {
    if (const Table* t = table(); t != nullptr) t->Prefetch(elements);
  }

  bool Contains(Bytes member) const;
  bool Contains(const Member& member) const;

  // To be told before `count` members are added, of which `first` is one: a set that may outgrow
  // its form becomes a table at once.
  void Expect(size_t count, Bytes first, const ValueLimits& limits);
  // False if it was there already.
  bool Add(Bytes member, const ValueLimits& limits);
  bool Add(const Member& member, const ValueLimits& limits);
  // False if it was not there.
  bool Erase(Bytes member);

  // Calls `f(const Member&) -> bool` for every member until it returns false. In ascending order
  // of integers, in the order of a listpack, in no particular one of a table.
  template <class F>
  void Walk(F&& f) const;
  // Calls `f(const Member&)` for every member.
  template <class F>
  void ForEach(F&& f) const {
    Walk([&f](const Member& m) {
      f(m);
      return true;
    });
  }
  // The same for about `count` of a table's members, from a cursor on, which begins at 0; for all
  // of a compact set. Returns the next cursor, 0 at the end (see ElementTable::Scan).
  template <class F>
  uint64_t Scan(uint64_t cursor, size_t count, F&& f) const;

  // Random members, for xorshift states of random.h; the set is not empty.
  Member Random(uint64_t& random_state) const;
  // `f(const Member&)` for `count` members, of which some may be the same.
  template <class F>
  void Draw(size_t count, uint64_t& random_state, F&& f) const;
  // The same for `count` different ones, or for all if there are fewer.
  template <class F>
  void Sample(size_t count, uint64_t& random_state, F&& f) const;

  // Calls `f(const Member&)` for a random member, then takes it out. The set is not empty.
  template <class F>
  void Pop(uint64_t& random_state, F&& f);
  // The same for `count` different ones, or for all if there are fewer. The limits are for what
  // is left, which may be built anew.
  template <class F>
  void PopMany(size_t count, const ValueLimits& limits, uint64_t& random_state, F&& f);

  // The members of a compact set, null if it has another form.
  FormView<IntSet> integers() const { return form_.View<IntSet>(); }
  FormView<Listpack> listpack() const { return form_.View<Listpack>(); }

 private:
  using Table = ElementTable<SetMember, SetMemberTraits>;

  Table* table() const { return form_.Get<std::unique_ptr<Table>>(); }
  static void FreeTable(Table& table);
  static size_t IntegersMax(const ValueLimits& limits);
  bool AddInteger(int64_t value, const ValueLimits& limits);
  bool AddToListpack(Bytes member, const ValueLimits& limits);
  // With room for a text of that size.
  bool FitsListpack(size_t text_bytes, const ValueLimits& limits) const;
  void AddToTable(const Member& member);
  void ConvertToListpack();
  void ConvertToTable();
  template <class F>
  void PopCompact(size_t count, uint64_t& random_state, F&& f);

  OneOf<IntSet, Listpack, std::unique_ptr<Table>> form_;
};
static_assert(sizeof(Set) == 2 * sizeof(void*), "one block of the allocator's second size");

template <class F>
void Set::Walk(F&& f) const {
  if (const auto ints = integers()) {
    for (size_t i = 0; i < ints->size(); ++i) {
      if (!f(Member{{}, ints->At(i), true})) return;
    }
  } else if (const auto pack = listpack()) {
    for (auto p = pack->First(); p != Listpack::kEnd; p = pack->Next(p)) {
      if (!f(pack->Get(p))) return;
    }
  } else {
    table()->ForEachWhile([&f](const SetMember* m) { return f(Member{m->text()}); });
  }
}

template <class F>
uint64_t Set::Scan(uint64_t cursor, size_t count, F&& f) const {
  if (table() == nullptr) {
    ForEach(f);
    return 0;
  }
  return table()->Scan(cursor, count, [&f](const SetMember* m) { f(Member{m->text()}); });
}

template <class F>
void Set::Draw(size_t count, uint64_t& random_state, F&& f) const {
  const auto pack = listpack();
  if (pack == nullptr || count == 1) {
    for (size_t i = 0; i < count; ++i) f(Random(random_state));
    return;
  }
  // A listpack has to be walked to find one.
  std::vector<Member> members;
  members.reserve(pack->size());
  ForEach([&members](const Member& m) { members.push_back(m); });
  for (size_t i = 0; i < count; ++i) f(members[NextRandom(random_state) % members.size()]);
}

template <class F>
void Set::Sample(size_t count, uint64_t& random_state, F&& f) const {
  if (table() != nullptr) {
    SampleDistinct(*table(), count, random_state,
                   [&f](const SetMember* m) { f(Member{m->text()}); });
    return;
  }
  SelectionSampler sampler(size(), count, random_state);
  Walk([&](const Member& m) {
    if (sampler.Take()) f(m);
    return !sampler.done();
  });
}

template <class F>
void Set::Pop(uint64_t& random_state, F&& f) {
  if (const auto ints = integers()) {
    const size_t i = NextRandom(random_state) % ints->size();
    f(Member{{}, ints->At(i), true});
    form_.Edit<IntSet>()->EraseAt(i);
  } else if (const auto pack = listpack()) {
    const auto p = pack->At(static_cast<int64_t>(NextRandom(random_state) % pack->size()));
    f(pack->Get(p));
    form_.Edit<Listpack>()->Erase(p);
  } else {
    SetMember* m = table()->Random([&random_state] { return NextRandom(random_state); });
    f(Member{m->text()});
    table()->Erase(m->text());
    SetMember::Destroy(m);
  }
}

template <class F>
void Set::PopMany(size_t count, const ValueLimits& limits, uint64_t& random_state, F&& f) {
  size_t stay = size() - std::min(count, size());
  // Where few stay it is less work to draw those, and where they go they may fit a smaller form.
  constexpr size_t kMostGo = 5;
  if (stay * kMostGo > count) {
    if (table() == nullptr) {
      PopCompact(count, random_state, f);
    } else {
      for (size_t i = 0; i < count; ++i) Pop(random_state, f);
    }
    return;
  }
  Set rest;
  for (; stay > 0; --stay) {
    Pop(random_state, [&](const Member& m) { rest.Add(m, limits); });
  }
  ForEach(f);
  std::swap(form_, rest.form_);
}

template <class F>
void Set::PopCompact(size_t count, uint64_t& random_state, F&& f) {
  // One by one, each moving what is behind it, or all in one go.
  constexpr size_t kFew = 8;
  if (count <= kFew) {
    for (size_t i = 0; i < count; ++i) Pop(random_state, f);
    return;
  }
  SelectionSampler sampler(size(), count, random_state);
  const auto split = [&](auto&& keep) {
    ForEach([&](const Member& m) { sampler.Take() ? f(m) : keep(m); });
  };
  if (integers() != nullptr) {
    IntSet rest;
    split([&rest](const Member& m) { rest.Insert(m.integer); });
    form_ = std::move(rest);
  } else {
    Listpack rest;
    split(
        [&rest](const Member& m) { m.is_integer ? rest.Append(m.integer) : rest.Append(m.text); });
    form_ = std::move(rest);
  }
}

}  // namespace mantis
