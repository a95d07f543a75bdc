// Writes lengths, strings and numbers in Redis's RDB format to the end of a string.
//
// Thread safety: none. Ownership: refers to the string it writes to.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/bytes.h"
#include "engine/persist/rdb_format.h"

namespace mantis::persist {

class RdbWriter {
 public:
  enum class Compression : uint8_t { kNone, kLzf };

  // `version_max`: what the one who reads it knows.
  explicit RdbWriter(std::string* out, Compression compression = Compression::kNone,
                     uint16_t version_max = kRdbVersionWritten)
      : out_(*out), compression_(compression), version_max_(version_max) {}

  uint16_t version_max() const { return version_max_; }

  void Type(RdbType type) { out_.push_back(static_cast<char>(type)); }
  void Length(uint64_t n);
  // A string, as an integer where it is the canonical form of one of up to 32 bits, compressed
  // where that is wanted and saves something.
  void String(Bytes text);
  // The string of a number's digits.
  void IntegerString(int64_t v);
  void BinaryDouble(double v);
  // 64 bits, little-endian.
  void Fixed64(uint64_t v);
  // Bytes as they are, without a length.
  void Raw(Bytes bytes) { out_.append(bytes); }

  size_t size() const { return out_.size(); }

 private:
  bool SmallInteger(int64_t v);
  bool Compressed(Bytes text);

  std::string& out_;
  const Compression compression_;
  const uint16_t version_max_;
};

}  // namespace mantis::persist
