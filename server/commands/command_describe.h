// What COMMAND INFO and COMMAND DOCS say about a command, derived from its row.
//
// Thread safety: pure functions over constants and the caller's reply writer.
#pragma once

#include <string_view>
#include <vector>

#include "server/dispatch/command.h"

namespace mantis::server {

// The ten elements of COMMAND INFO, subcommands included.
void WriteCommandInfo(protocol::ReplyWriter& reply, const Command& command);
// The map of COMMAND DOCS, subcommands included.
void WriteCommandDocs(protocol::ReplyWriter& reply, const Command& command);

// Names of the flags, without those that only concern this server's inside.
std::vector<std::string_view> FlagNames(uint32_t flags);
std::vector<std::string_view> KeyFlagNames(uint16_t flags);
// ACL categories without "@": those the flags imply and those of the row.
std::vector<std::string_view> CategoryNames(const CommandRow& row);
bool IsCategory(Bytes name);

}  // namespace mantis::server
