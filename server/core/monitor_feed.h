// MONITOR: shows every command to the clients that asked for it.
//
// Thread safety: callable from any core's thread; the line is posted to the cores with monitors.
#pragma once

#include <span>

#include "engine/base/bytes.h"

namespace mantis::server {

struct Client;
struct SharedState;

// "+1339518083.107412 [0 127.0.0.1:60866] "keys" "*"", as Redis prints it.
void FeedMonitors(SharedState& shared, const Client& client, std::span<const Bytes> args);

}  // namespace mantis::server
