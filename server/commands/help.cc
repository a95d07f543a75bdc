#include "server/commands/help.h"

#include <string>

namespace mantis::server {

Outcome ReplyHelp(CommandContext& c, std::string_view container,
                  std::span<const std::string_view> lines) {
  c.reply.Array(lines.size() + 3);
  c.reply.SimpleString(std::string(container) +
                       " <subcommand> [<arg> [value] [opt] ...]. Subcommands are:");
  for (const std::string_view line : lines) c.reply.SimpleString(line);
  c.reply.SimpleString("HELP");
  c.reply.SimpleString("    Print this help.");
  return Outcome::kDone;
}

}  // namespace mantis::server
