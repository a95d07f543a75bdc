#include "server/dispatch/detached_command.h"

#include "engine/base/cycle_clock.h"
#include "server/core/core_context.h"
#include "server/core/core_group.h"
#include "server/core/shared_state.h"
#include "server/dispatch/blocked_clients.h"
#include "server/dispatch/dispatcher.h"
#include "server/net/connection.h"

namespace mantis::server {

DetachedCommand::DetachedCommand(const CommandContext& c, std::span<const Bytes> args)
    : home_(c.core),
      client_id_(c.client.id),
      silent_(c.client.reply_mode == ReplyMode::kOff || c.client.reply_skip_now),
      command_(c.command),
      stand_in_(nullptr) {
  size_t bytes = 0;
  for (const Bytes arg : args) bytes += arg.size();
  text_.reserve(bytes);
  for (const Bytes arg : args) {
    args_.emplace_back(text_.data() + text_.size(), arg.size());
    text_.append(arg);
  }
  stand_in_.id = c.client.id;
  stand_in_.db = c.client.db;
  stand_in_.no_touch = c.client.no_touch;
  stand_in_.user = c.client.user;
  stand_in_.name = c.client.name;
  stand_in_.address = c.client.address;
  stand_in_.reply.set_protocol(c.reply.protocol());
}

Outcome DetachedCommand::Run(CoreContext& core, RunMode mode) {
  CommandContext c{
      core.shared.engine,           *core.op, core, core.shared, stand_in_, stand_in_.reply,
      {args_.data(), args_.size()}, command_};
  c.mode = mode;
  core.op->no_touch = stand_in_.no_touch;
  const uint64_t start = Ticks();
  Outcome outcome = command_->row->handler(c);
  if (outcome == Outcome::kAlone) outcome = RunAlone(c);
  if (outcome == Outcome::kDone) {
    ticks_ += Ticks() - start;
  } else {
    stand_in_.output.Clear();
  }
  return outcome;
}

void DetachedCommand::Deliver(Count count) {
  const auto it = home_.connections.find(client_id_);
  if (it == home_.connections.end()) return;
  // Resume may close the connection, which ends the map's ownership.
  const std::shared_ptr<Connection> connection = it->second;
  Client& client = connection->client();
  const std::string_view reply = stand_in_.reply_view();
  const ParsedCommand parsed{{args_.data(), args_.size()}, command_};
  const std::string_view error = reply.starts_with('-') ? reply : std::string_view{};
  if (count == Count::kFirst) {
    CountExecuted(home_, client, parsed, TicksToNs(ticks_), error);
  } else {
    CountEnd(home_, client, parsed, begun_ns_, TicksToNs(ticks_), error);
  }
  if (!silent_) client.output.Splice(stand_in_.output);
  client.Resume();
}

void DetachedCommand::ComeBack() {
  const auto it = home_.connections.find(client_id_);
  if (it == home_.connections.end()) return;
  const std::shared_ptr<Connection> connection = it->second;
  Client& client = connection->client();
  ParsedCommand parsed{{args_.data(), args_.size()}};
  Prepare(parsed);
  BeginBatch(home_);
  client.reply_skip_armed = silent_;
  const Outcome outcome = Execute(home_, client, parsed);
  ServeReadyKeys(home_);
  home_.op->End();
  if (outcome == Outcome::kDone) client.Resume();
  if (outcome == Outcome::kBusy) {
    PostTo(home_, [self = shared_from_this()](CoreContext&) { self->ComeBack(); });
  }
}

}  // namespace mantis::server
