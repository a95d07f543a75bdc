#include "engine/value/hash.h"

#include <absl/container/flat_hash_set.h>

#include <algorithm>
#include <array>
#include <string>

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

Hash::~Hash() {
  if (big()) extra_->table->DestroyElements([](HashElement* e) { HashElement::Destroy(e); });
}

std::unique_ptr<Hash> Hash::FromListpack(Listpack pairs, const ValueLimits& limits) {
  if (pairs.size() % 2 != 0) return nullptr;
  auto hash = std::make_unique<Hash>();
  hash->compact_ = std::move(pairs);
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
  if (extra_ == nullptr) return "listpack";
  return extra_->table ? "hashtable" : "listpackex";
}

size_t Hash::size() const { return big() ? extra_->table->size() : compact_.size() / stride(); }

size_t Hash::bytes(size_t samples) const {
  size_t sum = memory::UsableSize(this) + compact_.allocated_bytes();
  if (extra_ == nullptr) return sum;
  sum += memory::UsableSize(extra_.get());
  if (!extra_->table) return sum;
  size_t seen = 0;
  size_t elements = 0;
  extra_->table->ForEachWhile([&](const HashElement* e) {
    elements += e->allocated_bytes();
    return ++seen != samples;
  });
  if (seen != 0) elements = elements * size() / seen;
  // A B-tree's nodes are about three quarters full.
  if (extra_->deadlines != nullptr) elements += extra_->deadlines->size() * 16 * 4 / 3;
  return sum + extra_->table->bytes() + elements;
}

std::unique_ptr<Object> Hash::Clone() const {
  auto copy = std::make_unique<Hash>();
  copy->compact_ = compact_.Clone();
  if (extra_ == nullptr) return copy;
  copy->extra_ = std::make_unique<Extra>();
  copy->extra_->next_deadline_ms = extra_->next_deadline_ms;
  if (!big()) return copy;
  copy->extra_->table.emplace();
  extra_->table->ForEach([&copy](const HashElement* e) {
    HashElement* fresh = HashElement::Create(e->name(), e->value(), e->deadline_ms());
    copy->extra_->table->Insert(fresh);
    copy->Schedule(fresh);
  });
  return copy;
}

int64_t Hash::next_deadline_ms() const {
  if (extra_ == nullptr) return kNoDeadline;
  if (!extra_->table) return extra_->next_deadline_ms;
  const auto& deadlines = extra_->deadlines;
  return deadlines == nullptr || deadlines->empty() ? kNoDeadline : deadlines->begin()->first;
}

size_t Hash::ExpireParts(int64_t now_ms, size_t limit) {
  if (!some_due(now_ms)) return 0;
  if (!big()) return ExpireCompact(now_ms, limit);
  auto& deadlines = *extra_->deadlines;
  size_t removed = 0;
  while (removed < limit && !deadlines.empty() && deadlines.begin()->first <= now_ms) {
    HashElement* e = deadlines.begin()->second;
    deadlines.erase(deadlines.begin());
    extra_->table->Erase(e->name());
    HashElement::Destroy(e);
    ++removed;
  }
  return removed;
}

size_t Hash::ExpireCompact(int64_t now_ms, size_t limit) {
  size_t removed = 0;
  for (Pos p = compact_.First(); p != Listpack::kEnd && removed < limit;) {
    Pos next = Listpack::kEnd;
    if (FieldAt(p, &next).deadline_ms <= now_ms) {
      next = compact_.Erase(p, 3);
      ++removed;
    }
    p = next;
  }
  FindNextDeadline();
  return removed;
}

std::optional<Hash::Text> Hash::Get(Bytes name, int64_t now_ms) const {
  if (big()) {
    const HashElement* e = FindElement(name);
    if (e == nullptr || e->due(now_ms)) return std::nullopt;
    return Text{e->value()};
  }
  const Pos p = FindCompact(name);
  if (p == Listpack::kEnd || (triples() && DeadlineAt(p) <= now_ms)) return std::nullopt;
  return compact_.Get(compact_.Next(p));
}

size_t Hash::live_size(int64_t now_ms) const {
  size_t n = size();
  if (!some_due(now_ms)) return n;
  if (big()) {
    for (const auto& [deadline_ms, e] : *extra_->deadlines) {
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
         compact_.Fits(name.size() + value.size() + kOverhead);
}

bool Hash::Set(Bytes name, Bytes value, const ValueLimits& limits, int64_t now_ms,
               Deadline deadline) {
  if (!big()) {
    if (FitsCompact(name, value, limits)) {
      const bool created = SetCompact(name, value, now_ms, deadline);
      if (size() > limits.hash_max_listpack_entries) ConvertToTable();
      return created;
    }
    ConvertToTable();
  }
  return SetElement(name, value, now_ms, deadline);
}

bool Hash::SetCompact(Bytes name, Bytes value, int64_t now_ms, Deadline deadline) {
  const Pos p = FindCompact(name);
  if (p == Listpack::kEnd) {
    compact_.Append(name);
    compact_.Append(value);
    if (triples()) compact_.Append(kNoneInListpack);
    return true;
  }
  compact_.Replace(compact_.Next(p), value);
  if (!triples()) return false;
  const bool expired = DeadlineAt(p) <= now_ms;
  if (expired || deadline == Deadline::kClear) SetDeadlineAt(p, kNoDeadline);
  return expired;
}

bool Hash::SetElement(Bytes name, Bytes value, int64_t now_ms, Deadline deadline) {
  const auto [e, created] = extra_->table->FindOrInsert(
      name, [&] { return HashElement::Create(name, value, kNoDeadline); });
  if (created) return true;
  const bool expired = e->due(now_ms);
  Assign(e, value, expired || deadline == Deadline::kClear ? kNoDeadline : e->deadline_ms());
  return expired;
}

void Hash::Assign(HashElement* e, Bytes value, int64_t deadline_ms) {
  Unschedule(e);
  if (!e->TryAssign(value, deadline_ms)) {
    HashElement* fresh = HashElement::Create(e->name(), value, deadline_ms);
    HashElement::Destroy(extra_->table->Replace(fresh));
    e = fresh;
  }
  Schedule(e);
}

void Hash::Schedule(HashElement* e) {
  const int64_t deadline_ms = e->deadline_ms();
  if (deadline_ms == kNoDeadline) return;
  auto& deadlines = extra_->deadlines;
  if (deadlines == nullptr) {
    deadlines = std::make_unique<absl::btree_set<std::pair<int64_t, HashElement*>>>();
  }
  deadlines->emplace(deadline_ms, e);
}

void Hash::Unschedule(HashElement* e) {
  const int64_t deadline_ms = e->deadline_ms();
  if (deadline_ms != kNoDeadline) extra_->deadlines->erase({deadline_ms, e});
}

bool Hash::Erase(Bytes name, int64_t now_ms) {
  if (big()) {
    HashElement* e = FindElement(name);
    if (e == nullptr || e->due(now_ms)) return false;
    Unschedule(e);
    extra_->table->Erase(name);
    HashElement::Destroy(e);
    return true;
  }
  const Pos p = FindCompact(name);
  if (p == Listpack::kEnd) return false;
  const int64_t deadline_ms = DeadlineAt(p);
  if (deadline_ms <= now_ms) return false;
  compact_.Erase(p, stride());
  if (deadline_ms != kNoDeadline) FindNextDeadline();
  return true;
}

std::optional<int64_t> Hash::DeadlineOf(Bytes name, int64_t now_ms) const {
  int64_t deadline_ms = kNoDeadline;
  if (big()) {
    const HashElement* e = FindElement(name);
    if (e == nullptr) return std::nullopt;
    deadline_ms = e->deadline_ms();
  } else {
    const Pos p = FindCompact(name);
    if (p == Listpack::kEnd) return std::nullopt;
    deadline_ms = DeadlineAt(p);
  }
  if (deadline_ms <= now_ms) return std::nullopt;
  return deadline_ms;
}

void Hash::SetDeadline(Bytes name, int64_t deadline_ms) {
  if (big()) {
    HashElement* e = FindElement(name);
    Assign(e, e->value(), deadline_ms);
    return;
  }
  if (!triples()) {
    if (deadline_ms == kNoDeadline) return;
    ConvertToTriples();
  }
  SetDeadlineAt(FindCompact(name), deadline_ms);
}

Hash::Field Hash::FieldAt(Pos p, Pos* next) const {
  const Pos value = compact_.Next(p);
  Field field{compact_.Get(p), compact_.Get(value), kNoDeadline};
  Pos after = compact_.Next(value);
  if (triples()) {
    field.deadline_ms = FromListpackForm(compact_.Get(after));
    after = compact_.Next(after);
  }
  *next = after;
  return field;
}

int64_t Hash::DeadlineAt(Pos name) const {
  if (!triples()) return kNoDeadline;
  return FromListpackForm(compact_.Get(compact_.Next(compact_.Next(name))));
}

void Hash::SetDeadlineAt(Pos name, int64_t deadline_ms) {
  const Pos at = compact_.Next(compact_.Next(name));
  const int64_t before_ms = FromListpackForm(compact_.Get(at));
  if (before_ms == deadline_ms) return;
  compact_.Replace(at, ToListpackForm(deadline_ms));
  if (deadline_ms <= extra_->next_deadline_ms) {
    extra_->next_deadline_ms = deadline_ms;
  } else if (before_ms == extra_->next_deadline_ms) {
    FindNextDeadline();
  }
}

void Hash::FindNextDeadline() {
  int64_t next_ms = kNoDeadline;
  Walk([&next_ms](const Field& field) {
    next_ms = std::min(next_ms, field.deadline_ms);
    return true;
  });
  extra_->next_deadline_ms = next_ms;
}

void Hash::ConvertToTriples() {
  Listpack wider;
  Walk([&wider](const Field& field) {
    AppendItem(wider, field.name);
    AppendItem(wider, field.value);
    wider.Append(kNoneInListpack);
    return true;
  });
  compact_ = std::move(wider);
  extra_ = std::make_unique<Extra>();
}

void Hash::ConvertToTable() {
  Table table;
  Walk([&table](const Field& field) {
    std::array<char, 24> name;
    std::array<char, 24> value;
    table.Insert(
        HashElement::Create(field.name.View(name), field.value.View(value), field.deadline_ms));
    return true;
  });
  compact_ = Listpack();
  if (extra_ == nullptr) extra_ = std::make_unique<Extra>();
  extra_->table.emplace(std::move(table));
  extra_->table->ForEach([this](HashElement* e) { Schedule(e); });
}

}  // namespace mantis
