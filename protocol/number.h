// Numbers in text: the strict integer and floating-point grammar that Redis applies to arguments,
// and the formatting its replies use.
//
// Thread safety: pure functions, no state. Ownership: none; nothing is retained or allocated except
// a temporary copy of unusually long floating-point text.
// Invariant: Parse*(Format*(v)) gives v back, except that NaN is formatted but never parsed.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace mantis::protocol {

// Room FormatInteger and FormatUnsigned need: "-9223372036854775808", "18446744073709551615".
inline constexpr size_t kIntegerCharsMax = 20;
// Room FormatDouble needs: a sign, 17 digits and at most seven zeros plus "0.", rounded up.
inline constexpr size_t kDoubleCharsMax = 32;

// The whole text must be a canonical decimal: no '+', no blanks, no leading zero, no "-0".
[[nodiscard]] std::optional<int64_t> ParseInteger(std::string_view text);
[[nodiscard]] std::optional<uint64_t> ParseUnsigned(std::string_view text);

// Everything strtod/strtold reads (exponents, hexadecimal floats, inf, infinity, a leading '+'),
// provided that it takes the whole text. Refused: empty text, leading blanks, NaN, and magnitudes
// that overflow to infinity or underflow to zero.
[[nodiscard]] std::optional<double> ParseDouble(std::string_view text);
// As ParseDouble; text of 5 KiB or more is refused, as Redis does.
[[nodiscard]] std::optional<long double> ParseLongDouble(std::string_view text);

// Each writes to `out` (not terminated) and returns the number of characters written.
inline size_t FormatUnsigned(char* out, uint64_t value) {
  if (value < 10) {  // most lengths and counts
    *out = static_cast<char>('0' + value);
    return 1;
  }
  return static_cast<size_t>(std::to_chars(out, out + kIntegerCharsMax, value).ptr - out);
}
inline size_t FormatInteger(char* out, int64_t value) {
  if (value >= 0) return FormatUnsigned(out, static_cast<uint64_t>(value));
  return static_cast<size_t>(std::to_chars(out, out + kIntegerCharsMax, value).ptr - out);
}
// The shortest digits that read back as the same double, laid out as Redis 7.2 does: whole numbers
// up to 2^62 in full, then plain decimals where they stay short, else d.ddde±x. "inf", "-inf",
// "nan", "-0".
size_t FormatDouble(char* out, double value);

}  // namespace mantis::protocol
