// The state of one client that commands and introspection see. Its socket side is Connection.
//
// Thread safety: lives on one core and is touched on that core only; other cores reach it by
// posting there (CoreGroup in core/core_group.h).
// Ownership: part of its Connection, or of a DetachedCommand, where it stands in for the real one.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/value/blob.h"
#include "protocol/reply_writer.h"
#include "server/dispatch/transaction.h"
#include "server/net/client_output.h"

namespace mantis::server {

class BlockedCommand;
class Connection;
struct Command;

// What a client shares with its commands that run on other threads: those that have not begun when
// it is set do not begin. Release and acquire: who sees it set sees what ended before.
using EndMark = std::atomic<bool>;

enum class ReplyMode : uint8_t { kOn, kOff, kSkipNext };

struct Client {
  explicit Client(Connection* owner) : connection(owner), reply(output.buffer()) {}

  Connection* connection;  // nullptr for the stand-in of a detached command
  uint64_t id = 0;
  int db = 0;
  bool authenticated = true;
  bool monitor = false;
  bool no_evict = false;
  bool no_touch = false;
  bool close_after_reply = false;  // QUIT, protocol errors: send what is written, then close
  bool killed = false;             // executes nothing more: see End
  bool reply_too_long = false;     // what its command wrote was dropped: it is to be closed
  bool paused = false;             // CLIENT PAUSE holds its command back
  bool pubsub = false;
  ReplyMode reply_mode = ReplyMode::kOn;
  bool reply_skip_armed = false;  // CLIENT REPLY SKIP: suppress the next command's reply
  bool reply_skip_now = false;    // the command being executed is that next one
  std::string name;
  std::string lib_name;
  std::string lib_version;
  std::string user = "default";
  std::string address;  // "127.0.0.1:5000", "[::1]:5000" or "path:0" of a unix socket
  std::string local_address;
  bool unix_socket = false;
  int fd = -1;
  int64_t created_ms = 0;
  int64_t last_active_ms = 0;
  // It deleted big values faster than they are freed: its next command waits until they are, or
  // until then. 0: it did not.
  int64_t waits_for_freeing_until_ms = 0;
  const Command* last_command = nullptr;
  std::unique_ptr<Transaction> transaction;  // from MULTI to EXEC or DISCARD
  std::unique_ptr<WatchedKeys> watched;      // from WATCH to EXEC, DISCARD or UNWATCH
  std::shared_ptr<BlockedCommand> blocked;   // while its command waits for keys
  std::shared_ptr<EndMark> end_mark;         // once a command of it ran detached
  // A run of its commands ends once more than this many bytes of new replies wait.
  size_t run_output_max = 64 * 1024;
  size_t detached_bytes = 0;  // memory of its command that is on a worker thread
  int64_t commands_executed = 0;
  int64_t bytes_in = 0;
  int64_t bytes_out = 0;

  ClientOutput output;
  protocol::ReplyWriter reply;

  // Everything written and not yet taken away by the sender.
  std::string_view reply_view() const { return output.buffer().view(); }

  // The client is killed or its connection closes: it executes nothing more, its blocked command
  // takes nothing, and one that waits for a worker thread does not begin. On the client's core.
  void End();

  // Its command's reply became too long, and was dropped: nothing follows. On the client's core,
  // or for a stand-in.
  void DropReply(const ClientOutput::Mark& mark) {
    output.Rewind(mark);
    reply_too_long = true;
    killed = connection != nullptr;
  }

  // Ends kSuspended: the reply has been written to `reply` by the caller; goes on with the client's
  // next commands. On the client's core.
  void Resume();
};

}  // namespace mantis::server
