// The arguments of the geo searches: GEOSEARCH, GEOSEARCHSTORE, GEORADIUS and its kin.
//
// Thread safety: as CommandContext: one command, one core.
#pragma once

#include "engine/value/geohash.h"
#include "engine/value/sorted_set.h"
#include "server/dispatch/command.h"

namespace mantis::server {

// How the commands differ.
struct GeoSyntax {
  size_t source = 1;           // argument that is the key searched
  size_t options = 2;          // argument from which on there are options
  bool search = false;         // GEOSEARCH, GEOSEARCHSTORE: centre and shape are options
  bool by_member = false;      // GEORADIUSBYMEMBER and _RO
  bool store_options = false;  // STORE key, STOREDIST key
  bool stores = false;         // GEOSEARCHSTORE
};

enum class GeoOrder : uint8_t { kNone, kAscending, kDescending };

struct GeoSearch {
  geo::Shape shape;
  bool has_center = false;
  bool has_shape = false;
  bool with_distance = false;
  bool with_hash = false;
  bool with_point = false;
  bool any = false;
  GeoOrder order = GeoOrder::kNone;
  int64_t count = 0;     // 0: all
  size_t store_key = 0;  // argument; 0: nothing is stored
  bool store_distance = false;
};

// Parses a command line against the set it searches (nullptr: the key is absent), because Redis's
// errors come in that order. Writes the error and returns false if it does not parse.
bool ParseGeoSearch(CommandContext& c, const GeoSyntax& syntax, const SortedSet* set,
                    GeoSearch* out);

}  // namespace mantis::server
