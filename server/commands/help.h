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

// The row of such a subcommand, "container|help"; `acl` as CommandRow::acl.
constexpr CommandRow HelpRow(std::string_view name, std::string_view group, uint32_t acl,
                             std::string_view since, Handler handler) {
  return {.name = name,
          .arity = 2,
          .flags = kLoading | kStale,
          .acl = acl,
          .since = since,
          .group = group,
          .complexity = "O(1)",
          .summary = "Explains the subcommands.",
          .handler = handler};
}

}  // namespace mantis::server
