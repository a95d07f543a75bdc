// A hash: named fields with values, each with a deadline of its own if it wants one.
//
// Small hashes are a listpack of name, value, name, value…; once a field has had a deadline, of
// name, value, deadline triples (0: none). Beyond the limits they are a table of elements, and the
// deadlines of that are kept in order beside it. A hash never returns to a smaller form, except by
// being copied through RESTORE.
//
// Expiry: a field whose deadline is not after `now_ms` is absent for every method that takes
// now_ms, whether ExpireParts has taken it out yet or not. size() and Walk() count it.
//
// Thread safety: as Object: under the entry's lock. Ownership: owns its elements. Texts and Fields
// handed out are views that hold until the next change.
// Bounds: names and values of kTextBytesMax bytes, checked by the caller.
// Complexity: O(1) for one field of the table form, O(fields) of the compact ones (which are
// small); a deadline costs O(log deadlines) more. live_size and Random cost O(expired fields) more.
#pragma once

#include <absl/container/btree_set.h>

#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "engine/base/sampling.h"
#include "engine/value/element_table.h"
#include "engine/value/hash_element.h"
#include "engine/value/limits.h"
#include "engine/value/listpack.h"
#include "engine/value/object.h"
#include "engine/value/one_of.h"

namespace mantis {

class Hash final : public Object {
 public:
  static constexpr Kind kKind = Kind::kHash;
  static constexpr size_t kTextBytesMax = HashElement::kBytesMax;

  using Text = Listpack::Item;
  struct Field {
    Text name;
    Text value;
    int64_t deadline_ms = kNoDeadline;
  };
  enum class Deadline : uint8_t { kKeep, kClear };

  Hash() = default;
  ~Hash() override;

  // From name, value pairs; nullptr if a value is missing or a name comes twice.
  static std::unique_ptr<Hash> FromListpack(Listpack pairs, const ValueLimits& limits);

  Kind kind() const override { return kKind; }
  std::string_view encoding() const override;
  size_t size() const override;
  size_t bytes(size_t samples) const override;
  size_t free_effort() const override { return big() == nullptr ? 1 : size(); }
  std::unique_ptr<Object> Clone() const override;
  void Prefetch(std::span<const Bytes> elements) const override {
    if (const Big* b = big(); b != nullptr) b->table.Prefetch(elements);
  }
  int64_t next_deadline_ms() const override;
  size_t ExpireParts(int64_t now_ms, size_t limit) override;

  std::optional<Text> Get(Bytes name, int64_t now_ms) const;
  // Fields that have not expired.
  size_t live_size(int64_t now_ms) const;

  // True if the field was not there. A field that was loses its deadline unless it is kept.
  bool Set(Bytes name, Bytes value, const ValueLimits& limits, int64_t now_ms,
           Deadline deadline = Deadline::kClear);
  // False if it was not there.
  bool Erase(Bytes name, int64_t now_ms);

  // kNoDeadline for a field without one; nothing if the field is not there.
  std::optional<int64_t> DeadlineOf(Bytes name, int64_t now_ms) const;
  // The field is there. kNoDeadline takes its deadline away.
  void SetDeadline(Bytes name, int64_t deadline_ms);

  // Calls `f(const Field&) -> bool` for every field, the expired ones included, until it returns
  // false. In the order of a listpack, in no particular one of a table.
  template <class F>
  void Walk(F&& f) const;
  // Calls `f(const Field&)` for every field that has not expired.
  template <class F>
  void ForEach(int64_t now_ms, F&& f) const {
    Walk([&](const Field& field) {
      if (field.deadline_ms > now_ms) f(field);
      return true;
    });
  }
  // The same for about `count` of a table's fields, from a cursor on, which begins at 0; for all of
  // a compact hash. Returns the next cursor, 0 at the end (see ElementTable::Scan).
  template <class F>
  uint64_t Scan(uint64_t cursor, size_t count, int64_t now_ms, F&& f) const;

  // Random fields that have not expired, for xorshift states of random.h: `f(const Field&)` for
  // `count` different ones (or all, if there are fewer), or for `count` of which some may be the
  // same (none, if there are none).
  template <class F>
  void Sample(size_t count, int64_t now_ms, uint64_t& random_state, F&& f) const;
  template <class F>
  void Draw(size_t count, int64_t now_ms, uint64_t& random_state, F&& f) const;

  // The pairs of a compact hash without deadlines, else null.
  FormView<Listpack> pairs() const { return form_.View<Listpack>(); }

 private:
  using Table = ElementTable<HashElement, HashElementTraits>;
  using Pos = Listpack::Pos;

  struct Triples {
    Listpack fields;
    int64_t next_deadline_ms = kNoDeadline;
  };
  struct Big {
    Big() = default;
    ~Big();
    Big(const Big&) = delete;
    Big& operator=(const Big&) = delete;

    Table table;
    // Of the elements that have deadlines; nothing if none ever had.
    std::unique_ptr<absl::btree_set<std::pair<int64_t, HashElement*>>> deadlines;
  };
  // The listpack of a compact hash, to be read: pairs or triples.
  struct Compact {
    static constexpr size_t kPair = 2;
    static constexpr size_t kTriple = 3;

    FormView<Listpack> pack;
    size_t stride;  // elements of a field

    Pos Find(Bytes name) const { return pack->Find(name, pack->First(), stride - 1); }
    // The field that begins at `p`, and in *next where the next one does.
    Field FieldAt(Pos p, Pos* next) const;
    int64_t DeadlineAt(Pos name) const;
  };

  Big* big() const { return form_.Get<std::unique_ptr<Big>>(); }
  Triples* triples() const { return form_.Get<std::unique_ptr<Triples>>(); }
  Compact compact() const {
    const Triples* t = triples();
    if (t == nullptr) return {pairs(), Compact::kPair};
    return {FormView<Listpack>(t->fields.get()), Compact::kTriple};
  }
  // Some field may have expired.
  bool some_due(int64_t now_ms) const { return next_deadline_ms() <= now_ms; }

  static Field FieldOf(const HashElement& e) { return {{e.name()}, {e.value()}, e.deadline_ms()}; }

  bool FitsCompact(Bytes name, Bytes value, const ValueLimits& limits) const;
  bool SetPair(Bytes name, Bytes value);
  bool SetTriple(Triples& t, Bytes name, Bytes value, int64_t now_ms, Deadline deadline);
  static bool SetElement(Big& big, Bytes name, Bytes value, int64_t now_ms, Deadline deadline);
  // Gives the element a value and a deadline, in new memory if need be.
  static void Assign(Big& big, HashElement* e, Bytes value, int64_t deadline_ms);
  static void Schedule(Big& big, HashElement* e);
  static void Unschedule(Big& big, HashElement* e);

  void ConvertToTriples();
  void ConvertToTable();
  void SetDeadlineAt(Triples& t, Pos name, int64_t deadline_ms);
  void FindNextDeadline(Triples& t);
  size_t ExpireTriples(Triples& t, int64_t now_ms, size_t limit);

  OneOf<Listpack, std::unique_ptr<Triples>, std::unique_ptr<Big>> form_;
};
static_assert(sizeof(Hash) == 2 * sizeof(void*), "one block of the allocator's second size");

template <class F>
void Hash::Walk(F&& f) const {
  if (const Big* b = big(); b != nullptr) {
    b->table.ForEachWhile([&](const HashElement* e) { return f(FieldOf(*e)); });
    return;
  }
  const Compact fields = compact();
  for (Pos p = fields.pack->First(); p != Listpack::kEnd;) {
    if (!f(fields.FieldAt(p, &p))) return;
  }
}

template <class F>
uint64_t Hash::Scan(uint64_t cursor, size_t count, int64_t now_ms, F&& f) const {
  const Big* b = big();
  if (b == nullptr) {
    ForEach(now_ms, f);
    return 0;
  }
  return b->table.Scan(cursor, count, [&](const HashElement* e) {
    if (!e->due(now_ms)) f(FieldOf(*e));
  });
}

template <class F>
void Hash::Sample(size_t count, int64_t now_ms, uint64_t& random_state, F&& f) const {
  if (const Big* b = big(); b != nullptr && !some_due(now_ms)) {
    SampleDistinct(b->table, count, random_state, [&](const HashElement* e) { f(FieldOf(*e)); });
    return;
  }
  SelectionSampler sampler(live_size(now_ms), count, random_state);
  Walk([&](const Field& field) {
    if (sampler.done()) return false;
    if (field.deadline_ms > now_ms && sampler.Take()) f(field);
    return true;
  });
}

template <class F>
void Hash::Draw(size_t count, int64_t now_ms, uint64_t& random_state, F&& f) const {
  if (const Big* b = big(); b != nullptr && !some_due(now_ms)) {
    const auto next = [&random_state] { return NextRandom(random_state); };
    for (size_t i = 0; i < count; ++i) f(FieldOf(*b->table.Random(next)));
    return;
  }
  std::vector<Field> fields;
  fields.reserve(size());
  ForEach(now_ms, [&](const Field& field) { fields.push_back(field); });
  for (size_t i = 0; i < count && !fields.empty(); ++i) {
    f(fields[NextRandom(random_state) % fields.size()]);
  }
}

}  // namespace mantis
