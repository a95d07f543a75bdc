"""Deadlines: the four EXPIRE commands with their conditions, the queries, PERSIST and expiry."""

from support.case import case, near, pause

_CONDITIONS = ("NX", "XX", "GT", "LT")
_FAR = {
    "EXPIRE": "1000",
    "PEXPIRE": "1000000",
    "EXPIREAT": "33177117420",
    "PEXPIREAT": "33177117420000",
}
_FARTHER = {
    "EXPIRE": "5000",
    "PEXPIRE": "5000000",
    "EXPIREAT": "33177117421",
    "PEXPIREAT": "33177117421000",
}


def _family(command):
    far, farther = _FAR[command], _FARTHER[command]
    query = near("PTTL k", 1500) if command in ("EXPIRE", "PEXPIRE") else "PEXPIRETIME k"
    conditions = []
    for word in _CONDITIONS:
        conditions.append(
            case(
                f"{word}",
                f"{command} nokey {far} {word}",
                "SET k v",
                f"{command} k {far} {word}",
                query,
                f"{command} k {farther} {word}",
                query,
                f"{command} k {far} {word.lower()}",
                query,
            )
        )
    # Each deadline is later than the one before, so that GT and LT do not hang on a millisecond.
    unit = 1000 if command.startswith("P") else 1
    words = [(a, b) for a in _CONDITIONS for b in _CONDITIONS]
    pairs = [f"{command} k {int(far) + 10 * unit * i} {a} {b}" for i, (a, b) in enumerate(words)]
    return [
        case(
            "sets and replaces",
            f"{command} nokey {far}",
            "SET k v",
            f"{command} k {far}",
            query,
            f"{command} k {farther}",
            query,
            "GET k",
        ),
        *conditions,
        case("pairs of conditions", "SET k v", *pairs, query),
        case(
            "three conditions",
            "SET k v",
            f"{command} k {far} NX XX GT",
            f"{command} k {far} XX GT GT",
            f"{command} k {far} NX GT LT",
        ),
        case(
            "unknown condition",
            "SET k v",
            f"{command} k {far} FOO",
            f"{command} k {far} NX foo",
            f"{command} nokey {far} FOO",
            "TTL k",
        ),
        case(
            "the past deletes",
            "SET k v",
            f"{command} k -1",
            "EXISTS k",
            "SET k v",
            f"{command} k -1 NX",
            "GET k",
            "DBSIZE",
        ),
        case("zero deletes", "SET k v", f"{command} k 0", "EXISTS k"),
        case(
            "GT and LT on the past",
            "SET k v EX 100",
            f"{command} k -1 GT",
            "EXISTS k",
            f"{command} k -1 LT",
            "EXISTS k",
        ),
        case(
            "not numbers",
            "SET k v",
            f"{command} k x",
            f"{command} k 1.5",
            f'{command} k ""',
            f"{command} k 9223372036854775808",
            f"{command} nokey x",
            "TTL k",
        ),
        case(
            "overflow",
            "SET k v",
            f"{command} k 9223372036854775807",
            f"{command} k -9223372036854775808",
            "EXISTS k",
        ),
        case(
            "overflow as milliseconds",
            "SET k v",
            f"{command} k 9223372036854776",
            f"{command} k -9223372036854776",
            "EXISTS k",
        ),
        case("arity", command, f"{command} k"),
    ]


CASES = {
    "EXPIRE": _family("EXPIRE"),
    "PEXPIRE": _family("PEXPIRE"),
    "EXPIREAT": _family("EXPIREAT"),
    "PEXPIREAT": _family("PEXPIREAT"),
    "TTL": [
        case("three answers", "TTL k", "SET k v", "TTL k", "EXPIRE k 100", near("TTL k", 1)),
        case(
            "rounds to the nearest second",
            "SET k v PX 100499",
            near("TTL k", 1),
            "SET k v PX 400",
            "TTL k",
            "SET k v PX 700",
            "TTL k",
        ),
        case("arity", "TTL", "TTL a b"),
    ],
    "PTTL": [
        case(
            "three answers", "PTTL k", "SET k v", "PTTL k", "PEXPIRE k 100000", near("PTTL k", 1500)
        ),
        case("arity", "PTTL", "PTTL a b"),
    ],
    "EXPIRETIME": [
        case(
            "three answers",
            "EXPIRETIME k",
            "SET k v",
            "EXPIRETIME k",
            "EXPIREAT k 33177117420",
            "EXPIRETIME k",
        ),
        case(
            "rounds",
            "SET k v PXAT 33177117420499",
            "EXPIRETIME k",
            "SET k v PXAT 33177117420500",
            "EXPIRETIME k",
            "SET k v PXAT 33177117420999",
            "EXPIRETIME k",
        ),
        case("arity", "EXPIRETIME", "EXPIRETIME a b"),
    ],
    "PEXPIRETIME": [
        case(
            "three answers",
            "PEXPIRETIME k",
            "SET k v",
            "PEXPIRETIME k",
            "PEXPIREAT k 33177117420123",
            "PEXPIRETIME k",
        ),
        case("arity", "PEXPIRETIME", "PEXPIRETIME a b"),
    ],
    "PERSIST": [
        case(
            "three answers",
            "PERSIST k",
            "SET k v",
            "PERSIST k",
            "EXPIRE k 100",
            "PERSIST k",
            "TTL k",
            "PERSIST k",
        ),
        case("arity", "PERSIST", "PERSIST a b"),
    ],
}

# What an expired key looks like to every reader and writer, before anything has collected it.
_SHORT = ("SET k v", "PEXPIRE k 20")
CASES["PEXPIRE"] += [
    case(
        "expired to readers",
        *_SHORT,
        pause(0.05),
        "GET k",
        "EXISTS k",
        "TYPE k",
        "TTL k",
        "STRLEN k",
        "MGET k",
        "GETRANGE k 0 -1",
    ),
    case(
        "expired to key commands",
        *_SHORT,
        pause(0.05),
        "DEL k",
        "UNLINK k",
        "TOUCH k",
        "PERSIST k",
        "EXPIRE k 10",
        "RENAME k x",
        "OBJECT ENCODING k",
    ),
    case("expired to counters", "SET k 5", "PEXPIRE k 20", pause(0.05), "INCR k", "TTL k"),
    case("expired to APPEND", *_SHORT, pause(0.05), "APPEND k w", "GET k", "TTL k"),
    case("expired to SETNX", *_SHORT, pause(0.05), "SETNX k w", "TTL k"),
    case("expired to SET XX", *_SHORT, pause(0.05), "SET k w XX", "EXISTS k"),
    case("expired to GETSET", *_SHORT, pause(0.05), "GETSET k w", "TTL k"),
    case("expired to GETDEL", *_SHORT, pause(0.05), "GETDEL k"),
    case("expired to SETRANGE", *_SHORT, pause(0.05), "SETRANGE k 2 x", "GET k", "TTL k"),
    case(
        "expired to COPY and RENAMENX",
        *_SHORT,
        "SET o w",
        pause(0.05),
        "COPY k n",
        "RENAMENX o k",
        "GET k",
        "TTL k",
    ),
    case("expired to KEYS", *_SHORT, pause(0.05), "KEYS *", "RANDOMKEY"),
]
