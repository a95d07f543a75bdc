// Options of Valkey, KeyDB and later versions of Redis, so that their configuration files start the
// server. They have no effect, their values are not looked at, and CONFIG GET shows them to who
// asks for the exact name.
//
// Thread safety, ownership: compile-time data, included by option_table.cc only.
#pragma once

#include "config/row_builders.h"

namespace mantis::config {

constexpr Option ForeignText(std::string_view name, std::string_view text) {
  return AcceptedText(name, text, kHidden | kMultiArg);
}

// clang-format off
inline constexpr auto kForeignOptions = Because(NoEffect::kOfOthers, Rows({
    // Later versions of Redis.
    ForeignText("hide-user-data-from-log", "no"),
    ForeignText("max-new-connections-per-cycle", "10"),
    ForeignText("max-new-tls-connections-per-cycle", "1"),
    ForeignText("server-cpulist", ""),
    ForeignText("bio-cpulist", ""),
    ForeignText("aof-rewrite-cpulist", ""),
    ForeignText("bgsave-cpulist", ""),
    ForeignText("cluster-ping-interval", "1000"),
    ForeignText("client-default-resp", "2"),
    ForeignText("req-res-logfile", ""),
    ForeignText("replica-full-sync-buffer-limit", "0"),
    ForeignText("cluster-compatibility-sample-ratio", "0"),
    ForeignText("lookahead", "16"),
    ForeignText("cluster-slot-stats-enabled", "no"),

    // Valkey.
    ForeignText("dual-channel-replication-enabled", "no"),
    ForeignText("availability-zone", ""),
    ForeignText("cluster-announce-client-ipv4", ""),
    ForeignText("cluster-announce-client-ipv6", ""),
    ForeignText("cluster-blacklist-ttl", "60"),
    ForeignText("debug-context", ""),
    ForeignText("enable-debug-assert", "no"),
    ForeignText("events-per-io-thread", "2"),
    ForeignText("extended-redis-compatibility", "no"),
    ForeignText("log-format", "legacy"),
    ForeignText("log-timestamp-format", "legacy"),
    ForeignText("prefetch-batch-max-size", "16"),
    ForeignText("cluster-manual-failover-timeout", "5000"),
    ForeignText("lua-enable-deprecated-api", "no"),
    ForeignText("commandlog-execution-slower-than", "10000"),
    ForeignText("commandlog-slow-execution-max-len", "128"),
    ForeignText("commandlog-request-larger-than", "1048576"),
    ForeignText("commandlog-large-request-max-len", "128"),
    ForeignText("commandlog-reply-larger-than", "1048576"),
    ForeignText("commandlog-large-reply-max-len", "128"),
    ForeignText("hash-seed", ""),
    ForeignText("import-mode", "no"),
    ForeignText("rdma-port", "0"),
    ForeignText("rdma-bind", ""),
    ForeignText("slot-migration-log-max-len", "1000"),
    ForeignText("mptcp", "no"),
    ForeignText("repl-mptcp", "no"),

    // KeyDB.
    ForeignText("active-client-balancing", ""),
    ForeignText("allow-rdb-resize-op", ""),
    ForeignText("allow-write-during-load", ""),
    ForeignText("delete-on-evict", ""),
    ForeignText("enable-async-commands", ""),
    ForeignText("enable-async-rehash", ""),
    ForeignText("enable-keydb-fastsync", ""),
    ForeignText("enable-motd", ""),
    ForeignText("flash-disable-key-cache", ""),
    ForeignText("force-backlog-disk-reserve", ""),
    ForeignText("force-eviction-percent", ""),
    ForeignText("loading-process-events-interval-keys", ""),
    ForeignText("max-rand-count", ""),
    ForeignText("max-snapshot-slip", ""),
    ForeignText("maxclients-reserved", ""),
    ForeignText("maxstorage", ""),
    ForeignText("min-clients-per-thread", ""),
    ForeignText("multi-master-no-forward", ""),
    ForeignText("multithread-load-enabled", ""),
    ForeignText("overload-protect-percent", ""),
    ForeignText("prefetch-enabled", ""),
    ForeignText("repl-backlog-disk-reserve", ""),
    ForeignText("replica-quorum", ""),
    ForeignText("replica-weighting-factor", ""),
    ForeignText("scratch-file-path", ""),
    ForeignText("semi-ordered-set-bucket-size", ""),
    ForeignText("server-thread-affinity", ""),
    ForeignText("server-threads", ""),
    ForeignText("soft-shutdown", ""),
    ForeignText("storage-cache-mode", ""),
    ForeignText("storage-flush-period", ""),
    ForeignText("storage-provider-options", ""),
    ForeignText("testmode", ""),
    ForeignText("time-thread-priority", ""),
    ForeignText("tls-allowlist", ""),
    ForeignText("tls-rotation", ""),
    ForeignText("use-fork", ""),
}));
// clang-format on

}  // namespace mantis::config
