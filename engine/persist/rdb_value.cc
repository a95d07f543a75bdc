#include "engine/persist/rdb_value.h"

#include <memory>

#include "engine/persist/rdb_reader.h"
#include "engine/persist/rdb_types.h"
#include "engine/value/hash.h"
#include "engine/value/list.h"
#include "engine/value/set.h"
#include "engine/value/sorted_set.h"
#include "engine/value/stream.h"

namespace mantis::persist {
namespace {

void EncodeString(Word value, RdbWriter& out) {
  const StringRef text(value);
  out.Type(RdbType::kString);
  if (text.is_integer()) {
    out.IntegerString(text.integer());
    return;
  }
  char digits[24];
  out.String(text.Text(digits));
}

OwnedValue DecodeString(RdbReader& in) {
  std::string room;
  Bytes text;
  if (!in.String(&room, &text)) return {};
  return OwnedValue(MakeString(text, Word{}));
}

std::unique_ptr<Object> DecodeObject(RdbType type, RdbReader& in, const ValueLimits& limits) {
  switch (type) {
    case RdbType::kList:
    case RdbType::kListZiplist:
    case RdbType::kListQuicklist:
    case RdbType::kListQuicklist2:
      return DecodeList(type, in, limits);
    case RdbType::kSet:
    case RdbType::kSetIntset:
    case RdbType::kSetListpack:
      return DecodeSet(type, in, limits);
    case RdbType::kSortedSet:
    case RdbType::kSortedSet2:
    case RdbType::kSortedSetZiplist:
    case RdbType::kSortedSetListpack:
      return DecodeSortedSet(type, in, limits);
    case RdbType::kHash:
    case RdbType::kHashZipmap:
    case RdbType::kHashZiplist:
    case RdbType::kHashListpack:
    case RdbType::kHashMetadataOfCandidates:
    case RdbType::kHashListpackExOfCandidates:
    case RdbType::kHashMetadata:
    case RdbType::kHashListpackEx:
      return DecodeHash(type, in, limits);
    case RdbType::kStreamListpacks:
    case RdbType::kStreamListpacks2:
    case RdbType::kStreamListpacks3:
      return DecodeStream(type, in);
    case RdbType::kString:
      break;
  }
  return nullptr;
}

template <class T>
const T& As(Word value) {
  return static_cast<const T&>(*ObjectOf(value));
}

}  // namespace

uint16_t EncodeValue(Word value, RdbWriter& out) {
  switch (TypeOf(value.kind())) {
    case ValueType::kString:
      EncodeString(value, out);
      break;
    case ValueType::kList:
      EncodeList(As<List>(value), out);
      break;
    case ValueType::kSet:
      EncodeSet(As<Set>(value), out);
      break;
    case ValueType::kSortedSet:
      EncodeSortedSet(As<SortedSet>(value), out);
      break;
    case ValueType::kStream:
      EncodeStream(As<Stream>(value), out);
      break;
    case ValueType::kHash:
      return EncodeHash(As<Hash>(value), out);
    case ValueType::kNone:
      break;
  }
  return out.version_max();
}

bool DecodeValue(Bytes bytes, const ValueLimits& limits, OwnedValue* out) {
  RdbReader in(bytes);
  uint8_t type = 0;
  if (!in.Byte(&type)) return false;
  if (type == static_cast<uint8_t>(RdbType::kString)) {
    *out = DecodeString(in);
  } else if (auto object = DecodeObject(static_cast<RdbType>(type), in, limits)) {
    *out = OwnedValue(std::move(object));
  } else {
    return false;
  }
  return out->word().has_value();
}

Status StoreValue(OpContext& ctx, Database& db, const KeyRef& key, OwnedValue value,
                  int64_t deadline_ms, std::string_view event) {
  if (value.word().is_object()) {
    return db.Replace(ctx, key, std::unique_ptr<Object>(ObjectOf(value.Release())), event,
                      deadline_ms);
  }
  return db.Mutate(ctx, key, [&](const Current& now) {
    const StringRef text(value.word());
    if (text.is_integer()) {
      return Update::Set(MakeInteger(text.integer(), now.value), deadline_ms, event);
    }
    // The word gets a reference of its own, whether or not this attempt wins.
    text.blob()->Ref();
    return Update::Set(value.word(), deadline_ms, event);
  });
}

}  // namespace mantis::persist
