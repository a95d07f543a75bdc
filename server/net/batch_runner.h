// Turns received bytes into executed commands: parses what is complete, prefetches, executes, all
// of it within one engine batch per 128 commands.
//
// Thread safety: one per core, used on that core.
// Ownership: holds the argument lists between batches, so that parsing allocates nothing in the
// steady state. Arguments are views into the bytes given to Run().
// Bounds: a run ends after kTurnCommands commands, and when more than Client::run_output_max bytes
// of new replies wait, whatever is left of the input; the caller serves others and comes back.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string_view>

#include "protocol/request_parser.h"
#include "server/dispatch/dispatcher.h"

namespace mantis::server {

struct Client;
struct CoreContext;

// Why a run ended. Except for kNeedMore, unconsumed bytes may hold complete commands.
enum class RunStop : uint8_t {
  kNeedMore,       // everything complete was executed
  kBusy,           // the next command, or the engine, asks to be tried again later
  kSuspended,      // the last command's reply comes later
  kOutputFull,     // replies are to be sent, as far as the peer takes them, before more are made
  kTurnOver,       // it is others' turn
  kClosing,        // QUIT, CLIENT KILL: what is left is dropped
  kProtocolError,  // the parser has the error's text
};

struct RunResult {
  RunStop stop;
  size_t consumed;
};

// Frees an argument list that has become long. To be called between batches.
void TrimArgs(protocol::Args& args);

class BatchRunner {
 public:
  static constexpr size_t kBatchCommands = 128;
  static constexpr size_t kTurnCommands = 1024;

  explicit BatchRunner(CoreContext& core) : core_(core) {}

  RunResult Run(Client& client, protocol::RequestParser& parser, std::string_view data);
  // Executes one command within the engine batch that the caller has begun, and adds to `done` if
  // it was executed. Nothing: the client may go on. A client that was killed executes nothing.
  std::optional<RunStop> ExecuteOne(Client& client, const ParsedCommand& command, size_t* done);

 private:
  // Fills batch_ from `data`; `blank` receives the bytes that may be skipped if it stays empty.
  protocol::ParseStatus ParseBatch(const Client& client, protocol::RequestParser& parser,
                                   std::string_view data, size_t* blank);
  // Executes batch_; `done` receives how many commands were. Nothing: all of them, go on.
  std::optional<RunStop> ExecuteBatch(Client& client, size_t* done);

  CoreContext& core_;
  std::array<protocol::Args, kBatchCommands> args_;
  std::array<ParsedCommand, kBatchCommands> batch_;
  std::array<size_t, kBatchCommands> ends_{};  // end of each command, from the batch's first byte
  size_t count_ = 0;
};

}  // namespace mantis::server
