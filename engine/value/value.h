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

namespace mantis {

enum class ValueType : uint8_t { kNone, kString };

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
  ValueType type() const { return exists() ? ValueType::kString : ValueType::kNone; }
  bool has_deadline() const { return deadline_ms != kNoDeadline; }
};

// Looks through the box, if any. Does not judge whether the deadline has passed.
inline Current Resolve(Word w) {
  const Word bare = w.WithoutFlags();
  if (bare.kind() == Kind::kBox) {
    const Box* box = bare.pointer<Box>();
    return {box->value, box->deadline_ms};
  }
  return {bare.has_value() ? bare : Word::Of(Kind::kTomb), kNoDeadline};
}

// Read-only view of a string value. Valid as long as the read section in which it was obtained.
class StringRef {
 public:
  StringRef() = default;
  explicit StringRef(Word value) : value_(value) {}

  bool is_integer() const { return value_.kind() == Kind::kInt; }
  int64_t integer() const { return value_.integer(); }
  // nullptr for an inline integer.
  Blob* blob() const { return is_integer() ? nullptr : value_.pointer<Blob>(); }
  size_t size() const;
  // The text, with `scratch` as room for the digits of an inline integer.
  Bytes Text(std::span<char, 24> scratch) const {
    if (!is_integer()) return value_.pointer<Blob>()->bytes();
    const auto r = std::to_chars(scratch.data(), scratch.data() + scratch.size(), integer());
    return {scratch.data(), static_cast<size_t>(r.ptr - scratch.data())};
  }

 private:
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
// Retires what `w` owns: the box and, unless `keep_inner`, the value in it.
void RetireWord(Word w, bool keep_inner);
// Bytes spent on the value (and box), for MEMORY USAGE.
size_t WordBytes(Word w);

}  // namespace mantis
