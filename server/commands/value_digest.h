// DEBUG DIGEST: a number of 160 bits that tells whether two values, or two data sets, are the same.
// Equal to Redis's for the same content, whatever the encodings and the order of what has none.
//
// Thread safety: a Digest belongs to one thread. AddValue is called with the key's lock held.
// Complexity: O(bytes).
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "engine/value/value.h"

namespace mantis::server {

class Digest {
 public:
  // Puts the text in without regard to order: SHA-1 of it is xored in.
  void Xor(Bytes text);
  // In order: as Xor, and then SHA-1 of the digest takes its place.
  void Mix(Bytes text);
  void Mix(uint32_t number);

  // A key's value and whether it has a deadline; of hashes, the fields that live at `now_ms`.
  void AddValue(const Current& value, int64_t now_ms);

  Bytes bytes() const { return {reinterpret_cast<const char*>(digest_.data()), digest_.size()}; }
  std::string Hex() const;

 private:
  void AddObject(const Current& value, int64_t now_ms);

  std::array<uint8_t, 20> digest_{};
};

}  // namespace mantis::server
