"""Lists: moves between keys, pops from the first of several, and waiting for elements."""

from support.case import case, on, pause, silent

_SEVEN = "RPUSH k a b c d e f g"
_HUGE = "9223372036854775808"


def _moves(name, command, ends=""):
    """Moves that need not wait; `command` is what stands before the keys, `ends` after them."""
    return [
        case(
            f"between lists {name}",
            "RPUSH src a b c",
            "RPUSH dst x y",
            f"{command} src dst{ends}",
            f"{command} src dst{ends}",
            "LRANGE src 0 -1",
            "LRANGE dst 0 -1",
        ),
        case(
            f"creates one and uses up the other {name}",
            "RPUSH src 17",
            f"{command} src dst{ends}",
            "EXISTS src",
            "LRANGE dst 0 -1",
        ),
        case(
            f"rotates {name}",
            ("RPUSH", "k", "a", "2", "x" * 9000, "d"),
            *[f"{command} k k{ends}"] * 3,
            "LRANGE k 0 -1",
            "RPUSH one 1",
            f"{command} one one{ends}",
            "LRANGE one 0 -1",
        ),
        case(
            f"wrong types {name}",
            "SET s v",
            "RPUSH src a",
            f"{command} s src{ends}",
            f"{command} src s{ends}",
            f"{command} s s{ends}",
            "LRANGE src 0 -1",
            "GET s",
        ),
    ]


_ENDS = ("LEFT LEFT", "LEFT RIGHT", "RIGHT LEFT", "right right")


def _bad_ends(command, tail=""):
    return case(
        "bad ends",
        "RPUSH src a",
        f"{command} src dst LEFT MIDDLE{tail}",
        f"{command} src dst x RIGHT{tail}",
        f"{command} nokey dst LEFT x{tail}",
    )


def _bad_timeouts(before, after=""):
    return case(
        "bad timeouts",
        *[
            f"{before} {timeout}{after}"
            for timeout in ("x", "-1", "-0.5", '""', "1.5x", "nan")
        ],
    )


def _waiting(name, wait, push, *after):
    """`wait` is sent by a client that must get what `push` brings. The reply is read by the step
    after it, whose own reply the next one reads."""
    return case(
        name,
        on("waiter", silent(wait)),
        pause(0.1),
        push,
        on("waiter", "PING"),
        on("waiter", "ECHO last"),
        *after,
    )


def _blocking_pops(command):
    return [
        case(
            "takes what is there",
            "RPUSH b 1 2 3",
            f"{command} a b c 0",
            f"{command} b 1.5",
            f"{command} b 0.001",
            "EXISTS b",
        ),
        case(
            "first of several lists",
            "RPUSH a 1",
            "RPUSH b 2",
            f"{command} b a 0",
            f"{command} b a 0",
        ),
        case(
            "times out",
            f"{command} a 0.01",
            f"{command} a b a 0.02",
            on("waiter", f"{command} a 0.01"),
            "RPUSH a 1",
            "LLEN a",
        ),
        _waiting("waits", f"{command} k 0", "RPUSH k a b", "LRANGE k 0 -1"),
        _waiting("waits for one of several", f"{command} a b c 0", "LPUSH c 1", "EXISTS c"),
        _waiting("is served once", f"{command} k k 0", "LPUSH k x y z", "LLEN k"),
        case(
            "first come, first served",
            on("one", silent(f"{command} k 0")),
            pause(0.1),
            on("two", silent(f"{command} k 0")),
            pause(0.1),
            "RPUSH k a",
            "RPUSH k b",
            on("one", "PING"),
            on("two", "PING"),
        ),
        case(
            "a string before the list",
            "SET s v",
            "RPUSH k a",
            f"{command} s k 0",
            f"{command} k s 0",
            f"{command} k s 0",
        ),
        case(
            "a key that becomes a string meanwhile",
            on("waiter", silent(f"{command} s k 0")),
            pause(0.1),
            "SET s v",
            "RPUSH k a",
            on("waiter", "PING"),
        ),
        _bad_timeouts(f"{command} k"),
        case("bad timeout before a wrong type", "SET s v", f"{command} s x", f"{command} s -1"),
        case("arity", command, f"{command} k"),
    ]


def _blocking_moves(command, ends):
    """`command` without keys, `ends` what stands between the keys and the timeout."""
    return [
        case(
            "times out",
            f"{command} src dst{ends} 0.01",
            "EXISTS src dst",
        ),
        _waiting(
            "waits",
            f"{command} src dst{ends} 0",
            "RPUSH src a b",
            "LRANGE src 0 -1",
            "LRANGE dst 0 -1",
        ),
        _waiting(
            "waits for itself", f"{command} k k{ends} 0", "RPUSH k a b c", "LRANGE k 0 -1"
        ),
        case(
            "the target turns out to be a string",
            "SET dst v",
            on("waiter", silent(f"{command} src dst{ends} 0")),
            pause(0.1),
            "RPUSH src a",
            on("waiter", "PING"),
            "LRANGE src 0 -1",
        ),
        case(
            "serves a client that waits for the target",
            on("last", silent("BLPOP dst 0")),
            on("middle", silent(f"{command} src dst{ends} 0")),
            pause(0.1),
            "RPUSH src a",
            on("middle", "PING"),
            on("last", "PING"),
            "EXISTS src dst",
        ),
        _bad_timeouts(f"{command} src dst{ends}"),
        case("arity", command, f"{command} src", f"{command} src dst", f"{command} s d{ends} 0 x"),
    ]


def _pops_of_many(name, command):
    """LMPOP and BLMPOP, the latter with its timeout in front."""
    return [
        case(
            "from the first list that is there",
            "RPUSH b 1 2 3",
            "RPUSH c x",
            f"{command} 3 a b c LEFT",
            f"{command} 3 a b c right",
            f"{command} 3 a b c LEFT",
            f"{command} 2 a b c RIGHT",
            f"{command} 3 a b c LEFT",
            "EXISTS b c",
        ),
        case(
            "with a count",
            _SEVEN,
            f"{command} 1 k LEFT COUNT 2",
            f"{command} 1 k RIGHT count 3",
            f"{command} 1 k LEFT COUNT 100",
            "EXISTS k",
        ),
        case(
            "thousands",
            ("RPUSH", "k", *[str(i) for i in range(15000)]),
            f"{command} 1 k RIGHT COUNT 11000",
            "LLEN k",
        ),
        case(
            "wrong type",
            "SET s v",
            "RPUSH k a",
            f"{command} 2 s k LEFT",
            f"{command} 2 k s LEFT",
        ),
        case(
            "syntax",
            _SEVEN,
            f"{command} 0 k LEFT",
            f"{command} -1 k LEFT",
            f"{command} x k LEFT",
            f"{command} {_HUGE} k LEFT",
            f"{command} 9223372036854775807 k LEFT",
            f"{command} 2 k LEFT",
            f"{command} 1 k k LEFT",
            f"{command} 1 k MIDDLE",
            f"{command} 1 k LEFT COUNT",
            f"{command} 1 k LEFT COUNT 0",
            f"{command} 1 k LEFT COUNT -1",
            f"{command} 1 k LEFT COUNT x",
            f"{command} 1 k LEFT COUNT 1 COUNT 2",
            f"{command} 1 k LEFT COUNT 0 COUNT",
            f"{command} 1 k LEFT FOO 1",
            f"{command} 1 k LEFT 1",
            "LLEN k",
        ),
        case("arity", name, f"{name} 1", f"{name} 1 k", f"{name} 1 k LEFT"),
    ]


CASES = {
    "LMOVE": [
        *[c for ends in _ENDS for c in _moves(ends, "LMOVE", f" {ends}")],
        case("nothing to move", "LMOVE a b LEFT LEFT", "SET b v", "LMOVE a b LEFT LEFT"),
        _bad_ends("LMOVE"),
        case("arity", "LMOVE", "LMOVE a b LEFT", "LMOVE a b LEFT RIGHT x"),
    ],
    "RPOPLPUSH": [
        *_moves("plainly", "RPOPLPUSH"),
        case("nothing to move", "RPOPLPUSH a b", "SET b v", "RPOPLPUSH a b"),
        case("arity", "RPOPLPUSH", "RPOPLPUSH a", "RPOPLPUSH a b c"),
    ],
    "LMPOP": [
        *_pops_of_many("LMPOP", "LMPOP"),
        case("nothing there", "LMPOP 1 k LEFT", "LMPOP 2 a b RIGHT COUNT 3"),
    ],
    "BLPOP": _blocking_pops("BLPOP"),
    "BRPOP": _blocking_pops("BRPOP"),
    "BLMOVE": [
        *[c for ends in _ENDS for c in _moves(ends, "BLMOVE", f" {ends} 0")],
        *_blocking_moves("BLMOVE", " LEFT RIGHT"),
        _bad_ends("BLMOVE", " 0"),
        case("bad ends before a bad timeout", "BLMOVE a b x LEFT y", "BLMOVE a b LEFT LEFT y"),
    ],
    "BRPOPLPUSH": [*_moves("plainly", "BRPOPLPUSH", " 0"), *_blocking_moves("BRPOPLPUSH", "")],
    "BLMPOP": [
        *_pops_of_many("BLMPOP", "BLMPOP 0.01"),
        case("times out", "BLMPOP 0.01 1 k LEFT", "BLMPOP 0.01 2 a b RIGHT COUNT 3"),
        _waiting("waits", "BLMPOP 0 2 a b LEFT COUNT 2", "RPUSH b 1 2 3", "LRANGE b 0 -1"),
        _waiting("waits for few", "BLMPOP 0 1 k RIGHT COUNT 9", "RPUSH k 1 2 3", "EXISTS k"),
        _bad_timeouts("BLMPOP", " 1 k LEFT"),
        case("syntax before a bad timeout", "BLMPOP x 0 k LEFT", "BLMPOP x 1 k MIDDLE"),
    ],
}
