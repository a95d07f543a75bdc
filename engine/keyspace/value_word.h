// The value word: the one 64-bit atomic of an entry that says what the key holds, and through
// which every change of it goes (compare-and-swap).
//
//   bit 63      locked: a multi-key commit or an in-place change holds the entry. Writers'
//               compare-and-swap fails on it, readers wait.
//   bit 62      watched: somebody wants to hear of the next change (WATCH, client tracking).
//   bits 61-58  kind, see below.
//   kInt        bits 57-40 a sequence number, so that 5 -> 6 -> 5 is three different words;
//               bits 39-0 the number, two's complement.
//   pointers    bits 47-0. A compare-and-swap is computed from the word and made inside one read
//               section, and memory is not reused before that section ends. A value that is moved
//               or shared may come back to an entry all the same, which harms no writer, as it is
//               the same value; who compares several words over time (Database::GetMany) is told
//               of it by the database's count of returns. An object's
//               pointer stays while its content changes, so whoever computes from the content
//               holds the lock bit from before it looks until its own change is in.
//
// Life of a key's entry: kNew (in the hash index, not yet in the ordered index; the key is absent)
// -> a value <-> kTomb (absent, still in both indexes, can be revived) -> kDead (final; it is
// being unlinked and nobody may write to it again). A live value is always in both indexes.
#pragma once

#include <cstdint>

#include "engine/base/clock.h"

namespace mantis {

enum class Kind : uint8_t {
  kNew = 0,
  kTomb = 1,
  kDead = 2,
  kInt = 3,     // a string that is the canonical decimal form of a 40-bit integer
  kString = 4,  // Blob*
  kBox = 5,     // Box*: a value with a deadline
  // Object*, changed in place under the lock bit: the pointer stays while the content changes.
  kStringBuffer = 6,
  kList = 7,
  kHash = 8,
  kSet = 9,
  kSortedSet = 10,
  kStream = 11,
};

struct Box;
class Blob;
class Object;

class Word {
 public:
  static constexpr uint64_t kLocked = 1ull << 63;
  static constexpr uint64_t kWatched = 1ull << 62;
  static constexpr uint64_t kFlags = kLocked | kWatched;
  static constexpr int64_t kIntMax = (1ll << 39) - 1;
  static constexpr int64_t kIntMin = -(1ll << 39);

  constexpr Word() = default;
  constexpr explicit Word(uint64_t raw) : raw_(raw) {}
  static constexpr Word Of(Kind k) { return Word(static_cast<uint64_t>(k) << kKindShift); }
  static Word Pointer(Kind k, const void* p) {
    return Word(static_cast<uint64_t>(k) << kKindShift | reinterpret_cast<uint64_t>(p));
  }
  static constexpr bool FitsInt(int64_t v) { return v >= kIntMin && v <= kIntMax; }
  // `sequence` is taken modulo 2^18.
  static constexpr Word Int(int64_t v, uint64_t sequence) {
    return Word(static_cast<uint64_t>(Kind::kInt) << kKindShift |
                (sequence & kSequenceMask) << kIntBits | (static_cast<uint64_t>(v) & kIntMask));
  }

  constexpr uint64_t raw() const { return raw_; }
  constexpr Kind kind() const { return static_cast<Kind>(raw_ >> kKindShift & 0xf); }
  constexpr bool locked() const { return (raw_ & kLocked) != 0; }
  constexpr bool watched() const { return (raw_ & kWatched) != 0; }
  constexpr Word WithFlags(uint64_t flags) const { return Word(raw_ | flags); }
  constexpr Word WithoutFlags() const { return Word(raw_ & ~kFlags); }
  // Points at an Object, whose content only the holder of the lock bit may look at.
  constexpr bool is_object() const { return kind() >= Kind::kStringBuffer; }
  // Holds a value (whether expired or not is for the box to say).
  constexpr bool has_value() const { return kind() >= Kind::kInt; }

  constexpr int64_t integer() const {
    return static_cast<int64_t>(raw_ << (64 - kIntBits)) >> (64 - kIntBits);
  }
  constexpr uint64_t sequence() const { return raw_ >> kIntBits & kSequenceMask; }
  template <class T>
  T* pointer() const {
    return reinterpret_cast<T*>(raw_ & kPointerMask);
  }

  constexpr bool operator==(const Word&) const = default;

 private:
  static constexpr int kKindShift = 58;
  static constexpr int kIntBits = 40;
  static constexpr uint64_t kIntMask = (1ull << kIntBits) - 1;
  static constexpr uint64_t kSequenceMask = (1ull << 18) - 1;
  static constexpr uint64_t kPointerMask = (1ull << 48) - 1;
  uint64_t raw_ = 0;
};

}  // namespace mantis
