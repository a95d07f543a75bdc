// The rows of the options this server acts on, or that its code reads already, in the order in
// which --help and config/mantisd.conf show them. Rows marked kAccepted have a member in Settings
// but nothing acts on it yet; whoever makes one work removes that mark.
//
// Thread safety, ownership: compile-time data, included by option_table.cc only.
#pragma once

#include <array>

#include "config/row_builders.h"

namespace mantis::config {

inline constexpr int64_t kMebibyte = int64_t{1} << 20;
inline constexpr std::string_view kPolicyNames =
    "volatile-lru volatile-lfu volatile-random volatile-ttl allkeys-lru allkeys-lfu "
    "allkeys-random noeviction";

using S = Settings;

// clang-format off
inline constexpr auto kEffectiveOptions = std::to_array<Option>({
    TextRow(Section::kNetwork, "bind", "127.0.0.1 -::1", &S::bind, Kind::kAddresses,
            "Addresses to listen on, * for all; a leading - marks one that may be unavailable",
            kImmutable | kMultiArg),
    IntRow(Section::kNetwork, "port", "6379", &S::port, 0, 65535,
           "TCP port; 0 listens on no TCP port", kImmutable),
    TextRow(Section::kNetwork, "unixsocket", "", &S::unixsocket, Kind::kString,
            "Path of a Unix socket to listen on as well", kImmutable | kEmptyIsUnset),
    {.name = "unixsocketperm", .kind = Kind::kOctal, .flags = kImmutable,
     .section = Section::kNetwork, .default_text = "0", .field = &S::unixsocketperm,
     .help = "Mode of the Unix socket, octal; 0 leaves it to the umask", .min = 0, .max = 0777},
    IntRow(Section::kNetwork, "tcp-backlog", "511", &S::tcp_backlog, 0, kIntMax,
           "Connections the kernel queues before they are accepted", kImmutable),
    IntRow(Section::kNetwork, "tcp-keepalive", "300", &S::tcp_keepalive, 0, kIntMax,
           "Seconds of silence before TCP probes a peer; 0 turns probing off"),
    IntRow(Section::kNetwork, "timeout", "0", &S::timeout, 0, kIntMax,
           "Close a client idle for this many seconds; 0 never does"),
    IntRow(Section::kNetwork, "maxclients", "10000", &S::maxclients, 1, int64_t{UINT32_MAX},
           "Most clients connected at once"),

    BoolRow(Section::kSecurity, "protected-mode", "yes", &S::protected_mode,
            "Without a password, serve only clients on this host"),
    TextRow(Section::kSecurity, "requirepass", "", &S::requirepass, Kind::kString,
            "Password clients must give with AUTH or HELLO", kSecret | kEmptyIsUnset),
    EnumRow(Section::kSecurity, "enable-protected-configs", "no", &S::enable_protected_configs,
            "no yes local", "Who may change dir and dbfilename at run time", kImmutable),
    EnumRow(Section::kSecurity, "enable-debug-command", "no", &S::enable_debug_command,
            "no yes local", "Who may run DEBUG", kImmutable),

    IntRow(Section::kGeneral, "threads", "0", &S::threads, 0, 1024,
           "Event loops, each on a core of its own; 0 takes every core this process may use",
           kImmutable),
    IntRow(Section::kGeneral, "databases", "16", &S::databases, 1, kIntMax,
           "Number of databases SELECT can choose from", kImmutable),
    IntRow(Section::kGeneral, "hz", "10", &S::hz, 1, 500,
           "Background rounds per second", kClamp),
    EnumRow(Section::kGeneral, "loglevel", "notice", &S::loglevel,
            "debug verbose notice warning nothing", "Least severe messages to log"),
    TextRow(Section::kGeneral, "logfile", "", &S::logfile, Kind::kString,
            "File to log to; empty logs to standard error", kImmutable),
    TextRow(Section::kGeneral, "pidfile", "", &S::pidfile, Kind::kString,
            "File to write the process id to", kImmutable | kEmptyIsUnset),
    IntRow(Section::kGeneral, "shutdown-timeout", "10", &S::shutdown_timeout, 0, kIntMax,
           "Seconds a shutdown waits for what is under way"),
    BoolRow(Section::kGeneral, "daemonize", "no", &S::daemonize,
            "Go on in the background once the server is ready", kImmutable),
    EnumRow(Section::kGeneral, "supervised", "no", &S::supervised, "upstart systemd auto no",
            "Tell the service manager that the server is ready", kImmutable),

    MemoryRow(Section::kMemory, "maxmemory", "0", &S::maxmemory, 0,
              "Most memory for data; 0 sets no limit"),
    EnumRow(Section::kMemory, "maxmemory-policy", "noeviction", &S::maxmemory_policy, kPolicyNames,
            "What to evict when maxmemory is reached"),
    IntRow(Section::kMemory, "maxmemory-samples", "5", &S::maxmemory_samples, 1, kIntMax,
           "Keys compared for each eviction; more is closer to true LRU or LFU"),
    IntRow(Section::kMemory, "maxmemory-eviction-tenacity", "10", &S::maxmemory_eviction_tenacity,
           0, 100, "How long eviction may hold up clients, 0 least to 100 without limit",
           kAccepted),
    {.name = "maxmemory-clients", .kind = Kind::kMemory, .flags = kPercent | kAccepted,
     .section = Section::kMemory, .default_text = "0", .field = &S::maxmemory_clients,
     .help = "Most memory for all client buffers, in bytes or per cent of maxmemory", .min = -100},
    IntRow(Section::kMemory, "lfu-log-factor", "10", &S::lfu_log_factor, 0, kIntMax,
           "How slowly the access counter of LFU saturates"),
    IntRow(Section::kMemory, "lfu-decay-time", "1", &S::lfu_decay_time, 0, kIntMax,
           "Minutes after which LFU halves a counter that is not used"),
    IntRow(Section::kMemory, "active-expire-effort", "1", &S::active_expire_effort, 1, 10,
           "Accepted for Redis's sake; expiry follows an exact index here", kAccepted),
    BoolRow(Section::kMemory, "lazyfree-lazy-eviction", "no", &S::lazyfree_lazy_eviction,
            "Free evicted values in the background"),
    BoolRow(Section::kMemory, "lazyfree-lazy-expire", "no", &S::lazyfree_lazy_expire,
            "Free expired values in the background"),
    BoolRow(Section::kMemory, "lazyfree-lazy-server-del", "no", &S::lazyfree_lazy_server_del,
            "Free values that RENAME and the like replace in the background"),
    BoolRow(Section::kMemory, "lazyfree-lazy-user-del", "no", &S::lazyfree_lazy_user_del,
            "Let DEL free in the background, as UNLINK does"),
    BoolRow(Section::kMemory, "lazyfree-lazy-user-flush", "no", &S::lazyfree_lazy_user_flush,
            "Let FLUSHDB and FLUSHALL without SYNC or ASYNC free in the background"),

    MemoryRow(Section::kClients, "proto-max-bulk-len", "512mb", &S::proto_max_bulk_len, kMebibyte,
              "Longest single argument a client may send"),
    MemoryRow(Section::kClients, "client-query-buffer-limit", "1gb", &S::client_query_buffer_limit,
              kMebibyte, "Most unprocessed input kept for one client"),
    TextRow(Section::kClients, "client-output-buffer-limit",
            "normal 0 0 0 replica 256mb 64mb 60 pubsub 32mb 8mb 60",
            &S::client_output_buffer_limit, Kind::kBufferLimits,
            "Per client class: hard limit, soft limit and seconds over it, of unsent replies",
            kMultiArg),
    IntRow(Section::kClients, "tracking-table-max-keys", "1000000", &S::tracking_table_max_keys, 0,
           kInt64Max, "Most keys remembered for client-side caching; 0 sets no limit", kAccepted),

    TextRow(Section::kPersistence, "dir", "./", &S::dir, Kind::kDirectory,
            "Working directory, where files without a path go", kProtected),
    TextRow(Section::kPersistence, "dbfilename", "dump.mdb", &S::dbfilename, Kind::kFileName,
            "Name of the snapshot file in dir", kProtected),
    TextRow(Section::kPersistence, "save", "3600 1 300 100 60 10000", &S::save, Kind::kSavePoints,
            "Snapshot after so many seconds if so many keys changed; \"\" turns it off",
            kMultiArg),
    BoolRow(Section::kPersistence, "stop-writes-on-bgsave-error", "yes",
            &S::stop_writes_on_bgsave_error,
            "Refuse writes while the last background save failed and save points are set"),
    IntRow(Section::kPersistence, "key-load-delay", "0", &S::key_load_delay, kIntMin, kIntMax,
           "Microseconds that loading waits for each key, so that tests can watch it", kHidden),
    BoolRow(Section::kPersistence, "appendonly", "no", &S::appendonly,
            "Log every write to a file", kAccepted),

    IntRow(Section::kObserving, "slowlog-log-slower-than", "10000", &S::slowlog_log_slower_than, -1,
           kInt64Max, "Log commands that take longer, in microseconds; -1 logs none"),
    IntRow(Section::kObserving, "slowlog-max-len", "128", &S::slowlog_max_len, 0, kInt64Max,
           "Entries the slow log keeps"),
    IntRow(Section::kObserving, "latency-monitor-threshold", "0", &S::latency_monitor_threshold, 0,
           kInt64Max, "Record events that take at least so many milliseconds; 0 records none"),
    BoolRow(Section::kObserving, "latency-tracking", "yes", &S::latency_tracking,
            "Keep a latency histogram per command"),
    TextRow(Section::kObserving, "latency-tracking-info-percentiles", "50 99 99.9",
            &S::latency_tracking_info_percentiles, Kind::kPercentiles,
            "Percentiles INFO latencystats shows", kMultiArg),
    TextRow(Section::kObserving, "notify-keyspace-events", "", &S::notify_keyspace_events,
            Kind::kEvents, "Classes of keyspace events to publish; empty publishes none",
            kAccepted),

    IntRow(Section::kEncodings, "list-max-listpack-size", "-2", &S::list_max_listpack_size, kIntMin,
           kIntMax, "Most elements in a compact list node, or -1..-5 for 4 to 64 KiB", 0,
           "list-max-ziplist-size"),
    IntRow(Section::kEncodings, "hash-max-listpack-entries", "512", &S::hash_max_listpack_entries,
           0, kInt64Max, "Most fields in a compact hash", 0, "hash-max-ziplist-entries"),
    MemoryRow(Section::kEncodings, "hash-max-listpack-value", "64", &S::hash_max_listpack_value, 0,
              "Longest field or value in a compact hash", 0, "hash-max-ziplist-value"),
    IntRow(Section::kEncodings, "set-max-intset-entries", "512", &S::set_max_intset_entries, 0,
           kInt64Max, "Most members in a set of integers"),
    IntRow(Section::kEncodings, "set-max-listpack-entries", "128", &S::set_max_listpack_entries, 0,
           kInt64Max, "Most members in a compact set"),
    MemoryRow(Section::kEncodings, "set-max-listpack-value", "64", &S::set_max_listpack_value, 0,
              "Longest member in a compact set"),
    IntRow(Section::kEncodings, "zset-max-listpack-entries", "128", &S::zset_max_listpack_entries,
           0, kInt64Max, "Most members in a compact sorted set", 0,
           "zset-max-ziplist-entries"),
    MemoryRow(Section::kEncodings, "zset-max-listpack-value", "64", &S::zset_max_listpack_value, 0,
              "Longest member in a compact sorted set", 0, "zset-max-ziplist-value"),
    MemoryRow(Section::kEncodings, "stream-node-max-bytes", "4096", &S::stream_node_max_bytes, 0,
              "Bytes in one node of a stream; 0 sets no limit"),
    IntRow(Section::kEncodings, "stream-node-max-entries", "100", &S::stream_node_max_entries, 0,
           kInt64Max, "Entries in one node of a stream; 0 sets no limit"),
    MemoryRow(Section::kEncodings, "hll-sparse-max-bytes", "3000", &S::hll_sparse_max_bytes, 0,
              "Bytes of a sparse HyperLogLog before it turns dense"),
});
// clang-format on

}  // namespace mantis::config
