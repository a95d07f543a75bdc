// CLIENT LIST and CLIENT KILL, which ask every core about its connections.
//
// Thread safety: handlers, as in server/dispatch/command.h.
#pragma once

#include "server/dispatch/command.h"

namespace mantis::server {

Outcome ClientList(CommandContext& c);
Outcome ClientKill(CommandContext& c);

}  // namespace mantis::server
