"""Commands that wait for keys: what wakes them, in which order, and what ends the wait. What each
command does otherwise stands with its type."""

from support.case import case, expect, on, pause, silent

_ASLEEP = pause(0.08)


def _woken(name, *steps, before=(), wait="BLPOP k 0", after=()):
    """A waiter that `steps` of another connection serve; its reply comes before that of PING."""
    return case(
        f"woken by {name}",
        *before,
        on("waiter", silent(wait)),
        _ASLEEP,
        *steps,
        on("waiter", "PING"),
        *after,
        "EXISTS k",
    )


def _asleep(name, *steps, wait="BLPOP k 0", before=()):
    """Steps that wake nobody: the list pushed at the end is what the waiter gets."""
    return case(
        f"not woken by {name}",
        *before,
        on("waiter", silent(wait)),
        _ASLEEP,
        *steps,
        "DEL k",
        "RPUSH k last",
        on("waiter", "PING"),
    )


_WAKING = [
    _woken("LPUSH", "LPUSH k a"),
    _woken("RPUSH of several", "RPUSH k a b c", after=("LRANGE k 0 -1",)),
    _woken("RENAME", "RENAME l k", before=("RPUSH l a b",)),
    _woken("RENAMENX", "RENAMENX l k", before=("RPUSH l a b",)),
    _woken("COPY", "COPY l k", before=("RPUSH l a b",)),
    _woken("MOVE", on("mover", "SELECT 7"), on("mover", "RPUSH k a"), on("mover", "MOVE k 0")),
    _woken("RPOPLPUSH", "RPOPLPUSH l k", before=("RPUSH l a b",)),
    _woken("LMOVE", "LMOVE l k LEFT LEFT", before=("RPUSH l a b",)),
    _woken("SORT with STORE", "SORT l STORE k", before=("RPUSH l 3 1 2",)),
    _woken("EXEC", "MULTI", "RPUSH k a", "RPUSH k b", "LLEN k", "EXEC", "LLEN k"),
    _woken("EXEC that renames", "MULTI", "RENAME l k", "EXEC", before=("RPUSH l a",)),
    _woken(
        "SWAPDB",
        "SWAPDB 0 7",
        before=(on("there", "SELECT 7"), on("there", "RPUSH k a b")),
        after=("LRANGE k 0 -1", "SWAPDB 0 7", "DEL k"),
    ),
    _woken("a list after the key expired", "SET k v PX 20", pause(0.1), "RPUSH k a"),
    _woken("a list in place of a string", "SET k v", "DEL k", "RPUSH k a"),
    _woken("a second key", "RPUSH l a", wait="BLPOP k l m 0"),
    # As in Redis 7.2: the first in the waiter's order, not the first that was written.
    case(
        "woken by two keys at once",
        on("waiter", silent("BLPOP k l 0")),
        _ASLEEP,
        "MULTI",
        "RPUSH l a",
        "RPUSH k b",
        "EXEC",
        expect(on("waiter", "PING"), [b"k", b"b"]),
        expect("LRANGE l 0 -1", [b"a"]),
    ),
    _asleep("another type", "SET k v"),
    _asleep("a sorted set", "ZADD k 1 m"),
    _asleep("a push that is popped at once", "MULTI", "RPUSH k a", "LPOP k", "EXEC"),
    _asleep("a push that is deleted at once", "MULTI", "RPUSH k a", "DEL k", "EXEC"),
    _asleep("other keys", "RPUSH l a", "DEL l", "SET m v"),
    _asleep("a list of another database", on("there", "SELECT 7"), on("there", "RPUSH k a"),
            on("there", "DEL k")),
    _asleep("FLUSHALL", "SET l v", "FLUSHALL"),
]

_ORDER = [
    case(
        "first come, first served",
        on("first", silent("BLPOP k 0")),
        _ASLEEP,
        on("second", silent("BRPOP k 0")),
        _ASLEEP,
        on("third", silent("BLMPOP 0 1 k LEFT COUNT 2")),
        _ASLEEP,
        "RPUSH k a b c d e",
        on("first", "PING"),
        on("second", "PING"),
        on("third", "PING"),
        "LRANGE k 0 -1",
    ),
    case(
        "each gets one",
        on("first", silent("BLPOP k 0")),
        _ASLEEP,
        on("second", silent("BLPOP k 0")),
        _ASLEEP,
        "RPUSH k a",
        on("first", "PING"),
        "RPUSH k b",
        on("second", "PING"),
    ),
    case(
        "who waits for another type is passed over",
        on("first", silent("BZPOPMIN k 0")),
        _ASLEEP,
        on("second", silent("BLPOP k 0")),
        _ASLEEP,
        "RPUSH k a",
        on("second", "PING"),
        "ZADD k 1 m",
        on("first", "PING"),
    ),
    case(
        "a key twice",
        on("waiter", silent("BLPOP k k l k 0")),
        _ASLEEP,
        "RPUSH k a b",
        on("waiter", "PING"),
        "LRANGE k 0 -1",
    ),
    case(
        "what is behind waits",
        on("waiter", silent("BLPOP k 0")),
        on("waiter", silent("SET done 1")),
        on("waiter", silent("LLEN k")),
        _ASLEEP,
        "EXISTS done",
        "RPUSH k a b",
        on("waiter", "PING"),
        on("waiter", "PING"),
        on("waiter", "PING"),
        "EXISTS done",
    ),
    case(
        "waits again and again",
        *[
            step
            for value in "abc"
            for step in (
                on("waiter", silent("BLPOP k 0")),
                _ASLEEP,
                f"RPUSH k {value}",
                on("waiter", "GET none"),
            )
        ],
    ),
]

CASES = {
    "BLPOP": [*_WAKING, *_ORDER],
    "BZPOPMIN": [
        _woken("ZADD", "ZADD k 2 b 1 a", wait="BZPOPMIN k 0", after=("ZRANGE k 0 -1",)),
        _woken("ZINCRBY", "ZINCRBY k 2 b", wait="BZPOPMIN k 0"),
        _woken("ZUNIONSTORE", "ZUNIONSTORE k 1 z", before=("ZADD z 1 a 2 b",), wait="BZPOPMIN k 0"),
        _woken("RENAME", "RENAME z k", before=("ZADD z 1 a",), wait="BZPOPMIN k 0"),
        _woken("EXEC", "MULTI", "ZADD k 2 b", "ZADD k 1 a", "EXEC", wait="BZPOPMIN k 0"),
        ],
    "BZPOPMAX": [_woken("ZADD", "ZADD k 2 b 1 a", wait="BZPOPMAX k 0")],
    "BZMPOP": [
        _woken("ZADD", "ZADD l 2 b 1 a 3 c", wait="BZMPOP 0 2 k l MAX COUNT 2"),
        case("gives up", "BZMPOP 0.05 1 k MIN", "BZMPOP 0.05 1 k MAX COUNT 3"),
    ],
    "CLIENT|UNBLOCK": [
        case("nobody blocked", "CLIENT UNBLOCK 987654321", "CLIENT UNBLOCK 987654321 ERROR"),
    ],
}
