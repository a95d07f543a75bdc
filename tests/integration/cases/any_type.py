"""Commands on keys whatever they hold, with a value of each type."""

from support.case import case, check, expect, near, unordered
from support.resp import NULL, NULL3, OK, Error

# How a key `k` of each type is made, and how it is read.
_TYPES = {
    "list": (["RPUSH k a b 3 '' 5"], ["LRANGE k 0 -1"]),
    "set": (["SADD k a b 3"], [unordered("SMEMBERS k")]),
    "integers": (["SADD k 1 2 3"], ["SMEMBERS k"]),
    "hash": (["HSET k f v g 2"], ["HGETALL k"]),
    "zset": (["ZADD k 1 a 2.5 b -inf c"], ["ZRANGE k 0 -1 WITHSCORES"]),
    "stream": (
        ["XADD k 1-1 f v", "XADD k 2-1 g w", "XGROUP CREATE k readers 0"],
        ["XRANGE k - +", "XINFO GROUPS k"],
    ),
    "large hash": ([("HSET", "k", *[x for i in range(600) for x in (i, f"v{i}")])], ["HLEN k"]),
    "large zset": ([("ZADD", "k", *[x for i in range(300) for x in (i, f"m{i}")])], ["ZCARD k"]),
    "large set": ([("SADD", "k", *[f"m{i}" for i in range(300)])], ["SCARD k"]),
    "large list": (
        [("RPUSH", "k", *["x" * 1000 for _ in range(50)])],
        ["LLEN k", "LINDEX k 49"],
    ),
    "long string": (["SETRANGE k 1000 x", "APPEND k y"], ["GETRANGE k 990 -1", "STRLEN k"]),
}


class reads:
    """Reads the key in the way of the type that the case is about."""

    def __init__(self, key):
        self.key = key


def _moved(step, key):
    """The same step on another key."""
    if isinstance(step, str):
        return step.replace(" k", f" {key}", 1)
    moved = tuple(key.encode() if a == b"k" else a for a in step.args)
    return type(step)(**{**step.__dict__, "args": moved})


def _each(*steps, types=tuple(_TYPES)):
    """A case for each type: makes the key, does the steps; `reads(key)` among them reads it."""
    cases = []
    for name in types:
        make, read = _TYPES[name]
        done = list(make)
        for one in steps:
            done += [_moved(r, one.key) for r in read] if isinstance(one, reads) else [one]
        cases.append(case(f"of a {name}", *done))
    return cases


_ENCODINGS = {
    "integers": b"intset",
    "hash": b"listpack",
    "zset": b"listpack",
    "stream": b"stream",
    "large hash": b"hashtable",
    "large zset": b"skiplist",
    "large set": b"hashtable",
    "large list": b"quicklist",
    "long string": b"raw",
}

CASES = {
    "COPY": [
        *_each(
            "COPY k other",
            reads("other"),
            reads("k"),
            "COPY k other",
            "COPY k other REPLACE",
            "COPY k k",
            "DEL k",
            reads("other"),
        ),
        *_each(
            "EXPIRE k 100",
            "COPY k other",
            near("TTL other", 1),
            "COPY k there DB 1",
            "SELECT 1",
            reads("there"),
            near("TTL there", 1),
            "FLUSHDB",
            "SELECT 0",
            types=("list", "set", "hash", "zset", "stream"),
        ),
        case(
            "is a value of its own",
            "RPUSH k a",
            "COPY k other",
            "RPUSH k b",
            "LRANGE other 0 -1",
            "SADD other x",
            "DEL k",
            "LRANGE other 0 -1",
        ),
        case(
            "replaces another type",
            "HSET k a 1",
            "SET other v",
            "COPY k other REPLACE",
            "TYPE other",
        ),
    ],
    "RENAME": _each(
        "RENAME k other", reads("other"), "EXISTS k", "RENAME other other", "TYPE other"
    ),
    "RENAMENX": _each("SET taken v", "RENAMENX k taken", "RENAMENX k other", reads("other")),
    "MOVE": _each("MOVE k 1", "EXISTS k", "SELECT 1", reads("k"), "FLUSHDB", "SELECT 0"),
    "TYPE": _each("TYPE k"),
    "EXISTS": _each("EXISTS k k", "TOUCH k", "UNLINK k", "EXISTS k"),
    "DEL": _each("DEL k", "EXISTS k", "DBSIZE"),
    "EXPIRE": _each(
        "EXPIRE k 100",
        near("TTL k", 1),
        reads("k"),
        "PERSIST k",
        "TTL k",
        "EXPIREAT k 1",
        "EXISTS k",
    ),
    "PEXPIRE": _each("PEXPIRE k 1", "DEBUG SLEEP 0.02", "EXISTS k", "TYPE k", "DBSIZE"),
    "SET": _each("SET k v", "GET k", "TYPE k", "DBSIZE"),
    "SETEX": _each("SETEX k 100 v", "GET k"),
    "MSET": _each("MSET k v l w", "GET k"),
    "GETDEL": _each("GETDEL k", "EXISTS k", types=("list", "set", "hash", "zset", "stream")),
    "GETSET": _each("GETSET k v", reads("k"), types=("list", "hash", "zset", "stream")),
    "MGET": _each("MGET k k nokey"),
    "GET": _each("GET k", types=("list", "set", "hash", "zset", "stream", "large hash")),
    "OBJECT|ENCODING": [
        *[
            case(
                f"of a {name}",
                *_TYPES[name][0],
                check("OBJECT ENCODING k", lambda r, e=encoding: r == e),
            )
            for name, encoding in _ENCODINGS.items()
        ],
        # The names of Redis 7.2.
        case(
            "of short lists and sets",
            expect("RPUSH l a", 1),
            expect("OBJECT ENCODING l", b"listpack"),
            expect("SADD s a", 1),
            expect("OBJECT ENCODING s", b"listpack"),
        ),
    ],
    "OBJECT|REFCOUNT": _each("OBJECT REFCOUNT k"),
    "OBJECT|IDLETIME": _each(near("OBJECT IDLETIME k", 1)),
    "MEMORY|USAGE": _each(
        check("MEMORY USAGE k", lambda reply: type(reply) is int and reply > 30),
        check("MEMORY USAGE k SAMPLES 0", lambda reply: type(reply) is int and reply > 30),
        "MEMORY USAGE k SAMPLES -1",
        "MEMORY USAGE k SAMPLES x",
        "MEMORY USAGE k SAMPLES",
    ),
    "SCAN": [
        case(
            "by type",
            "RPUSH l a",
            "SADD s a",
            "HSET h a 1",
            "ZADD z 1 a",
            "XADD x 1-1 a b",
            "SET t v",
            *[
                unordered(f"SCAN 0 COUNT 100 TYPE {kind}")
                for kind in "list set hash zset stream string LIST none foo".split()
            ],
            "SCAN 0 COUNT 100 MATCH h* TYPE hash",
            "SCAN 0 COUNT 100 MATCH h* TYPE set",
        )
    ],
    "DEBUG|OBJECT": _each(check("DEBUG OBJECT k", lambda r: b"encoding:" in r.text)),
    "DEBUG|DIGEST-VALUE": [
        *_each("DEBUG DIGEST-VALUE k nokey", "EXPIRE k 100", "DEBUG DIGEST-VALUE k"),
        case("of strings", "SET k v", "SET l 5", "DEBUG DIGEST-VALUE k l", "DEBUG DIGEST-VALUE"),
    ],
    "DEBUG|DIGEST": [
        case("of nothing", "DEBUG DIGEST"),
        *_each("SET other v EX 100", "SELECT 2", "SET k w", "DEBUG DIGEST", "FLUSHDB", "SELECT 0"),
    ],
    "DEBUG|LISTPACK": [
        case(
            "of other encodings",
            "SADD k 1",
            "DEBUG LISTPACK k",
            "SET k v",
            "DEBUG LISTPACK k",
            "DEBUG LISTPACK nokey",
        ),
        case(
            "of a hash",
            "HSET k a 1",
            check("DEBUG LISTPACK k", lambda r: r.text.startswith(b"Listpack")),
        ),
    ],
    "DEBUG|HTSTATS-KEY": [
        case("of no table", "SADD k 1", "DEBUG HTSTATS-KEY k", "DEBUG HTSTATS-KEY nokey"),
        *_each(
            check(
                "DEBUG HTSTATS-KEY k", lambda r: b"number of elements" in getattr(r, "text", r)
            ),
            types=("large hash", "large set", "large zset"),
        ),
    ],
    "DEBUG|HTSTATS": [
        case(
            "of a database",
            "DEBUG HTSTATS 99",
            "DEBUG HTSTATS x",
            check("DEBUG HTSTATS 0", lambda r: b"[Dictionary HT]" in getattr(r, "text", r)),
        )
    ],
    "DEBUG|RELOAD": [
        case(
            "errors",
            expect(
                "DEBUG RELOAD FOO",
                Error(b"ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options."),
            ),
        ),
        *_each("EXPIRE k 100", "DEBUG RELOAD", reads("k"), near("TTL k", 1)),
    ],
    "DEBUG|STRINGMATCH-LEN": [
        case(
            "matches",
            expect("DEBUG STRINGMATCH-LEN a*c abc", 1),
            expect("DEBUG STRINGMATCH-LEN a abc", 0),
        )
    ],
    "DEBUG|LOG": [case("writes", "DEBUG LOG message")],
    "KRANGE": [
        case(
            "values that are no strings",
            expect("RPUSH a x", 1),
            expect("SETRANGE b 300 x", 301),
            expect("SET c v", OK),
            expect(
                "KRANGE - + WITHVALUES",
                [b"a", NULL, b"b", b"\0" * 300 + b"x", b"c", b"v"],
                [[b"a", NULL3], [b"b", b"\0" * 300 + b"x"], [b"c", b"v"]],
            ),
        )
    ],
}
