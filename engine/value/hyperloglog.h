// HyperLogLog: how many different elements were added, to about 0.81 %, in at most 12304 bytes. The
// value is a string in Redis's own format, so that it may go from one server to the other.
//
//   0   "HYLL"
//   4   encoding: 0 dense, 1 sparse; three bytes of zeros
//   8   the cardinality as last estimated, little endian; its topmost bit says that it is stale
//   16  16384 registers. Dense: 6 bits each, from the least significant bit of each byte up.
//       Sparse: runs of equal registers,
//         00nnnnnn            n+1 zeros
//         01nnnnnn nnnnnnnn   n+1 zeros
//         1vvvvvnn            n+1 times v+1
//
// An element's hash picks a register (low 14 bits) and a rank: the position of the lowest one among
// the rest. The register keeps the greatest rank. A sparse value becomes dense when it would
// outgrow the limit given or a register would exceed 32.
//
// Thread safety: pure functions over the caller's string.
// Clients may store any bytes: nothing here trusts what IsValid does not check; what turns out to
// be damaged is reported, and nothing outside the string is touched. Complexity: Add to a dense
// value O(1), to a sparse one O(bytes); the others O(registers).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/value/string_buffer.h"

namespace mantis::hyperloglog {

inline constexpr size_t kRegisters = 1 << 14;
inline constexpr size_t kHeaderBytes = 16;
inline constexpr size_t kDenseBytes = kHeaderBytes + kRegisters * 6 / 8;

// One byte each.
using Registers = std::array<uint8_t, kRegisters>;

enum class Outcome : uint8_t { kUnchanged, kChanged, kDamaged };

// Whether the string has the header, and the length where that is fixed.
bool IsValid(Bytes text);
// What follows is for valid strings.

bool IsDense(Bytes text);
// An empty value, sparse.
void Initialize(StringBuffer& value);
// Leaves the cached cardinality to the caller.
Outcome Add(StringBuffer& value, Bytes element, size_t sparse_bytes_max);
// Raises each register to at least what is given.
Outcome Raise(StringBuffer& value, const Registers& least, size_t sparse_bytes_max);
// kUnchanged: it is dense already.
Outcome MakeDense(StringBuffer& value);

// The cached cardinality, unless it is stale.
std::optional<uint64_t> CachedCount(Bytes text);
void SetCachedCount(StringBuffer& value, uint64_t count);
void InvalidateCount(StringBuffer& value);
// Estimates the cardinality (Ertl's estimator). Nothing: damaged.
std::optional<uint64_t> Count(Bytes text);
uint64_t Count(const Registers& registers);

// Raises `into` to the value's registers where those are greater. False: damaged, `into` is spoilt.
bool Merge(Bytes text, Registers& into);
// The runs of a sparse value in words: "Z:9 v:3,1 z:4". Nothing: damaged.
std::optional<std::string> Describe(Bytes text);

// Checks registers, both encodings and the estimate up to ten million elements; takes a second or
// so. What is wrong, empty if nothing.
std::string SelfTest(uint64_t seed, size_t sparse_bytes_max);

}  // namespace mantis::hyperloglog
