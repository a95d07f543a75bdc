"""CONFIG: globs, several pairs at once, errors. Every case puts back what it changed."""

from cases.views import help_title
from support.case import case, check, norm, unordered
from support.resp import Error, Map


def _names(reply):
    return sorted(k for k, _ in reply.pairs) if isinstance(reply, Map) else sorted(reply[::2])


def _has(*names):
    return lambda reply: set(names) <= set(_names(reply))


def _failed(option, why=""):
    """Whether a bad pair names itself; the reason's wording follows the oracle where `why` is ''."""
    start = f"ERR CONFIG SET failed (possibly related to argument '{option}') - {why}".encode()
    return lambda reply: isinstance(reply, Error) and reply.text.startswith(start)


def _set_and_get(name, *values, restore):
    steps = []
    for value in values:
        steps += [("CONFIG", "SET", name, value), ("CONFIG", "GET", name)]
    return case(f"{name}", *steps, ("CONFIG", "SET", name, restore))


CASES = {
    "CONFIG": [case("arity and unknown", "CONFIG", "CONFIG FOO", "CONFIG FOO bar")],
    "CONFIG|GET": [
        case("one", "CONFIG GET databases", "CONFIG GET maxmemory-policy", "CONFIG GET DATABASES"),
        case("unknown", "CONFIG GET nosuch", "CONFIG GET nosuch*", 'CONFIG GET ""'),
        case(
            "several globs",
            unordered("CONFIG GET databases maxmemory-policy timeout"),
            unordered("CONFIG GET maxmemory-pol* timeo?t"),
            unordered("CONFIG GET timeout timeout time*"),
        ),
        case(
            "everything",
            check(
                "CONFIG GET *",
                _has(
                    b"port",
                    b"maxmemory",
                    b"timeout",
                    b"save",
                    b"appendonly",
                    b"bind",
                    b"maxclients",
                    b"databases",
                    b"dir",
                ),
            ),
        ),
        case("benchmark asks", "CONFIG GET save", "CONFIG GET appendonly"),
        case("slowlog options", norm("CONFIG GET slowlog-*", _names)),
        case("arity", "CONFIG GET"),
    ],
    "CONFIG|SET": [
        _set_and_get(
            "maxmemory", "100mb", "1gb", "1g", "1048576", "5000k", "1024kb", "0", restore="0"
        ),
        _set_and_get(
            "maxmemory-policy",
            "allkeys-lru",
            "volatile-ttl",
            "ALLKEYS-LFU",
            "volatile-random",
            restore="noeviction",
        ),
        _set_and_get("timeout", "100", "0", restore="0"),
        _set_and_get("slowlog-log-slower-than", "0", "-1", "5000", restore="10000"),
        _set_and_get("slowlog-max-len", "10", "0", restore="128"),
        _set_and_get("latency-monitor-threshold", "100", restore="0"),
        _set_and_get("maxmemory-samples", "10", restore="5"),
        _set_and_get("tcp-keepalive", "60", restore="300"),
        _set_and_get("proto-max-bulk-len", "1mb", "2097152", restore="512mb"),
        _set_and_get("maxclients", "100", "5000", restore="10000"),
        _set_and_get(
            "client-output-buffer-limit",
            "normal 1mb 512kb 60",
            "pubsub 64mb 16mb 90",
            "normal 0 0 0 pubsub 32mb 8mb 60",
            restore="normal 0 0 0 pubsub 32mb 8mb 60",
        ),
        _set_and_get("requirepass", "", restore=""),
        case(
            "several pairs",
            "CONFIG SET timeout 50 slowlog-max-len 77",
            unordered("CONFIG GET timeout slowlog-max-len"),
            "CONFIG SET timeout 0 slowlog-max-len 128",
        ),
        case(
            "all or nothing",
            "CONFIG SET timeout 50 slowlog-max-len x",
            "CONFIG GET timeout",
            "CONFIG SET timeout 50 nosuch 1",
            "CONFIG GET timeout",
        ),
        case("the same twice", "CONFIG SET timeout 1 timeout 2", "CONFIG GET timeout"),
        case(
            "unknown option",
            "CONFIG SET nosuch 1",
            "CONFIG SET nosuch 1 timeout 1",
            ("CONFIG", "SET", "", "1"),
        ),
        case(
            "bad memory",
            "CONFIG SET maxmemory x",
            "CONFIG SET maxmemory 10qb",
            "CONFIG GET maxmemory",
        ),
        case(
            "bad number",
            "CONFIG SET timeout x",
            "CONFIG SET timeout -1",
            "CONFIG SET timeout 1.5",
            'CONFIG SET timeout ""',
            "CONFIG SET timeout 99999999999999999999",
        ),
        case(
            "out of range",
            "CONFIG SET maxmemory-samples 0",
            "CONFIG SET maxclients 0",
            "CONFIG SET slowlog-max-len -1",
        ),
        case(
            "bad enum",
            check("CONFIG SET maxmemory-policy foo", _failed("maxmemory-policy")),
            "CONFIG SET maxmemory-policy foo",
            "CONFIG GET maxmemory-policy",
        ),
        case(
            "bad boolean",
            check("CONFIG SET lazyfree-lazy-expire maybe", _failed("lazyfree-lazy-expire")),
            "CONFIG SET lazyfree-lazy-expire maybe",
        ),
        case(
            "immutable",
            "CONFIG SET databases 5",
            "CONFIG SET unixsocket /tmp/x",
            "CONFIG GET databases",
        ),
        case("arity", "CONFIG SET", "CONFIG SET timeout", "CONFIG SET timeout 1 slowlog-max-len"),
        case(
            "save points",
            ("CONFIG", "SET", "save", "3600 1 300 100"),
            "CONFIG GET save",
            ("CONFIG", "SET", "save", ""),
            "CONFIG GET save",
            ("CONFIG", "SET", "save", "x y"),
            ("CONFIG", "SET", "save", "10"),
        ),
    ],
    "CONFIG|RESETSTAT": [
        case(
            "counters restart",
            "GET nokey",
            "CONFIG RESETSTAT",
            norm(
                "INFO stats",
                lambda r: [
                    line
                    for line in (getattr(r, "text", r)).splitlines()
                    if line.startswith(
                        (b"keyspace_", b"expired_keys", b"evicted_keys", b"total_error")
                    )
                ],
            ),
        ),
        case("arity", "CONFIG RESETSTAT x"),
    ],
    "CONFIG|REWRITE": [case("without a file", "CONFIG REWRITE", "CONFIG REWRITE x")],
    "CONFIG|HELP": [case("help", norm("CONFIG HELP", help_title))],
}
