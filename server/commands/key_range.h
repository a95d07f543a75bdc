// Ranges of the ordered keyspace as commands write them: `[a` `(a` `-` `+`, or `PREFIX p`.
//
// Thread safety: one command, one core, inside its batch.
#pragma once

#include <string>

#include "server/dispatch/command.h"

namespace mantis::server {

struct KeyRange {
  RangeBound min;
  RangeBound max;
  bool empty = false;
  std::string successor;  // storage of `max` for a prefix

  KeyRange() = default;
  KeyRange(const KeyRange&) = delete;  // the bounds point into `successor`
  KeyRange& operator=(const KeyRange&) = delete;
};

// The smallest byte string above every string with this prefix; false if there is none.
bool PrefixSuccessor(Bytes prefix, std::string* out);
void SetPrefix(Bytes prefix, KeyRange* out);

// Parses two arguments. With `reversed` the first is the upper end. Writes the error and returns
// false if they are no bounds.
bool ParseKeyRange(CommandContext& c, Bytes first, Bytes second, bool reversed, KeyRange* out);

}  // namespace mantis::server
