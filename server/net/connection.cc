#include "server/net/connection.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <cerrno>

#include "engine/keyspace/lock_waiters.h"
#include "server/core/core_context.h"
#include "server/core/core_group.h"
#include "server/core/log.h"
#include "server/core/shared_state.h"
#include "server/dispatch/blocked_clients.h"
#include "server/net/client_eviction.h"
#include "server/net/core_loop.h"

namespace mantis::server {
namespace {

constexpr size_t kPartsMax = 64;
// Replies up to this size are in a buffer that Redis does not count.
constexpr size_t kUncountedOutput = 16 * 1024;
// Sent in one turn; a reader that keeps up with a huge reply must not keep the loop for itself.
constexpr size_t kSendTurnMax = 1024 * 1024;
// Memory kept for replies is given back after this long without a request.
constexpr int64_t kShrinkAfterMs = 2000;

}  // namespace

Connection::Connection(CoreContext& core, const AcceptedSocket& socket, uint64_t id)
    : core_(core),
      socket_(core.io, this, &Connection::OnReadable, &Connection::OnWritable),
      client_(this),
      parser_(protocol::Limits{}) {
  // The password may have changed since this core last ran a command.
  core.RefreshSettings();
  client_.id = id;
  client_.fd = socket.fd;
  client_.address = socket.address;
  client_.local_address = socket.local_address;
  client_.unix_socket = socket.unix_socket;
  client_.authenticated = core.settings().requirepass.empty();
  client_.created_ms = core.now_ms;
  client_.last_active_ms = core.now_ms;
}

Connection::~Connection() = default;

bool Connection::Start() {
  if (!socket_.Open(client_.fd)) {
    closed_ = true;
    return false;
  }
  socket_.WaitReadable();
  return true;
}

void Connection::GoOn() {
  if (!Flush() || gathered_) return;
  const bool all_sent = client_.output.empty();
  switch (stop_) {
    case RunStop::kClosing:
    case RunStop::kProtocolError:
      if (all_sent) Close("closing");
      return;
    case RunStop::kNeedMore:
      if (!peer_closed_ && more_to_read_) return QueueTurn();
      if (!peer_closed_ && !draining_) return socket_.WaitReadable();
      if (all_sent) Close(peer_closed_ ? "closed by the peer" : "the server stops");
      return;
    case RunStop::kBusy:
      // A client that is paused has not begun its command, and is to be noticed when it goes.
      if (client_.paused && peer_closed_) return Close("closed by the peer");
      if (!retry_queued_ && !parked_) {
        retry_queued_ = true;
        core_.loop->RetryLater(shared_from_this(), ++tries_);
      }
      if (!client_.paused) return;
      return AwaitMore();
    case RunStop::kSuspended:
      // Only a wait for keys ends with the peer: what else was sent is executed, and what follows.
      if (!peer_closed_) return AwaitMore();
      if (client_.blocked != nullptr) Close("closed by the peer");
      return;
    case RunStop::kOutputFull:
    case RunStop::kTurnOver:
      return QueueTurn();
  }
}

// While a command is held up: to notice the end of the stream, and to take in what is sent behind.
void Connection::AwaitMore() {
  if (input_.size() >= ReadAheadMax()) return;
  // What is there already is not reported once more.
  if (more_to_read_) return ReadAhead();
  socket_.WaitReadable();
}

// What is to happen with the replies that wait before anything else does.
bool Connection::Flush() {
  if (closed_) return false;
  if (client_.killed) {
    client_.reply_too_long ? CloseForOutput(client_.output.reply_max()) : Close("killed");
    return false;
  }
  // Before sending: a limit is one on what was made, as in Redis, however fast the peer reads.
  if (!WithinOutputLimits()) return false;
  if (!client_.output.empty() && !Send()) return false;
  NoteMemory();
  return true;
}

void Connection::QueueTurn() {
  if (turn_queued_) return;
  turn_queued_ = true;
  boost::asio::post(core_.io, [self = shared_from_this()] { self->Turn(); });
}

void Connection::Turn() {
  turn_queued_ = false;
  if (client_.killed) return;
  if (stop_ == RunStop::kNeedMore) return ReadAndRun();
  // The reply that it was resumed for comes before the next one is made.
  if (!Flush()) return;
  if (stop_ == RunStop::kTurnOver || stop_ == RunStop::kOutputFull) RunInput(input_.view());
  GoOn();
}

void Connection::Retry() {
  retry_queued_ = false;
  if (client_.killed || stop_ != RunStop::kBusy) return;
  RunInput(input_.view());
  GoOn();
}

void Connection::Park() {
  parked_ = LockWaiters::Park([&core = core_, id = client_.id] {
    PostTo(core, [id](CoreContext& home) {
      const auto it = home.connections.find(id);
      if (it == home.connections.end()) return;
      // Running may close the connection, which ends the map's ownership.
      const std::shared_ptr<Connection> connection = it->second;
      connection->Unpark();
    });
  });
}

void Connection::Unpark() {
  parked_ = false;
  if (client_.killed) return;
  tries_ = 0;
  if (stop_ == RunStop::kBusy && !retry_queued_) RunInput(input_.view());
  GoOn();
}

void Connection::Resume() {
  if (client_.killed || stop_ != RunStop::kSuspended) return;
  if (client_.close_after_reply) {
    stop_ = RunStop::kClosing;
    input_.Assign({});
    return FlushSoon();
  }
  stop_ = RunStop::kTurnOver;
  QueueTurn();
}

void Connection::FlushSoon() {
  if (flush_queued_ || closed_) return;
  flush_queued_ = true;
  boost::asio::post(core_.io, [self = shared_from_this()] {
    self->flush_queued_ = false;
    self->GoOn();
  });
}

void Connection::Kill() {
  client_.End();
  boost::asio::post(core_.io, [self = shared_from_this()] { self->Close("killed"); });
}

void Connection::Drain() {
  draining_ = true;
  if (closed_) return;
  if (client_.blocked != nullptr) return Close("the server stops");
  if (gathered_) {
    more_to_read_ = true;  // something may have come since
    return;
  }
  if (stop_ == RunStop::kNeedMore) {
    ReadAndRun();
  } else {
    GoOn();
  }
}

bool Connection::Send() {
  ClientOutput& output = client_.output;
  size_t turn = 0;
  while (!output.empty()) {
    if (socket_.waiting_writable() || turn >= kSendTurnMax) {
      if (!socket_.waiting_writable()) FlushSoon();
      output.Seal();
      return true;
    }
    std::array<iovec, kPartsMax> parts;
    // A fast reader takes as much as a single call offers, so the call must be bounded as well.
    const size_t count = output.Gather(parts, kSendTurnMax - turn);
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t sent =
        count == 1 ? ::send(socket_.fd(), parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL)
                   : ::sendmsg(socket_.fd(), &message, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) {
      Close("cannot send");
      return false;
    }
    size_t offered = 0;
    for (size_t i = 0; i < count; ++i) offered += parts[i].iov_len;
    const size_t n = sent > 0 ? static_cast<size_t>(sent) : 0;
    turn += n;
    output.Consume(n);
    client_.bytes_out += static_cast<int64_t>(n);
    core_.stats.bytes_out.Add(static_cast<int64_t>(n));
    core_.stats.writes_processed.Add(1);
    if (n < offered) socket_.WaitWritable();
  }
  return true;
}

const config::OutputBufferLimit& Connection::OutputLimit() const {
  const config::OutputBufferLimits& limits = core_.settings().client_output_buffer_limit;
  // Monitors are normal clients, but fed without asking, like subscribers: where nothing bounds the
  // ones they are bounded like the others.
  const bool bounded = limits.normal.hard > 0 || limits.normal.soft > 0;
  return client_.pubsub || (client_.monitor && !bounded) ? limits.pubsub : limits.normal;
}

bool Connection::WithinOutputLimits() {
  const size_t pending = client_.output.pending();
  if (pending <= kUncountedOutput) [[likely]] {
    over_soft_limit_since_ms_ = 0;
    return true;
  }
  return WithinOutputLimits(pending);
}

bool Connection::WithinOutputLimits(size_t pending) {
  const config::OutputBufferLimit& limit = OutputLimit();
  bool over = limit.hard > 0 && pending > limit.hard;
  if (limit.soft > 0 && pending > limit.soft) {
    if (over_soft_limit_since_ms_ == 0) over_soft_limit_since_ms_ = core_.now_ms;
    if (core_.now_ms - over_soft_limit_since_ms_ > limit.soft_seconds * 1000) over = true;
  } else {
    over_soft_limit_since_ms_ = 0;
  }
  if (over) CloseForOutput(pending);
  return !over;
}

void Connection::CloseForOutput(size_t bytes) {
  core_.stats.output_limit_disconnects.Add(1);
  LogWarning(fmt::format(
      "Client id={} addr={} closed for overcoming of output buffer limits: "
      "{} bytes wait to be sent{}",
      client_.id, client_.address, bytes, client_.reply_too_long ? ", and the reply goes on" : ""));
  Close("output buffer limit");
}

void Connection::Close(std::string_view reason) {
  if (closed_) return;
  closed_ = true;
  client_.End();
  if (LogEnabled(config::LogLevel::kVerbose)) {
    LogVerbose(fmt::format("Client id={} addr={} closed: {}", client_.id, client_.address, reason));
  }
  socket_.Close();
  core_.loop->client_memory().Forget(memory_place_);
  if (client_.monitor) {
    --core_.monitors;
    core_.shared.monitor_count.fetch_sub(1, std::memory_order_relaxed);
    core_.loop->ForgetMonitor(this);
  }
  if (client_.paused) core_.shared.blocked_clients.fetch_sub(1, std::memory_order_relaxed);
  EndTransaction(core_, client_);
  core_.load.fetch_sub(1, std::memory_order_relaxed);
  core_.shared.client_count.fetch_sub(1, std::memory_order_relaxed);
  client_.output.Clear();
  // Operations that were pending complete before this runs.
  boost::asio::post(core_.io, [self = shared_from_this()] {});
  core_.connections.erase(client_.id);
}

void Connection::Housekeep() {
  if (closed_) return;
  const int64_t idle_ms = core_.now_ms - client_.last_active_ms;
  const int timeout = core_.settings().timeout;
  const bool exempt = client_.pubsub || client_.monitor || suspended() || client_.paused;
  if (timeout > 0 && !exempt && idle_ms > int64_t{timeout} * 1000) {
    return Close("idle for longer than timeout");
  }
  if (!WithinOutputLimits()) return;
  if (idle_ms > kShrinkAfterMs) {
    client_.output.Shrink();
    input_.Shrink();
  }
  NoteMemory();
}

size_t Connection::argument_memory() const {
  return parser_.memory() + client_.detached_bytes +
         (client_.blocked == nullptr ? 0 : client_.blocked->command().memory());
}

size_t Connection::memory() const {
  size_t bytes = sizeof(*this) + input_.capacity() + client_.output.memory() + argument_memory();
  if (client_.transaction != nullptr || client_.watched != nullptr) {
    bytes += QueueMemory(client_) + WatchMemory(client_);
  }
  return bytes;
}

void Connection::NoteMemory() {
  core_.loop->client_memory().Note(*this, memory_place_, memory());
  core_.shared.client_eviction->Check(core_);
}

void Client::End() {
  killed = true;
  if (end_mark != nullptr) end_mark->store(true, std::memory_order_release);
  connection->core().blocked->Drop(*this);
}

void Client::Resume() {
  if (killed) return;
  if (!ContinueExec(*this)) connection->Resume();
}

}  // namespace mantis::server
