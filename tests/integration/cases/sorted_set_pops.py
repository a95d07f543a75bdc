"""Taking members from the ends of sorted sets, at once or as soon as there are some."""

from cases.sorted_set_data import HUGE, both
from support.case import case, on, pause, silent

_MANY = ("ZADD", "z", *[text for i in range(300) for text in (str(i // 3), f"m{i:03}")])


def _pop(command):
    return [
        *both(
            "takes",
            "ZADD z 2 bb 3 cc 0.5 d",
            f"{command} z",
            f"{command} z 2",
            f"{command} z 0",
            "ZRANGE z 0 -1 WITHSCORES",
            f"{command} z 1",
            f"{command} z 100",
            "EXISTS z",
        ),
        case("of many", _MANY, f"{command} z", f"{command} z 150", "ZCARD z", f"{command} z 200"),
        case("very many", HUGE, f"{command} z 11000", "ZCARD z", "ZRANGE z 0 5 WITHSCORES"),
        case("missing key", f"{command} none", f"{command} none 0", f"{command} none 5"),
        case(
            "bad counts",
            "ZADD z 1 a",
            f"{command} z -1",
            f"{command} z x",
            f"{command} z 1.5",
            f"{command} z 1 2",
            f"{command} none -1",
            "ZCARD z",
        ),
        case("arity", command),
        case("wrong type", "SET s v", f"{command} s", f"{command} s 0", f"{command} s -1"),
    ]


_MPOP_BAD = (
    "0 z MIN",
    "-1 z MIN",
    "x z MIN",
    "2 z MIN",
    "1 z",
    "1 z MID",
    "1 z MIN COUNT",
    "1 z MIN COUNT 0",
    "1 z MIN COUNT -1",
    "1 z MIN COUNT x",
    "1 z MIN COUNT 1 COUNT 1",
    "1 z MIN FOO 1",
    "1 z MIN MAX",
    "9223372036854775807 z MIN",
)


def _mpop(command, head):
    """`command head numkeys …`"""
    return [
        case(
            "takes from the first that has any",
            "ZADD z 1 a 2 b 3 c",
            "ZADD y 9 x",
            f"{command} {head}2 z y MIN",
            f"{command} {head}2 none z MAX",
            f"{command} {head}3 none z y min count 10",
            f"{command} {head}2 z y MAX COUNT 1",
            "EXISTS z y",
        ),
        case("of many", _MANY, f"{command} {head}1 z MAX COUNT 150", "ZCARD z"),
        case("very many", HUGE, f"{command} {head}2 none z MIN COUNT 11000", "ZCARD z"),
        case("same key twice", "ZADD z 1 a 2 b", f"{command} {head}2 z z MIN", "ZCARD z"),
        case("bad arguments", "ZADD z 1 a", *[f"{command} {head}{line}" for line in _MPOP_BAD]),
        case("arity", command, f"{command} {head}1", f"{command} {head}1 z"),
        case(
            "wrong type",
            "SET s v",
            "ZADD z 1 a",
            f"{command} {head}1 s MIN",
            f"{command} {head}2 z s MIN",
            f"{command} {head}2 z s MIN",
            f"{command} {head}2 s z MIN",
        ),
    ]


_BAD_TIMEOUTS = ("-1", "-0.5", "x", "nan", '""')


def _blocking(command):
    return [
        case(
            "takes at once",
            "ZADD z 1 a 2 b 3.5 c",
            "ZADD y 9 x",
            f"{command} z 0",
            f"{command} none z y 0.5",
            f"{command} y z 1",
            f"{command} none y z 1",
            "EXISTS z y",
        ),
        case("gives up", f"{command} none 0.05", f"{command} none nothing 0.01"),
        case(
            "waits for a member",
            on("waiter", silent(f"{command} z y 0")),
            pause(0.2),
            "ZADD y 2 b 1 a",
            on("waiter", "PING"),
            "ZRANGE y 0 -1",
        ),
        case(
            "bad timeouts",
            "ZADD z 1 a",
            *[f"{command} z {timeout}" for timeout in _BAD_TIMEOUTS],
            "ZCARD z",
        ),
        case("arity", command, f"{command} z"),
        case(
            "wrong type",
            "SET s v",
            "ZADD z 1 a",
            f"{command} s 0",
            f"{command} z s 0",
            f"{command} none s z 0",
        ),
    ]


CASES = {
    "ZPOPMIN": _pop("ZPOPMIN"),
    "ZPOPMAX": _pop("ZPOPMAX"),
    "ZMPOP": [*_mpop("ZMPOP", ""), case("missing keys", "ZMPOP 1 none MIN", "ZMPOP 2 a b MAX")],
    "BZPOPMIN": _blocking("BZPOPMIN"),
    "BZPOPMAX": _blocking("BZPOPMAX"),
    "BZMPOP": [
        *_mpop("BZMPOP", "0.01 "),
        case("gives up", "BZMPOP 0.05 1 none MIN", "BZMPOP 0.01 2 a b MAX COUNT 3"),
        case("bad timeouts", *[f"BZMPOP {timeout} 1 z MIN" for timeout in _BAD_TIMEOUTS]),
        case("bad timeout last", "BZMPOP x 0 z MIN", "BZMPOP -1 x z FOO", "BZMPOP -1 1 z FOO"),
    ],
}
