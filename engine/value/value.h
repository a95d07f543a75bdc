// Values behind a value word: resolving a word to type, deadline and content, and disposing of it.
//
// Thread safety: pure functions over immutable values; the caller is in the read section in which
// it loaded the word.
// Ownership: a word owns what it points at. Moving a value to another word (RENAME, a new
// deadline) moves that ownership; boxes are never shared between words.
#pragma once

#include <charconv>
#include <optional>
#include <span>

#include "engine/base/bytes.h"
#include "engine/keyspace/value_word.h"
#include "engine/value/blob.h"
#include "engine/value/object.h"
#include "engine/value/string_buffer.h"

namespace mantis {

class LazyFree;

// The type of the values that words of that kind hold; kNone for those that hold none.
constexpr ValueType TypeOf(Kind kind) {
  switch (kind) {
    case Kind::kInt:
    case Kind::kString:
    case Kind::kStringBuffer:
      return ValueType::kString;
    case Kind::kList:
      return ValueType::kList;
    case Kind::kHash:
      return ValueType::kHash;
    case Kind::kSet:
      return ValueType::kSet;
    case Kind::kSortedSet:
      return ValueType::kSortedSet;
    case Kind::kStream:
      return ValueType::kStream;
    default:
      return ValueType::kNone;
  }
}

// What a key holds together with its deadline. `value` is never a box.
struct Box {
  int64_t deadline_ms;
  Word value;
};
static_assert(sizeof(Box) == 16);

// The content of a key at one instant.
struct Current {
  Word value;  // without flags; of kind kTomb when the key is absent
  int64_t deadline_ms = kNoDeadline;

  bool exists() const { return value.has_value(); }
  ValueType type() const { return TypeOf(value.kind()); }
  bool has_deadline() const { return deadline_ms != kNoDeadline; }
};

// The object of a word that holds one, under its lock bit.
inline Object* ObjectOf(Word value) { return value.pointer<Object>(); }

// Looks through the box, if any. Does not judge whether the deadline has passed.
inline Current Resolve(Word w) {
  const Word bare = w.WithoutFlags();
  if (bare.kind() == Kind::kBox) {
    const Box* box = bare.pointer<Box>();
    return {box->value, box->deadline_ms};
  }
  return {bare.has_value() ? bare : Word::Of(Kind::kTomb), kNoDeadline};
}

// Read-only view of a string value. Valid as long as the read section in which it was obtained; of
// a string buffer, while the entry's lock bit is held as well (Database hands others a copy).
class StringRef {
 public:
  StringRef() = default;
  explicit StringRef(Word value) : value_(value) {}

  bool is_integer() const { return value_.kind() == Kind::kInt; }
  int64_t integer() const { return value_.integer(); }
  // nullptr for an inline integer and for a string buffer.
  Blob* blob() const { return value_.kind() == Kind::kString ? value_.pointer<Blob>() : nullptr; }
  bool is_buffer() const { return value_.kind() == Kind::kStringBuffer; }
  size_t size() const;
  // The text, with `scratch` as room for the digits of an inline integer.
  Bytes Text(std::span<char, 24> scratch) const {
    if (is_buffer()) return buffer()->text();
    if (!is_integer()) return value_.pointer<Blob>()->bytes();
    const auto r = std::to_chars(scratch.data(), scratch.data() + scratch.size(), integer());
    return {scratch.data(), static_cast<size_t>(r.ptr - scratch.data())};
  }

 private:
  const StringBuffer* buffer() const {
    return static_cast<const StringBuffer*>(value_.pointer<Object>());
  }
  Word value_;
};

// The canonical decimal form of a 64-bit integer: no sign but '-', no leading zeros, no spaces.
std::optional<int64_t> ParseCanonicalInteger(Bytes text);

// A word for the string `text`: inline when it is the canonical form of a small integer (the
// sequence number distinguishes it from `previous`), a new blob otherwise.
Word MakeString(Bytes text, Word previous);
Word MakeInteger(int64_t v, Word previous);

// Frees a value that was never published.
void FreeUnpublished(Word value);
// Retires what `w` owns: the box and, unless `keep_inner`, the value in it. A value that takes long
// to free is freed by `lazy`.
void RetireWord(Word w, bool keep_inner, const std::shared_ptr<LazyFree>& lazy);
// Bytes spent on the value (and box), for MEMORY USAGE; of an object, under its lock bit, from a
// look at `samples` elements (0: all).
size_t WordBytes(Word w, size_t samples);

}  // namespace mantis
