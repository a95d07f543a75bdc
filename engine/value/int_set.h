// A sorted array of distinct integers in one allocation, in Redis's own intset layout, so that it
// is also what DUMP and RESTORE exchange.
//
//   width of a value: 2, 4 or 8 bytes (u32 LE) | number of values (u32 LE) | values, ascending
//
// The width is that of the widest value that was ever in it.
//
// Thread safety: none. Ownership: owns its buffer; raw() holds until the next change.
// Bounds: kSizeMax values, checked by the caller.
// Complexity: Contains O(log n), At O(1), Insert and Erase O(n).
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <utility>

#include "engine/base/bytes.h"
#include "engine/base/memory.h"

namespace mantis {

class IntSet {
 public:
  static constexpr size_t kSizeMax = size_t{1} << 30;

  using pointer = uint8_t*;

  IntSet() : data_(const_cast<uint8_t*>(kNothing)) {}
  ~IntSet() { Free(); }
  IntSet(IntSet&& other) noexcept
      : data_(std::exchange(other.data_, const_cast<uint8_t*>(kNothing))) {}
  IntSet& operator=(IntSet&& other) noexcept {
    std::swap(data_, other.data_);
    return *this;
  }
  IntSet Clone() const;

  // The buffer, which this takes over and gives up as a std::unique_ptr does (see OneOf).
  explicit IntSet(pointer buffer) : data_(buffer) {}
  pointer get() const { return data_; }
  pointer release() { return std::exchange(data_, const_cast<uint8_t*>(kNothing)); }

  // Takes over foreign bytes if they are a well-formed, ascending set; nothing otherwise.
  static std::optional<IntSet> Parse(Bytes raw);
  // The whole buffer, as Parse takes it.
  Bytes raw() const { return {reinterpret_cast<const char*>(data_), total()}; }

  size_t size() const { return Load<uint32_t>(data_ + kSizeAt); }
  bool empty() const { return size() == 0; }
  size_t allocated_bytes() const { return data_ == kNothing ? 0 : memory::UsableSize(data_); }

  // The value with that index, in ascending order; i < size().
  int64_t At(size_t i) const { return ValueAt(width(), i); }
  bool Contains(int64_t value) const;
  // False if it was there already.
  bool Insert(int64_t value);
  // False if it was not there.
  bool Erase(int64_t value);
  void EraseAt(size_t i);

 private:
  static constexpr size_t kSizeAt = 4;
  static constexpr size_t kHeaderBytes = 8;
  // What an empty set points at; never written to. Aligned as what is allocated.
  alignas(uint64_t) static constexpr uint8_t kNothing[kHeaderBytes] = {2, 0, 0, 0, 0, 0, 0, 0};

  template <class T>
  static T Load(const uint8_t* p) {
    T v;
    std::memcpy(&v, p, sizeof v);
    return v;
  }
  static size_t WidthOf(int64_t value) {
    if (value == static_cast<int16_t>(value)) return sizeof(int16_t);
    return value == static_cast<int32_t>(value) ? sizeof(int32_t) : sizeof(int64_t);
  }

  size_t width() const { return Load<uint32_t>(data_); }
  size_t total() const { return kHeaderBytes + size() * width(); }
  int64_t ValueAt(size_t width, size_t i) const {
    const uint8_t* p = data_ + kHeaderBytes + i * width;
    if (width == sizeof(int16_t)) return Load<int16_t>(p);
    return width == sizeof(int32_t) ? Load<int32_t>(p) : Load<int64_t>(p);
  }
  void Put(size_t width, size_t i, int64_t value);
  // Index of the least value that is not less than `value`.
  size_t LowerBound(int64_t value) const;
  template <class T>
  size_t LowerBoundOf(int64_t value) const;

  void Free() {
    if (data_ != kNothing) memory::Free(data_);
  }
  // Room for `size` values of that width, of which those that are there stay at their places.
  void Resize(size_t width, size_t size);

  uint8_t* data_;
};

}  // namespace mantis
