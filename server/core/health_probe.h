// `mantisd --ping`: asks the server that these settings describe whether it serves.
//
// Thread safety: a blocking function for a process that does nothing else.
#pragma once

#include <string>

#include "config/settings.h"

namespace mantis::server {

struct ProbeResult {
  bool healthy = false;  // the server answered PONG
  std::string text;      // its answer, or what is wrong
};

// Connects, authenticates if a password is set, sends PING; two seconds for all of it.
[[nodiscard]] ProbeResult ProbeServer(const config::Settings& settings);

}  // namespace mantis::server
