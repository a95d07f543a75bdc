// A listpack: a sequence of byte strings and integers in one allocation, in Redis's own layout
// (github.com/antirez/listpack), so that it is also what DUMP and RESTORE exchange.
//
//   total bytes (u32 LE) | element count (u16 LE, 65535: unknown, count them) | entries | 0xff
//   entry: encoding and content | its length again, readable backwards (1 to 5 bytes of 7 bits)
//
// Strings that are the canonical form of a 64-bit integer are stored as integers of the least
// width (7 bit unsigned, 13, 16, 24, 32, 64 bit), as Redis does. See listpack_codec.h.
//
// Thread safety: none. Ownership: owns its buffer, which is as big as its content up to what the
// allocator rounds to; an empty listpack has none. Views into it (Item::text) hold until the next
// change, so a text that is inserted must not lie in the listpack itself.
// Positions are offsets of entries from the buffer's begin; kEnd is no entry. A position is good
// until the next change, except where a method returns one.
// Bounds: at most kBytesMax in all, checked by the caller with Fits(); an element of any size fits.
// Complexity: First, Last, Next, Prev, Get O(1); At, Find O(elements passed); changes O(bytes
// behind the place).
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/value/listpack_codec.h"

namespace mantis {

class Listpack {
 public:
  using Pos = uint32_t;
  static constexpr Pos kEnd = 0;
  static constexpr size_t kBytesMax = size_t{1} << 30;

  struct Item {
    Bytes text;  // empty for an integer
    int64_t integer = 0;
    bool is_integer = false;

    // The element as bytes, with `scratch` as room for an integer's digits.
    Bytes View(std::span<char, 24> scratch) const {
      if (!is_integer) return text;
      const auto r = std::to_chars(scratch.data(), scratch.data() + scratch.size(), integer);
      return {scratch.data(), static_cast<size_t>(r.ptr - scratch.data())};
    }
    bool operator==(Bytes other) const;
  };

  using pointer = uint8_t*;

  Listpack() : data_(const_cast<uint8_t*>(kNothing)) {}
  ~Listpack() { Free(); }
  Listpack(Listpack&& other) noexcept
      : data_(std::exchange(other.data_, const_cast<uint8_t*>(kNothing))) {}
  Listpack& operator=(Listpack&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  Listpack Clone() const;

  // The buffer, which this takes over and gives up as a std::unique_ptr does (see OneOf).
  explicit Listpack(pointer buffer) : data_(buffer) {}
  pointer get() const { return data_; }
  pointer release() { return std::exchange(data_, const_cast<uint8_t*>(kNothing)); }

  // Takes over foreign bytes if they are a well-formed listpack in every entry; nothing otherwise.
  // Elements that could be encoded in less are.
  static std::optional<Listpack> Parse(Bytes raw);
  // The whole buffer, as Parse takes it.
  Bytes raw() const { return {reinterpret_cast<const char*>(data_), total()}; }

  // Elements; O(1) below 65535.
  size_t size() const {
    const size_t n = listpack::Load<uint16_t>(data_ + kCountAt);
    return n != listpack::kCountUnknown ? n : Count();
  }
  bool empty() const { return total() == kEmptyBytes; }
  // Bytes of the listpack.
  size_t total() const { return listpack::Load<uint32_t>(data_); }
  size_t allocated_bytes() const;  // as the allocator spends them
  bool Fits(size_t more_bytes) const { return total() + more_bytes <= kBytesMax; }

  Pos First() const { return empty() ? kEnd : kFirst; }
  Pos Last() const { return empty() ? kEnd : PosOf(listpack::Previous(data_ + total() - 1)); }
  // kEnd after the last.
  Pos Next(Pos p) const {
    const uint8_t* next = listpack::Next(data_ + p);
    return *next == listpack::kTerminator ? kEnd : PosOf(next);
  }
  // kEnd before the first.
  Pos Prev(Pos p) const { return p == kFirst ? kEnd : PosOf(listpack::Previous(data_ + p)); }
  // The element with that index, negative from the end; kEnd if there is none. Walks from the
  // nearer end.
  Pos At(int64_t index) const;
  Item Get(Pos p) const {
    const uint8_t* at = data_ + p;
    if (listpack::IsString(at)) return {listpack::StringAt(at)};
    return {{}, listpack::IntegerAt(at), true};
  }
  // First element from `from` on that equals `text`, looking at every (skip+1)th; kEnd if none.
  // `from` may be kEnd.
  Pos Find(Bytes text, Pos from, size_t skip = 0) const;

  void Append(Bytes text);
  void Append(int64_t integer);
  void Prepend(Bytes text);
  // Before `before`; kEnd appends. Returns where the new element is.
  Pos Insert(Pos before, Bytes text);
  Pos Insert(Pos before, int64_t integer);
  // Returns where the element is now.
  Pos Replace(Pos p, Bytes text);
  Pos Replace(Pos p, int64_t integer);
  // Erases `count` elements from p on (fewer at the end); returns the position of the element that
  // follows, kEnd if none.
  Pos Erase(Pos p, size_t count = 1);
  void Clear();
  // Appends all elements of `other`.
  void Append(const Listpack& other);

  // What an element would take, its back length included.
  static size_t EncodedBytes(Bytes text) { return Encoded(text).bytes(); }

 private:
  using Encoded = listpack::Encoded;
  static constexpr size_t kCountAt = 4;
  static constexpr size_t kEmptyBytes = 7;
  static constexpr Pos kFirst = listpack::kHeaderBytes;
  // What an empty listpack points at; never written to. Aligned as what is allocated.
  alignas(uint64_t) static constexpr uint8_t kNothing[kEmptyBytes] = {kEmptyBytes, 0, 0,   0,
                                                                      0,           0, 0xff};

  Pos PosOf(const uint8_t* p) const { return static_cast<Pos>(p - data_); }
  void Free();
  // Walks, and notes the number if it has room.
  size_t Count() const;
  Listpack Reencoded() const;
  void SetCount(size_t n);
  void AddCount(int64_t n);
  // Puts room for `fresh` bytes in the place of the `old` bytes at `at` and returns it.
  uint8_t* MakeRoom(Pos at, size_t old, size_t fresh);
  Pos InsertEncoded(Pos before, const Encoded& element);
  Pos ReplaceEncoded(Pos p, const Encoded& element);

  uint8_t* data_;
};

}  // namespace mantis
