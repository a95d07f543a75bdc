// Connection's receiving side.
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <utility>

#include "engine/base/allocation_failure.h"
#include "server/core/core_context.h"
#include "server/core/housekeeping.h"
#include "server/core/log.h"
#include "server/core/shared_state.h"
#include "server/net/client_eviction.h"
#include "server/net/connection.h"
#include "server/net/core_loop.h"

namespace mantis::server {
namespace {

// Bytes of replies after which a run of commands ends, for them to be sent. With a hard limit: once
// they are beyond it, within these bounds.
constexpr size_t kRunOutputUsual = 64 * 1024;
constexpr size_t kRunOutputMin = 16 * 1024;
constexpr size_t kRunOutputMax = 1024 * 1024;
// The first bytes of output do not count: see Connection::WithinOutputLimits.
constexpr size_t kReplyMaxLeast = 1024 * 1024;
constexpr size_t kReadMin = 16 * 1024;
constexpr size_t kReadMax = 4 * 1024 * 1024;
// Partial commands up to this size are completed in the core's read buffer.
constexpr size_t kSmallRest = CoreLoop::kReadBufferSize / 2;

}  // namespace

void Connection::ReadAndRun() {
  if (client_.killed) return;
  if (stop_ != RunStop::kNeedMore) return ReadAhead();
  if (input_.size() > kSmallRest) return ReadLarge();
  char* const buffer = core_.loop->read_buffer();
  const size_t kept = input_.size();
  if (kept > 0) std::memcpy(buffer, input_.view().data(), kept);
  size_t received = 0;
  if (Receive(buffer + kept, CoreLoop::kReadBufferSize - kept, &received)) {
    const std::string_view data(buffer, kept + received);
    if (kept == 0 && Gather(data)) return;
    RunInput(data);
  }
  GoOn();
}

bool Connection::Gather(std::string_view data) {
  // Alone, a client would only wait for the loop to come round.
  if (more_to_read_ || draining_ || core_.connections.size() < 2) return false;
  ApplyLimits();
  gathered_ = core_.loop->gather().Add(*this, parser_, data);
  return gathered_;
}

void Connection::EndGathered(const RunResult& result, std::string_view data) {
  gathered_ = false;
  if (closed_) return;
  NoteRun(result, data);
  GoOn();
}

void Connection::ReadLarge() {
  const size_t room = LargeRoom();
  char* const place = RoomFor(room);
  size_t received = 0;
  if (place != nullptr && Receive(place, room, &received)) {
    input_.Commit(received);
    RunInput(input_.view());
  }
  GoOn();
}

// nullptr: there is no memory for what the client says. Its command cannot be known, nor where the
// next one begins, so the client is told and closed.
char* Connection::RoomFor(size_t bytes) {
  try {
    const memory::MayFail may_fail;
    return input_.Reserve(bytes);
  } catch (const std::bad_alloc&) {
    LogWarning(
        fmt::format("Closing client: no memory for more than {} bytes of its input: id={} "
                    "addr={}",
                    input_.size(), client_.id, client_.address));
    ReplyNoMemory(client_, client_.output.mark());
    client_.close_after_reply = true;
    if (!suspended()) stop_ = RunStop::kClosing;
    input_.Assign({});
    parser_.Reset();
    return nullptr;
  }
}

// As much as the command is known to need, but no more than what was received already: an
// announced length alone reserves nothing.
size_t Connection::LargeRoom() const {
  const size_t wanted = parser_.BytesWanted();
  const size_t missing = wanted > input_.size() ? wanted - input_.size() : 0;
  return std::clamp(missing, kReadMin, std::clamp(input_.size(), kReadMin, kReadMax));
}

// While a command is suspended: only to notice the end of the stream, and up to a bound.
void Connection::ReadAhead() {
  size_t turn = 0;
  do {
    const size_t room = std::clamp(input_.size(), kReadMin, kReadMax);
    char* const place = RoomFor(room);
    if (place == nullptr) return Close("no memory for its input");
    size_t received = 0;
    if (Receive(place, room, &received)) input_.Commit(received);
    turn += received;
  } while (!closed_ && more_to_read_ && turn < kReadMax && input_.size() < ReadAheadMax());
  HoldToInputLimit();
  if (!closed_ && more_to_read_ && input_.size() < ReadAheadMax()) QueueTurn();
  if (!closed_ && !more_to_read_) return GoOn();
  if (!closed_) NoteMemory();
}

// A wait for a key may last, and must end with the connection, so all that comes is received.
size_t Connection::ReadAheadMax() const {
  if (client_.blocked == nullptr) return CoreLoop::kReadBufferSize;
  return static_cast<size_t>(core_.settings().client_query_buffer_limit) + 1;
}

void Connection::HoldToInputLimit() {
  const auto limit = static_cast<size_t>(core_.settings().client_query_buffer_limit);
  if (closed_ || input_.size() <= limit) return;
  core_.stats.query_limit_disconnects.Add(1);
  LogWarning(
      fmt::format("Closing client that reached max query buffer length: id={} addr={} "
                  "with {} bytes",
                  client_.id, client_.address, input_.size()));
  Close("query buffer limit");
}

// False: nothing was received; either there is nothing now, or peer_closed_ or closed_ say why.
bool Connection::Receive(char* room, size_t size, size_t* received) {
  ssize_t n;
  do {
    n = ::recv(socket_.fd(), room, size, 0);
  } while (n < 0 && errno == EINTR);
  more_to_read_ = n > 0 && static_cast<size_t>(n) == size;
  if (n < 0) {
    if (errno != EAGAIN) Close("cannot receive");
    return false;
  }
  if (n == 0) {
    peer_closed_ = true;
    return false;
  }
  *received = static_cast<size_t>(n);
  client_.last_active_ms = core_.now_ms;
  client_.bytes_in += n;
  core_.stats.bytes_in.Add(n);
  core_.stats.reads_processed.Add(1);
  if (!more_to_read_ && !in_short_reads_) {
    in_short_reads_ = true;
    core_.loop->NoteShortRead(client_.id);
  }
  return true;
}

void Connection::RunInput(std::string_view data) {
  ApplyLimits();
  NoteRun(core_.loop->runner().Run(client_, parser_, data), data);
}

void Connection::NoteRun(const RunResult& result, std::string_view data) {
  if (Housekeeping* housekeeping = core_.loop->housekeeping()) housekeeping->NoticeCommands();
  stop_ = result.stop;
  if (result.consumed > 0) tries_ = 0;
  if (stop_ == RunStop::kProtocolError) {
    client_.reply.Error("ERR " + std::string(parser_.error()));
    client_.close_after_reply = true;
    stop_ = RunStop::kClosing;
  }
  if (stop_ == RunStop::kClosing) {
    input_taken_ = 0;
    input_.Assign({});
    return;
  }
  // After TakeInput `data` belongs to somebody else, and what came behind it is in input_.
  const size_t taken = std::exchange(input_taken_, 0);
  if (taken != 0) {
    input_.Consume(result.consumed - taken);
  } else {
    input_.Assign(data.substr(result.consumed));
  }
  if (stop_ == RunStop::kNeedMore && !input_.empty()) HoldToInputLimit();
}

bool Connection::TakeInput(std::span<const std::string_view> args, InputBuffer* out) {
  constexpr size_t kCrlf = 2;
  const std::string_view all = input_.view();
  const std::less_equal<> not_after;
  const std::string_view last = args.back();
  if (input_.empty() || !not_after(all.data(), args.front().data()) ||
      !not_after(args.front().data(), last.data()) ||
      !not_after(last.data() + last.size() + kCrlf, all.data() + all.size())) {
    return false;
  }
  // The end of an inline command may be a line feed alone; such a command is copied.
  if (std::string_view(last.data() + last.size(), kCrlf) != "\r\n") return false;
  const size_t taken = static_cast<size_t>(last.data() - all.data()) + last.size() + kCrlf;
  InputBuffer rest;
  rest.Assign(all.substr(taken));
  input_taken_ = taken;
  out->Swap(input_);
  input_.Swap(rest);
  return true;
}

void Connection::ApplyLimits() {
  if (limits_version_ == core_.settings_version()) return;
  limits_version_ = core_.settings_version();
  protocol::Limits limits;
  limits.bulk_len_max = static_cast<size_t>(core_.settings().proto_max_bulk_len);
  parser_.SetLimits(limits);
  // A client over its hard limit executes nothing more.
  const size_t hard = OutputLimit().hard;
  client_.run_output_max =
      hard == 0 ? kRunOutputUsual : std::clamp(hard, kRunOutputMin, kRunOutputMax);
  // One command is held to it as well. Without one, to what all clients may hold together.
  client_.output.set_reply_max(hard == 0 ? core_.shared.client_eviction->ReplyMax()
                                         : std::max(hard, kReplyMaxLeast));
}

void Connection::CheckPeer() {
  in_short_reads_ = false;
  if (closed_ || !socket_.waiting_readable()) return;
  char byte;
  const ssize_t n = ::recv(socket_.fd(), &byte, 1, MSG_PEEK);
  if (n == 0) {
    peer_closed_ = true;
    GoOn();
  } else if (n < 0 && errno != EAGAIN && errno != EINTR) {
    Close("cannot receive");
  }
}

}  // namespace mantis::server
