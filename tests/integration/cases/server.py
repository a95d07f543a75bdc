"""Server-wide commands: databases, flushing, INFO, statistics, time, waiting, shutdown errors."""

import time

from cases.views import wire_kind
from support.case import case, check, near, norm
from support.resp import Error, Verbatim
from support.server import parse_info


def _text(reply):
    return reply.text if isinstance(reply, Verbatim) else reply


def _section(name, *fields):
    def good(reply):
        text = _text(reply)
        return text.startswith(b"# " + name) and not set(fields) - set(parse_info(text))

    return good


def _keyspace(reply):
    """Only what SET decides: database lines up to the average time to live."""
    return [line.split(b",avg_ttl")[0] for line in _text(reply).splitlines()]


def _is_time(reply):
    seconds, micros = (int(part) for part in reply)
    return abs(seconds - time.time()) < 60 and 0 <= micros < 1000000


def _lolwut(reply):
    text = _text(reply)
    return not isinstance(reply, Error) and b"ver. " in text


_SECTIONS = {
    b"Server": (
        "redis_version",
        "redis_mode",
        "os",
        "arch_bits",
        "process_id",
        "run_id",
        "tcp_port",
        "uptime_in_seconds",
        "hz",
        "executable",
        "config_file",
    ),
    b"Clients": (
        "connected_clients",
        "maxclients",
        "client_recent_max_input_buffer",
        "blocked_clients",
        "tracking_clients",
    ),
    b"Memory": (
        "used_memory",
        "used_memory_human",
        "used_memory_rss",
        "used_memory_peak",
        "used_memory_dataset",
        "maxmemory",
        "maxmemory_human",
        "maxmemory_policy",
        "mem_fragmentation_ratio",
        "mem_allocator",
    ),
    b"Persistence": (
        "loading",
        "rdb_changes_since_last_save",
        "rdb_bgsave_in_progress",
        "rdb_last_save_time",
        "aof_enabled",
    ),
    b"Stats": (
        "total_connections_received",
        "total_commands_processed",
        "instantaneous_ops_per_sec",
        "total_net_input_bytes",
        "total_net_output_bytes",
        "rejected_connections",
        "expired_keys",
        "evicted_keys",
        "keyspace_hits",
        "keyspace_misses",
        "total_error_replies",
    ),
    b"Replication": ("role", "connected_slaves", "master_replid", "master_repl_offset"),
    b"CPU": ("used_cpu_sys", "used_cpu_user"),
}

CASES = {
    "DBSIZE": [
        case(
            "counts",
            "DBSIZE",
            "MSET a 1 b 2",
            "DBSIZE",
            "SELECT 1",
            "DBSIZE",
            "SELECT 0",
            "DEL a",
            "DBSIZE",
        ),
        case("arity", "DBSIZE x"),
    ],
    "FLUSHDB": [
        case(
            "this database only",
            "SET a 1",
            "SELECT 1",
            "SET b 1",
            "FLUSHDB",
            "DBSIZE",
            "SELECT 0",
            "DBSIZE",
        ),
        case(
            "modes",
            "SET a 1",
            "FLUSHDB SYNC",
            "DBSIZE",
            "SET a 1",
            "FLUSHDB async",
            "DBSIZE",
            "GET a",
        ),
        case(
            "bad modes",
            "SET a 1",
            "FLUSHDB FOO",
            "FLUSHDB SYNC ASYNC",
            "FLUSHDB SYNC SYNC",
            "DBSIZE",
        ),
    ],
    "FLUSHALL": [
        case(
            "every database",
            "SET a 1",
            "SELECT 1",
            "SET b 1",
            "FLUSHALL",
            "DBSIZE",
            "SELECT 0",
            "DBSIZE",
        ),
        case(
            "modes",
            "SET a 1",
            "FLUSHALL ASYNC",
            "DBSIZE",
            "SET a 1 EX 100",
            "FLUSHALL sync",
            "TTL a",
        ),
        case("bad modes", "SET a 1", "FLUSHALL FOO", "FLUSHALL SYNC ASYNC", "DBSIZE"),
    ],
    "SWAPDB": [
        case("swaps", "SET k 0", "SELECT 1", "SET k 1", "SWAPDB 0 1", "GET k", "SELECT 0", "GET k"),
        case("with itself", "SET k 0", "SWAPDB 0 0", "GET k"),
        case(
            "with an empty one",
            "SET k 0 EX 100",
            "SWAPDB 0 7",
            "EXISTS k",
            "SELECT 7",
            "GET k",
            "DBSIZE",
        ),
        case(
            "errors",
            "SWAPDB 0 16",
            "SWAPDB -1 0",
            "SWAPDB x 0",
            "SWAPDB 0 x",
            "SWAPDB 0 99999999999999999999",
        ),
        case("arity", "SWAPDB", "SWAPDB 0", "SWAPDB 0 1 2"),
    ],
    "INFO": [
        case(
            "wire type",
            norm("INFO", wire_kind),
            norm("INFO server", wire_kind),
            norm("INFO nosuch", _text),
        ),
        *[
            case(
                f"section {name.decode()}", check(f"INFO {name.decode()}", _section(name, *fields))
            )
            for name, fields in _SECTIONS.items()
        ],
        case(
            "case and several",
            check(
                "INFO SERVER clients",
                lambda r: b"# Server" in _text(r)
                and b"# Clients" in _text(r)
                and b"# Memory" not in _text(r),
            ),
        ),
        case(
            "groups",
            *[
                check(
                    f"INFO {group}", lambda r: b"# Keyspace" in _text(r) and b"# Server" in _text(r)
                )
                for group in ("", "default", "all", "everything")
            ],
        ),
        case(
            "all has the per-command statistics",
            check("INFO all", lambda r: b"cmdstat_" in _text(r)),
            check("INFO default", lambda r: b"cmdstat_" not in _text(r)),
        ),
        case(
            "keyspace",
            norm("INFO keyspace", _text),
            "SET a 1",
            "SET b 1 EX 33177117",
            norm("INFO keyspace", _keyspace),
            "SELECT 9",
            "SET c 1",
            norm("INFO keyspace", _keyspace),
        ),
        case(
            "errorstats",
            "CONFIG RESETSTAT",
            "GET",
            "NOSUCH",
            "INCRBY k x",
            norm("INFO errorstats", _text),
        ),
        case(
            "commandstats calls",
            "CONFIG RESETSTAT",
            "GET a",
            "GET",
            "SET k v",
            "INCRBY k 1",
            norm(
                "INFO commandstats",
                lambda r: sorted(
                    (line.split(b":")[0], line.split(b":")[1].split(b",")[0], line.split(b",")[3:])
                    for line in _text(r).splitlines()
                    if line.startswith((b"cmdstat_get", b"cmdstat_set", b"cmdstat_incrby"))
                ),
            ),
        ),
        case(
            "latencystats",
            "CONFIG RESETSTAT",
            "GET a",
            check("INFO latencystats", lambda r: b"latency_percentiles_usec_get:p50=" in _text(r)),
        ),
    ],
    "WAIT": [
        case("no replicas", "WAIT 0 10", "WAIT 1 10", "WAIT 0 0", "SET k v", "WAIT 1 1"),
        case(
            "errors", "WAIT x 1", "WAIT 1 x", "WAIT 1 -1", "WAIT -1 1", "WAIT 0 9223372036854775807"
        ),
        case("arity", "WAIT", "WAIT 1", "WAIT 1 2 3"),
    ],
    "SAVE": [case("saves", "SET k v", "SAVE", near("LASTSAVE", 2), "SAVE x")],
    "LASTSAVE": [case("recent", "SAVE", near("LASTSAVE", 2), "LASTSAVE x")],
    "BGSAVE": [
        case("starts", "SET k v", "BGSAVE", "DEBUG SLEEP 0.2", near("LASTSAVE", 2), "SAVE"),
        case("errors", "BGSAVE FOO", "BGSAVE SCHEDULE FOO"),
    ],
    "ROLE": [case("master", "ROLE", "ROLE x")],
    "TIME": [case("now", check("TIME", _is_time), "TIME x")],
    "LOLWUT": [
        case(
            "art",
            check("LOLWUT", _lolwut),
            check("LOLWUT VERSION 5", _lolwut),
            check("LOLWUT VERSION 6", _lolwut),
            check("LOLWUT VERSION 9999", _lolwut),
        ),
        case("errors", "LOLWUT VERSION x"),
    ],
    "SHUTDOWN": [
        case(
            "bad options",
            "SHUTDOWN FOO",
            "SHUTDOWN SAVE NOSAVE",
            "SHUTDOWN NOSAVE SAVE",
            "SHUTDOWN ABORT NOW",
            "SHUTDOWN ABORT",
            "PING",
        )
    ],
    "MONITOR": [case("arity", "MONITOR x", "PING")],
}
