// Byte strings. A key or value is any sequence of bytes, so the engine speaks of Bytes, a view that
// owns nothing; whoever hands one over keeps it alive for the duration of the call.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace mantis {

using Bytes = std::string_view;

// Three-way comparison in unsigned byte order, as memcmp and Redis's BYLEX ranges have it.
inline int CompareBytes(Bytes a, Bytes b) {
  const size_t n = a.size() < b.size() ? a.size() : b.size();
  const int c = n == 0 ? 0 : std::memcmp(a.data(), b.data(), n);
  if (c != 0) return c;
  return a.size() < b.size() ? -1 : (a.size() > b.size() ? 1 : 0);
}

// The first eight bytes as a big-endian number, zero-padded: ordering these numbers orders the
// byte strings, up to ties.
inline uint64_t LeadingEight(Bytes s) {
  uint64_t v = 0;
  const size_t n = s.size() < 8 ? s.size() : 8;
  if (n != 0) std::memcpy(&v, s.data(), n);
  return __builtin_bswap64(v);
}

inline size_t CommonPrefix(Bytes a, Bytes b) {
  const size_t n = a.size() < b.size() ? a.size() : b.size();
  size_t i = 0;
  while (i < n && a[i] == b[i]) ++i;
  return i;
}

}  // namespace mantis
