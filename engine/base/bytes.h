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

// a == b, without a call for what is as short as keys and names are.
inline bool SameBytes(Bytes a, Bytes b) {
  constexpr size_t kShort = 64;
  const size_t n = a.size();
  if (n != b.size()) return false;
  if (n > kShort) [[unlikely]]
    return a == b;
  const auto same_at = [&]<class Unit>(size_t i, Unit) {
    Unit x;
    Unit y;
    std::memcpy(&x, a.data() + i, sizeof(Unit));
    std::memcpy(&y, b.data() + i, sizeof(Unit));
    return x == y;
  };
  // The last word, which overlaps the one before it, comes first: keys tend to differ there.
  if (n >= sizeof(uint64_t)) {
    if (!same_at(n - sizeof(uint64_t), uint64_t{})) return false;
    size_t i = 0;
    do {
      if (!same_at(i, uint64_t{})) return false;
      i += sizeof(uint64_t);
    } while (i + sizeof(uint64_t) < n);
    return true;
  }
  if (n >= sizeof(uint32_t)) {
    return same_at(0, uint32_t{}) && same_at(n - sizeof(uint32_t), uint32_t{});
  }
  if (n >= sizeof(uint16_t)) {
    return same_at(0, uint16_t{}) && same_at(n - sizeof(uint16_t), uint16_t{});
  }
  return n == 0 || a[0] == b[0];
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
