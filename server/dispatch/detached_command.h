// A command that runs apart from its client: a copy of its arguments, and a stand-in for the
// client that a handler sees. So a command that takes long runs on a worker thread, and a blocked
// client's command on the core that made its key ready.
//
// Thread safety: made on the client's core; then used by one thread at a time, handed over with
// whatever hands the object over.
// Ownership: owns everything; remembers the client by core and id, as it may be gone meanwhile.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "server/dispatch/command.h"
#include "server/net/client.h"
#include "server/net/input_buffer.h"

namespace mantis::server {

class Connection;

class DetachedCommand : public std::enable_shared_from_this<DetachedCommand> {
 public:
  // `args`: what to run, c.args mostly.
  DetachedCommand(const CommandContext& c, std::span<const Bytes> args);
  // c's command, which leaves its client: many arguments are not copied, but the client's input is
  // taken over. What the client has from MULTI and WATCH goes along and comes back with the reply.
  static std::unique_ptr<DetachedCommand> Leaving(const CommandContext& c);

  // How long the first attempt took, before the command began to wait. On the client's core.
  void set_begun_ns(uint64_t ns) { begun_ns_ = ns; }

  // Runs the handler on `core`'s thread, inside its batch. On kDone the reply is kept here. A
  // command that must run alone (Outcome::kAlone) does, with the batch begun anew around it.
  // Does nothing (kDone) if the client has ended.
  Outcome Run(CoreContext& core, RunMode mode);

  // Gives the reply to the client and lets it go on: on the client's core, if it still is there.
  // Counts the command as executed (with the time that Run took), or, for one that was counted when
  // it began to wait, what Run added.
  enum class Count : uint8_t { kFirst, kAgain };
  void Deliver(Count count = Count::kFirst);

  // Closes the client's connection without an answer.
  void Abandon();

  // Executes the command once more as if it came from the client just now, on the client's core:
  // what made it run elsewhere is not there any more. Held by a shared pointer.
  void ComeBack();

  // For replies that do not come from the handler (timeouts, errors).
  protocol::ReplyWriter& reply() { return stand_in_.reply; }
  std::string_view reply_view() const { return stand_in_.reply_view(); }
  void DropReply() { stand_in_.output.Clear(); }
  CoreContext& home() { return home_; }
  uint64_t client_id() const { return client_id_; }
  int db() const { return stand_in_.db; }
  const Command& command() const { return *command_; }
  // The flags of what it runs: a transaction has those of its commands.
  uint32_t flags() const;
  std::span<const Bytes> args() const { return args_; }
  size_t memory() const {
    return sizeof(*this) + text_.capacity() + input_.capacity() + args_.capacity() * sizeof(Bytes);
  }

 private:
  explicit DetachedCommand(const CommandContext& c);
  void Copy(std::span<const Bytes> args);
  void ComeBackLater();
  // The client, if it is still there and waits for this command, with what went along. Otherwise
  // that is forgotten.
  std::shared_ptr<Connection> Find();

  CoreContext& home_;
  uint64_t client_id_;
  bool silent_;
  const Command* command_;
  std::string text_;         // the arguments' bytes, or else
  InputBuffer input_;        // the client's input
  std::vector<Bytes> args_;  // views into one of them
  std::shared_ptr<const EndMark> client_ended_;
  Client stand_in_;
  uint64_t ticks_ = 0;     // spent in the handler
  uint64_t begun_ns_ = 0;  // see set_begun_ns
};

}  // namespace mantis::server
