// The typed settings of a running server: one member per option that code may read.
//
// Purpose: what the rest of the server reads, in machine types. Which option fills which member,
// its default, range and help text stand in one place, the option table (config/option_table.h);
// a default-constructed Settings is all zeroes, so take one from a ConfigStore.
// Thread safety: a plain value. ConfigStore hands out immutable snapshots of it.
// Ownership: owns its strings.
// Units: sizes in bytes, times in the unit the comment at the member names.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace mantis::config {

// The order of each enumeration is that of the names in its option's row.
enum class MaxmemoryPolicy {
  kVolatileLru,
  kVolatileLfu,
  kVolatileRandom,
  kVolatileTtl,
  kAllkeysLru,
  kAllkeysLfu,
  kAllkeysRandom,
  kNoEviction,
};

enum class LogLevel { kDebug, kVerbose, kNotice, kWarning, kNothing };

// Who started the process and wants to be told when it is ready.
enum class Supervised { kUpstart, kSystemd, kAuto, kNo };

// Who may run a guarded action: nobody, everybody, or clients on this host only.
enum class GuardedAction { kNo, kYes, kLocal };

// Save after `seconds` when at least `changes` keys changed.
struct SavePoint {
  int64_t seconds = 0;
  int64_t changes = 0;
  bool operator==(const SavePoint&) const = default;
};

// A client is closed when its pending output passes `hard`, or `soft` for `soft_seconds`; 0 = off.
struct OutputBufferLimit {
  uint64_t hard = 0;
  uint64_t soft = 0;
  int64_t soft_seconds = 0;
  bool operator==(const OutputBufferLimit&) const = default;
};

struct OutputBufferLimits {
  OutputBufferLimit normal;
  OutputBufferLimit replica;
  OutputBufferLimit pubsub;
  bool operator==(const OutputBufferLimits&) const = default;
};

struct Settings {
  // Network.
  std::vector<std::string> bind;  // a leading '-' marks an address that may be unavailable
  uint16_t port = 0;              // 0 = no TCP listener
  std::string unixsocket;         // empty = no Unix socket
  int unixsocketperm = 0;         // 0 = leave the mode to umask
  int tcp_backlog = 0;
  int tcp_keepalive = 0;  // seconds; 0 = off
  int timeout = 0;        // seconds a client may idle; 0 = for ever
  int64_t maxclients = 0;
  bool protected_mode = false;

  // Security.
  std::string requirepass;  // empty = no password
  GuardedAction enable_debug_command = GuardedAction::kNo;
  GuardedAction enable_protected_configs = GuardedAction::kNo;

  // General.
  int threads = 0;  // 0 = one per usable core
  int databases = 0;
  int hz = 0;
  LogLevel loglevel = LogLevel::kDebug;
  std::string logfile;         // empty = standard error
  std::string pidfile;         // empty = none
  std::string locale_collate;  // empty = that of the environment
  int shutdown_timeout = 0;    // seconds
  bool daemonize = false;
  Supervised supervised = Supervised::kUpstart;

  // Memory.
  int64_t maxmemory = 0;  // 0 = no limit
  MaxmemoryPolicy maxmemory_policy = MaxmemoryPolicy::kVolatileLru;
  int maxmemory_samples = 0;
  int maxmemory_eviction_tenacity = 0;
  int64_t maxmemory_clients = 0;  // negative = per cent of maxmemory
  int lfu_log_factor = 0;
  int lfu_decay_time = 0;  // minutes
  int active_expire_effort = 0;
  bool lazyfree_lazy_eviction = false;
  bool lazyfree_lazy_expire = false;
  bool lazyfree_lazy_server_del = false;
  bool lazyfree_lazy_user_del = false;
  bool lazyfree_lazy_user_flush = false;

  // Limits per client.
  int64_t proto_max_bulk_len = 0;
  int64_t client_query_buffer_limit = 0;
  OutputBufferLimits client_output_buffer_limit;
  int64_t tracking_table_max_keys = 0;  // 0 = no limit

  // Persistence.
  std::string dir;  // absolute
  std::string dbfilename;
  std::vector<SavePoint> save;  // empty = never by itself
  bool stop_writes_on_bgsave_error = false;
  int key_load_delay = 0;  // microseconds a key; negative = one for so many keys; for tests
  bool appendonly = false;

  // Observing.
  int64_t slowlog_log_slower_than = 0;    // microseconds; negative = off
  int64_t slowlog_max_len = 0;            // entries
  int64_t latency_monitor_threshold = 0;  // milliseconds; 0 = off
  bool latency_tracking = false;
  std::vector<double> latency_tracking_info_percentiles;
  std::string notify_keyspace_events;  // Redis's class letters, canonical order; empty = off

  // When small collections change to their general encoding.
  int list_max_listpack_size = 0;  // elements, or -1..-5: 4, 8, 16, 32, 64 KiB
  int64_t hash_max_listpack_entries = 0;
  int64_t hash_max_listpack_value = 0;
  int64_t set_max_intset_entries = 0;
  int64_t set_max_listpack_entries = 0;
  int64_t set_max_listpack_value = 0;
  int64_t zset_max_listpack_entries = 0;
  int64_t zset_max_listpack_value = 0;
  int64_t stream_node_max_bytes = 0;
  int64_t stream_node_max_entries = 0;
  int64_t hll_sparse_max_bytes = 0;
};

}  // namespace mantis::config
