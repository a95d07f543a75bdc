"""What operators look at: SLOWLOG, LATENCY and MEMORY with their subcommands."""

from cases.views import help_title, wire_kind
from support.case import case, check, norm
from support.resp import Map


def _memory_stats(reply):
    pairs = dict(reply.pairs if isinstance(reply, Map) else zip(reply[::2], reply[1::2]))
    wanted = {
        b"peak.allocated",
        b"total.allocated",
        b"startup.allocated",
        b"keys.count",
        b"overhead.total",
        b"dataset.bytes",
    }
    return not wanted - set(pairs) and pairs[b"keys.count"] == 2


CASES = {
    "SLOWLOG": [case("arity and unknown", "SLOWLOG", "SLOWLOG FOO")],
    "SLOWLOG|GET": [
        case(
            "empty",
            "SLOWLOG RESET",
            "CONFIG SET slowlog-log-slower-than -1",
            "SLOWLOG RESET",
            "SLOWLOG GET",
            "SLOWLOG GET 5",
            "SLOWLOG GET -1",
            "CONFIG SET slowlog-log-slower-than 10000",
        ),
        case("errors", "SLOWLOG GET x", "SLOWLOG GET -2", "SLOWLOG GET 1 2"),
        case(
            "entries",
            "CONFIG SET slowlog-log-slower-than 0",
            "SLOWLOG RESET",
            "SET k v",
            norm(
                "SLOWLOG GET 1",
                lambda r: [
                    len(r),
                    len(r[0]),
                    r[0][3],
                    type(r[0][0]),
                    type(r[0][1]),
                    type(r[0][2]),
                    r[0][4].split(b":")[0],
                    r[0][5],
                ],
            ),
            "CONFIG SET slowlog-log-slower-than 10000",
            "SLOWLOG RESET",
        ),
        case(
            "long commands are cut",
            "CONFIG SET slowlog-log-slower-than 0",
            "SLOWLOG RESET",
            ("MSET", *["word"] * 50),
            norm("SLOWLOG GET 1", lambda r: r[0][3]),
            ("SET", "k", "x" * 500),
            norm("SLOWLOG GET 1", lambda r: r[0][3]),
            "CONFIG SET slowlog-log-slower-than 10000",
            "SLOWLOG RESET",
        ),
    ],
    "SLOWLOG|LEN": [
        case(
            "length",
            "CONFIG SET slowlog-log-slower-than 0",
            "SLOWLOG RESET",
            "PING",
            "PING",
            "SLOWLOG LEN",
            "CONFIG SET slowlog-log-slower-than 10000",
            "SLOWLOG RESET",
            "SLOWLOG LEN",
            "SLOWLOG LEN x",
        )
    ],
    "SLOWLOG|RESET": [case("resets", "SLOWLOG RESET", "SLOWLOG LEN", "SLOWLOG RESET x")],
    "SLOWLOG|HELP": [case("help", norm("SLOWLOG HELP", help_title))],
    "LATENCY": [case("arity and unknown", "LATENCY", "LATENCY FOO")],
    "LATENCY|LATEST": [case("nothing yet", "LATENCY RESET", "LATENCY LATEST", "LATENCY LATEST x")],
    "LATENCY|HISTORY": [
        case("unknown event", "LATENCY HISTORY nosuch", "LATENCY HISTORY", "LATENCY HISTORY a b")
    ],
    "LATENCY|RESET": [
        case(
            "counts",
            "LATENCY RESET nosuch",
            "LATENCY RESET a b",
            check("LATENCY RESET", lambda r: type(r) is int),
        )
    ],
    "LATENCY|GRAPH": [case("no samples", "LATENCY GRAPH nosuch", "LATENCY GRAPH")],
    "LATENCY|DOCTOR": [case("prose", norm("LATENCY DOCTOR", wire_kind), "LATENCY DOCTOR x")],
    "LATENCY|HISTOGRAM": [
        case(
            "nothing called",
            "CONFIG RESETSTAT",
            "LATENCY HISTOGRAM lcs",
            "LATENCY HISTOGRAM nosuch",
        ),
        case(
            "calls",
            "CONFIG RESETSTAT",
            "SET k v",
            "SET k v",
            norm(
                "LATENCY HISTOGRAM set",
                lambda r: (r.pairs[0][0], r.pairs[0][1].pairs[0])
                if isinstance(r, Map)
                else (r[0], r[1][:2]),
            ),
        ),
    ],
    "LATENCY|HELP": [case("help", norm("LATENCY HELP", help_title))],
    "MEMORY": [case("arity and unknown", "MEMORY", "MEMORY FOO")],
    "MEMORY|STATS": [
        case("fields", "MSET a 1 b 2", check("MEMORY STATS", _memory_stats), "MEMORY STATS x")
    ],
    "MEMORY|DOCTOR": [case("prose", norm("MEMORY DOCTOR", wire_kind), "MEMORY DOCTOR x")],
    "MEMORY|PURGE": [case("purges", "MEMORY PURGE", "MEMORY PURGE x")],
    "MEMORY|MALLOC-STATS": [case("prose", norm("MEMORY MALLOC-STATS", wire_kind))],
    "MEMORY|HELP": [case("help", norm("MEMORY HELP", help_title))],
}
