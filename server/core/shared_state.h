// What all cores share. Everything here is either immutable after start, atomic, or says which
// mutex guards it; anything else belongs into CoreContext.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "config/store.h"
#include "engine/base/memory.h"
#include "engine/keyspace/engine.h"
#include "server/core/conditions.h"
#include "server/core/core_context.h"
#include "server/info/latency_monitor.h"
#include "server/info/slow_log.h"

namespace mantis::server {

class ClientEviction;
class CursorTable;
class InterestTable;
class Persistence;
class ServerRuntime;
class WorkerPool;

enum class PauseMode : uint8_t { kNone, kWrites, kAll };

struct SharedState {
  SharedState(Engine& e, config::ConfigStore& c);
  ~SharedState();
  SharedState(const SharedState&) = delete;
  SharedState& operator=(const SharedState&) = delete;

  Engine& engine;
  config::ConfigStore& config;
  std::vector<std::unique_ptr<CoreContext>> cores;  // fixed after start
  // The cores and the workers' contexts: whose statistics are summed up. Fixed after start.
  std::vector<CoreContext*> counted;

  const int64_t start_ms = WallClockMs();
  // What the process had allocated before it served anybody: used_memory_startup.
  const int64_t startup_bytes = memory::UsedBytes();
  std::string run_id;       // 40 hex digits
  std::string config_file;  // absolute path or empty
  std::string executable;   // absolute path
  uint16_t port = 0;

  std::atomic<uint64_t> next_client_id{1};
  std::atomic<size_t> client_count{0};
  std::atomic<size_t> clients_peak{0};
  std::atomic<size_t> blocked_clients{0};
  std::atomic<size_t> monitor_count{0};

  Conditions conditions;

  // CLIENT PAUSE: until when (wall clock ms) and what.
  std::atomic<int64_t> pause_until_ms{0};
  std::atomic<PauseMode> pause_mode{PauseMode::kNone};

  // DEBUG SET-ACTIVE-EXPIRE.
  std::atomic<bool> active_expire{true};
  std::atomic<bool> stopping{false};

  ServerRuntime* runtime = nullptr;  // set before threads start

  SlowLog slow_log;                                 // own mutex
  LatencyMonitor latency_monitor;                   // own mutex
  std::unique_ptr<ClientEviction> client_eviction;  // atomics
  std::unique_ptr<CursorTable> cursors;             // own locks
  std::unique_ptr<InterestTable> interests;         // own locks
  std::unique_ptr<Persistence> persistence;         // own locks
  std::unique_ptr<WorkerPool> workers;              // made by the runtime
};

}  // namespace mantis::server
