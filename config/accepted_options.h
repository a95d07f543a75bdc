// Redis's directives that have no effect here (yet), so that an existing redis.conf starts the
// server and clients find the names CONFIG GET usually answers. Values are checked and kept as
// text; defaults and ranges are Redis's. Each array is one reason, and one warning at the start.
// The last array holds those that promise protection or durability: any value of theirs but the
// default stops the start.
//
// Thread safety, ownership: compile-time data, included by option_table.cc only.
#pragma once

#include <array>

#include "config/row_builders.h"

namespace mantis::config {

inline constexpr std::string_view kNoMaster =
    "there is no replication in this version, so there is no master to log in to; to go on "
    "without, "
    "leave it out";
inline constexpr std::string_view kNoEncryption =
    "there is no TLS in this version, so nothing would be encrypted; to go on without, set it to "
    "no";

inline constexpr std::string_view kNoDefragmentation =
    "Active defragmentation cannot be enabled: it requires a server built with a modified Jemalloc "
    "like the one in the source distribution of Redis, and this one is built with mimalloc; to go "
    "on without, set it to no";

// clang-format off
// Title, logo, system and crash reports of the process.
inline constexpr auto kPlainProcessOptions = Because(NoEffect::kPlainProcess, Rows({
    AcceptedBool("always-show-logo", "no", kImmutable),
    AcceptedBool("set-proc-title", "yes", kImmutable),
    AcceptedText("proc-title-template", "{title} {listen-addr} {server-mode}"),
    AcceptedText("syslog-ident", "redis", kImmutable),
    AcceptedEnum("syslog-facility", "local0",
                 "user local0 local1 local2 local3 local4 local5 local6 local7", kImmutable),
    AcceptedBool("crash-log-enabled", "yes"),
    AcceptedBool("crash-memcheck-enabled", "yes"),
    AcceptedBool("use-exit-on-panic", "no", kHidden),
    AcceptedBool("disable-thp", "yes", kImmutable),
    AcceptedText("ignore-warnings", ""),
    AcceptedInt("watchdog-period", "0", 0, kIntMax, kHidden),
    AcceptedEnum("oom-score-adj", "no", "no yes relative absolute"),
    AcceptedText("oom-score-adj-values", "0 200 800", kMultiArg, Kind::kOomScores),
}));

// Threads and where they run.
inline constexpr auto kOwnThreadsOptions = Because(NoEffect::kOwnThreads, Rows({
    AcceptedInt("io-threads", "1", 1, 128, kImmutable),
    AcceptedBool("io-threads-do-reads", "no", kImmutable),
    AcceptedText("server_cpulist", "", kImmutable | kEmptyIsUnset),
    AcceptedText("bio_cpulist", "", kImmutable | kEmptyIsUnset),
    AcceptedText("aof_rewrite_cpulist", "", kImmutable | kEmptyIsUnset),
    AcceptedText("bgsave_cpulist", "", kImmutable | kEmptyIsUnset),
}));

// The allocator and the layout of values.
inline constexpr auto kOwnMemoryOptions = Because(NoEffect::kOwnMemory, Rows({
    Promise(kNoDefragmentation, AcceptedBool("activedefrag", "no")),
    AcceptedInt("active-defrag-cycle-min", "1", 1, 99),
    AcceptedInt("active-defrag-cycle-max", "25", 1, 99),
    AcceptedInt("active-defrag-threshold-lower", "10", 0, 1000),
    AcceptedInt("active-defrag-threshold-upper", "100", 0, 1000),
    AcceptedInt("active-defrag-max-scan-fields", "1000", 1, kInt64Max),
    AcceptedMemory("active-defrag-ignore-bytes", "100mb", 1),
    AcceptedBool("jemalloc-bg-thread", "yes"),
    AcceptedInt("list-compress-depth", "0", 0, kIntMax),
}));

// What is always done here.
inline constexpr auto kAlwaysSoOptions = Because(NoEffect::kAlwaysSo, Rows({
    AcceptedBool("activerehashing", "yes"),
    AcceptedBool("dynamic-hz", "yes"),
    AcceptedEnum("sanitize-dump-payload", "no", "no yes clients"),
    AcceptedBool("rdbchecksum", "yes", kImmutable),
}));

// Scripts and modules.
inline constexpr auto kNoScriptsOptions = Because(NoEffect::kNoScripts, Rows({
    AcceptedInt("busy-reply-threshold", "5000", 0, kInt64Max, kNone, "lua-time-limit"),
    AcceptedEnum("enable-module-command", "no", "no yes local", kImmutable),
}));

// Users.
inline constexpr auto kNoUsersOptions = Because(NoEffect::kNoUsers, Rows({
    AcceptedInt("acllog-max-len", "128", 0, kInt64Max),
    AcceptedEnum("acl-pubsub-default", "resetchannels", "allchannels resetchannels"),
}));

// How Redis writes and reads its snapshots.
inline constexpr auto kOwnSnapshotsOptions = Because(NoEffect::kOwnSnapshots, Rows({
    AcceptedBool("rdbcompression", "yes"),
    AcceptedBool("rdb-del-sync-files", "no"),
    AcceptedBool("rdb-save-incremental-fsync", "yes"),
    AcceptedInt("rdb-key-save-delay", "0", kIntMin, kIntMax, kHidden),
    AcceptedInt("loading-process-events-interval-bytes", "2097152", 1024, kIntMax, kHidden),
}));

// The append-only file.
inline constexpr auto kNoAppendOnlyFileOptions = Because(NoEffect::kNoAppendOnlyFile, Rows({
    AcceptedText("appendfilename", "appendonly.aof", kImmutable, Kind::kFileName),
    AcceptedText("appenddirname", "appendonlydir", kImmutable, Kind::kFileName),
    AcceptedEnum("appendfsync", "everysec", "everysec always no"),
    AcceptedBool("no-appendfsync-on-rewrite", "no"),
    AcceptedInt("auto-aof-rewrite-percentage", "100", 0, kIntMax),
    AcceptedMemory("auto-aof-rewrite-min-size", "64mb", 0),
    AcceptedBool("aof-load-truncated", "yes"),
    AcceptedBool("aof-use-rdb-preamble", "yes"),
    AcceptedBool("aof-timestamp-enabled", "no"),
    AcceptedBool("aof-rewrite-incremental-fsync", "yes"),
    AcceptedBool("aof-disable-auto-gc", "no"),
}));

// Replication.
inline constexpr auto kNoReplicationOptions = Because(NoEffect::kNoReplication, Rows({
    AcceptedBool("replica-serve-stale-data", "yes", kNone, "slave-serve-stale-data"),
    AcceptedBool("replica-read-only", "yes", kNone, "slave-read-only"),
    AcceptedBool("replica-lazy-flush", "no", kNone, "slave-lazy-flush"),
    AcceptedBool("replica-ignore-maxmemory", "yes", kNone, "slave-ignore-maxmemory"),
    AcceptedBool("replica-ignore-disk-write-errors", "no"),
    AcceptedBool("replica-announced", "yes"),
    AcceptedInt("replica-priority", "100", 0, kIntMax, kNone, "slave-priority"),
    AcceptedText("replica-announce-ip", "", kEmptyIsUnset, Kind::kString, "slave-announce-ip"),
    AcceptedInt("replica-announce-port", "0", 0, 65535, kNone, "slave-announce-port"),
    AcceptedBool("repl-disable-tcp-nodelay", "no"),
    AcceptedBool("repl-diskless-sync", "yes"),
    AcceptedInt("repl-diskless-sync-delay", "5", 0, kIntMax),
    AcceptedInt("repl-diskless-sync-max-replicas", "0", 0, kIntMax),
    AcceptedEnum("repl-diskless-load", "disabled", "disabled on-empty-db swapdb"),
    AcceptedInt("repl-timeout", "60", 1, kIntMax),
    AcceptedInt("repl-ping-replica-period", "10", 1, kIntMax, kNone, "repl-ping-slave-period"),
    AcceptedMemory("repl-backlog-size", "1mb", 1),
    AcceptedInt("repl-backlog-ttl", "3600", 0, kInt64Max),
    AcceptedInt("min-replicas-max-lag", "10", 0, kIntMax, kNone, "min-slaves-max-lag"),
    AcceptedEnum("propagation-error-behavior", "ignore", "ignore panic panic-on-replicas"),
    AcceptedText("bind-source-addr", "", kEmptyIsUnset),
}));

// Cluster.
inline constexpr auto kNoClusterOptions = Because(NoEffect::kNoCluster, Rows({
    AcceptedText("cluster-config-file", "nodes.conf", kImmutable),
    AcceptedInt("cluster-port", "0", 0, 65535, kImmutable),
    AcceptedInt("cluster-node-timeout", "15000", 0, kInt64Max),
    AcceptedInt("cluster-migration-barrier", "1", 0, kIntMax),
    AcceptedInt("cluster-replica-validity-factor", "10", 0, kIntMax, kNone,
                "cluster-slave-validity-factor"),
    AcceptedBool("cluster-replica-no-failover", "no", kNone, "cluster-slave-no-failover"),
    AcceptedBool("cluster-require-full-coverage", "yes"),
    AcceptedBool("cluster-allow-reads-when-down", "no"),
    AcceptedBool("cluster-allow-pubsubshard-when-down", "yes"),
    AcceptedBool("cluster-allow-replica-migration", "yes"),
    AcceptedMemory("cluster-link-sendbuf-limit", "0", 0),
    AcceptedText("cluster-announce-ip", "", kEmptyIsUnset),
    AcceptedText("cluster-announce-hostname", "", kEmptyIsUnset),
    AcceptedText("cluster-announce-human-nodename", "", kEmptyIsUnset),
    AcceptedInt("cluster-announce-port", "0", 0, 65535),
    AcceptedInt("cluster-announce-tls-port", "0", 0, 65535),
    AcceptedInt("cluster-announce-bus-port", "0", 0, 65535),
    AcceptedEnum("cluster-preferred-endpoint-type", "ip", "ip hostname unknown-endpoint"),
}));

// TLS.
inline constexpr auto kNoTlsOptions = Because(NoEffect::kNoTls, Rows({
    AcceptedEnum("tls-auth-clients", "yes", "no yes optional"),
    AcceptedBool("tls-prefer-server-ciphers", "no"),
    AcceptedBool("tls-session-caching", "yes"),
    AcceptedInt("tls-session-cache-size", "20480", 0, kIntMax),
    AcceptedInt("tls-session-cache-timeout", "300", 0, kIntMax),
    AcceptedText("tls-cert-file", "", kEmptyIsUnset),
    AcceptedText("tls-key-file", "", kEmptyIsUnset),
    AcceptedText("tls-key-file-pass", "", kSecret | kEmptyIsUnset),
    AcceptedText("tls-client-cert-file", "", kEmptyIsUnset),
    AcceptedText("tls-client-key-file", "", kEmptyIsUnset),
    AcceptedText("tls-client-key-file-pass", "", kSecret | kEmptyIsUnset),
    AcceptedText("tls-dh-params-file", "", kEmptyIsUnset),
    AcceptedText("tls-ca-cert-file", "", kEmptyIsUnset),
    AcceptedText("tls-ca-cert-dir", "", kEmptyIsUnset),
    AcceptedText("tls-protocols", "", kEmptyIsUnset),
    AcceptedText("tls-ciphers", "", kEmptyIsUnset),
    AcceptedText("tls-ciphersuites", "", kEmptyIsUnset),
}));

// What must not be taken for granted where it is not given.
inline constexpr auto kPromisingOptions = Because(NoEffect::kNotYet, Rows({
    Promise("nothing is written to syslog; to go on with logfile or standard error, set it to no",
            AcceptedBool("syslog-enabled", "no", kImmutable)),
    Promise("sockets are not marked, so rules of a firewall would not see them; to go on, set it to "
            "0",
            AcceptedInt("socket-mark-id", "0", 0, 4294967295, kImmutable)),
    Promise("there are no ACL users in this version, so nothing in that file would hold; to go on, "
            "leave it out and protect the server with requirepass",
            AcceptedText("aclfile", "", kImmutable)),
    Promise("there is no replication in this version, so this would be a second master with its own "
            "data; to go on without, leave it out",
            AcceptedText("replicaof", "", kImmutable | kMultiArg | kEmptyIsUnset, Kind::kHostPort,
                         "slaveof")),
    Promise(kNoMaster, AcceptedText("masterauth", "", kSecret | kEmptyIsUnset)),
    Promise(kNoMaster, AcceptedText("masteruser", "", kSecret | kEmptyIsUnset)),
    Promise("there is no replication in this version, so no write would be on a replica; to go on "
            "without, set it to 0",
            AcceptedInt("min-replicas-to-write", "0", 0, kIntMax, kNone, "min-slaves-to-write")),
    Promise("there is no cluster mode in this version; to go on as a single server, set it to no",
            AcceptedBool("cluster-enabled", "no", kImmutable)),
    Promise("there is no TLS in this version, so nothing would be encrypted; to go on without, set "
            "it to 0 and use port",
            AcceptedInt("tls-port", "0", 0, 65535)),
    Promise(kNoEncryption, AcceptedBool("tls-cluster", "no")),
    Promise(kNoEncryption, AcceptedBool("tls-replication", "no")),

    // Of Valkey and KeyDB.
    Promise(kNoMaster, AcceptedText("primaryauth", "", kSecret | kEmptyIsUnset | kHidden)),
    Promise(kNoMaster, AcceptedText("primaryuser", "", kSecret | kEmptyIsUnset | kHidden)),
    Promise("the group of the Unix socket is not changed; to go on, leave it out and let "
            "unixsocketperm or the folder say who may connect",
            AcceptedText("unixsocketgroup", "", kImmutable | kEmptyIsUnset | kHidden)),
    Promise("there is no replication in this version; to go on without, set it to no",
            AcceptedBool("active-replica", "no", kHidden)),
    Promise("there is no replication in this version; to go on without, set it to no",
            AcceptedBool("multi-master", "no", kHidden)),
    Promise("data is kept in memory only; to go on, leave it out",
            AcceptedText("storage-provider", "", kMultiArg | kHidden)),
    Promise("snapshots go to dir only; to go on, leave it out",
            AcceptedText("db-s3-object", "", kHidden)),

    // Lines of a file that are no options.
    DirectiveRow("include", 1, 1),
    DirectiveRow("rename-command", 2, 2),
    Promise("there are no ACL users in this version, so what this line forbids would be allowed; to "
            "go on, leave it out and protect the server with requirepass",
            DirectiveRow("user", 1, kIntMax)),
    Promise("there are no modules in this version, so the commands and the data of this one would "
            "be missing; to go on without, leave it out",
            DirectiveRow("loadmodule", 1, kIntMax)),
}));

// What Redis itself ignores by now.
inline constexpr auto kObsoleteOptions = Because(NoEffect::kObsolete, Rows({
    DirectiveRow("list-max-ziplist-entries", 1, 1),
    DirectiveRow("list-max-ziplist-value", 1, 1),
    DirectiveRow("lua-replicate-commands", 1, 1),
}));
// clang-format on

}  // namespace mantis::config
