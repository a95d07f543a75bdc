"""Ranges of sorted sets by rank, score and byte order: returned, stored, removed."""

from cases.sorted_set_data import HUGE, NOT_A_SET, both
from support.case import case

_FEW = "ZADD z 1 a 2 b 2 bb 3 c 4 d 5 e"
_MANY = ("ZADD", "z", *[text for i in range(300) for text in (str(i // 3), f"m{i:03}")])
_NAMES = ("ZADD", "z", *[text for i in range(300) for text in ("0", f"m{i:03}")])
_INDEXES = (
    "0 -1",
    "0 0",
    "1 3",
    "-2 -1",
    "-100 2",
    "2 100",
    "3 1",
    "-1 -3",
    "100 200",
    "0 -100",
    "9223372036854775807 9223372036854775807",
    "-9223372036854775808 9223372036854775807",
    "-9223372036854775808 -9223372036854775808",
)
_SCORES = ("-inf +inf", "1 2", "(1 2", "1 (2", "(1 (2", "2 2", "(2 2", "3 1", "2.5 3.5", "9 99")
_LEXES = ("- +", "[b [bb", "(b [bb", "[b (c", "- (b", "(d +", "[c [a", "+ -", "[b [b", "(b (b")
_LIMITS = ("0 2", "1 1", "2 -1", "0 0", "1 100", "100 1", "-1 2", "0 -5", "-5 -1")
_BY_NAME = "ZADD z 0 a 0 b 0 bb 0 c 0 d"


def _wrong_type(*commands):
    return case("wrong type", NOT_A_SET, *commands)


def _turned(bounds):
    return " ".join(reversed(bounds.split()))


def _by_rank(command):
    return [
        *both(
            "indexes",
            "ZADD z 4 d 5 e",
            *[f"{command} z {i}" for i in _INDEXES],
            *[f"{command} z {i} WITHSCORES" for i in _INDEXES[:4]],
        ),
        case("of many", _MANY, *[f"{command} z {i} {i + 5}" for i in range(0, 300, 37)]),
        case("all of many", _MANY, f"{command} z 0 -1 WITHSCORES"),
        case("missing key", f"{command} none 0 -1", f"{command} none 0 -1 WITHSCORES"),
        case(
            "bad arguments",
            _FEW,
            f"{command} z x 1",
            f"{command} z 0 y",
            f"{command} z 0 1.5",
            f"{command} z 0 1 FOO",
            f"{command} z 0 1 WITHSCORES x",
            f"{command} z 0 1 LIMIT 0 1",
            f"{command} z 0 1 LIMIT 0 -1",
            f"{command} z 0 1 LIMIT x 1",
            f"{command} z 0 1 LIMIT 0",
            f"{command} none x 1",
        ),
        case("arity", command, f"{command} z", f"{command} z 0"),
        _wrong_type(f"{command} s 0 -1", f"{command} s x 1"),
    ]


def _by_bounds(command, setup, bounds, many, some, extra=""):
    """`command z bounds extra`, with and without LIMIT."""
    extra = extra and " " + extra
    return [
        case("bounds", setup, *[f"{command} z {b}{extra}" for b in bounds]),
        case(
            "limits",
            setup,
            *[f"{command} z {bounds[0]}{extra} LIMIT {limit}" for limit in _LIMITS],
            *[f"{command} z {bounds[1]}{extra} LIMIT {limit}" for limit in _LIMITS[:4]],
        ),
        case(
            "of many",
            many,
            *[f"{command} z {b}{extra}" for b in some],
            *[f"{command} z {some[0]}{extra} LIMIT {limit}" for limit in ("5 3", "0 1", "1 -1")],
        ),
        case("missing key", f"{command} none {bounds[0]}{extra}"),
        case(
            "bad arguments",
            setup,
            f"{command} z x {bounds[0].split()[1]}{extra}",
            f"{command} z {bounds[0].split()[0]} y{extra}",
            f"{command} z {bounds[0]}{extra} FOO",
            f"{command} z {bounds[0]}{extra} LIMIT",
            f"{command} z {bounds[0]}{extra} LIMIT 1",
            f"{command} z {bounds[0]}{extra} LIMIT x 1",
            f"{command} z {bounds[0]}{extra} LIMIT 1 y",
            f"{command} none x y{extra}",
        ),
        _wrong_type(f"{command} s {bounds[0]}{extra}", f"{command} s x y{extra}"),
    ]


_MANY_SCORES = ("20 40", "(20 (22", "-inf 5", "95 inf", "50 50")
_MANY_NAMES = ("[m100 [m120", "(m100 (m103", "- [m005", "(m295 +", "[m150 [m150")


def _scored(command, reverse, extra=""):
    turn = _turned if reverse else str
    scores = tuple(turn(b) for b in _SCORES)
    tail = extra and f" {extra}"
    return [
        *_by_bounds(command, _FEW, scores, _MANY, tuple(turn(b) for b in _MANY_SCORES), extra),
        case(
            "with scores",
            _FEW,
            *[f"{command} z {b}{tail} WITHSCORES" for b in scores],
            f"{command} z {scores[0]}{tail} WITHSCORES LIMIT 1 2",
            f"{command} z {scores[0]}{tail} LIMIT 1 2 WITHSCORES",
            f"{command} z {scores[0]}{tail} LIMIT 1 2 LIMIT 0 1",
        ),
    ]


def _lexical(command, reverse, extra=""):
    turn = _turned if reverse else str
    bounds = tuple(turn(b) for b in _LEXES)
    tail = extra and f" {extra}"
    return [
        *_by_bounds(command, _BY_NAME, bounds, _NAMES, tuple(turn(b) for b in _MANY_NAMES), extra),
        case("with scores", _BY_NAME, f"{command} z {bounds[0]}{tail} WITHSCORES"),
    ]


def _arity(command):
    return [case("arity", command, f"{command} z", f"{command} z 1")]


def _named(prefix, cases):
    return [case(f"{prefix}: {one.name}", *one.steps) for one in cases]


_STORE = [
    case(
        "by rank",
        _FEW,
        "ZRANGESTORE d z 0 -1",
        "ZRANGE d 0 -1 WITHSCORES",
        "ZRANGESTORE d z 1 2 REV",
        "ZRANGE d 0 -1 WITHSCORES",
        "ZRANGESTORE d z -1 -1",
        "ZRANGE d 0 -1 WITHSCORES",
    ),
    case(
        "by score",
        _FEW,
        "ZRANGESTORE d z (1 4 BYSCORE",
        "ZRANGE d 0 -1 WITHSCORES",
        "ZRANGESTORE d z 4 (1 BYSCORE REV LIMIT 1 2",
        "ZRANGE d 0 -1 WITHSCORES",
    ),
    case(
        "by member",
        _BY_NAME,
        "ZRANGESTORE d z (a [c BYLEX",
        "ZRANGE d 0 -1 WITHSCORES",
        "ZRANGESTORE d z + - BYLEX REV LIMIT 0 2",
        "ZRANGE d 0 -1 WITHSCORES",
    ),
    case(
        "many",
        _MANY,
        "ZRANGESTORE d z 10 250",
        "OBJECT ENCODING d",
        "ZRANGE d 0 -1 WITHSCORES",
        "ZRANGESTORE d z 10 20",
        "OBJECT ENCODING d",
        "ZRANGE d 0 -1 WITHSCORES",
    ),
    case("very many", HUGE, "ZRANGESTORE d z 5 11500", "ZCARD d", "ZRANGE d 100 110 WITHSCORES"),
    case("onto itself", _FEW, "ZRANGESTORE z z 1 2", "ZRANGE z 0 -1 WITHSCORES"),
    case(
        "an empty range deletes",
        _FEW,
        "SET d v",
        "ZRANGESTORE d z 5 1",
        "EXISTS d",
        "SET d v",
        "ZRANGESTORE d none 0 -1",
        "EXISTS d",
    ),
    case(
        "replaces what was there",
        _FEW,
        "SET d v EX 100",
        "ZRANGESTORE d z 0 1",
        "TYPE d",
        "TTL d",
    ),
    case(
        "bad arguments",
        _FEW,
        "ZRANGESTORE d z 0 -1 WITHSCORES",
        "ZRANGESTORE d z 0 -1 LIMIT 0 1",
        "ZRANGESTORE d z x 1",
        "ZRANGESTORE d z x 1 BYSCORE",
        "ZRANGESTORE d z x 1 BYLEX",
        "ZRANGESTORE d z 0 1 BYSCORE BYLEX",
        "EXISTS d",
    ),
    case("arity", "ZRANGESTORE", "ZRANGESTORE d z 0"),
    _wrong_type("ZRANGESTORE d s 0 -1", "EXISTS d", "ZRANGESTORE d s x 1"),
]


def _removing(command, setup, bounds, many, some):
    show = "ZRANGE z 0 -1 WITHSCORES"
    return [
        *[case(f"removes {b}", setup, f"{command} z {b}", show, "EXISTS z") for b in bounds],
        case("of many", many, *[f"{command} z {b}" for b in some], show),
        case("missing key", f"{command} none {bounds[0]}"),
        case("bad arguments", setup, f"{command} z x {bounds[0]}", f"{command} z x y", show),
        case("bad bounds of a missing key", f"{command} none x y"),
        *_arity(command),
        _wrong_type(f"{command} s {bounds[0]}", f"{command} s x y"),
    ]


CASES = {
    "ZRANGE": [
        *_by_rank("ZRANGE"),
        *_named("REV", _by_rank("ZRANGE")[:1]),
        case("REV", _FEW, *[f"ZRANGE z {i} REV WITHSCORES" for i in _INDEXES]),
        *_named("BYSCORE", _scored("ZRANGE", False, "BYSCORE")),
        *_named("BYSCORE REV", _scored("ZRANGE", True, "BYSCORE REV")),
        *_named("BYLEX", _lexical("ZRANGE", False, "BYLEX")),
        *_named("BYLEX REV", _lexical("ZRANGE", True, "REV BYLEX")),
        case(
            "options twice or at odds",
            _FEW,
            "ZRANGE z 0 1 REV REV",
            "ZRANGE z 0 1 BYSCORE BYSCORE",
            "ZRANGE z 0 1 BYSCORE BYLEX",
            "ZRANGE z 0 1 WITHSCORES WITHSCORES",
            "ZRANGE z - + BYLEX WITHSCORES",
            "ZRANGE z 0 1 rev withscores",
        ),
        case("very many", HUGE, "ZRANGE z 0 -1", "ZRANGE z -inf +inf BYSCORE WITHSCORES"),
    ],
    "ZREVRANGE": [*_by_rank("ZREVRANGE"), case("no options", _FEW, "ZREVRANGE z 0 1 REV")],
    "ZRANGEBYSCORE": [*_scored("ZRANGEBYSCORE", False), *_arity("ZRANGEBYSCORE")],
    "ZREVRANGEBYSCORE": [*_scored("ZREVRANGEBYSCORE", True), *_arity("ZREVRANGEBYSCORE")],
    "ZRANGEBYLEX": [*_lexical("ZRANGEBYLEX", False), *_arity("ZRANGEBYLEX")],
    "ZREVRANGEBYLEX": [*_lexical("ZREVRANGEBYLEX", True), *_arity("ZREVRANGEBYLEX")],
    "ZRANGESTORE": _STORE,
    "ZREMRANGEBYRANK": [
        *_removing("ZREMRANGEBYRANK", _FEW, _INDEXES, _MANY, ("0 0", "-1 -1", "50 180", "3 7")),
        case("very many", HUGE, "ZREMRANGEBYRANK z 100 11200", "ZCARD z", "ZRANGE z 90 110"),
    ],
    "ZREMRANGEBYSCORE": _removing("ZREMRANGEBYSCORE", _FEW, _SCORES, _MANY, _MANY_SCORES),
    "ZREMRANGEBYLEX": _removing("ZREMRANGEBYLEX", _BY_NAME, _LEXES, _NAMES, _MANY_NAMES),
}
