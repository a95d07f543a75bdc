// What DUMP answers and RESTORE takes: a value in RDB format with a version and a checksum behind
// it.
//
// Thread safety: pure functions. Complexity: O(n).
#pragma once

#include <optional>
#include <string>

#include "engine/base/bytes.h"
#include "engine/persist/rdb_format.h"

namespace mantis::persist {

// Appends the footer to a value that was encoded for that version.
void SealPayload(uint16_t version, std::string* value);

// The value in a payload; nothing if the payload is too short, of a version that is not read, or
// damaged. Says nothing about whether the value is well-formed.
std::optional<Bytes> OpenPayload(Bytes payload);

}  // namespace mantis::persist
