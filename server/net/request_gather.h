// Commands that several of a core's connections sent at about the same time, run together: one
// engine batch, the cache misses of their look-ups side by side, then all the replies. So clients
// that do not pipeline gain from each other what a client gains from its own pipeline.
//
// A connection that has received one short command adds it here instead of running it; the loop
// runs what was added once it has been through the connections that were ready.
//
// Thread safety: the core's thread only.
// Ownership: part of its CoreLoop; copies the bytes. Holds bare pointers to connections: one that
// is closed is destroyed by a function queued after the one that empties the gather.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "protocol/request_parser.h"
#include "server/net/batch_runner.h"

namespace mantis::server {

class Connection;
struct CoreContext;

class RequestGather {
 public:
  static constexpr size_t kCommands = 64;
  static constexpr size_t kCommandMax = 512;  // bytes
  // Once a batch has taken this long, those that were served get their replies before the others
  // are served.
  static constexpr uint64_t kTogetherNs = 200'000;

  explicit RequestGather(CoreContext& core);

  // Takes `data`, all that the connection has received, if it is exactly one short command. The
  // connection is told by EndGathered, later from the loop or, if the gather is full by then, from
  // within another one's Add; it must not use its parser until then. False: it is not, and parsing
  // `data` again from its beginning goes on where this stopped.
  bool Add(Connection& connection, protocol::RequestParser& parser, std::string_view data);

 private:
  void Run();
  // Those from `begin` on; answers where it stopped.
  size_t RunSome(size_t begin);
  void Prefetch(size_t begin);

  CoreContext& core_;
  size_t count_ = 0;
  bool queued_ = false;
  std::array<Connection*, kCommands> connections_{};
  std::array<std::string_view, kCommands> data_;
  std::array<protocol::Args, kCommands> args_;
  std::array<ParsedCommand, kCommands> commands_;
  std::array<RunResult, kCommands> results_{};
  std::unique_ptr<char[]> bytes_;  // kCommandMax for each
};

}  // namespace mantis::server
