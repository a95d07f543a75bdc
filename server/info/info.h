// INFO: the server's state and statistics as "field:value" lines under Redis's section and field
// names, and "# Mantis" for what only this server has.
//
// Thread safety: MakeInfo runs inside a batch of the calling core; it reads atomics of all cores
// and takes the mutexes of the error counts. Counters are summed when asked for, so that totals
// equal the sum of what each core counted.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/base/bytes.h"

namespace mantis::server {

struct SharedState;

// One bit per section, in the order in which they are shown.
using InfoSections = uint32_t;

// The sections that INFO's arguments name, any case; none gives the default ones, unknown names
// are ignored.
InfoSections ChooseSections(std::span<const Bytes> names);

std::string MakeInfo(SharedState& shared, InfoSections sections);

}  // namespace mantis::server
