// MULTI, EXEC, WATCH: what a client has queued and watches, and how the dispatcher treats its
// commands meanwhile. The commands themselves are in server/commands/transaction_commands.cc.
//
// EXEC locks every key that the queued commands name and every key that is watched, then runs all
// commands, then unlocks: nobody sees a part of it, and nothing comes between. If the keys of a
// command cannot be told from its arguments, all of it runs under the global gate instead. Commands
// that ask other cores touch no keys; they come after the others, though their replies do not.
//
// Thread safety: one thread at a time: the client's core, or the worker that a long EXEC was handed
// to.
// Ownership: both are part of the Client, and travel with its EXEC; a queued command owns a copy of
// its arguments, or the input that they arrived in.
#pragma once

#include <absl/container/flat_hash_set.h>

#include <cstddef>
#include <deque>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "server/dispatch/command.h"
#include "server/net/client_output.h"
#include "server/net/input_buffer.h"

namespace mantis::server {

class Connection;
struct ParsedCommand;
struct WatchState;

class QueuedCommand {
 public:
  // Copies the arguments; of very many it takes the connection's input over.
  QueuedCommand(const ParsedCommand& parsed, Connection& connection);

  const Command& command() const { return *command_; }
  std::span<const Bytes> args() const {
    return {reinterpret_cast<const Bytes*>(block_.get()), argc_};
  }
  size_t memory() const { return size_; }

 private:
  const Command* command_;
  size_t argc_;
  size_t size_ = 0;
  std::unique_ptr<std::byte[]> block_;  // the arguments, then the bytes that they view, unless
  std::unique_ptr<InputBuffer> input_;  // those are here
};

struct Transaction {
  std::deque<QueuedCommand> commands;  // one that grows without moving all of them
  size_t memory = 0;                   // of the queued commands' blocks
  size_t steps = 0;                    // how long it will take, in arguments
  bool portable = true;                // it can run apart from its client's core
  uint32_t flags = 0;                  // CommandFlags of any of them
  bool aborted = false;                // a command was refused: EXEC will be
  int tries = 0;                       // of EXEC that met other clients' locks

  // Once EXEC has run: the commands that ask other cores, last first, each with the replies that
  // come after its own.
  struct Open {
    size_t index;
    std::unique_ptr<ClientOutput> after;
  };
  std::vector<Open> open;
};

struct WatchedKeys {
  std::shared_ptr<WatchState> state;
  absl::flat_hash_set<std::pair<int, std::string>> keys;  // database and key
  bool dirty() const;
};

// Bytes held for the client's queued commands (CLIENT LIST: multi-mem) and watched keys.
size_t QueueMemory(const Client& client);
size_t WatchMemory(const Client& client);

// The flags that say whether a command may run now: for EXEC also those of what is queued.
uint32_t FlagsNow(const Client& client, const CommandRow& row);
// True if the client is in MULTI and the command is one to be queued.
bool IsQueued(const Client& client, const CommandRow& row);
// True if the command, or what EXEC would run, may need memory.
bool NeedsMemory(const Client& client, const CommandRow& row);
// Returns false, having changed nothing, if there is no memory for it.
[[nodiscard]] bool Queue(Client& client, const ParsedCommand& parsed);
// The command was refused with an error, which is what was written since `mark`: a transaction is
// lost by that, and a refused EXEC says so.
void NoteRefused(CoreContext& core, Client& client, const ParsedCommand& parsed,
                 const ClientOutput::Mark& mark);

// The handlers. Each ends in a reply.
Outcome Multi(CommandContext& c);
Outcome Exec(CommandContext& c);
Outcome Discard(CommandContext& c);
Outcome Watch(CommandContext& c);
Outcome Unwatch(CommandContext& c);

// The reply of one of EXEC's commands that asked other cores is written: goes on with the next one.
// False: there is none, or no EXEC under way.
bool ContinueExec(Client& client);

// Leaves MULTI and forgets the watched keys (RESET, the end of the connection).
void EndTransaction(CoreContext& core, Client& client);

}  // namespace mantis::server
