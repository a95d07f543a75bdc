// Runs commands: finds the row, checks arity, authentication, memory and pauses, executes,
// measures.
//
// Thread safety: stateless functions over one core's objects, called on that core.
#pragma once

#include <span>

#include "engine/base/bytes.h"
#include "server/dispatch/command.h"
#include "server/net/client_output.h"

namespace mantis::server {

// One parsed command of a batch with what was found ahead of its execution.
struct ParsedCommand {
  std::span<const Bytes> args;
  const Command* command = nullptr;  // nullptr: unknown, or an unknown subcommand
  uint64_t key_hash = 0;
  int key_index = 0;  // 0: no key known ahead
};

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

// What is to be done once a command of the client has run for `ns`: statistics, slow log, monitors.
// `error` is the reply if it was an error.
void CountExecuted(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t ns,
                   std::string_view error);
// The same for the end of a command that was counted when it began to wait, having run for
// `begun_ns`; now it has run for `ns` more, 0 if it was not served.
void CountEnd(CoreContext& core, Client& client, const ParsedCommand& parsed, uint64_t begun_ns,
              uint64_t ns, std::string_view error);

}  // namespace mantis::server
