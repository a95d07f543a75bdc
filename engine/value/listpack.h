// A listpack: a sequence of byte strings and integers in one allocation, in Redis's own layout
// (github.com/antirez/listpack), so that it is also what DUMP and RESTORE exchange.
//
//   total bytes (u32 LE) | element count (u16 LE, 65535: unknown, count them) | entries | 0xff
//   entry: encoding and content | its length again, readable backwards (1 to 5 bytes of 7 bits)
//
// Strings that are the canonical form of a 64-bit integer are stored as integers of the least
// width (7 bit unsigned, 13, 16, 24, 32, 64 bit), as Redis does.
//
// Thread safety: none. Ownership: owns its buffer, which is reallocated to the exact size on each
// change; views into it (Item::text) hold until the next change.
// Positions are offsets of entries from the buffer's begin; kEnd is no entry. A position is good
// until the next change, except where a method returns one.
// Bounds: at most kBytesMax in all, checked by the caller with Fits(); an element of any size fits.
#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "engine/base/bytes.h"

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

  Listpack();
  ~Listpack();
  Listpack(Listpack&& other) noexcept;
  Listpack& operator=(Listpack&& other) noexcept;
  Listpack Clone() const;

  // Takes over foreign bytes if they are a well-formed listpack in every entry; nothing otherwise.
  static std::optional<Listpack> Parse(Bytes raw);
  // The whole buffer, as Parse takes it.
  Bytes raw() const { return {reinterpret_cast<const char*>(data_), total()}; }

  size_t size() const;  // elements; O(1) below 65535
  bool empty() const { return total() == kEmptyBytes; }
  size_t total() const;            // bytes of the listpack
  size_t allocated_bytes() const;  // as the allocator spends them
  bool Fits(size_t more_bytes) const { return total() + more_bytes <= kBytesMax; }

  Pos First() const;
  Pos Last() const;
  Pos Next(Pos p) const;  // kEnd after the last
  Pos Prev(Pos p) const;  // kEnd before the first
  // The element with that index, negative from the end; kEnd if there is none. Walks from the
  // nearer end.
  Pos At(int64_t index) const;
  Item Get(Pos p) const;
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
  static size_t EncodedBytes(Bytes text);

 private:
  static constexpr size_t kEmptyBytes = 7;
  explicit Listpack(uint8_t* data) : data_(data) {}

  uint8_t* data_;
};

}  // namespace mantis
