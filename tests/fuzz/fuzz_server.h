// One core of the server without threads and sockets, with one client, for a single fuzz input.
//
// Thread safety: one thread; a reclaim::Runtime exists.
// Ownership: owns configuration, core and connection, all of them fresh, and leaves an empty engine
// behind, so that an input behaves the same whatever ran before it. The engine is the caller's: its
// thread takes longer to start and stop than an input takes to run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "config/store.h"
#include "engine/base/counters.h"
#include "engine/keyspace/engine.h"
#include "protocol/request_parser.h"
#include "server/core/shared_state.h"
#include "server/net/batch_runner.h"
#include "server/net/connection.h"

namespace mantis::fuzz {

class FuzzServer {
 public:
  // `seed` stands in for what the engine otherwise draws at random.
  FuzzServer(Engine& engine, uint64_t seed);
  ~FuzzServer();
  FuzzServer(const FuzzServer&) = delete;
  FuzzServer& operator=(const FuzzServer&) = delete;

  // Executes `requests`, retrying and resuming as a connection would, and returns all that was
  // written. Stops where the client is to be closed. Aborts if the server is busy without end.
  std::string Run(std::string_view requests);

  // Why the last Run ended: kNeedMore, kClosing or kProtocolError.
  server::RunStop stop() const { return stop_; }
  server::Client& client() { return connection_->client(); }

  // The counts of every database agree with what a scan finds. Ends the input: expires what is due.
  void CheckInvariants();

 private:
  // The last command's reply comes from elsewhere: from the loop, or from a worker.
  void AwaitReply();
  // Nobody else is there to serve a client that waits for a key.
  void EndWait();
  void TakeOutput(std::string& out);
  void CheckDatabase(Database& db);
  // Leaves no key and nothing unfreed.
  void Empty();

  config::ConfigStore config_;
  Engine& engine_;
  const int64_t retired_before_ = Counters::Sum(Counter::kRetiredObjects);
  server::SharedState shared_;
  server::CoreContext* core_;
  std::shared_ptr<server::Connection> connection_;
  protocol::RequestParser parser_{protocol::Limits{}};
  server::RunStop stop_ = server::RunStop::kNeedMore;
};

// Aborts with `what` unless it holds.
void Check(bool holds, std::string_view what);

}  // namespace mantis::fuzz
