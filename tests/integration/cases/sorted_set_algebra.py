"""Union, intersection and difference of sorted sets and sets."""

from cases.sorted_set_data import HUGE, LONG
from support.case import case

_SETUP = (
    "ZADD x 1 a 2 b 3 c",
    "ZADD y 10 b 20 c 30 d",
    "SADD p c d e",
    "SADD n 1 2 3",
    "ZADD m 5 1 6 2 7 9",
)
_BIG = (
    ("ZADD", "x", *[text for i in range(300) for text in (str(i), f"m{i:03}")]),
    ("ZADD", "y", *[text for i in range(100, 400) for text in (str(1000 - i), f"m{i:03}")]),
    ("SADD", "p", *[f"m{i:03}" for i in range(0, 400, 3)]),
)
_KEYS = (
    "1 x",
    "2 x y",
    "2 y x",
    "3 x y p",
    "2 x x",
    "1 p",
    "2 n m",
    "2 x none",
    "1 none",
    "2 none x",
)
_OPTIONS = (
    "WEIGHTS 2 3",
    "WEIGHTS -1 0.5",
    "WEIGHTS 0 inf",
    "AGGREGATE SUM",
    "AGGREGATE MIN",
    "AGGREGATE max",
    "weights 2 1 aggregate min",
    "AGGREGATE MAX WEIGHTS 1 -1",
    "AGGREGATE MIN AGGREGATE MAX",
)
_SHOW = "ZRANGE d 0 -1 WITHSCORES"


def _bad(command, head, aggregates):
    lines = ["0 x", "-1 x", "x x", "1.5 x", "3 x y", "9223372036854775807 x"]
    lines += ["1 x FOO", "1 x LIMIT"]
    if aggregates:
        lines += [
            "2 x y WEIGHTS 1",
            "2 x y WEIGHTS 1 x",
            "2 x y WEIGHTS",
            "2 x y WEIGHTS 1 nan",
            "2 x y AGGREGATE",
            "2 x y AGGREGATE AVG",
            "2 x y WEIGHTS 1 2 3",
        ]
    else:
        lines += ["2 x y WEIGHTS 1 2", "2 x y AGGREGATE SUM"]
    wrong = ["1 s", "2 x s", "2 none s FOO", "1 s WEIGHTS", "0 s"]
    return [
        case("bad arguments", *_SETUP, *[f"{command} {head}{line}" for line in lines]),
        case("wrong type", "SET s v", *_SETUP, *[f"{command} {head}{line}" for line in wrong]),
        case("arity", command, f"{command} {head}1"),
    ]


def _reading(command, aggregates):
    options = _OPTIONS if aggregates else ()
    return [
        case(
            "of small ones",
            *_SETUP,
            *[f"{command} {keys}" for keys in _KEYS],
            *[f"{command} {keys} WITHSCORES" for keys in _KEYS],
            *[f"{command} 2 x y {option} WITHSCORES" for option in options],
            *[f"{command} 2 x p WITHSCORES {option}" for option in options],
        ),
        case("of big ones", *_BIG, *[f"{command} {keys} WITHSCORES" for keys in _KEYS[:5]]),
        case("very many", HUGE, f"{command} 2 z none WITHSCORES", f"{command} 2 z z"),
        case("an option twice", *_SETUP, f"{command} 1 x WITHSCORES WITHSCORES"),
        *_bad(command, "", aggregates),
    ]


def _storing(command, aggregates):
    options = _OPTIONS if aggregates else ()
    small = [step for keys in _KEYS for step in (f"{command} d {keys}", _SHOW)]
    small += [step for o in options for step in (f"{command} d 2 x y {o}", _SHOW)]
    big = [step for keys in _KEYS[:5] for step in (f"{command} d {keys}", _SHOW)]
    return [
        case("of small ones", *_SETUP, *small),
        case("of big ones", *_BIG, *big, "OBJECT ENCODING d"),
        case(
            "compact where it can be",
            *_BIG,
            "ZADD x -1 other",
            "ZADD u 1 other 2 m000",
            f"{command} d 2 u y",
            "OBJECT ENCODING d",
            ("ZADD", "u", "1", LONG),
            f"{command} d 1 u",
            "OBJECT ENCODING d",
        ),
        case("onto an operand", *_SETUP, f"{command} x 2 x y", "ZRANGE x 0 -1 WITHSCORES"),
        case(
            "replaces what was there",
            *_SETUP,
            "SET d v EX 100",
            f"{command} d 1 x",
            "TYPE d",
            "TTL d",
            f"{command} d 1 none",
            "EXISTS d",
        ),
        case("very many", HUGE, f"{command} d 2 z none", "ZCARD d", "ZRANGE d 700 710 WITHSCORES"),
        case("no scores to reply with", *_SETUP, f"{command} d 1 x WITHSCORES"),
        *_bad(command, "d ", aggregates),
    ]


_INFINITE = case(
    "scores that are no numbers count as zero",
    "ZADD x inf a 0 b",
    "ZADD y -inf a inf b",
    "ZUNION 2 x y WITHSCORES",
    "ZINTER 2 x y WITHSCORES",
    "ZUNION 2 x y WEIGHTS 0 0 WITHSCORES",
    "ZINTER 2 x y WEIGHTS inf inf AGGREGATE MAX WITHSCORES",
    "ZUNIONSTORE d 2 x y",
    _SHOW,
    "ZINTERSTORE d 2 x y WEIGHTS -1 1",
    _SHOW,
)

CASES = {
    "ZUNION": [*_reading("ZUNION", True), _INFINITE],
    "ZINTER": _reading("ZINTER", True),
    "ZDIFF": _reading("ZDIFF", False),
    "ZUNIONSTORE": _storing("ZUNIONSTORE", True),
    "ZINTERSTORE": _storing("ZINTERSTORE", True),
    "ZDIFFSTORE": _storing("ZDIFFSTORE", False),
    "ZINTERCARD": [
        case(
            "counts",
            *_SETUP,
            *[f"ZINTERCARD {keys}" for keys in _KEYS],
            *[f"ZINTERCARD 1 x LIMIT {limit}" for limit in (0, 1, 2, 3, 100)],
            "ZINTERCARD 2 x y limit 1",
            "ZINTERCARD 1 x LIMIT 1 LIMIT 2",
        ),
        case("of big ones", *_BIG, "ZINTERCARD 2 x y", "ZINTERCARD 3 x y p LIMIT 50"),
        case(
            "bad limits",
            *_SETUP,
            "ZINTERCARD 1 x LIMIT -1",
            "ZINTERCARD 1 x LIMIT x",
            "ZINTERCARD 1 x LIMIT",
            "ZINTERCARD 1 x WITHSCORES",
        ),
        *_bad("ZINTERCARD", "", False),
    ],
}
