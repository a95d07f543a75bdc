"""Sets: intersection, union and difference of several."""

from support.case import case, unordered

_SMALL = (
    "SADD a 1 2 3 x y",
    "SADD b 2 3 4 y z",
    "SADD c 3 y 5",
    "SADD n 1 2 3 4 -70000",
    "SADD m 3 4 5 9000000000",
)
_BIG = (
    "SADD p " + " ".join(str(i) for i in range(0, 1200, 2)) + " x y",
    "SADD q " + " ".join(str(i) for i in range(0, 1200, 3)) + " y z",
    "SADD r " + " ".join(f"m{i}" for i in range(300)) + " y 6 12",
)
# More than an event loop does in one go.
_HUGE = (
    ("SADD", "h", *[f"m{i}" for i in range(12000)]),
    ("SADD", "i", *[f"m{i}" for i in range(0, 24000, 2)], "7"),
)
_COMBINATIONS = (
    "a",
    "n",
    "a b",
    "a b c",
    "a n",
    "n a",
    "n m",
    "m n a b",
    "a a",
    "n a n",
    "a nokey",
    "nokey a",
    "nokey nokey2",
    "p q",
    "q p",
    "p q r",
    "r p q",
    "a p",
    "p a",
    "n p",
    "p n m",
    "p a b c n m",
    "r a b c n m",
    "a b c n m p q r nokey",
)
_WRONG_TYPE = (
    "SET k v",
    "SADD a 1",
)


def _replies(command):
    return [
        case(
            "small and big sets",
            *_SMALL,
            *_BIG,
            *[unordered(f"{command} {k}") for k in _COMBINATIONS],
        ),
        case(
            "wrong type",
            *_WRONG_TYPE,
            f"{command} k",
            f"{command} a k",
            f"{command} k a",
            f"{command} nokey k",
            f"{command} k nokey",
        ),
        case(
            "huge sets",
            *_HUGE,
            unordered(f"{command} h i"),
            unordered(f"{command} i h nokey"),
            unordered(f"{command} i h i"),
        ),
        case("changes nothing", *_SMALL, unordered(f"{command} a b"), unordered("SMEMBERS a")),
        case("arity", command),
    ]


def _stores(command):
    steps = []
    for keys in _COMBINATIONS:
        steps += [f"{command} d {keys}", unordered("SMEMBERS d"), "TYPE d"]
    return [
        case("small and big sets", *_SMALL, *_BIG, *steps),
        case(
            "huge sets",
            *_HUGE,
            f"{command} d h i",
            unordered("SMEMBERS d"),
            f"{command} h i h",
            "SCARD h",
            f"{command} i i h d",
            "SCARD i",
        ),
        case(
            "numbers alone stay numbers",
            *_SMALL,
            *_BIG,
            f"{command} d n m",
            "OBJECT ENCODING d",
            "SREM p x y",
            "SREM q y z",
            f"{command} d p q",
            "OBJECT ENCODING d",
        ),
        case("nothing deletes the key", "SET d v", f"{command} d nokey nokey2", "EXISTS d"),
        case("nothing over nothing", f"{command} d nokey", "EXISTS d"),
        case(
            "over another type",
            "SET d v EX 100",
            "SADD a 1 x",
            f"{command} d a",
            "TYPE d",
            "TTL d",
        ),
        case(
            "onto an operand",
            *_SMALL,
            f"{command} a a b",
            unordered("SMEMBERS a"),
            f"{command} b n b c",
            unordered("SMEMBERS b"),
            f"{command} n n",
            unordered("SMEMBERS n"),
            f"{command} m m m",
            unordered("SMEMBERS m"),
        ),
        case(
            "wrong type",
            *_WRONG_TYPE,
            "SADD d old",
            f"{command} d k",
            f"{command} d a k",
            f"{command} d nokey k",
            f"{command} k a",
            "TYPE k",
            "SMEMBERS d",
        ),
        case("arity", command, f"{command} d"),
    ]


CASES = {
    "SINTER": _replies("SINTER"),
    "SUNION": _replies("SUNION"),
    "SDIFF": _replies("SDIFF"),
    "SINTERSTORE": _stores("SINTERSTORE"),
    "SUNIONSTORE": _stores("SUNIONSTORE"),
    "SDIFFSTORE": _stores("SDIFFSTORE"),
    "SINTERCARD": [
        case(
            "small and big sets",
            *_SMALL,
            *_BIG,
            *[f"SINTERCARD {len(k.split())} {k}" for k in _COMBINATIONS],
        ),
        case("huge sets", *_HUGE, "SINTERCARD 2 h i", "SINTERCARD 2 h i LIMIT 5000"),
        case(
            "limit",
            *_SMALL,
            "SINTERCARD 2 a b LIMIT 0",
            "SINTERCARD 2 a b LIMIT 1",
            "SINTERCARD 2 a b limit 2",
            "SINTERCARD 2 a b LIMIT 3",
            "SINTERCARD 2 a b LIMIT 100",
            "SINTERCARD 2 a b LIMIT 1 LIMIT 2",
            "SINTERCARD 1 a LIMIT 2",
        ),
        case(
            "bad arguments",
            "SADD a 1",
            "SINTERCARD 0 a",
            "SINTERCARD -1 a",
            "SINTERCARD x a",
            "SINTERCARD 1.5 a",
            "SINTERCARD 9223372036854775808 a",
            "SINTERCARD 2 a",
            "SINTERCARD 3 a LIMIT 1",
            "SINTERCARD 4 a LIMIT 1",
            "SINTERCARD 1 a LIMIT",
            "SINTERCARD 1 a LIMIT -1",
            "SINTERCARD 1 a LIMIT x",
            "SINTERCARD 1 a LIMIT 1 x",
            "SINTERCARD 1 a NONSENSE 1",
            "SINTERCARD 1 a b",
        ),
        case(
            "wrong type",
            *_WRONG_TYPE,
            "SINTERCARD 1 k",
            "SINTERCARD 2 a k",
            "SINTERCARD 2 nokey k",
        ),
        case("arity", "SINTERCARD", "SINTERCARD 1"),
    ],
}
