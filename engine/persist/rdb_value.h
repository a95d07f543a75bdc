// Values of any type as bytes in Redis's RDB format, and back: what DUMP and RESTORE exchange, and
// how snapshots hold collections.
//
// A value is its type byte and what belongs to the type. Compact collections are handed over as the
// listpacks that they are; what is read is validated in every part, so that no bytes, whoever made
// them, lead to anything but a value that keeps its type's invariants, or to a refusal.
//
// Thread safety: pure functions. Of an object that is in the keyspace, the entry's lock is held
// while it is encoded.
// Ownership: a decoded value belongs to the caller.
// Complexity: O(bytes); what is big is found by name while it is built, so O(log n) more per member
// of a sorted set. Memory beyond the value's own: one element.
#pragma once

#include <string>
#include <utility>

#include "engine/keyspace/database.h"
#include "engine/persist/rdb_writer.h"
#include "engine/value/limits.h"
#include "engine/value/value.h"

namespace mantis::persist {

// A value that belongs to no key.
class OwnedValue {
 public:
  OwnedValue() = default;
  explicit OwnedValue(Word value) : value_(value) {}
  explicit OwnedValue(std::unique_ptr<Object> object) : value_(object.release()->ToWord()) {}
  ~OwnedValue() { FreeUnpublished(value_); }
  OwnedValue(OwnedValue&& other) noexcept : value_(std::exchange(other.value_, Word{})) {}
  OwnedValue& operator=(OwnedValue&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }

  // A word of a kind that has no box and no flags; of kind kNew if there is no value.
  Word word() const { return value_; }
  Word Release() { return std::exchange(value_, Word{}); }

 private:
  Word value_;
};

// Appends the value to what `out` writes to. Returns the version of the format that it needs:
// out.version_max(), except for hashes with deadlines of fields, which no version below
// kRdbVersionOfMetadata can tell.
uint16_t EncodeValue(Word value, RdbWriter& out);

// False: the bytes are no value. Bytes behind the value are not looked at.
[[nodiscard]] bool DecodeValue(Bytes bytes, const ValueLimits& limits, OwnedValue* out);

// Sets the key to the value, whatever it held, with that deadline.
Status StoreValue(OpContext& ctx, Database& db, const KeyRef& key, OwnedValue value,
                  int64_t deadline_ms, std::string_view event);

}  // namespace mantis::persist
