"""Sorted sets member by member: adding with every option, scores, ranks, counts, random members and
scans, in the compact and in the big form."""

from cases.sorted_set_data import HUGE, LONG, NOT_A_SET, both, exact_scores
from support.case import case, check, expect, norm
from support.resp import NULL, NULL3, NULL_ARRAY, Double, Error

_MANY = ("ZADD", "z", *[text for i in range(300) for text in (str(i % 7), f"m{i:03}")])


def _wrong_type(*commands):
    return case("wrong type", NOT_A_SET, *commands)


def _pages(reply):
    """One whole page with the order of its members free."""
    if isinstance(reply, Error):
        return reply
    cursor, items = reply
    return [cursor, sorted(zip(items[::2], items[1::2]))]


def _drawn(reply, count, distinct, members=(b"a", b"b", b"c")):
    if not isinstance(reply, list) or len(reply) != count:
        return False
    return set(reply) <= set(members) and (not distinct or len(set(reply)) == count)


def _drawn_pairs(reply, count):
    scores = {b"a": 1, b"b": 2, b"c": 3}
    if reply and isinstance(reply[0], list):
        pairs = [(member, float(score.text)) for member, score in reply]
    else:
        pairs = [(m, float(s)) for m, s in zip(reply[::2], reply[1::2])]
    return len(pairs) == count and all(scores.get(m) == s for m, s in pairs)


_ADD = [
    *both(
        "adds and moves",
        "ZADD z 1 a 2 b 3 c",
        "ZADD z 5 a",
        "ZRANGE z 0 -1 WITHSCORES",
        "ZADD z 5 a 6 d 2 b 0 e",
        "ZRANGE z 0 -1 WITHSCORES",
        "ZADD z 1 x 2 x 3 x",
        "ZSCORE z x",
        "ZCARD z",
    ),
    *both(
        "options",
        "ZADD z NX 9 a 9 n",
        "ZADD z XX 8 a 8 m",
        "ZADD z GT 1 a 10 b 1 new",
        "ZADD z LT 99 a 1 b 1 newer",
        "ZADD z XX GT CH 20 a 0 b 1 none",
        "ZADD z xx lt ch 2 a 0 b",
        "ZADD z CH 2 a 3 z",
        "ZADD z NX CH 5 a 5 y",
        "ZRANGE z 0 -1 WITHSCORES",
    ),
    *both(
        "increment",
        "ZADD z INCR 5 a",
        "ZADD z INCR -2.5 new",
        "ZADD z NX INCR 1 a",
        "ZADD z XX INCR 1 none",
        "ZADD z GT INCR -1 a",
        "ZADD z LT INCR -1 a",
        "ZADD z LT INCR 1 a",
        "ZADD z GT INCR 0 a",
        "ZADD z INCR 0 a",
        "ZADD z CH INCR 1 a",
        "ZADD z INCR inf a",
        "ZADD z INCR -inf a",
        "ZRANGE z 0 -1 WITHSCORES",
    ),
    case(
        "on an absent key",
        "ZADD k XX 1 a",
        "ZADD k XX INCR 1 a",
        "EXISTS k",
        "ZADD k NX GT 1 a",
        "ZADD k GT 1 a",
        "ZADD k INCR 1 b",
        "ZRANGE k 0 -1 WITHSCORES",
        "TYPE k",
    ),
    case(
        "numbers",
        "ZADD z inf a -inf b +inf c 1e3 d 0x10 e .5 f 3. g -0 h",
        "ZRANGE z 0 -1 WITHSCORES",
        "ZADD z 1e308 i -1e308 j 1e-300 k 4611686018427387904 l 9007199254740993 m 1e17 n",
        exact_scores("ZRANGE z 0 -1 WITHSCORES"),
        exact_scores("ZADD z INCR 0.1 o"),
        exact_scores("ZADD z INCR 0.2 o"),
        exact_scores("ZSCORE z o"),
        "ZADD z -1.5 p 1.25 p",
        "ZSCORE z p",
    ),
    case(
        "bad numbers change nothing",
        "ZADD z x a",
        'ZADD z "" a',
        "ZADD z nan a",
        "ZADD z 1 a 2x b",
        "ZADD z ' 1' a",
        "ZADD z 1e400 a",
        "ZADD z INCR x a",
        "EXISTS z",
    ),
    case(
        "options that exclude each other",
        "ZADD z NX XX 1 a",
        "ZADD z GT LT 1 a",
        "ZADD z NX GT 1 a",
        "ZADD z NX LT 1 a",
        "ZADD z XX NX GT 1 a",
        "ZADD z INCR 1 a 2 b",
        "ZADD z INCR 1",
        "ZADD z NX",
        "ZADD z NX 1",
        "ZADD z NX 1 a 2",
        "ZADD z FOO 1 a",
        "ZADD z 1 a NX",
        "EXISTS z",
    ),
    case(
        "any bytes",
        ("ZADD", "z", "1", "", "1", b"\x00\xff", "1", b"\r\n", "1", "0", "1", "-0", "1", "007"),
        ("ZADD", "z", "1", "12345678901234567890", "1", "-5", "1", "10", "1", "9", "1", b"\xff"),
        "ZRANGE z 0 -1",
        ("ZSCORE", "z", ""),
        ("ZRANK", "z", b"\x00\xff"),
        "ZRANK z 10",
        "ZREM z 007 -5",
        "ZRANGE z 0 -1",
    ),
    case(
        "outgrows the compact form by size",
        "ZADD z 1 a",
        "OBJECT ENCODING z",
        _MANY,
        "OBJECT ENCODING z",
        "ZRANGE z 0 -1 WITHSCORES",
        "ZCARD z",
    ),
    case(
        "outgrows the compact form by a member",
        "ZADD z 1 a",
        ("ZADD", "z", "2", LONG),
        "OBJECT ENCODING z",
        ("ZREM", "z", LONG),
        "OBJECT ENCODING z",
    ),
    case("very many", HUGE, "ZCARD z", HUGE, "ZRANGE z 500 510 WITHSCORES"),
    case("arity", "ZADD", "ZADD z", "ZADD z 1", "ZADD z 1 a 2"),
    _wrong_type("ZADD s 1 a", "ZADD s XX 1 a", "ZADD s INCR 1 a", "ZADD s x a", "ZADD s NX XX 1 a"),
]

_WITHSCORE_PAIR = (
    "ZADD z 1 a 2 b 3 c",
    expect("ZRANK z b WITHSCORE", [1, b"2"], [1, Double(b"2")]),
    expect("ZREVRANK z a withscore", [2, b"1"], [2, Double(b"1")]),
    expect("ZRANK z x WITHSCORE", NULL_ARRAY, NULL3),
    expect("ZRANK none x WITHSCORE", NULL_ARRAY, NULL3),
    expect("ZRANK z b SCORE", Error(b"ERR syntax error")),
    expect("ZREVRANK z x", NULL, NULL3),
    expect("ZRANK z b WITHSCORE x", Error(b"ERR wrong number of arguments for 'zrank' command")),
    expect(
        "ZREVRANK z b WITHSCORE x", Error(b"ERR wrong number of arguments for 'zrevrank' command")
    ),
)


def _rank(command):
    return [
        *both(
            "finds",
            *[f"{command} z {m}" for m in ("a", "b", "c", "x")],
            "ZADD z 2 bb 2 aa",
            *[f"{command} z {m}" for m in ("a", "aa", "b", "bb", "c")],
        ),
        case("of many", _MANY, *[f"{command} z m{i:03}" for i in range(0, 300, 23)]),
        case("missing key", f"{command} none a"),
        case("with the score", *_WITHSCORE_PAIR),
        case("arity", command, f"{command} z"),
        _wrong_type(f"{command} s a"),
    ]


CASES = {
    "ZADD": _ADD,
    "ZINCRBY": [
        *both(
            "adds up",
            "ZINCRBY z 5 a",
            "ZINCRBY z -5 a",
            "ZINCRBY z 2.5 new",
            "ZINCRBY z 0 b",
            "ZINCRBY z 1e3 b",
            "ZRANGE z 0 -1 WITHSCORES",
            "ZINCRBY z inf b",
            "ZINCRBY z -inf b",
            "ZINCRBY z x b",
            "ZINCRBY z nan b",
            "ZRANGE z 0 -1 WITHSCORES",
        ),
        case("creates the key", "ZINCRBY k 1.5 a", "ZRANGE k 0 -1 WITHSCORES"),
        case("fractions", exact_scores("ZINCRBY k 0.1 a"), exact_scores("ZINCRBY k 0.2 a")),
        case("arity", "ZINCRBY", "ZINCRBY z 1", "ZINCRBY z 1 a b"),
        _wrong_type("ZINCRBY s 1 a", "ZINCRBY s x a"),
    ],
    "ZREM": [
        *both("removes", "ZREM z a x a", "ZRANGE z 0 -1", "ZREM z b c", "EXISTS z"),
        case("of many", _MANY, "ZREM z m000 m150 m299 m150 none", "ZCARD z", "ZRANGE z 0 -1"),
        case("very many", HUGE, ("ZREM", "z", *[f"m{i}" for i in range(11_000)]), "ZCARD z"),
        case("missing key", "ZREM none a"),
        case("arity", "ZREM", "ZREM z"),
        _wrong_type("ZREM s a"),
    ],
    "ZCARD": [
        *both("counts", "ZCARD z", "ZREM z a", "ZCARD z"),
        case("missing key", "ZCARD none"),
        case("arity", "ZCARD", "ZCARD z z"),
        _wrong_type("ZCARD s"),
    ],
    "ZSCORE": [
        *both("tells", "ZSCORE z a", "ZSCORE z c", "ZSCORE z x"),
        case(
            "numbers",
            "ZADD z 1.5 a -2.25 b inf c -inf d 1e15 e 123456789 f",
            *[f"ZSCORE z {m}" for m in "abcdef"],
        ),
        case("missing key", "ZSCORE none a"),
        case("arity", "ZSCORE", "ZSCORE z", "ZSCORE z a b"),
        _wrong_type("ZSCORE s a"),
    ],
    "ZMSCORE": [
        *both("tells", "ZMSCORE z a x c a", "ZMSCORE z x"),
        case("very many", HUGE, ("ZMSCORE", "z", *[f"m{i}" for i in range(11_000)])),
        case("missing key", "ZMSCORE none a b"),
        case("arity", "ZMSCORE", "ZMSCORE z"),
        _wrong_type("ZMSCORE s a"),
    ],
    "ZRANK": _rank("ZRANK"),
    "ZREVRANK": _rank("ZREVRANK"),
    "ZCOUNT": [
        *both(
            "ranges",
            *[
                f"ZCOUNT z {bounds}"
                for bounds in (
                    "-inf +inf",
                    "1 3",
                    "(1 3",
                    "1 (3",
                    "(1 (3",
                    "2 2",
                    "(2 2",
                    "3 1",
                    "1.5 inf",
                    "5 9",
                    "-5 0.5",
                )
            ],
        ),
        case("of many", _MANY, *[f"ZCOUNT z {a} {b}" for a in range(7) for b in ("(4", "5")]),
        case(
            "bounds that only strtod takes",
            "ZADD z 0 a 1 b",
            'ZCOUNT z "" 1',
            "ZCOUNT z ( 1",
            'ZCOUNT z " 1" 1',
            "ZCOUNT z -1e999 1e999",
            "ZCOUNT z 1e-999 1",
            "ZCOUNT z 0x0 0x1",
        ),
        case(
            "bad bounds",
            "ZADD z 1 a",
            "ZCOUNT z x 1",
            "ZCOUNT z 1 y",
            "ZCOUNT z nan 1",
            "ZCOUNT z (nan 1",
            "ZCOUNT z 1x 2",
            "ZCOUNT z [1 2",
            "ZCOUNT none x 1",
        ),
        case("missing key", "ZCOUNT none 1 2"),
        case("arity", "ZCOUNT", "ZCOUNT z 1", "ZCOUNT z 1 2 3"),
        _wrong_type("ZCOUNT s 1 2", "ZCOUNT s x 2"),
    ],
    "ZLEXCOUNT": [
        *both(
            "ranges",
            "DEL z",
            "ZADD z 0 a 0 b 0 c 0 dd",
            *[
                f"ZLEXCOUNT z {bounds}"
                for bounds in (
                    "- +",
                    "[a [c",
                    "(a (c",
                    "[b +",
                    "- (b",
                    "+ -",
                    "[c [a",
                    "[b [b",
                    "(b [b",
                    "[bb [d",
                    "- -",
                    "+ +",
                    "[ +",
                    "( +",
                )
            ],
        ),
        case(
            "bad bounds",
            "ZADD z 0 a",
            "ZLEXCOUNT z a [b",
            "ZLEXCOUNT z [a b",
            "ZLEXCOUNT z -x +",
        ),
        case("missing key", "ZLEXCOUNT none - +", "ZLEXCOUNT none a b"),
        case("arity", "ZLEXCOUNT", "ZLEXCOUNT z -", "ZLEXCOUNT z - + +"),
        _wrong_type("ZLEXCOUNT s - +", "ZLEXCOUNT s a +"),
    ],
    "ZRANDMEMBER": [
        *both(
            "draws",
            check("ZRANDMEMBER z", lambda r: r in (b"a", b"b", b"c")),
            check("ZRANDMEMBER z 2", lambda r: _drawn(r, 2, True)),
            check("ZRANDMEMBER z 9", lambda r: _drawn(r, 3, True)),
            check("ZRANDMEMBER z -9", lambda r: _drawn(r, 9, False)),
            check("ZRANDMEMBER z 2 WITHSCORES", lambda r: _drawn_pairs(r, 2)),
            check("ZRANDMEMBER z 3 withscores", lambda r: _drawn_pairs(r, 3)),
            check("ZRANDMEMBER z -5 WITHSCORES", lambda r: _drawn_pairs(r, 5)),
            "ZRANDMEMBER z 0",
            "ZRANDMEMBER z 0 WITHSCORES",
        ),
        case(
            "of many",
            _MANY,
            check("ZRANDMEMBER z 20", lambda r: len(set(r)) == 20),
            check("ZRANDMEMBER z 250", lambda r: len(set(r)) == 250),
            check("ZRANDMEMBER z 1000", lambda r: len(set(r)) == 300),
            check("ZRANDMEMBER z -1000", lambda r: len(r) == 1000 and len(set(r)) > 200),
        ),
        case(
            "very many",
            HUGE,
            check("ZRANDMEMBER z 11000", lambda r: len(set(r)) == 11_000),
            check("ZRANDMEMBER z -11000", lambda r: len(r) == 11_000),
        ),
        case("missing key", *[f"ZRANDMEMBER none{how}" for how in ("", " 3", " 3 WITHSCORES")]),
        case(
            "bad counts",
            "ZADD z 1 a",
            "ZRANDMEMBER z x",
            "ZRANDMEMBER z 1.5",
            "ZRANDMEMBER z 1 SCORES",
            "ZRANDMEMBER z WITHSCORES",
            "ZRANDMEMBER z 1 WITHSCORES x",
            "ZRANDMEMBER z -9223372036854775808",
            "ZRANDMEMBER z -9223372036854775807 WITHSCORES",
        ),
        case("arity", "ZRANDMEMBER"),
        _wrong_type("ZRANDMEMBER s", "ZRANDMEMBER s 1"),
    ],
    "ZSCAN": [
        case(
            "compact",
            "ZADD z 1 a 2.5 b 3 ab",
            norm("ZSCAN z 0", _pages),
            norm("ZSCAN z 0 MATCH a*", _pages),
            norm("ZSCAN z 0 COUNT 1", _pages),
            norm("ZSCAN z 0 MATCH x COUNT 100", _pages),
        ),
        case("big", _MANY, norm("ZSCAN z 0 COUNT 1000", _pages)),
        case("big, matched", _MANY, norm("ZSCAN z 0 COUNT 1000 MATCH *9", _pages)),
        case("missing key", "ZSCAN none 0", "ZSCAN none 0 FOO", "ZSCAN none x"),
        case(
            "bad arguments",
            "ZADD z 1 a",
            "ZSCAN z x",
            "ZSCAN z 0 COUNT 0",
            "ZSCAN z 0 COUNT x",
            "ZSCAN z 0 MATCH",
            "ZSCAN z 0 FOO bar",
            "ZSCAN z 0 TYPE zset",
        ),
        case("arity", "ZSCAN", "ZSCAN z"),
        _wrong_type("ZSCAN s 0"),
    ],
}
