// The arguments of XREAD and XREADGROUP.
//
// Thread safety: as CommandContext: one command, one core. Views the arguments.
#pragma once

#include "server/dispatch/command.h"

namespace mantis::server {

struct ReadRequest {
  bool grouped = false;
  Bytes group;
  Bytes consumer;
  bool no_ack = false;
  size_t count = 0;  // 0: all
  int64_t timeout_ms = -1;
  size_t first_key = 0;  // index of the first key; the ids follow the keys
  size_t streams = 0;

  size_t count_max() const { return count == 0 ? SIZE_MAX : count; }
};

// `out->grouped` says which of the two it is. Writes the error and returns false if they are none.
bool ParseReadRequest(CommandContext& c, ReadRequest* out);

}  // namespace mantis::server
