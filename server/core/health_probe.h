// `mantisd --ping`: asks the server that these settings describe whether it serves. The process
// ends with 0 if it does, with 3 if it is still loading (alive, but not ready), else with 1.
//
// Thread safety: a blocking function for a process that does nothing else.
#pragma once

#include <string>

#include "config/settings.h"

namespace mantis::server {

struct ProbeResult {
  bool healthy = false;  // the server answered PONG
  bool loading = false;  // it is up, and will serve once it has loaded its snapshot
  std::string text;      // its answer, or what is wrong
};

// Connects, authenticates if a password is set, sends PING; two seconds for all of it.
[[nodiscard]] ProbeResult ProbeServer(const config::Settings& settings);

}  // namespace mantis::server
