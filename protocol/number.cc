#include "protocol/number.h"

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <system_error>

namespace mantis::protocol {
namespace {

constexpr size_t kLongDoubleTextMax = size_t{5} << 10;

bool IsBlank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

double ReadFloat(const char* text, char** end, double) { return std::strtod(text, end); }
long double ReadFloat(const char* text, char** end, long double) { return std::strtold(text, end); }

// strtod reads a wider grammar than std::from_chars and is the one that Redis's users know.
template <typename Float>
std::optional<Float> ParseWithStrtod(std::string_view text) {
  if (text.empty() || IsBlank(text.front())) return std::nullopt;
  const std::string terminated(text);
  char* end = nullptr;
  errno = 0;
  const Float value = ReadFloat(terminated.c_str(), &end, Float{});
  if (end != terminated.c_str() + terminated.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

// Significant digits d1…dn and the power of ten that the last of them counts.
struct Decimal {
  char digits[std::numeric_limits<double>::max_digits10 + 1];
  int digits_len = 0;
  int exponent = 0;
};

// The shortest digits that identify `value`, which is finite and positive.
Decimal ShortestDigits(double value) {
  char text[kDoubleCharsMax];
  const auto end = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  Decimal decimal;
  const char* p = text;
  for (; *p != 'e'; ++p) {
    if (*p != '.') decimal.digits[decimal.digits_len++] = *p;
  }
  ++p;
  if (*p == '+') ++p;  // which from_chars refuses
  int exponent = 0;
  std::from_chars(p, end.ptr, exponent);
  decimal.exponent = exponent - (decimal.digits_len - 1);
  return decimal;
}

char* Copy(char* out, const char* from, int n) {
  std::memcpy(out, from, static_cast<size_t>(n));
  return out + n;
}
char* Zeros(char* out, int n) {
  std::memset(out, '0', static_cast<size_t>(n));
  return out + n;
}

char* LayOutScientific(char* out, const Decimal& decimal) {
  *out++ = decimal.digits[0];
  if (decimal.digits_len > 1) {
    *out++ = '.';
    out = Copy(out, decimal.digits + 1, decimal.digits_len - 1);
  }
  const int64_t exponent = decimal.exponent + decimal.digits_len - 1;
  *out++ = 'e';
  *out++ = exponent < 0 ? '-' : '+';
  return out + FormatInteger(out, std::abs(exponent));
}

// Which of the three layouts applies is what clients of Redis 7.2 see, odd as the bounds look.
char* LayOut(char* out, const Decimal& decimal) {
  const int n = decimal.digits_len;
  const int k = decimal.exponent;
  const int magnitude = std::abs(k + n - 1);
  if (k >= 0 && magnitude < n + 7) return Zeros(Copy(out, decimal.digits, n), k);
  if (k >= 0 || (k <= -7 && magnitude >= 4)) return LayOutScientific(out, decimal);
  const int whole = n + k;  // digits before the point
  if (whole > 0) {
    out = Copy(out, decimal.digits, whole);
    *out++ = '.';
    return Copy(out, decimal.digits + whole, n - whole);
  }
  out = Copy(out, "0.", 2);
  return Copy(Zeros(out, -whole), decimal.digits, n);
}

}  // namespace

std::optional<uint64_t> ParseUnsigned(std::string_view text) {
  if (text.empty() || (text.front() == '0' && text.size() > 1)) return std::nullopt;
  uint64_t value = 0;
  const char* end = text.data() + text.size();
  const auto [ptr, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || ptr != end) return std::nullopt;
  return value;
}

std::optional<int64_t> ParseInteger(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  const std::optional<uint64_t> magnitude = ParseUnsigned(text.substr(negative ? 1 : 0));
  if (!magnitude || (negative && *magnitude == 0)) return std::nullopt;
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (*magnitude > kMax + (negative ? 1 : 0)) return std::nullopt;
  // Negated while unsigned, where the least value does not overflow.
  return static_cast<int64_t>(negative ? uint64_t{0} - *magnitude : *magnitude);
}

std::optional<double> ParseDouble(std::string_view text) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [ptr, error] = std::from_chars(text.data(), end, value);
  if (error == std::errc{} && ptr == end && !std::isnan(value)) return value;
  return ParseWithStrtod<double>(text);
}

std::optional<long double> ParseLongDouble(std::string_view text) {
  if (text.size() >= kLongDoubleTextMax) return std::nullopt;
  return ParseWithStrtod<long double>(text);
}

size_t FormatDouble(char* out, double value) {
  char* const begin = out;
  if (std::isnan(value)) return static_cast<size_t>(Copy(out, "nan", 3) - begin);
  if (std::signbit(value)) *out++ = '-';
  const double magnitude = std::fabs(value);
  constexpr double kWholeMax = 4611686018427387904.0;  // 2^62
  if (std::isinf(magnitude)) {
    out = Copy(out, "inf", 3);
  } else if (magnitude <= kWholeMax && magnitude == std::floor(magnitude)) {
    out += FormatUnsigned(out, static_cast<uint64_t>(magnitude));
  } else {
    out = LayOut(out, ShortestDigits(magnitude));
  }
  return static_cast<size_t>(out - begin);
}

}  // namespace mantis::protocol
