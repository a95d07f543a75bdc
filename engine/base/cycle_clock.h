// A clock for measuring short spans at a few nanoseconds' cost: the processor's time-stamp counter
// where there is an invariant one, the monotonic clock elsewhere.
//
// Thread safety: any thread. Units: ticks, which only mean something as a difference given to
// TicksToNs on the same core's thread.
#pragma once

#include <cstdint>

#include "engine/base/clock.h"

namespace mantis {

inline uint64_t Ticks() {
#if defined(__x86_64__)
  return __builtin_ia32_rdtsc();
#else
  using std::chrono::steady_clock;
  return static_cast<uint64_t>(steady_clock::now().time_since_epoch().count());
#endif
}

// Measured once, at the first call, over about two milliseconds.
double NsPerTick();

inline uint64_t TicksToNs(uint64_t ticks) {
  static const double scale = NsPerTick();
  // Signed, which processors convert in one step.
  return static_cast<uint64_t>(
      static_cast<int64_t>(static_cast<double>(static_cast<int64_t>(ticks)) * scale));
}

}  // namespace mantis
