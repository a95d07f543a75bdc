#include "server/net/batch_runner.h"

#include "engine/keyspace/lock_waiters.h"
#include "server/core/core_context.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/prefetch.h"
#include "server/net/client.h"
#include "server/net/connection.h"

namespace mantis::server {
namespace {

// Argument lists with room for more than this are freed after their batch: a loop keeps one for
// every command of a batch, and one allocation is little beside what so many arguments cost.
constexpr size_t kKeptArgs = 32;

inline std::optional<RunStop> ExecuteHere(CoreContext& core, Client& client,
                                          const ParsedCommand& command, size_t* done) {
  if (client.killed) return RunStop::kClosing;
  core.RefreshSettings();
  LockWaiters::ForgetObstacle();
  const Outcome outcome = Execute(core, client, command);
  if (outcome == Outcome::kBusy) client.connection->Park();
  ServeReadyKeys(core);
  if (outcome == Outcome::kBusy) return RunStop::kBusy;
  ++*done;
  if (client.close_after_reply || client.killed) return RunStop::kClosing;
  if (outcome == Outcome::kSuspended) return RunStop::kSuspended;
  // The rest of what was parsed may be gone as soon as the command is.
  if (client.connection->input_taken()) return RunStop::kTurnOver;
  if (client.output.pending_open() > client.run_output_max) return RunStop::kOutputFull;
  return std::nullopt;
}

}  // namespace

void TrimArgs(protocol::Args& args) {
  if (args.capacity() > kKeptArgs) protocol::Args().swap(args);
}

RunResult BatchRunner::Run(Client& client, protocol::RequestParser& parser, std::string_view data) {
  size_t consumed = 0;
  size_t executed = 0;
  while (true) {
    core_.RefreshSettings();
    size_t blank = 0;
    const protocol::ParseStatus status = ParseBatch(client, parser, data.substr(consumed), &blank);
    if (count_ == 0) {
      consumed += blank;
    } else {
      size_t done = 0;
      const std::optional<RunStop> stop = ExecuteBatch(client, &done);
      if (done > 0) consumed += ends_[done - 1];
      // What was parsed and not executed is parsed again, by then maybe under other limits.
      if (done < count_) parser.Reset();
      if (stop) return {*stop, consumed};
      if (done < count_) continue;
      executed += done;
    }
    if (status == protocol::ParseStatus::kNeedMore) return {RunStop::kNeedMore, consumed};
    if (status == protocol::ParseStatus::kError) return {RunStop::kProtocolError, consumed};
    if (executed >= kTurnCommands) return {RunStop::kTurnOver, consumed};
  }
}

protocol::ParseStatus BatchRunner::ParseBatch(const Client& client, protocol::RequestParser& parser,
                                              std::string_view data, size_t* blank) {
  // AUTH changes what is allowed next, so it must have run before more is parsed.
  const size_t most = client.authenticated ? kBatchCommands : 1;
  parser.set_authenticated(client.authenticated);
  size_t position = 0;
  count_ = 0;
  while (count_ < most) {
    protocol::Args& args = args_[count_];
    const protocol::ParseStatus status = parser.Parse(data.substr(position), args);
    if (status != protocol::ParseStatus::kCommand) {
      *blank = position;
      return status;
    }
    position += parser.consumed();
    if (args.empty()) {  // a blank line belongs to the command before it
      if (count_ > 0) ends_[count_ - 1] = position;
      continue;
    }
    ParsedCommand& command = batch_[count_];
    command.args = args;
    Prepare(command);
    ends_[count_++] = position;
    if (parser.ArgsInScratch()) break;
  }
  *blank = position;
  return protocol::ParseStatus::kCommand;
}

std::optional<RunStop> BatchRunner::ExecuteBatch(Client& client, size_t* done) {
  if (!core_.op->TryBegin()) {
    core_.stats.busy_retries.Add(1);
    return RunStop::kBusy;
  }
  core_.now_ms = core_.op->now_ms();
  if (count_ > 1) PrefetchBatch(core_, client, {batch_.data(), count_});
  const bool authenticated = client.authenticated;
  std::optional<RunStop> stop;
  while (*done < count_ && !stop && client.authenticated == authenticated) {
    stop = ExecuteHere(core_, client, batch_[*done], done);
  }
  if (core_.op->in_batch()) core_.op->End();
  for (size_t i = 0; i < count_; ++i) TrimArgs(args_[i]);
  return stop;
}

std::optional<RunStop> BatchRunner::ExecuteOne(Client& client, const ParsedCommand& command,
                                               size_t* done) {
  return ExecuteHere(core_, client, command, done);
}

}  // namespace mantis::server
