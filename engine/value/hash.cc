#include "engine/value/hash.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>
#include <string>

#include "engine/base/allocation_failure.h"

namespace mantis {
namespace {

// How a triple says that there is no deadline: as Redis's listpackex does.
constexpr int64_t kNoneInListpack = 0;

int64_t FromListpackForm(const Listpack::Item& item) {
  return item.integer == kNoneInListpack ? kNoDeadline : item.integer;
}
int64_t ToListpackForm(int64_t deadline_ms) {
  return deadline_ms == kNoDeadline ? kNoneInListpack : deadline_ms;
}

void AppendItem(Listpack& to, const Listpack::Item& item) {
  if (item.is_integer) {
    to.Append(item.integer);
  } else {
    to.Append(item.text);
  }
}

}  // namespace

Hash::Big::~Big() {
  table.DestroyElements([](HashElement* e) { HashElement::Destroy(e); });
}

Hash::~Hash() = default;

std::unique_ptr<Hash> Hash::FromListpack(Listpack pairs, const ValueLimits& limits) {
  if (pairs.size() % 2 != 0) return nullptr;
  auto hash = std::make_unique<Hash>();
  hash->form_ = std::move(pairs);
  absl::flat_hash_set<std::string> names;
  bool unique = true;
  bool fits = hash->size() <= limits.hash_max_listpack_entries;
  hash->Walk([&](const Field& field) {
    std::array<char, 24> digits;
    const Bytes name = field.name.View(digits);
    unique = names.emplace(name).second;
    const size_t longest = std::max(name.size(), field.value.text.size());
    fits = fits && longest <= limits.hash_max_listpack_value;
    return unique;
  });
  if (!unique) return nullptr;
  if (!fits) hash->ConvertToTable();
  return hash;
}

std::string_view Hash::encoding() const {
  if (big() != nullptr) return "hashtable";
  return triples() != nullptr ? "listpackex" : "listpack";
}

size_t Hash::size() const {
  if (const Big* b = big(); b != nullptr) return b->table.size();
  const Compact fields = compact();
  return fields.pack->size() / fields.stride;
}

size_t Hash::bytes(size_t samples) const {
  size_t sum = memory::UsableSize(this);
  const Big* b = big();
  if (b == nullptr) {
    if (const Triples* t = triples(); t != nullptr) sum += memory::UsableSize(t);
    return sum + compact().pack->allocated_bytes();
  }
  sum += memory::UsableSize(b) + b->table.bytes();
  size_t seen = 0;
  size_t elements = 0;
  b->table.ForEachWhile([&](const HashElement* e) {
    elements += e->allocated_bytes();
    return ++seen != samples;
  });
  if (seen != 0) elements = elements * size() / seen;
  // A B-tree's nodes are about three quarters full.
  if (b->deadlines != nullptr) elements += b->deadlines->size() * 16 * 4 / 3;
  return sum + elements;
}

std::unique_ptr<Object> Hash::Clone() const {
  auto copy = std::make_unique<Hash>();
  if (const auto pack = pairs()) {
    copy->form_ = pack->Clone();
  } else if (const Triples* t = triples(); t != nullptr) {
    auto fresh = std::make_unique<Triples>();
    fresh->fields = t->fields.Clone();
    fresh->next_deadline_ms = t->next_deadline_ms;
    copy->form_ = std::move(fresh);
  } else {
    auto fresh = std::make_unique<Big>();
    big()->table.ForEach([&fresh](const HashElement* e) {
      HashElement* element = HashElement::Create(e->name(), e->value(), e->deadline_ms());
      fresh->table.Insert(element);
      Schedule(*fresh, element);
    });
    copy->form_ = std::move(fresh);
  }
  return copy;
}

int64_t Hash::next_deadline_ms() const {
  if (const Triples* t = triples(); t != nullptr) return t->next_deadline_ms;
  const Big* b = big();
  if (b == nullptr || b->deadlines == nullptr || b->deadlines->empty()) return kNoDeadline;
  return b->deadlines->begin()->first;
}

size_t Hash::ExpireParts(int64_t now_ms, size_t limit) {
  if (!some_due(now_ms)) return 0;
  if (Triples* t = triples(); t != nullptr) return ExpireTriples(*t, now_ms, limit);
  Big& b = *big();
  auto& deadlines = *b.deadlines;
  size_t removed = 0;
  while (removed < limit && !deadlines.empty() && deadlines.begin()->first <= now_ms) {
    HashElement* e = deadlines.begin()->second;
    deadlines.erase(deadlines.begin());
    b.table.Erase(e->name());
    HashElement::Destroy(e);
    ++removed;
  }
  return removed;
}

size_t Hash::ExpireTriples(Triples& t, int64_t now_ms, size_t limit) {
  size_t removed = 0;
  for (Pos p = t.fields.First(); p != Listpack::kEnd && removed < limit;) {
    Pos next = Listpack::kEnd;
    // Looked at anew each time: erasing may have moved the listpack.
    if (compact().FieldAt(p, &next).deadline_ms <= now_ms) {
      next = t.fields.Erase(p, Compact::kTriple);
      ++removed;
    }
    p = next;
  }
  FindNextDeadline(t);
  return removed;
}

std::optional<Hash::Text> Hash::Get(Bytes name, int64_t now_ms) const {
  if (const Big* b = big(); b != nullptr) {
    const HashElement* e = b->table.Find(name);
    if (e == nullptr || e->due(now_ms)) return std::nullopt;
    return Text{e->value()};
  }
  const Compact fields = compact();
  const Pos p = fields.Find(name);
  if (p == Listpack::kEnd || fields.DeadlineAt(p) <= now_ms) return std::nullopt;
  return fields.pack->Get(fields.pack->Next(p));
}

size_t Hash::live_size(int64_t now_ms) const {
  size_t n = size();
  if (!some_due(now_ms)) return n;
  if (const Big* b = big(); b != nullptr) {
    for (const auto& [deadline_ms, e] : *b->deadlines) {
      if (deadline_ms > now_ms) break;
      --n;
    }
    return n;
  }
  n = 0;
  ForEach(now_ms, [&n](const Field&) { ++n; });
  return n;
}

bool Hash::FitsCompact(Bytes name, Bytes value, const ValueLimits& limits) const {
  constexpr size_t kOverhead = 32;  // of a name, a value and a deadline
  const size_t longest = std::max(name.size(), value.size());
  return longest <= limits.hash_max_listpack_value &&
         compact().pack->Fits(name.size() + value.size() + kOverhead);
}

bool Hash::Set(Bytes name, Bytes value, const ValueLimits& limits, int64_t now_ms,
               Deadline deadline) {
  memory::Ensure(name.size() + value.size());
  const memory::MustSucceed must;
  if (big() == nullptr) {
    if (FitsCompact(name, value, limits)) {
      Triples* t = triples();
      const bool created =
          t == nullptr ? SetPair(name, value) : SetTriple(*t, name, value, now_ms, deadline);
      if (size() > limits.hash_max_listpack_entries) ConvertToTable();
      return created;
    }
    ConvertToTable();
  }
  return SetElement(*big(), name, value, now_ms, deadline);
}

bool Hash::SetPair(Bytes name, Bytes value) {
  const auto pack = form_.Edit<Listpack>();
  const Pos p = pack->Find(name, pack->First(), Compact::kPair - 1);
  if (p == Listpack::kEnd) {
    pack->Append(name);
    pack->Append(value);
    return true;
  }
  pack->Replace(pack->Next(p), value);
  return false;
}

bool Hash::SetTriple(Triples& t, Bytes name, Bytes value, int64_t now_ms, Deadline deadline) {
  const Pos p = compact().Find(name);
  if (p == Listpack::kEnd) {
    t.fields.Append(name);
    t.fields.Append(value);
    t.fields.Append(kNoneInListpack);
    return true;
  }
  t.fields.Replace(t.fields.Next(p), value);
  const bool expired = compact().DeadlineAt(p) <= now_ms;
  if (expired || deadline == Deadline::kClear) SetDeadlineAt(t, p, kNoDeadline);
  return expired;
}

bool Hash::SetElement(Big& big, Bytes name, Bytes value, int64_t now_ms, Deadline deadline) {
  const auto [e, created] =
      big.table.FindOrInsert(name, [&] { return HashElement::Create(name, value, kNoDeadline); });
  if (created) return true;
  const bool expired = e->due(now_ms);
  Assign(big, e, value, expired || deadline == Deadline::kClear ? kNoDeadline : e->deadline_ms());
  return expired;
}

void Hash::Assign(Big& big, HashElement* e, Bytes value, int64_t deadline_ms) {
  Unschedule(big, e);
  if (!e->TryAssign(value, deadline_ms)) {
    HashElement* fresh = HashElement::Create(e->name(), value, deadline_ms);
    HashElement::Destroy(big.table.Replace(fresh));
    e = fresh;
  }
  Schedule(big, e);
}

void Hash::Schedule(Big& big, HashElement* e) {
  const int64_t deadline_ms = e->deadline_ms();
  if (deadline_ms == kNoDeadline) return;
  auto& deadlines = big.deadlines;
  if (deadlines == nullptr) {
    deadlines = std::make_unique<absl::btree_set<std::pair<int64_t, HashElement*>>>();
  }
  deadlines->emplace(deadline_ms, e);
}

void Hash::Unschedule(Big& big, HashElement* e) {
  const int64_t deadline_ms = e->deadline_ms();
  if (deadline_ms != kNoDeadline) big.deadlines->erase({deadline_ms, e});
}

bool Hash::Erase(Bytes name, int64_t now_ms) {
  if (Big* b = big(); b != nullptr) {
    HashElement* e = b->table.Find(name);
    if (e == nullptr || e->due(now_ms)) return false;
    Unschedule(*b, e);
    b->table.Erase(name);
    HashElement::Destroy(e);
    return true;
  }
  const Compact fields = compact();
  const Pos p = fields.Find(name);
  if (p == Listpack::kEnd) return false;
  const int64_t deadline_ms = fields.DeadlineAt(p);
  if (deadline_ms <= now_ms) return false;
  if (Triples* t = triples(); t != nullptr) {
    t->fields.Erase(p, Compact::kTriple);
    if (deadline_ms != kNoDeadline) FindNextDeadline(*t);
  } else {
    form_.Edit<Listpack>()->Erase(p, Compact::kPair);
  }
  return true;
}

std::optional<int64_t> Hash::DeadlineOf(Bytes name, int64_t now_ms) const {
  int64_t deadline_ms = kNoDeadline;
  if (const Big* b = big(); b != nullptr) {
    const HashElement* e = b->table.Find(name);
    if (e == nullptr) return std::nullopt;
    deadline_ms = e->deadline_ms();
  } else {
    const Compact fields = compact();
    const Pos p = fields.Find(name);
    if (p == Listpack::kEnd) return std::nullopt;
    deadline_ms = fields.DeadlineAt(p);
  }
  if (deadline_ms <= now_ms) return std::nullopt;
  return deadline_ms;
}

void Hash::SetDeadline(Bytes name, int64_t deadline_ms) {
  if (Big* b = big(); b != nullptr) {
    HashElement* e = b->table.Find(name);
    Assign(*b, e, e->value(), deadline_ms);
    return;
  }
  if (triples() == nullptr) {
    if (deadline_ms == kNoDeadline) return;
    ConvertToTriples();
  }
  SetDeadlineAt(*triples(), compact().Find(name), deadline_ms);
}

Hash::Field Hash::Compact::FieldAt(Pos p, Pos* next) const {
  const Pos value = pack->Next(p);
  Field field{pack->Get(p), pack->Get(value), kNoDeadline};
  Pos after = pack->Next(value);
  if (stride == kTriple) {
    field.deadline_ms = FromListpackForm(pack->Get(after));
    after = pack->Next(after);
  }
  *next = after;
  return field;
}

int64_t Hash::Compact::DeadlineAt(Pos name) const {
  if (stride != kTriple) return kNoDeadline;
  return FromListpackForm(pack->Get(pack->Next(pack->Next(name))));
}

void Hash::SetDeadlineAt(Triples& t, Pos name, int64_t deadline_ms) {
  const Pos at = t.fields.Next(t.fields.Next(name));
  const int64_t before_ms = FromListpackForm(t.fields.Get(at));
  if (before_ms == deadline_ms) return;
  t.fields.Replace(at, ToListpackForm(deadline_ms));
  if (deadline_ms <= t.next_deadline_ms) {
    t.next_deadline_ms = deadline_ms;
  } else if (before_ms == t.next_deadline_ms) {
    FindNextDeadline(t);
  }
}

void Hash::FindNextDeadline(Triples& t) {
  int64_t next_ms = kNoDeadline;
  Walk([&next_ms](const Field& field) {
    next_ms = std::min(next_ms, field.deadline_ms);
    return true;
  });
  t.next_deadline_ms = next_ms;
}

void Hash::ConvertToTriples() {
  auto wider = std::make_unique<Triples>();
  Walk([&wider](const Field& field) {
    AppendItem(wider->fields, field.name);
    AppendItem(wider->fields, field.value);
    wider->fields.Append(kNoneInListpack);
    return true;
  });
  form_ = std::move(wider);
}

void Hash::ConvertToTable() {
  auto big = std::make_unique<Big>();
  Walk([&big](const Field& field) {
    std::array<char, 24> name;
    std::array<char, 24> value;
    HashElement* e =
        HashElement::Create(field.name.View(name), field.value.View(value), field.deadline_ms);
    big->table.Insert(e);
    Schedule(*big, e);
    return true;
  });
  form_ = std::move(big);
}

}  // namespace mantis
