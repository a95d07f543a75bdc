// Why a command is refused whatever the server's state is, and how its client is told.
//
// Thread safety: stateless functions over one core's objects, called on that core.
#pragma once

#include <cstddef>
#include <cstdint>

#include "server/core/core_context.h"
#include "server/dispatch/command.h"
#include "server/dispatch/command_table.h"
#include "server/net/client.h"

namespace mantis::server {

enum class Refusal : uint8_t { kNone, kUnknown, kArity, kNoAuth, kInMulti };

inline bool ArityFits(const CommandRow& row, size_t argc) {
  return row.arity >= 0 ? argc == static_cast<size_t>(row.arity)
                        : argc >= static_cast<size_t>(-row.arity);
}

inline Refusal RefusalOf(CoreContext& core, const Client& client, const ParsedCommand& parsed) {
  if (parsed.command == nullptr) return Refusal::kUnknown;
  const CommandRow& row = *parsed.command->row;
  if (!ArityFits(row, parsed.args.size()) || row.handler == nullptr) return Refusal::kArity;
  // A password taken away lets everybody in, also those who came while there was one.
  if (!client.authenticated && (row.flags & kNoAuth) == 0 && !core.settings().requirepass.empty()) {
    return Refusal::kNoAuth;
  }
  if (client.transaction != nullptr && (row.flags & kNoMulti) != 0) return Refusal::kInMulti;
  return Refusal::kNone;
}

// Writes the error, or ends the client.
void Tell(CoreContext& core, Client& client, const ParsedCommand& parsed, Refusal refusal);

}  // namespace mantis::server
