#include "engine/persist/rdb_reader.h"

#include <lzf.h>

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

namespace mantis::persist {
namespace {

// The best that LZF can do: three bytes that stand for 264.
constexpr uint64_t kLzfRatioMax = 88;
// No string of ours is longer (see Blob).
constexpr uint64_t kStringMax = (uint64_t{1} << 31) - 1;

template <class T>
T LittleEndian(Bytes raw) {
  T v;
  std::memcpy(&v, raw.data(), sizeof(T));
  return v;
}

}  // namespace

bool RdbReader::Raw(size_t n, Bytes* out) {
  if (!ok_ || n > rest_.size()) return Fail();
  *out = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return true;
}

bool RdbReader::Byte(uint8_t* out) {
  Bytes raw;
  if (!Raw(1, &raw)) return false;
  *out = static_cast<uint8_t>(raw[0]);
  return true;
}

bool RdbReader::LengthAfter(uint8_t first, uint64_t* out) {
  Bytes raw;
  if (first < kRdbLength14) {
    *out = first;
    return true;
  }
  if (first < kRdbLength32) {
    if (!Raw(1, &raw)) return false;
    *out = (static_cast<uint64_t>(first) & 0x3f) << 8 | static_cast<uint8_t>(raw[0]);
    return true;
  }
  if (first == kRdbLength32) {
    if (!Raw(4, &raw)) return false;
    *out = __builtin_bswap32(LittleEndian<uint32_t>(raw));
    return true;
  }
  if (first == kRdbLength64) {
    if (!Raw(8, &raw)) return false;
    *out = __builtin_bswap64(LittleEndian<uint64_t>(raw));
    return true;
  }
  return Fail();
}

bool RdbReader::Length(uint64_t* out) {
  uint8_t first = 0;
  return Byte(&first) && LengthAfter(first, out);
}

bool RdbReader::Count(uint64_t* out) { return Length(out) && (*out <= rest_.size() || Fail()); }

bool RdbReader::Integer(uint8_t form, std::string* scratch, Bytes* out) {
  Bytes raw;
  int64_t v = 0;
  if (form == kRdbInt8) {
    if (!Raw(1, &raw)) return false;
    v = LittleEndian<int8_t>(raw);  // NOLINT(bugprone-signed-char-misuse): a signed number
  } else if (form == kRdbInt16) {
    if (!Raw(2, &raw)) return false;
    v = LittleEndian<int16_t>(raw);
  } else {
    if (!Raw(4, &raw)) return false;
    v = LittleEndian<int32_t>(raw);
  }
  *scratch = std::to_string(v);
  *out = *scratch;
  return true;
}

bool RdbReader::Lzf(std::string* scratch, Bytes* out) {
  uint64_t packed_size = 0;
  uint64_t size = 0;
  Bytes packed;
  if (!Length(&packed_size) || !Length(&size)) return false;
  if (packed_size > kStringMax || size > kStringMax || size == 0 ||
      size / kLzfRatioMax > packed_size || !Raw(static_cast<size_t>(packed_size), &packed)) {
    return Fail();
  }
  scratch->resize(static_cast<size_t>(size));
  const unsigned n = lzf_decompress(packed.data(), static_cast<unsigned>(packed.size()),
                                    scratch->data(), static_cast<unsigned>(size));
  if (n != size) return Fail();
  *out = *scratch;
  return true;
}

bool RdbReader::String(std::string* scratch, Bytes* out) {
  uint8_t first = 0;
  if (!Byte(&first)) return false;
  if (first == kRdbLzf) return Lzf(scratch, out);
  if (first >= kRdbInt8 && first <= kRdbInt32) return Integer(first, scratch, out);
  uint64_t size = 0;
  if (!LengthAfter(first, &size)) return false;
  if (size > kStringMax) return Fail();
  return Raw(static_cast<size_t>(size), out);
}

bool RdbReader::BinaryDouble(double* out) {
  Bytes raw;
  if (!Raw(sizeof(double), &raw)) return false;
  *out = LittleEndian<double>(raw);
  return true;
}

bool RdbReader::DecimalDouble(double* out) {
  uint8_t size = 0;
  if (!Byte(&size)) return false;
  if (size == kRdbDecimalPlusInf || size == kRdbDecimalMinusInf) {
    *out = std::numeric_limits<double>::infinity() * (size == kRdbDecimalPlusInf ? 1 : -1);
    return true;
  }
  Bytes digits;
  if (size == kRdbDecimalNan || !Raw(size, &digits)) return Fail();
  const auto r = std::from_chars(digits.data(), digits.data() + digits.size(), *out);
  if (r.ec != std::errc{} || r.ptr != digits.data() + digits.size() || std::isnan(*out)) {
    return Fail();
  }
  return true;
}

bool RdbReader::Fixed64(uint64_t* out) {
  Bytes raw;
  if (!Raw(8, &raw)) return false;
  *out = LittleEndian<uint64_t>(raw);
  return true;
}

}  // namespace mantis::persist
