// The offsets that SETBIT, GETBIT and BITFIELD take.
//
// Thread safety: as CommandContext: one command, one core.
#pragma once

#include "server/commands/args.h"

namespace mantis::server {

// Parses a position in bits within the longest string there may be; writes the error and returns
// false otherwise. With `width` not 0, "#n" means n times that many bits.
bool ParseBitOffset(CommandContext& c, Bytes arg, unsigned width, uint64_t* offset);

}  // namespace mantis::server
