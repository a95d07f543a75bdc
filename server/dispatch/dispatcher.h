// Runs commands: finds the row, checks arity, authentication, memory and pauses, executes.
//
// Thread safety: stateless functions over one core's objects, called on that core.
#pragma once

#include "server/dispatch/command.h"
#include "server/net/client_output.h"

namespace mantis::server {

// Looks the command up and computes the hash of its first key.
void Prepare(ParsedCommand& parsed);

// Executes one command inside the core's current batch. A command that needs the global gate makes
// it end and begin the batch anew around itself. On kBusy nothing was written.
Outcome Execute(CoreContext& core, Client& client, const ParsedCommand& parsed);

// Begins the core's batch. Returns false if somebody has the gate.
[[nodiscard]] bool TryBeginBatch(CoreContext& core);
// Replaces what was written since `mark` by the error that there is no memory for the command.
void ReplyNoMemory(Client& client, const ClientOutput::Mark& mark);

// Begins the core's batch, waiting for who holds the gate.
void BeginBatch(CoreContext& core);

// Runs the handler under the global gate, outside of the core's batch, which is begun anew after
// it. kBusy if the gate is not to be had now; a worker waits for it.
Outcome RunAlone(CommandContext& c);

}  // namespace mantis::server
