// Hashes in RDB format.

#include <algorithm>
#include <string>

#include "engine/persist/rdb_legacy.h"
#include "engine/persist/rdb_types.h"
#include "engine/value/hash.h"

namespace mantis::persist {
namespace {

// Redis's bound for deadlines of fields, which it keeps in 48 bits.
constexpr uint64_t kDeadlineMax = (uint64_t{1} << 48) - 1;
// Nothing has expired for who puts a hash together.
constexpr int64_t kBeginningOfTime = 0;

void WriteText(const Hash::Text& text, RdbWriter& out) {
  if (text.is_integer) {
    out.IntegerString(text.integer);
  } else {
    out.String(text.text);
  }
}

void EncodeWithDeadlines(const Hash& hash, RdbWriter& out) {
  const auto first = static_cast<uint64_t>(hash.next_deadline_ms());
  out.Type(RdbType::kHashMetadata);
  out.Fixed64(first);
  out.Length(hash.size());
  hash.Walk([&](const Hash::Field& field) {
    // Counted from the first deadline on, and one more, as 0 means none.
    const bool has_deadline = field.deadline_ms != kNoDeadline;
    out.Length(has_deadline ? static_cast<uint64_t>(field.deadline_ms) - first + 1 : 0);
    WriteText(field.name, out);
    WriteText(field.value, out);
    return true;
  });
}

// Puts a hash together field by field.
class HashBuilder {
 public:
  explicit HashBuilder(const ValueLimits& limits) : limits_(limits) {}

  bool Add(Bytes name, Bytes value) {
    if (std::max(name.size(), value.size()) > Hash::kTextBytesMax) return false;
    return hash_->Set(name, value, limits_, kBeginningOfTime);
  }
  // Of the field added last. 0: none.
  bool SetDeadline(Bytes name, uint64_t deadline_ms) {
    if (deadline_ms > kDeadlineMax) return false;
    if (deadline_ms != 0) hash_->SetDeadline(name, static_cast<int64_t>(deadline_ms));
    return true;
  }
  // For encodings that are lists of names and values in turn.
  bool AddNext(Bytes text) {
    if (!half_) {
      name_ = text;
      half_ = true;
      return true;
    }
    half_ = false;
    return Add(name_, text);
  }
  std::unique_ptr<Object> Finish(bool ok) {
    if (!ok || half_ || hash_->size() == 0) return nullptr;
    return std::move(hash_);
  }

 private:
  const ValueLimits& limits_;
  std::unique_ptr<Hash> hash_ = std::make_unique<Hash>();
  std::string name_;
  bool half_ = false;
};

bool ReadFields(RdbReader& in, HashBuilder& hash) {
  uint64_t left = 0;
  if (!in.Count(&left)) return false;
  std::string name_room;
  std::string value_room;
  for (; left > 0; --left) {
    Bytes name;
    Bytes value;
    if (!in.String(&name_room, &name) || !in.String(&value_room, &value) ||
        !hash.Add(name, value)) {
      return false;
    }
  }
  return true;
}

// Deadlines are counted from the first one on, and one more, as 0 means none; the release
// candidates of Redis 7.4 wrote the deadlines themselves.
bool ReadFieldsWithDeadlines(RdbType type, RdbReader& in, HashBuilder& hash) {
  uint64_t first = 1;
  uint64_t left = 0;
  if (type == RdbType::kHashMetadata && (!in.Fixed64(&first) || first > kDeadlineMax)) return false;
  if (!in.Count(&left)) return false;
  std::string name_room;
  std::string value_room;
  for (; left > 0; --left) {
    uint64_t after = 0;
    Bytes name;
    Bytes value;
    if (!in.Length(&after) || after > kDeadlineMax || !in.String(&name_room, &name) ||
        !in.String(&value_room, &value) || !hash.Add(name, value) ||
        !hash.SetDeadline(name, after == 0 ? 0 : first + after - 1)) {
      return false;
    }
  }
  return true;
}

// name, value, deadline, name…; the deadline 0 means none.
bool ReadTriples(RdbType type, RdbReader& in, HashBuilder& hash) {
  uint64_t first = 0;
  std::string room;
  Bytes raw;
  if (type == RdbType::kHashListpackEx && !in.Fixed64(&first)) return false;
  if (!in.String(&room, &raw)) return false;
  const auto pack = Listpack::Parse(raw);
  if (!pack || pack->size() % 3 != 0) return false;
  char name_digits[24];
  char value_digits[24];
  for (auto p = pack->First(); p != Listpack::kEnd; p = pack->Next(p)) {
    const Bytes name = pack->Get(p).View(name_digits);
    p = pack->Next(p);
    const Bytes value = pack->Get(p).View(value_digits);
    p = pack->Next(p);
    const Listpack::Item deadline = pack->Get(p);
    if (!deadline.is_integer || deadline.integer < 0 || !hash.Add(name, value) ||
        !hash.SetDeadline(name, static_cast<uint64_t>(deadline.integer))) {
      return false;
    }
  }
  return true;
}

}  // namespace

uint16_t EncodeHash(const Hash& hash, RdbWriter& out) {
  if (const auto pairs = hash.pairs()) {
    out.Type(RdbType::kHashListpack);
    out.String(pairs->raw());
    return out.version_max();
  }
  if (hash.next_deadline_ms() != kNoDeadline) {
    EncodeWithDeadlines(hash, out);
    return kRdbVersionOfMetadata;
  }
  out.Type(RdbType::kHash);
  out.Length(hash.size());
  hash.Walk([&](const Hash::Field& field) {
    WriteText(field.name, out);
    WriteText(field.value, out);
    return true;
  });
  return out.version_max();
}

std::unique_ptr<Object> DecodeHash(RdbType type, RdbReader& in, const ValueLimits& limits) {
  HashBuilder hash(limits);
  switch (type) {
    case RdbType::kHash:
      return hash.Finish(ReadFields(in, hash));
    case RdbType::kHashMetadata:
    case RdbType::kHashMetadataOfCandidates:
      return hash.Finish(ReadFieldsWithDeadlines(type, in, hash));
    case RdbType::kHashListpackEx:
    case RdbType::kHashListpackExOfCandidates:
      return hash.Finish(ReadTriples(type, in, hash));
    default:
      break;
  }
  std::string room;
  Bytes raw;
  if (!in.String(&room, &raw)) return nullptr;
  const auto next = [&hash](Bytes text) { return hash.AddNext(text); };
  if (type == RdbType::kHashZiplist) return hash.Finish(ReadZiplist(raw, next));
  if (type == RdbType::kHashZipmap) return hash.Finish(ReadZipmap(raw, next));
  auto pairs = Listpack::Parse(raw);
  if (!pairs || pairs->empty()) return nullptr;
  return Hash::FromListpack(*std::move(pairs), limits);
}

}  // namespace mantis::persist
