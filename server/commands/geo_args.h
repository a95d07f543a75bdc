// What the geo commands share: parsing places and units, and replying with places and distances.
//
// Thread safety: as CommandContext: one command, one core.
#pragma once

#include "engine/value/geohash.h"
#include "server/commands/args.h"

namespace mantis::server {

// Each writes the error and returns false if the arguments do not parse.
// Longitude and latitude, from argument `at` on.
bool ParsePoint(CommandContext& c, size_t at, geo::Point* out);
// m, km, ft or mi, as metres.
bool ParseUnit(CommandContext& c, Bytes arg, double* metres);

// Longitude and latitude, in full.
void ReplyPoint(CommandContext& c, const geo::Point& p);
// With four decimals.
void ReplyDistance(CommandContext& c, double distance);

}  // namespace mantis::server
