// The runs of a sparse HyperLogLog, see hyperloglog.h.
//
// Thread safety: pure functions. Ownership: a Run is a copy of what it was parsed from.
#pragma once

#include <optional>

#include "engine/value/hyperloglog.h"

namespace mantis::hyperloglog {

struct Run {
  static constexpr unsigned kShortMax = 64;  // zeros in one byte
  static constexpr unsigned kValueMax = 32;
  static constexpr unsigned kValueRunMax = 4;

  unsigned value = 0;
  unsigned length = 0;  // registers
  unsigned bytes = 0;   // of the run's own encoding

  // The run at `at`; nothing if the string ends in it.
  static std::optional<Run> Parse(Bytes text, size_t at) {
    const auto first = static_cast<uint8_t>(text[at]);
    if ((first & 0x80) != 0) return Run{(first >> 2 & 0x1fu) + 1, (first & 3u) + 1, 1};
    if ((first & 0x40) == 0) return Run{0, first + 1u, 1};
    if (at + 1 >= text.size()) return std::nullopt;
    return Run{0, ((first & 0x3fu) << 8 | static_cast<uint8_t>(text[at + 1])) + 1, 2};
  }
  static char EncodedValue(unsigned value, unsigned length) {
    return static_cast<char>(0x80 | (value - 1) << 2 | (length - 1));
  }
};

// Sets a register of a sparse value to `rank` if that is more than it is. kDamaged: nothing
// changed.
enum class Set : uint8_t { kUnchanged, kChanged, kDamaged, kNoRoom };
Set SetSparse(StringBuffer& value, unsigned index, unsigned rank, size_t sparse_bytes_max);

// `f(first register, run)` for each run. False if they do not add up to all registers; f has run
// for those that do, and only ever for registers that exist.
template <class F>
bool ForEachRun(Bytes text, F&& f) {
  size_t first = 0;
  for (size_t at = kHeaderBytes; at < text.size();) {
    const auto run = Run::Parse(text, at);
    if (!run || first + run->length > kRegisters) return false;
    f(first, *run);
    first += run->length;
    at += run->bytes;
  }
  return first == kRegisters;
}

}  // namespace mantis::hyperloglog
