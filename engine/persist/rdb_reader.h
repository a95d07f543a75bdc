// Reads lengths, strings and numbers of Redis's RDB format from bytes that anybody may have made.
//
// Every method returns false, and ok() is false from then on, when the bytes do not hold what was
// asked for. Nothing is allocated beyond a fixed multiple of what the bytes hold: a length that
// the rest cannot bear out is refused before.
//
// Thread safety: none. Ownership: refers to the bytes; strings read are views into them or into
// the caller's scratch.
#pragma once

#include <cstdint>
#include <string>

#include "engine/base/bytes.h"
#include "engine/persist/rdb_format.h"

namespace mantis::persist {

class RdbReader {
 public:
  explicit RdbReader(Bytes bytes) : rest_(bytes) {}

  bool ok() const { return ok_; }
  bool at_end() const { return rest_.empty(); }
  // Bytes not read yet: an upper bound for the number of whatever is still to come.
  size_t left() const { return rest_.size(); }

  bool Byte(uint8_t* out);
  bool Length(uint64_t* out);
  // A count of things of at least one byte each.
  bool Count(uint64_t* out);
  // A string in any of its forms; `scratch` is room for those that do not lie there as they are.
  // `out` holds until the next use of the same scratch.
  bool String(std::string* scratch, Bytes* out);
  bool BinaryDouble(double* out);
  // In decimal digits. No number is NaN.
  bool DecimalDouble(double* out);
  bool Fixed64(uint64_t* out);
  bool Raw(size_t n, Bytes* out);

  // For callers that found content to be wrong: ok() is false from now on. Returns false.
  bool Fail() {
    ok_ = false;
    rest_ = {};
    return false;
  }

 private:
  bool Integer(uint8_t form, std::string* scratch, Bytes* out);
  bool Lzf(std::string* scratch, Bytes* out);
  // The rest of a length whose first byte was `first`.
  bool LengthAfter(uint8_t first, uint64_t* out);

  Bytes rest_;
  bool ok_ = true;
};

}  // namespace mantis::persist
