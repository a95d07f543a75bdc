#include "server/commands/value_digest.h"

#include <boost/uuid/detail/sha1.hpp>
#include <cstdio>
#include <cstring>

#include "engine/value/hash.h"
#include "engine/value/list.h"
#include "engine/value/set.h"
#include "engine/value/sorted_set.h"
#include "engine/value/stream.h"

namespace mantis::server {
namespace {

// As Redis numbers its types.
uint32_t NumberOf(ValueType type) {
  switch (type) {
    case ValueType::kList:
      return 1;
    case ValueType::kSet:
      return 2;
    case ValueType::kSortedSet:
      return 3;
    case ValueType::kHash:
      return 4;
    case ValueType::kStream:
      return 6;
    default:
      return 0;
  }
}

std::array<uint8_t, 20> Sha1(Bytes text) {
  boost::uuids::detail::sha1 hash;
  hash.process_bytes(text.data(), text.size());
  boost::uuids::detail::sha1::digest_type words;
  hash.get_digest(words);
  std::array<uint8_t, 20> out;
  for (size_t i = 0; i < 5; ++i) {
    const uint32_t big_endian = __builtin_bswap32(words[i]);
    std::memcpy(out.data() + 4 * i, &big_endian, 4);
  }
  return out;
}

template <class T>
const T& As(const Current& value) {
  return static_cast<const T&>(*ObjectOf(value.value));
}

void AddList(const List& list, Digest* out) {
  char digits[24];
  for (auto it = list.First(); it.valid(); it.Next()) out->Mix(it.item().View(digits));
}

void AddSet(const Set& set, Digest* out) {
  char digits[24];
  set.ForEach([&](const Set::Member& member) { out->Xor(member.View(digits)); });
}

void AddSortedSet(const SortedSet& set, Digest* out) {
  set.ForEach([out](Bytes member, double score) {
    char text[64];
    const int size = std::snprintf(text, sizeof(text), "%.17g", score);
    Digest pair;
    pair.Mix(member);
    pair.Mix(Bytes(text, static_cast<size_t>(size)));
    out->Xor(pair.bytes());
  });
}

void AddHash(const Hash& hash, int64_t now_ms, Digest* out) {
  char digits[24];
  hash.ForEach(now_ms, [&](const Hash::Field& field) {
    Digest pair;
    pair.Mix(field.name.View(digits));
    pair.Mix(field.value.View(digits));
    out->Xor(pair.bytes());
  });
}

void AddStream(const Stream& stream, Digest* out) {
  char digits[24];
  for (StreamCursor at(stream, StreamId{}, StreamId::Max()); at.Next();) {
    out->Mix(std::to_string(at.id().ms) + "." + std::to_string(at.id().seq));
    at.ForEachField([&](const Listpack::Item& field, const Listpack::Item& value) {
      out->Mix(field.View(digits));
      out->Mix(value.View(digits));
    });
  }
}

}  // namespace

void Digest::Xor(Bytes text) {
  const auto hash = Sha1(text);
  for (size_t i = 0; i < digest_.size(); ++i) digest_[i] ^= hash[i];
}

void Digest::Mix(Bytes text) {
  Xor(text);
  digest_ = Sha1(bytes());
}

void Digest::Mix(uint32_t number) {
  const uint32_t big_endian = __builtin_bswap32(number);
  Mix(Bytes(reinterpret_cast<const char*>(&big_endian), sizeof(big_endian)));
}

void Digest::AddValue(const Current& value, int64_t now_ms) {
  Mix(NumberOf(value.type()));
  if (value.type() == ValueType::kString) {
    char digits[24];
    Mix(StringRef(value.value).Text(digits));
  } else {
    AddObject(value, now_ms);
  }
  if (value.has_deadline()) Xor("!!expire!!");
}

void Digest::AddObject(const Current& value, int64_t now_ms) {
  switch (value.type()) {
    case ValueType::kList:
      return AddList(As<List>(value), this);
    case ValueType::kSet:
      return AddSet(As<Set>(value), this);
    case ValueType::kSortedSet:
      return AddSortedSet(As<SortedSet>(value), this);
    case ValueType::kHash:
      return AddHash(As<Hash>(value), now_ms, this);
    case ValueType::kStream:
      return AddStream(As<Stream>(value), this);
    default:
      return;
  }
}

std::string Digest::Hex() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const uint8_t byte : digest_) {
    out.push_back(kDigits[byte >> 4]);
    out.push_back(kDigits[byte & 15]);
  }
  return out;
}

}  // namespace mantis::server
