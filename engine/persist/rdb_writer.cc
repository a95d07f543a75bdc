#include "engine/persist/rdb_writer.h"

#include <lzf.h>

#include <bit>
#include <cstring>
#include <limits>

#include "engine/value/value.h"

namespace mantis::persist {
namespace {

static_assert(std::endian::native == std::endian::little, "integers are written as they lie");

// The longest string that can be the digits of a 32-bit integer.
constexpr size_t kIntegerTextMax = 11;
// Shorter strings do not get shorter.
constexpr size_t kCompressedMin = 21;
// Compression must save this much.
constexpr size_t kSavedMin = 4;

template <class T>
void AppendLittleEndian(std::string& out, T v) {
  char raw[sizeof(T)];
  std::memcpy(raw, &v, sizeof(T));
  out.append(raw, sizeof(T));
}

}  // namespace

void RdbWriter::Length(uint64_t n) {
  if (n < 64) {
    out_.push_back(static_cast<char>(n));
  } else if (n < 16384) {
    out_.push_back(static_cast<char>(kRdbLength14 | n >> 8));
    out_.push_back(static_cast<char>(n & 0xff));
  } else if (n <= std::numeric_limits<uint32_t>::max()) {
    out_.push_back(static_cast<char>(kRdbLength32));
    AppendLittleEndian(out_, __builtin_bswap32(static_cast<uint32_t>(n)));
  } else {
    out_.push_back(static_cast<char>(kRdbLength64));
    AppendLittleEndian(out_, __builtin_bswap64(n));
  }
}

bool RdbWriter::SmallInteger(int64_t v) {
  if (v == static_cast<int8_t>(v)) {
    out_.push_back(static_cast<char>(kRdbInt8));
    AppendLittleEndian(out_, static_cast<int8_t>(v));
  } else if (v == static_cast<int16_t>(v)) {
    out_.push_back(static_cast<char>(kRdbInt16));
    AppendLittleEndian(out_, static_cast<int16_t>(v));
  } else if (v == static_cast<int32_t>(v)) {
    out_.push_back(static_cast<char>(kRdbInt32));
    AppendLittleEndian(out_, static_cast<int32_t>(v));
  } else {
    return false;
  }
  return true;
}

bool RdbWriter::Compressed(Bytes text) {
  if (compression_ == Compression::kNone || text.size() < kCompressedMin ||
      text.size() > std::numeric_limits<uint32_t>::max()) {
    return false;
  }
  std::string packed(text.size() - kSavedMin, '\0');
  const unsigned n = lzf_compress(text.data(), static_cast<unsigned>(text.size()), packed.data(),
                                  static_cast<unsigned>(packed.size()));
  if (n == 0) return false;
  out_.push_back(static_cast<char>(kRdbLzf));
  Length(n);
  Length(text.size());
  out_.append(packed, 0, n);
  return true;
}

void RdbWriter::String(Bytes text) {
  if (text.size() <= kIntegerTextMax) {
    const auto v = ParseCanonicalInteger(text);
    if (v && SmallInteger(*v)) return;
  }
  if (Compressed(text)) return;
  Length(text.size());
  out_.append(text);
}

void RdbWriter::IntegerString(int64_t v) {
  if (SmallInteger(v)) return;
  char digits[24];
  const auto r = std::to_chars(digits, digits + sizeof(digits), v);
  const auto size = static_cast<size_t>(r.ptr - digits);
  Length(size);
  out_.append(digits, size);
}

void RdbWriter::BinaryDouble(double v) { AppendLittleEndian(out_, v); }

void RdbWriter::Fixed64(uint64_t v) { AppendLittleEndian(out_, v); }

}  // namespace mantis::persist
