// The reply of a container's HELP subcommand, in the shape clients know from Redis.
//
// Thread safety: as CommandContext: one command, one core.
#pragma once

#include <span>
#include <string_view>

#include "server/dispatch/command.h"

namespace mantis::server {

// `lines` come in pairs, "NAME <arg>" and its indented explanation; the title line and HELP's own
// pair are added.
Outcome ReplyHelp(CommandContext& c, std::string_view container,
                  std::span<const std::string_view> lines);

}  // namespace mantis::server
