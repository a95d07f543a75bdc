#include "server/dispatch/detached_command.h"

#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <memory>
#include <utility>

#include "engine/base/allocation_failure.h"
#include "engine/base/cycle_clock.h"
#include "engine/keyspace/lock_waiters.h"
#include "server/core/core_context.h"
#include "server/core/core_group.h"
#include "server/core/shared_state.h"
#include "server/dispatch/accounting.h"
#include "server/dispatch/argument_memory.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/dispatcher.h"
#include "server/dispatch/transaction.h"
#include "server/net/connection.h"

namespace mantis::server {

namespace {

// From this size on a copy of the arguments takes longer than giving the client another buffer.
constexpr size_t kTakenFrom = 64 * 1024;

std::shared_ptr<const EndMark> MarkOf(Client& client) {
  if (client.end_mark == nullptr) client.end_mark = std::make_shared<EndMark>(false);
  return client.end_mark;
}

}  // namespace

DetachedCommand::DetachedCommand(const CommandContext& c)
    : home_(c.core),
      client_id_(c.client.id),
      silent_(c.client.reply_mode == ReplyMode::kOff || c.client.reply_skip_now),
      command_(c.command),
      client_ended_(MarkOf(c.client)),
      stand_in_(nullptr) {
  stand_in_.id = c.client.id;
  stand_in_.db = c.client.db;
  stand_in_.no_touch = c.client.no_touch;
  stand_in_.user = c.client.user;
  stand_in_.name = c.client.name;
  stand_in_.address = c.client.address;
  stand_in_.reply.set_protocol(c.reply.protocol());
  stand_in_.output.set_reply_max(c.client.output.reply_max());
}

DetachedCommand::DetachedCommand(const CommandContext& c, std::span<const Bytes> args)
    : DetachedCommand(c) {
  Copy(args);
}

std::unique_ptr<DetachedCommand> DetachedCommand::Leaving(const CommandContext& c) {
  // make_unique cannot reach the constructor.
  std::unique_ptr<DetachedCommand> command(new DetachedCommand(c));
  const auto size = static_cast<size_t>(c.args.back().data() - c.args.front().data());
  // What may fail for want of memory comes first.
  command->args_.reserve(c.args.size());
  if (size >= kTakenFrom && c.client.connection->TakeInput(c.args, &command->input_)) {
    command->args_.assign(c.args.begin(), c.args.end());
  } else {
    command->Copy(c.args);
  }
  command->stand_in_.transaction = std::move(c.client.transaction);
  command->stand_in_.watched = std::move(c.client.watched);
  return command;
}

void DetachedCommand::Copy(std::span<const Bytes> args) {
  size_t bytes = 0;
  for (const Bytes arg : args) bytes += arg.size();
  text_.reserve(bytes);
  args_.reserve(args.size());
  for (const Bytes arg : args) {
    args_.emplace_back(text_.data() + text_.size(), arg.size());
    text_.append(arg);
  }
}

std::shared_ptr<Connection> DetachedCommand::Find() {
  const auto it = home_.connections.find(client_id_);
  if (it == home_.connections.end()) {
    EndTransaction(home_, stand_in_);
    return nullptr;
  }
  Client& client = it->second->client();
  if (stand_in_.transaction != nullptr) client.transaction = std::move(stand_in_.transaction);
  if (stand_in_.watched != nullptr) client.watched = std::move(stand_in_.watched);
  return it->second;
}

uint32_t DetachedCommand::flags() const { return FlagsNow(stand_in_, *command_->row); }

Outcome DetachedCommand::Run(CoreContext& core, RunMode mode) {
  if (client_ended_->load(std::memory_order_acquire)) return Outcome::kDone;
  CommandContext c{
      core.shared.engine,           *core.op, core, core.shared, stand_in_, stand_in_.reply,
      {args_.data(), args_.size()}, command_};
  c.mode = mode;
  core.op->no_touch = stand_in_.no_touch;
  const uint64_t start = Ticks();
  Outcome outcome = Outcome::kDone;
  try {
    const memory::MayFail may_fail;
    EnsureForArguments(c.args, *command_->row);
    outcome = command_->row->handler(c);
    if (outcome == Outcome::kAlone) outcome = RunAlone(c);
  } catch (const std::bad_alloc&) {
    ReplyNoMemory(stand_in_, {});
    NoteRefused(core, stand_in_, {{args_.data(), args_.size()}, command_}, {});
  } catch (const protocol::ReplyTooLong&) {
    stand_in_.DropReply({});
  }
  if (outcome == Outcome::kDone) {
    ticks_ += Ticks() - start;
  } else {
    stand_in_.output.Clear();
  }
  return outcome;
}

void DetachedCommand::Abandon() {
  if (const std::shared_ptr<Connection> connection = Find()) connection->Kill();
}

void DetachedCommand::Deliver(Count count) {
  // Resume may close the connection, which ends the map's ownership.
  const std::shared_ptr<Connection> connection = Find();
  if (connection == nullptr) return;
  Client& client = connection->client();
  if (client.killed) return;
  client.db = stand_in_.db;  // EXEC may have selected another one
  client.commands_executed += std::exchange(stand_in_.commands_executed, 0);
  const std::string_view reply = stand_in_.reply_view();
  const ParsedCommand parsed{{args_.data(), args_.size()}, command_};
  const std::string_view error = reply.starts_with('-') ? reply : std::string_view{};
  if (count == Count::kFirst) {
    CountExecuted(home_, client, parsed, TicksToNs(ticks_), error);
  } else {
    CountEnd(home_, client, parsed, begun_ns_, TicksToNs(ticks_), error);
  }
  client.detached_bytes = 0;
  if (stand_in_.reply_too_long) {
    client.DropReply(client.output.mark());
    return connection->FlushSoon();
  }
  if (!silent_) client.output.Adopt(stand_in_.output);
  client.Resume();
}

void DetachedCommand::ComeBack() {
  const std::shared_ptr<Connection> connection = Find();
  if (connection == nullptr) return;
  Client& client = connection->client();
  if (client.killed) return;
  ParsedCommand parsed{{args_.data(), args_.size()}};
  Prepare(parsed);
  client.detached_bytes = 0;
  if (!TryBeginBatch(home_)) return ComeBackLater();
  client.reply_skip_armed = silent_;
  LockWaiters::ForgetObstacle();
  const Outcome outcome = Execute(home_, client, parsed);
  const auto again = [self = shared_from_this()] {
    PostTo(self->home_, [self](CoreContext&) { self->ComeBack(); });
  };
  const bool parked = outcome == Outcome::kBusy && LockWaiters::Park(again);
  ServeReadyKeys(home_);
  home_.op->End();
  if (outcome == Outcome::kDone) client.Resume();
  if (outcome == Outcome::kBusy && !parked) ComeBackLater();
}

void DetachedCommand::ComeBackLater() {
  constexpr auto kRetry = std::chrono::milliseconds(1);
  const auto timer = std::make_shared<boost::asio::steady_timer>(home_.io, kRetry);
  timer->async_wait([self = shared_from_this(), timer](const boost::system::error_code& ec) {
    if (!ec) self->ComeBack();
  });
}

}  // namespace mantis::server
