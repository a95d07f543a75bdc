// What the connections of one core share while they are served: the read buffer, the batch runner,
// the gather of small requests, and the lists of connections that need another look.
//
// Thread safety: the core's thread only.
// Ownership: part of its CoreContext. Lists hold ids or counted references, never bare pointers
// to connections, except for the monitors, which Connection::Close takes out, and the gather.
#pragma once

#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <memory>
#include <vector>

#include "server/net/batch_runner.h"
#include "server/net/client_memory.h"
#include "server/net/request_gather.h"

namespace mantis::server {

class Connection;
class Housekeeping;
struct CoreContext;

class CoreLoop {
 public:
  // Most connections receive into this and keep no memory of their own.
  static constexpr size_t kReadBufferSize = 64 * 1024;

  explicit CoreLoop(CoreContext& core);

  BatchRunner& runner() { return runner_; }
  RequestGather& gather() { return gather_; }
  ClientMemory& client_memory() { return client_memory_; }
  char* read_buffer() { return read_buffer_.get(); }

  // Runs connection->Retry() at the loop's next turn, or, where many tries came to nothing or
  // clients are paused, a short time later.
  void RetryLater(std::shared_ptr<Connection> connection, int tries);

  // The client's last read did not fill the buffer: its end of stream may hide behind it. Looked
  // after by CheckQuietPeers once the client has been silent for a while.
  void NoteShortRead(uint64_t client_id) { short_reads_.push_back(client_id); }
  void CheckQuietPeers();

  // Told after commands have run; nullptr while the core has none.
  void set_housekeeping(Housekeeping* housekeeping) { housekeeping_ = housekeeping; }
  Housekeeping* housekeeping() { return housekeeping_; }

  // The core's monitors, found anew when their number says so.
  void FeedMonitors(std::string_view line);
  void ForgetMonitor(const Connection* connection);

 private:
  void ArmRetryTimer();

  CoreContext& core_;
  BatchRunner runner_;
  RequestGather gather_;
  ClientMemory client_memory_;
  Housekeeping* housekeeping_ = nullptr;
  std::unique_ptr<char[]> read_buffer_;
  boost::asio::steady_timer retry_timer_;
  bool retry_armed_ = false;
  std::vector<std::shared_ptr<Connection>> delayed_;
  std::vector<uint64_t> short_reads_;
  std::vector<Connection*> monitors_;
};

}  // namespace mantis::server
