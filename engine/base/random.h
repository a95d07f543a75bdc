// xorshift64* (Marsaglia, Vigna): for sampling, not for secrets.
//
// Thread safety: none; the state belongs to the caller and is never 0.
#pragma once

#include <cstdint>

namespace mantis {

inline uint64_t NextRandom(uint64_t& state) {
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return state * 0x2545f4914f6cdd1dull;
}

}  // namespace mantis
