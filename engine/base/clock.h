// Time as the engine sees it: milliseconds of the Unix epoch for deadlines, a monotonic clock for
// measuring. Reading the clock is a vDSO call, so callers read it once a batch and pass it on.
#pragma once

#include <chrono>
#include <cstdint>

namespace mantis {

// A deadline that never comes.
inline constexpr int64_t kNoDeadline = INT64_MAX;

inline int64_t WallClockMs() {
  using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

inline int64_t WallClockUs() {
  using std::chrono::duration_cast, std::chrono::microseconds, std::chrono::system_clock;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

inline int64_t MonotonicUs() {
  using std::chrono::duration_cast, std::chrono::microseconds, std::chrono::steady_clock;
  return duration_cast<microseconds>(steady_clock::now().time_since_epoch()).count();
}

}  // namespace mantis
