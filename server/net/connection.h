// One client's connection: receives, has its commands executed, sends the replies.
//
// Thread safety: lives on its core's thread from Start() to its end; other cores post to that core
// and find it in CoreContext::connections by client id.
// Ownership: the map owns it; the descriptor is owned by its ReactorSocket. Close() takes it out
// of the map, and it is destroyed once the loop has run what was queued before.
// Sending and executing do not wait for each other: a client may write all it has to say before it
// reads, so its commands are executed, in turns, while their replies wait. What bounds that is
// client-output-buffer-limit, which counts whatever is kept for the client, and client eviction.
// Invariants: at most one of these is under way: waiting to be readable, input given to the gather,
// a turn queued in the loop, a retry queued, being parked on a key's lock, a suspended command;
// besides, waiting to be writable with replies unsent, and, while a command is suspended or held
// back by CLIENT PAUSE, waiting to be readable. Nothing is executed after Close() or Kill().
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.h"
#include "protocol/request_parser.h"
#include "server/net/batch_runner.h"
#include "server/net/client.h"
#include "server/net/client_memory.h"
#include "server/net/input_buffer.h"
#include "server/net/reactor_socket.h"

namespace mantis::server {

struct CoreContext;

// A connection as the listener hands it over.
struct AcceptedSocket {
  int fd = -1;
  std::string address;
  std::string local_address;
  bool unix_socket = false;
};

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(CoreContext& core, const AcceptedSocket& socket, uint64_t id);
  ~Connection();

  // Registers with the loop and begins to read. False: the system refused.
  [[nodiscard]] bool Start();

  Client& client() { return client_; }
  const Client& client() const { return client_; }
  CoreContext& core() { return core_; }

  // CLIENT KILL: closes soon, without sending what waits. May be called from within a command.
  void Kill();
  // Sends at the loop's next turn what was added to client().output outside of a command.
  void FlushSoon();
  // See Client::Resume.
  void Resume();
  // Tries again what was kBusy.
  void Retry();
  // A command was kBusy, in the batch that is still under way: if a key's lock was in its way, it
  // is tried again once that is given back, and not before. Nothing is read from the peer
  // meanwhile.
  void Park();
  // The server stops: answers what was received, sends it, closes.
  void Drain();
  void Close(std::string_view reason);

  // What was given to the core's RequestGather has been run.
  void EndGathered(const RunResult& result, std::string_view data);

  // Finds out whether the peer has closed its side behind a short read.
  void CheckPeer();
  // Once a second: the idle timeout, the soft output limit, memory no longer needed.
  void Housekeep();

  // Gives `out` the input that the command under way was parsed from, so that very many arguments
  // need not be copied to outlive its run, which ends with this command. Returns false if they are
  // not in this connection's buffer.
  bool TakeInput(std::span<const std::string_view> args, InputBuffer* out);

  // TakeInput was called: the run under way is to end.
  bool input_taken() const { return input_taken_ != 0; }

  bool suspended() const { return stop_ == RunStop::kSuspended; }
  // Bytes of input that wait, and the memory that holds them (CLIENT LIST: qbuf and qbuf-free).
  size_t input_pending() const { return input_.size(); }
  size_t input_capacity() const { return input_.capacity(); }
  // Bytes held for this client, all in all, and what of it parsed arguments take.
  size_t memory() const;
  size_t argument_memory() const;
  ClientMemory::Place& memory_place() { return memory_place_; }
  const ClientMemory::Place& memory_place() const { return memory_place_; }

 private:
  static void OnReadable(void* self) { static_cast<Connection*>(self)->ReadAndRun(); }
  static void OnWritable(void* self) { static_cast<Connection*>(self)->GoOn(); }

  // Input (connection_input.cc).
  void ReadAndRun();
  void ReadAhead();
  size_t ReadAheadMax() const;
  void HoldToInputLimit();
  bool Receive(char* room, size_t size, size_t* received);
  void ReadLarge();
  char* RoomFor(size_t bytes);
  size_t LargeRoom() const;
  bool Gather(std::string_view data);
  void RunInput(std::string_view data);
  void NoteRun(const RunResult& result, std::string_view data);
  void ApplyLimits();

  // What comes next, after commands ran.
  void GoOn();
  void AwaitMore();
  void QueueTurn();
  void Turn();
  void Unpark();

  // Output. Each answers false if the connection is closed.
  bool Flush();
  bool Send();
  bool WithinOutputLimits();
  bool WithinOutputLimits(size_t pending);
  void CloseForOutput(size_t bytes);
  const config::OutputBufferLimit& OutputLimit() const;
  void NoteMemory();

  CoreContext& core_;
  ReactorSocket socket_;
  Client client_;
  protocol::RequestParser parser_;
  InputBuffer input_;
  size_t input_taken_ = 0;  // bytes of the run under way that TakeInput gave away
  RunStop stop_ = RunStop::kNeedMore;
  ClientMemory::Place memory_place_;
  bool closed_ = false;
  bool draining_ = false;
  bool peer_closed_ = false;   // it sends no more
  bool more_to_read_ = false;  // the last read filled its buffer
  bool gathered_ = false;
  bool turn_queued_ = false;
  bool flush_queued_ = false;
  bool retry_queued_ = false;
  bool parked_ = false;
  bool in_short_reads_ = false;
  int tries_ = 0;  // in a row that came to nothing
  uint64_t limits_version_ = 0;
  int64_t over_soft_limit_since_ms_ = 0;
};

}  // namespace mantis::server
