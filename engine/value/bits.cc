#include "engine/value/bits.h"

#include <algorithm>
#include <bit>
#include <cstring>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace mantis::bits {
namespace {

// Vectors as wide as AVX2 has them; without it the compiler makes two of each. Functions marked
// inline-always are compiled once for every processor and once, in their caller, for AVX2.
using Vector = uint64_t __attribute__((vector_size(32)));
#define MANTIS_ALWAYS_INLINE __attribute__((always_inline)) inline

bool HasAvx2() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx2") != 0;
  return has;
#else
  return false;
#endif
}

uint64_t LoadWord(const char* p) {
  uint64_t w = 0;
  std::memcpy(&w, p, sizeof(w));
  return w;
}

// The most vectors whose counts per byte, at most eight each, add up without overflowing a byte.
constexpr size_t kVectorsMax = 31;

// Counts in parallel within bytes, then adds the bytes up. Returns how many bytes it counted.
size_t CountVectors(const char* p, size_t n, uint64_t* ones) {
  constexpr uint64_t kOdd = 0x5555555555555555;
  constexpr uint64_t kPairs = 0x3333333333333333;
  constexpr uint64_t kNibbles = 0x0f0f0f0f0f0f0f0f;
  constexpr uint64_t kBytes = 0x00ff00ff00ff00ff;
  size_t at = 0;
  while (n - at >= sizeof(Vector)) {
    const size_t vectors = std::min((n - at) / sizeof(Vector), kVectorsMax);
    Vector sum = {};
    for (size_t i = 0; i < vectors; ++i, at += sizeof(Vector)) {
      Vector v;
      std::memcpy(&v, p + at, sizeof(v));
      v -= v >> 1 & kOdd;
      v = (v & kPairs) + (v >> 2 & kPairs);
      sum += (v + (v >> 4)) & kNibbles;
    }
    sum = (sum & kBytes) + (sum >> 8 & kBytes);
    for (size_t lane = 0; lane < 4; ++lane) *ones += sum[lane] * 0x0001000100010001 >> 48;
  }
  return at;
}

#if defined(__x86_64__)
// Looks each half byte's count up in a register: about three times as fast.
__attribute__((target("avx2"))) size_t CountVectorsAvx2(const char* p, size_t n, uint64_t* ones) {
  const __m256i counts = _mm256_setr_epi8(0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4,  //
                                          0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4);
  const __m256i low = _mm256_set1_epi8(0x0f);
  __m256i total = _mm256_setzero_si256();
  size_t at = 0;
  while (n - at >= sizeof(__m256i)) {
    const size_t vectors = std::min((n - at) / sizeof(__m256i), kVectorsMax);
    __m256i sum = _mm256_setzero_si256();
    for (size_t i = 0; i < vectors; ++i, at += sizeof(__m256i)) {
      __m256i v;
      std::memcpy(&v, p + at, sizeof(v));
      const __m256i high = _mm256_and_si256(_mm256_srli_epi16(v, 4), low);
      sum = _mm256_add_epi8(sum, _mm256_add_epi8(_mm256_shuffle_epi8(counts, high),
                                                 _mm256_shuffle_epi8(counts, v & low)));
    }
    total = _mm256_add_epi64(total, _mm256_sad_epu8(sum, _mm256_setzero_si256()));
  }
  uint64_t lanes[4];
  std::memcpy(lanes, &total, sizeof(lanes));
  *ones += lanes[0] + lanes[1] + lanes[2] + lanes[3];
  return at;
}
#endif

template <Op kOp, class T>
MANTIS_ALWAYS_INLINE void Accumulate(T& a, const T& b) {
  if constexpr (kOp == Op::kAnd) a &= b;
  if constexpr (kOp == Op::kOr) a |= b;
  if constexpr (kOp == Op::kXor) a ^= b;
  if constexpr (kOp == Op::kNot) a = ~b;
}

// out[i] = out[i] op in[i]; for kNot, ~in[i].
template <Op kOp>
MANTIS_ALWAYS_INLINE void Apply(char* out, const char* in, size_t n) {
  size_t i = 0;
  for (; i + sizeof(Vector) <= n; i += sizeof(Vector)) {
    Vector a;
    Vector b;
    std::memcpy(&a, out + i, sizeof(a));
    std::memcpy(&b, in + i, sizeof(b));
    Accumulate<kOp>(a, b);
    std::memcpy(out + i, &a, sizeof(a));
  }
  for (; i < n; ++i) {
    int a = static_cast<unsigned char>(out[i]);
    Accumulate<kOp, int>(a, static_cast<unsigned char>(in[i]));
    out[i] = static_cast<char>(a);
  }
}

MANTIS_ALWAYS_INLINE void ApplyOp(Op op, char* out, const char* in, size_t n) {
  switch (op) {
    case Op::kAnd:
      return Apply<Op::kAnd>(out, in, n);
    case Op::kOr:
      return Apply<Op::kOr>(out, in, n);
    case Op::kXor:
      return Apply<Op::kXor>(out, in, n);
    case Op::kNot:
      return Apply<Op::kNot>(out, in, n);
  }
}

void ApplyAnywhere(Op op, char* out, const char* in, size_t n) { ApplyOp(op, out, in, n); }
#if defined(__x86_64__)
__attribute__((target("avx2"))) void ApplyAvx2(Op op, char* out, const char* in, size_t n) {
  ApplyOp(op, out, in, n);
}
#else
void ApplyAvx2(Op op, char* out, const char* in, size_t n) { ApplyOp(op, out, in, n); }
#endif

// The byte with only the bits from `first` to `last` of it left, the others set to `fill`.
uint8_t Masked(char byte, unsigned first, unsigned last, bool fill) {
  const unsigned inside = (0xffu >> first) & (0xff00u >> (last + 1)) & 0xffu;
  const unsigned kept = static_cast<uint8_t>(byte) & inside;
  return static_cast<uint8_t>(fill ? kept | (~inside & 0xffu) : kept);
}

}  // namespace

uint64_t CountOnes(Bytes text) {
  uint64_t ones = 0;
  size_t at = 0;
#if defined(__x86_64__)
  at = HasAvx2() ? CountVectorsAvx2(text.data(), text.size(), &ones)
                 : CountVectors(text.data(), text.size(), &ones);
#else
  at = CountVectors(text.data(), text.size(), &ones);
#endif
  for (; at + 8 <= text.size(); at += 8) {
    ones += static_cast<uint64_t>(std::popcount(LoadWord(text.data() + at)));
  }
  for (; at < text.size(); ++at) {
    ones += static_cast<uint64_t>(std::popcount(static_cast<uint8_t>(text[at])));
  }
  return ones;
}

uint64_t CountOnes(Bytes text, uint64_t first_bit, uint64_t last_bit) {
  const size_t first = first_bit / 8;
  const size_t last = last_bit / 8;
  const auto head = static_cast<unsigned>(first_bit % 8);
  const auto tail = static_cast<unsigned>(last_bit % 8);
  if (first == last) {
    return static_cast<uint64_t>(std::popcount(Masked(text[first], head, tail, false)));
  }
  return CountOnes(text.substr(first + 1, last - first - 1)) +
         static_cast<uint64_t>(std::popcount(Masked(text[first], head, 7, false)) +
                               std::popcount(Masked(text[last], 0, tail, false)));
}

uint64_t Find(Bytes text, bool value, uint64_t first_bit, uint64_t last_bit) {
  const size_t first = first_bit / 8;
  const size_t last = last_bit / 8;
  // What a byte without such a bit looks like; bits outside the range are made to look so.
  const uint8_t none = value ? 0x00 : 0xff;
  const auto in_byte = [&](size_t at, unsigned from, unsigned to) {
    const uint8_t byte = Masked(text[at], from, to, !value);
    if (byte == none) return kNone;
    const auto ones = static_cast<uint8_t>(value ? byte : ~byte);
    return at * 8 + static_cast<uint64_t>(std::countl_zero(ones));
  };
  const auto head = static_cast<unsigned>(first_bit % 8);
  const auto tail = static_cast<unsigned>(last_bit % 8);
  const uint64_t found = in_byte(first, head, first == last ? tail : 7);
  if (found != kNone || first == last) return found;
  const uint64_t none_word = value ? 0 : ~uint64_t{0};
  size_t at = first + 1;
  const char* p = text.data();
  while (at + 32 <= last &&
         ((LoadWord(p + at) ^ none_word) | (LoadWord(p + at + 8) ^ none_word) |
          (LoadWord(p + at + 16) ^ none_word) | (LoadWord(p + at + 24) ^ none_word)) == 0) {
    at += 32;
  }
  while (at < last && static_cast<uint8_t>(p[at]) == none) ++at;
  return in_byte(at, 0, at == last ? tail : 7);
}

void Combine(Op op, std::span<const Bytes> sources, char* out) {
  // Each piece of the result stays in the first-level cache while all sources are applied to it.
  constexpr size_t kPiece = size_t{16} << 10;
  const auto apply = HasAvx2() ? ApplyAvx2 : ApplyAnywhere;
  size_t size = 0;
  for (const Bytes& s : sources) size = std::max(size, s.size());
  for (size_t at = 0; at < size; at += kPiece) {
    const size_t n = std::min(kPiece, size - at);
    char* piece = out + at;
    for (size_t i = 0; i < sources.size(); ++i) {
      const Bytes rest = sources[i].substr(std::min(at, sources[i].size()), n);
      if (op == Op::kNot) {
        apply(op, piece, rest.data(), n);
      } else if (i == 0) {
        if (!rest.empty()) std::memcpy(piece, rest.data(), rest.size());
        std::memset(piece + rest.size(), 0, n - rest.size());
      } else {
        apply(op, piece, rest.data(), rest.size());
        if (op == Op::kAnd) std::memset(piece + rest.size(), 0, n - rest.size());
      }
    }
  }
}

uint64_t LoadField(Bytes text, uint64_t at, unsigned width) {
  // A field of 64 bits lies in up to nine bytes.
  constexpr size_t kSpan = 9;
  const uint64_t byte = at / 8;
  const auto shift = static_cast<unsigned>(at % 8);
  char padded[kSpan] = {};
  const char* p = padded;
  if (byte < text.size() && text.size() - byte >= kSpan) {
    p = text.data() + byte;
  } else if (byte < text.size()) {
    std::memcpy(padded, text.data() + byte, text.size() - byte);
  }
  uint64_t field = __builtin_bswap64(LoadWord(p)) << shift;
  if (shift != 0) field |= static_cast<uint64_t>(static_cast<uint8_t>(p[8]) >> (8 - shift));
  return field >> (kFieldBitsMax - width);
}

void StoreField(char* data, uint64_t at, unsigned width, uint64_t value) {
  // From the last byte to the first, as many bits as the byte has of the field.
  uint64_t end = at + width;
  while (width != 0) {
    const auto below = static_cast<unsigned>((8 - end % 8) % 8);
    const unsigned n = std::min(width, 8 - below);
    const unsigned mask = (0xffu >> (8 - n)) << below;
    char& byte = data[(end - 1) / 8];
    const auto bits = static_cast<unsigned>(value) << below & mask;
    byte = static_cast<char>((static_cast<uint8_t>(byte) & ~mask) | bits);
    value >>= n;
    width -= n;
    end -= n;
  }
}

}  // namespace mantis::bits
