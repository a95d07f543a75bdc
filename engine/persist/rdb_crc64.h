// CRC-64 as Redis appends it to DUMP payloads and RDB files: the polynomial of Jones, reflected,
// begun with zero.
//
// Thread safety: pure functions; the tables are constants.
// Complexity: O(n), eight bytes a step.
#pragma once

#include <cstdint>

#include "engine/base/bytes.h"

namespace mantis::persist {

// The checksum of what `crc` is the checksum of, followed by `data`.
uint64_t RdbCrc64(uint64_t crc, Bytes data);

}  // namespace mantis::persist
