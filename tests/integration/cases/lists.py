"""Lists: both ends, ranges, and changes in the middle."""

from support.case import case, expect, near
from support.resp import Error

_SEVEN = "RPUSH k a b c d e f g"
_INDICES = (
    ("0", "-1"),
    ("0", "0"),
    ("1", "3"),
    ("-3", "-2"),
    ("-1", "-3"),
    ("5", "100"),
    ("-100", "100"),
    ("-100", "-8"),
    ("7", "9"),
    ("3", "2"),
    ("9223372036854775807", "-9223372036854775808"),
    ("-9223372036854775808", "9223372036854775807"),
)
_NUMBERS = ("0", "1", "-1", "127", "128", "-4096", "4096", "-32769", "8388608", "-2147483649")
_ODD_TEXTS = ("", "00", "-0", "+1", " 1", "1.0", "9223372036854775808", "a\r\nb", "\x00\xff")
_HUGE = "9223372036854775808"


def _on_a_string(command, *more):
    return case("on a string", "SET s v", command, *more, "GET s")


def _pushes(command):
    return [
        case(
            "creates and adds",
            f"{command} k a",
            f"{command} k b c d",
            "LRANGE k 0 -1",
            "TYPE k",
            "LLEN k",
        ),
        case(
            "keeps every byte",
            (command, "k", *_NUMBERS, "-9223372036854775808", "9223372036854775807"),
            (command, "k", *_ODD_TEXTS),
            "LRANGE k 0 -1",
        ),
        case(
            "long elements",
            *[(command, "k", "x" * n) for n in (63, 64, 4095, 4096, 9000, 70000)],
            (command, "k", "after"),
            "LRANGE k 0 -1",
        ),
        case(
            "thousands",
            (command, "k", *[f"element {i}" for i in range(12000)]),
            "LINDEX k 6000",
            "LRANGE k 11990 -1",
            "LRANGE k 0 10",
        ),
        case(
            "keeps the time to live",
            f"{command} k a",
            "EXPIRE k 100",
            f"{command} k b",
            near("TTL k", 1),
        ),
        _on_a_string(f"{command} s a"),
        case("arity", command, f"{command} k"),
    ]


def _pushes_to_existing(command):
    return [
        case(
            "only where there is a list",
            f"{command} k a b",
            "EXISTS k",
            "RPUSH k x",
            f"{command} k a b",
            "LRANGE k 0 -1",
        ),
        _on_a_string(f"{command} s a"),
        case("arity", command, f"{command} k"),
    ]


def _pops(command):
    return [
        case(
            "one by one until the key is gone",
            "RPUSH k a 12 -70000",
            *[f"{command} k"] * 4,
            "EXISTS k",
            "LLEN k",
        ),
        case(
            "several",
            _SEVEN,
            f"{command} k 2",
            f"{command} k 1",
            f"{command} k 0",
            f"{command} k 100",
            f"{command} k 1",
            f"{command} k 0",
            "EXISTS k",
        ),
        case(
            "thousands",
            ("RPUSH", "k", *[f"element {i}" for i in range(30000)]),
            f"{command} k 12345",
            "LLEN k",
            f"{command} k",
            f"{command} k 17653",
            f"{command} k",
        ),
        case(
            "bad count",
            _SEVEN,
            f"{command} k -1",
            f"{command} k x",
            f"{command} k 1.5",
            f"{command} k {_HUGE}",
            f"{command} nokey -1",
            f"{command} nokey x",
            "LLEN k",
        ),
        _on_a_string(f"{command} s", f"{command} s 1", f"{command} s 0", f"{command} s x"),
        case("arity", command, f"{command} k 1 2"),
    ]


_TEN = "RPUSH k a b c 1 2 3 c c 1 a"

CASES = {
    "LPUSH": _pushes("LPUSH"),
    "RPUSH": _pushes("RPUSH"),
    "LPUSHX": _pushes_to_existing("LPUSHX"),
    "RPUSHX": _pushes_to_existing("RPUSHX"),
    "LPOP": _pops("LPOP"),
    "RPOP": _pops("RPOP"),
    "LLEN": [
        case("counts", "LLEN k", _SEVEN, "LLEN k", "LPOP k", "LLEN k"),
        _on_a_string("LLEN s"),
        case("arity", "LLEN", "LLEN a b"),
    ],
    "LRANGE": [
        case("small", _SEVEN, *[f"LRANGE k {a} {b}" for a, b in _INDICES]),
        case(
            "large",
            ("RPUSH", "k", *[f"element {i} {'x' * (i % 50)}" for i in range(5000)]),
            "LRANGE k 0 -1",
            "LRANGE k 2400 2600",
            "LRANGE k -30 -10",
            "LRANGE k 4990 99999",
            "LRANGE k 10 5",
        ),
        case(
            "long elements",
            ("RPUSH", "k", *[str(i % 10) * 9000 for i in range(100)]),
            "LRANGE k 0 -1",
            "LRANGE k 98 99",
        ),
        case("missing key", "LRANGE k 0 -1", "LRANGE k x 1"),
        case("bad indices", _SEVEN, "LRANGE k x 1", "LRANGE k 0 1.5", f"LRANGE k 0 {_HUGE}"),
        _on_a_string("LRANGE s 0 -1", "LRANGE s x 1"),
        case("arity", "LRANGE", "LRANGE k", "LRANGE k 0", "LRANGE k 0 1 2"),
    ],
    "LINDEX": [
        case("both ways", _SEVEN, *[f"LINDEX k {i}" for i in (0, 3, 6, 7, -1, -4, -7, -8)]),
        case(
            "across nodes",
            ("RPUSH", "k", *[f"element {i}" for i in range(5000)]),
            *[f"LINDEX k {i}" for i in (0, 1000, 2499, 2500, 4999, -1, -2500, -5000, -5001)],
        ),
        case("numbers", ("RPUSH", "k", *_NUMBERS), *[f"LINDEX k {i}" for i in range(10)]),
        case("missing key", "LINDEX k 0", "LINDEX k x"),
        case("bad index", _SEVEN, "LINDEX k x", "LINDEX k 1.5", f"LINDEX k {_HUGE}"),
        _on_a_string("LINDEX s 0", "LINDEX s x"),
        case("arity", "LINDEX", "LINDEX k", "LINDEX k 0 1"),
    ],
    "LSET": [
        case(
            "replaces",
            _SEVEN,
            "LSET k 0 first",
            "LSET k -1 -5",
            'LSET k 3 ""',
            ("LSET", "k", 2, "x" * 500),
            "LRANGE k 0 -1",
        ),
        case(
            "longer than a node, and back",
            _SEVEN,
            ("LSET", "k", 3, "y" * 20000),
            ("LSET", "k", 0, "z" * 20000),
            "LRANGE k 0 -1",
            "LSET k 3 d",
            "LSET k 0 a",
            "LRANGE k 0 -1",
        ),
        case(
            "many that grow",
            ("RPUSH", "k", *range(1000)),
            *[("LSET", "k", i, "v" * i) for i in range(0, 1000, 37)],
            "LRANGE k 0 -1",
        ),
        case(
            "out of range",
            _SEVEN,
            "LSET k 7 x",
            "LSET k -8 x",
            "LSET k 9223372036854775807 x",
            "LSET k -9223372036854775808 x",
        ),
        case("missing key", "LSET k 0 x", "LSET k x x"),
        case("bad index", _SEVEN, "LSET k x x", f"LSET k {_HUGE} x"),
        _on_a_string("LSET s 0 x", "LSET s x x"),
        case("arity", "LSET", "LSET k", "LSET k 0", "LSET k 0 x y"),
    ],
    "LINSERT": [
        case(
            "before and after",
            "RPUSH k a b 3 b",
            "LINSERT k BEFORE b x",
            "LINSERT k after b 44",
            "LINSERT k before a first",
            "LINSERT k AFTER 3 y",
            "LINSERT k AFTER nothing y",
            "LRANGE k 0 -1",
        ),
        case(
            "into full nodes",
            ("RPUSH", "k", *[f"element {i}" for i in range(2000)]),
            *[f'LINSERT k BEFORE "element {i}" new' for i in (0, 1, 500, 501, 1999)],
            *[f'LINSERT k AFTER "element {i}" new' for i in (0, 500, 1998, 1999)],
            ("LINSERT", "k", "AFTER", "element 777", "w" * 20000),
            ("LINSERT", "k", "BEFORE", "element 0", "w" * 20000),
            "LRANGE k 0 -1",
        ),
        case("missing key", "LINSERT k BEFORE a b", "EXISTS k"),
        case("syntax", "RPUSH k a", "LINSERT k BEHIND a b", 'LINSERT k "" a b', "LINSERT s x a b"),
        _on_a_string("LINSERT s BEFORE a b", "LINSERT s x a b"),
        case("arity", "LINSERT", "LINSERT k BEFORE a", "LINSERT k BEFORE a b c"),
    ],
    "LREM": [
        case("all", _TEN, "LREM k 0 c", "LREM k 0 1", "LREM k 0 nothing", "LRANGE k 0 -1"),
        case("first ones", _TEN, "LREM k 2 c", "LREM k 1 a", "LREM k 9 1", "LRANGE k 0 -1"),
        case("last ones", _TEN, "LREM k -2 c", "LREM k -1 a", "LREM k -9 1", "LRANGE k 0 -1"),
        case("uses it up", "RPUSH k a a a", "LREM k 2 a", "LREM k 5 a", "EXISTS k"),
        case(
            "across nodes",
            ("RPUSH", "k", *[f"element {i % 7}" for i in range(3000)]),
            'LREM k 10 "element 3"',
            'LREM k -10 "element 4"',
            'LREM k 0 "element 5"',
            'LREM k -9223372036854775808 "element 6"',
            'LREM k 9223372036854775807 "element 1"',
            "LRANGE k 0 -1",
        ),
        case("a number in other words", "RPUSH k 1 01 1.0 +1", "LREM k 0 1", "LRANGE k 0 -1"),
        case("missing key", "LREM k 0 a", "LREM k x a"),
        case("bad count", "RPUSH k a", "LREM k x a", f"LREM k {_HUGE} a"),
        _on_a_string("LREM s 0 v", "LREM s x v"),
        case("arity", "LREM", "LREM k 0", "LREM k 0 a b"),
    ],
    "LTRIM": [
        *[
            case(f"{a} to {b}", _SEVEN, f"LTRIM k {a} {b}", "LRANGE k 0 -1", "EXISTS k")
            for a, b in _INDICES
        ],
        case(
            "across nodes",
            ("RPUSH", "k", *[f"element {i}" for i in range(9000)]),
            "LTRIM k 100 -100",
            "LTRIM k 1 8700",
            "LTRIM k -50 -11",
            "LRANGE k 0 -1",
        ),
        case("missing key", "LTRIM k 0 1", "LTRIM k x 1", "EXISTS k"),
        case("bad indices", _SEVEN, "LTRIM k x 1", "LTRIM k 0 1.5", f"LTRIM k {_HUGE} 1"),
        _on_a_string("LTRIM s 0 -1"),
        case("arity", "LTRIM", "LTRIM k 0", "LTRIM k 0 1 2"),
    ],
    "LPOS": [
        case("first match", _TEN, "LPOS k a", "LPOS k c", "LPOS k 1", "LPOS k 01", "LPOS k z"),
        case(
            "rank",
            _TEN,
            *[f"LPOS k c RANK {r}" for r in (1, 2, 3, 4, -1, -2, -3, -4)],
            "LPOS k z RANK -1",
            "LPOS k c RANK 9223372036854775807",
        ),
        case(
            "count",
            _TEN,
            *[f"LPOS k c COUNT {n}" for n in (0, 1, 2, 3, 4)],
            "LPOS k z COUNT 0",
            "LPOS k z COUNT 1",
            *[f"LPOS k c COUNT {n} RANK {r}" for n in (0, 1, 2) for r in (2, 3, -1, -2, -4)],
        ),
        case(
            "maxlen",
            _TEN,
            *[f"LPOS k c MAXLEN {n}" for n in (0, 1, 2, 3, 100)],
            *[f"LPOS k c COUNT 0 MAXLEN {n}" for n in (2, 3, 7, 8)],
            *[f"LPOS k c COUNT 0 MAXLEN {n} RANK -1" for n in (2, 3, 4, 9)],
            "lpos k c maxlen 8 rank 2 count 1",
        ),
        case(
            "across nodes",
            ("RPUSH", "k", *[f"element {i % 1000}" for i in range(20000)]),
            'LPOS k "element 999"',
            'LPOS k "element 999" RANK -3',
            'LPOS k "element 5" COUNT 0',
            'LPOS k "element 5" COUNT 0 RANK -5',
            'LPOS k "element x" COUNT 0',
        ),
        case("missing key", "LPOS k a", "LPOS k a COUNT 1", "LPOS k a RANK -1 MAXLEN 3"),
        case(
            "syntax",
            _TEN,
            "LPOS k a RANK",
            "LPOS k a RANK x",
            "LPOS k a RANK 0",
            "LPOS k a COUNT",
            "LPOS k a COUNT -1",
            "LPOS k a COUNT x",
            "LPOS k a MAXLEN -1",
            "LPOS k a MAXLEN x",
            "LPOS k a MAXLEN",
            "LPOS k a FOO",
            "LPOS k a FOO 1",
            "LPOS k a RANK 1 FOO",
            "LPOS nokey a RANK 0",
        ),
        case(
            "least rank",
            _TEN,
            expect(
                "LPOS k a RANK -9223372036854775808",
                Error(
                    b"ERR value is out of range, value must between -9223372036854775807 and "
                    b"9223372036854775807"
                ),
            ),
        ),
        _on_a_string("LPOS s v", "LPOS s v COUNT 1"),
        case("arity", "LPOS", "LPOS k"),
    ],
}
