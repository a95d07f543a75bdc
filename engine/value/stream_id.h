// What names an entry of a stream: milliseconds of the epoch and a number among the entries of that
// millisecond. Ids only ever grow within a stream.
//
// Thread safety: plain data.
#pragma once

#include <compare>
#include <cstdint>

namespace mantis {

struct StreamId {
  uint64_t ms = 0;
  uint64_t seq = 0;

  static constexpr StreamId Max() { return {UINT64_MAX, UINT64_MAX}; }
  // The check takes the zero that the generated comparisons compare with for a pointer.
  // NOLINTNEXTLINE(modernize-use-nullptr)
  constexpr auto operator<=>(const StreamId&) const = default;

  // To the neighbouring id. False, and unchanged, if there is none.
  constexpr bool Increment() {
    if (*this == Max()) return false;
    if (++seq == 0) ++ms;
    return true;
  }
  constexpr bool Decrement() {
    if (*this == StreamId{}) return false;
    if (seq-- == 0) --ms;
    return true;
  }
};

}  // namespace mantis
