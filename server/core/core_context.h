// One core's own state: its event loop, its engine context, its clients and counts.
//
// Thread safety: everything belongs to the core's thread but `io` (post from anywhere), `load` and
// the statistics (readable from anywhere). Nothing mutable of a core lives elsewhere.
#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>

#include "config/store.h"
#include "engine/keyspace/op_context.h"
#include "server/core/core_stats.h"

namespace mantis::server {

class BlockedClients;
class Connection;
class CoreLoop;
struct SharedState;

struct CoreContext {
  CoreContext(size_t index, SharedState& shared, size_t commands);
  ~CoreContext();

  // The configuration in force. The reference is good until the current command has ended.
  const config::Settings& settings() const { return *settings_; }
  uint64_t settings_version() const { return settings_version_; }
  // Commands that take at least this long may be one for the slow log or the latency monitor.
  uint64_t noted_from_ns() const { return noted_from_ns_; }
  // Takes the newest configuration over; called between commands.
  void RefreshSettings() {
    if (config_.version() != settings_version_) [[unlikely]]
      ReloadSettings();
  }

  const size_t index;
  SharedState& shared;
  boost::asio::io_context io;
  // Made and destroyed on the core's thread.
  std::optional<OpContext> op;
  CoreStats stats;
  // Connections of this core by client id; the map owns them.
  std::unordered_map<uint64_t, std::shared_ptr<Connection>> connections;
  // How many connections this core has or was promised; read by the listener to choose a core.
  std::atomic<size_t> load{0};
  // TakeBackFreedOnAll has called, and this core has not come to it.
  std::atomic<bool> taking_back{false};
  size_t monitors = 0;  // how many of them are monitors
  int64_t now_ms = 0;   // coarse clock, refreshed every loop tick and batch
  // What the core's connections share while they are served (server/net/core_loop.h).
  std::unique_ptr<CoreLoop> loop;
  // Clients that wait for keys, and keys to serve (server/dispatch/blocked_clients.h).
  std::unique_ptr<BlockedClients> blocked;

 private:
  void ReloadSettings();

  const config::ConfigStore& config_;
  std::shared_ptr<const config::Settings> settings_;
  uint64_t settings_version_ = 0;
  uint64_t noted_from_ns_ = 0;
};

}  // namespace mantis::server
