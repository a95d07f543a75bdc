// The `[count [WITH…]]` of HRANDFIELD, SRANDMEMBER and ZRANDMEMBER.
//
// Thread safety: one command, one core.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "server/dispatch/command.h"

namespace mantis::server {

struct RandomCount {
  // Most elements drawn with repetition. Redis has no bound, and no memory left for such a reply;
  // this many are no use to anybody and take no more than a few gigabytes.
  static constexpr uint64_t kRepeatMax = uint64_t{1} << 24;

  bool given = false;   // without it one element is the reply, not an array
  bool repeat = false;  // it was negative: elements may come more than once
  bool with = false;    // the WITH… option
  uint64_t count = 1;   // its magnitude

  // How many elements are drawn from a collection of that size.
  uint64_t Drawn(size_t size) const {
    if (size == 0) return 0;
    return repeat ? count : std::min<uint64_t>(count, size);
  }
};

// Reads the arguments from the third on. `option` is the word that may follow the count; empty:
// none may. Writes the error and returns false if they do not parse.
bool ParseRandomCount(CommandContext& c, std::string_view option, RandomCount* out);

}  // namespace mantis::server
