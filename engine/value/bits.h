// Byte strings as arrays of bits and of integers of any width. Bit 0 is the most significant bit of
// the first byte, as SETBIT and BITFIELD count.
//
// Thread safety: pure functions. Ownership: none.
// Units: positions and lengths in bits where the name says so, else in bytes.
// Complexity: O(bytes), 8 to 32 bytes at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/base/bytes.h"

namespace mantis::bits {

inline constexpr uint64_t kNone = ~uint64_t{0};
inline constexpr unsigned kFieldBitsMax = 64;

inline bool Test(const char* data, uint64_t bit) {
  return (static_cast<uint8_t>(data[bit / 8]) >> (7 - bit % 8) & 1) != 0;
}
inline void Assign(char* data, uint64_t bit, bool on) {
  const auto mask = static_cast<uint8_t>(0x80 >> bit % 8);
  const auto byte = static_cast<uint8_t>(data[bit / 8]);
  data[bit / 8] = static_cast<char>(on ? byte | mask : byte & ~mask);
}

// Number of ones in the text.
uint64_t CountOnes(Bytes text);
// The same among the bits from `first` to `last`, both included and both in the text.
uint64_t CountOnes(Bytes text, uint64_t first_bit, uint64_t last_bit);
// Position of the first bit equal to `value` in that range; kNone if there is none.
uint64_t Find(Bytes text, bool value, uint64_t first_bit, uint64_t last_bit);

enum class Op : uint8_t { kAnd, kOr, kXor, kNot };
// Combines the sources, which count as followed by zeros, into `out`, which has room for as many
// bytes as the longest of them. kNot takes one source. `out` overlaps no source.
void Combine(Op op, std::span<const Bytes> sources, char* out);

// The unsigned integer of `width` bits (1 to 64) at bit `at`; what lies beyond the text counts as
// zeros.
uint64_t LoadField(Bytes text, uint64_t at, unsigned width);
// Stores the low `width` bits of `value` there; all of them lie in the string.
void StoreField(char* data, uint64_t at, unsigned width, uint64_t value);
// The field's bits as a two's complement number.
inline int64_t SignExtend(uint64_t field, unsigned width) {
  const unsigned spare = kFieldBitsMax - width;
  return static_cast<int64_t>(field << spare) >> spare;
}

}  // namespace mantis::bits
