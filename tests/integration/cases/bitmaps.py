"""SETBIT, GETBIT, BITCOUNT, BITPOS, BITOP: bits in short and long strings, ranges, errors."""

import random

from support.case import case, expect, near
from support.resp import Error

NOT_INTEGER = Error(b"ERR value is not an integer or out of range")
ONES = b"\xff" * 1000
ZEROS = b"\x00" * 1000
_rng = random.Random(20240611)
NOISE = bytes(_rng.randrange(256) for _ in range(5003))
SPARSE = bytes(700) + b"\x10" + bytes(900) + b"\x01"
FULL = b"\xff" * 700 + b"\xef" + b"\xff" * 900 + b"\xfe"

_BAD_OFFSETS = ("-1", "x", "1.5", "#1", "4294967296", "9223372036854775807", "9223372036854775808")
_RANGES = (
    ("0", "-1"),
    ("0", "0"),
    ("1", "1"),
    ("0", "-5"),
    ("1", "-2"),
    ("-2", "-1"),
    ("-1000", "1"),
    ("-1000", "-900"),
    ("5", "30"),
    ("3", "2"),
    ("-1", "-3"),
    ("-1000", "-2000"),
    ("7", "8"),
    ("9", "22"),
    ("100", "200"),
    ("0", "-9223372036854775808"),
    ("-9223372036854775808", "9223372036854775807"),
)
_UNITS = ("", " BYTE", " BIT", " bit")


def _counts(value):
    steps = [f"BITCOUNT k {a} {b}{unit}" for a, b in _RANGES for unit in _UNITS]
    return [("SET", "k", value), "BITCOUNT k", *steps]


def _positions(value):
    steps = [f"BITPOS k {bit}" for bit in (0, 1)]
    steps += [f"BITPOS k {bit} {a}" for bit in (0, 1) for a in (0, 1, 2, -1, -2, 100, -100, 7000)]
    steps += [
        f"BITPOS k {bit} {a} {b}{unit}" for bit in (0, 1) for a, b in _RANGES for unit in _UNITS
    ]
    return [("SET", "k", value), *steps]


def _random_positions():
    rng = random.Random(77)
    size = 8 * len(SPARSE)
    steps = []
    for _ in range(60):
        a, b = sorted((rng.randrange(size), rng.randrange(size)))
        steps += [f"BITPOS s 1 {a} {b} BIT", f"BITPOS f 0 {a} {b} BIT", f"BITCOUNT n {a} {b} BIT"]
    return steps


def _combine(*sources):
    steps = [("SET", f"s{i}", text) for i, text in enumerate(sources) if text is not None]
    keys = " ".join(f"s{i}" for i in range(len(sources)))
    for op in ("AND", "or", "XoR"):
        steps += [f"BITOP {op} d {keys}", "GET d", "TYPE d"]
    for i in range(len(sources)):
        steps += [f"BITOP NOT d s{i}", "GET d"]
    return steps


CASES = {
    "SETBIT": [
        case("grows and flips", "SETBIT k 0 1", "GET k", "SETBIT k 9 1", "GET k", "SETBIT k 0 0"),
        case("old values", *[f"SETBIT k {i % 5} {i % 2}" for i in range(30)], "GET k"),
        case("zero bit makes the key", "SETBIT k 17 0", "GET k", "TYPE k", "STRLEN k"),
        case("integer value", "SET k 1", "SETBIT k 6 1", "GET k", "SETBIT k 7 0", "GET k"),
        case("keeps the time to live", "SET k abc EX 100", "SETBIT k 100 1", near("TTL k", 1)),
        case(
            "long string",
            ("SET", "k", NOISE),
            *[f"SETBIT k {i * 977} {i % 2}" for i in range(60)],
            "GET k",
            "SETBIT k 50000 1",
            "GET k",
            "OBJECT ENCODING k",
            "APPEND k tail",
            "SETRANGE k 3 patch",
            "GETRANGE k -10 -1",
            "STRLEN k",
            "GET k",
        ),
        case("large hole", "SETBIT k 40000000 1", "STRLEN k", "BITPOS k 1", "BITCOUNT k"),
        case("last offset", "SETBIT k 4294967295 1", "STRLEN k", "GETBIT k 4294967295", "DEL k"),
        case("bad offsets", *[f"SETBIT k {o} 1" for o in _BAD_OFFSETS], "EXISTS k"),
        case(
            "bad bits",
            *[f"SETBIT k 0 {b}" for b in ("2", "-1", "x", "20", "01", "+1", "1.0", "4294967296")],
            "EXISTS k",
        ),
        case("wrong type", "RPUSH l a", "SETBIT l 0 1", "SETBIT l x 1", requires="RPUSH"),
        case("arity", "SETBIT", "SETBIT k", "SETBIT k 0", "SETBIT k 0 1 2"),
    ],
    "GETBIT": [
        case("text", "SET k `", *[f"GETBIT k {i}" for i in (0, 1, 2, 3, 7, 8, 100, 10000)]),
        case("integer value", "SET k 1", *[f"GETBIT k {i}" for i in range(10)]),
        case("missing key", "GETBIT nokey 0", "GETBIT nokey 4294967295"),
        case(
            "long string",
            ("SET", "k", NOISE),
            "SETBIT k 3 0",
            *[f"GETBIT k {i * 1013}" for i in range(45)],
        ),
        case("bad offsets", "SET k v", *[f"GETBIT k {o}" for o in _BAD_OFFSETS]),
        case("wrong type", "RPUSH l a", "GETBIT l 0", requires="RPUSH"),
        case("arity", "GETBIT", "GETBIT k", "GETBIT k 0 1"),
    ],
    "BITCOUNT": [
        case("text", *_counts(b"foobar")),
        case("one byte", *_counts(b"\xa5")),
        case("empty value", *_counts(b"")),
        case("integer value", *_counts(b"-123456789")),
        case("noise", *_counts(NOISE)),
        case("ones", *_counts(ONES)),
        *[
            case(f"{n} bytes", ("SET", "k", NOISE[:n]), "BITCOUNT k", "BITCOUNT k 1 -2")
            for n in (7, 8, 9, 31, 32, 33, 63, 64, 65, 991, 992, 993, 1024)
        ],
        # Ten megabytes and more are work for another thread.
        case("large", "SETBIT k 200000001 1", "SETBIT k 7 1", "BITCOUNT k", "BITCOUNT k 1 -1 BIT"),
        case("missing key", "BITCOUNT nokey", "BITCOUNT nokey 0 -1", "BITCOUNT nokey 0 1000 BIT"),
        case(
            # 7.0 gives 0 without a look at them.
            "bad arguments on a missing key",
            expect("BITCOUNT nokey x 1", NOT_INTEGER),
            expect("BITCOUNT nokey 0 1 HELLO", Error(b"ERR syntax error")),
        ),
        case(
            "bad arguments",
            "SET k foobar",
            "BITCOUNT k 0",
            "BITCOUNT k x 1",
            "BITCOUNT k 0 y",
            "BITCOUNT k 0 1 HELLO",
            "BITCOUNT k 0 1 BIT more",
            "BITCOUNT k 0 9223372036854775808",
        ),
        case("wrong type", "RPUSH l a", "BITCOUNT l", "BITCOUNT l 0 1 BIT", requires="RPUSH"),
        case("arity", "BITCOUNT"),
    ],
    "BITPOS": [
        case("text", *_positions(b"\x00\xff\xf0")),
        case("ones", *_positions(b"\xff\xff\xff")),
        case("zeros", *_positions(b"\x00\x00\x00")),
        case("empty value", *_positions(b"")),
        case("large", "SETBIT k 200000001 1", "BITPOS k 1", "BITPOS k 0 1", "BITPOS k 1 9 -2"),
        case("one byte", *_positions(b"\x10")),
        case("long zeros", *_positions(ZEROS)),
        case("long ones", *_positions(ONES)),
        case("one at the end", *_positions(SPARSE)),
        case("zero at the end", *_positions(FULL)),
        case("integer value", *_positions(b"1234")),
        case(
            "many ranges",
            ("SET", "s", SPARSE),
            ("SET", "f", FULL),
            ("SET", "n", NOISE),
            *_random_positions(),
        ),
        case(
            "missing key",
            "BITPOS nokey 0",
            "BITPOS nokey 1",
            "BITPOS nokey 0 5 9",
            "BITPOS nokey 1 5 9 BIT",
        ),
        case(
            "bad arguments",
            "SET k foobar",
            "BITPOS k 2",
            "BITPOS k -1",
            "BITPOS k x",
            "BITPOS k 1 x",
            "BITPOS k 1 0 y",
            "BITPOS k 1 0 1 HELLO",
            "BITPOS k 1 0 1 BIT more",
            "BITPOS nokey 2",
        ),
        case("wrong type", "RPUSH l a", "BITPOS l 1", "BITPOS l 3", requires="RPUSH"),
        case("arity", "BITPOS", "BITPOS k"),
    ],
    "BITOP": [
        case("equal lengths", *_combine(b"abcdef", b"ABCxyz")),
        case("different lengths", *_combine(b"foobar", b"abc", b"a longer text than the others")),
        case("one source", *_combine(b"foobar")),
        case("long and short", *_combine(NOISE, NOISE[7:1300], ONES, b"x")),
        case("longer than a piece", *_combine(NOISE * 8, NOISE[3:] * 7)),
        case("twenty sources", *_combine(*[NOISE[i : i + 100 + i] for i in range(20)])),
        case("with a missing key", *_combine(b"foobar", None)),
        case("integers", *_combine(b"1234", b"99", b"-7")),
        case(
            "large",
            "SETBIT a 100000000 1",
            "SETBIT b 90000000 1",
            "BITOP OR d a b",
            "BITCOUNT d",
            "BITPOS d 1 11500000",
            "BITOP NOT d d",
            "BITCOUNT d",
        ),
        case("target is a source", "SET k foobar", "SET j abc", "BITOP OR k k j k", "GET k"),
        case(
            "nothing to combine",
            "SET d old",
            "BITOP AND d none nil",
            "EXISTS d",
            "BITOP NOT d none",
            'SET e ""',
            "SET d old",
            "BITOP XOR d e e",
            "EXISTS d",
        ),
        case("drops the time to live", "SET d x EX 100", "SET k y", "BITOP AND d k", "TTL d"),
        case(
            "encoding",
            "SET k 5",
            "BITOP AND d k",
            "OBJECT ENCODING d",
            "INCR d",
            "OBJECT ENCODING d",
        ),
        case(
            "changed strings as sources",
            ("SET", "a", NOISE),
            ("SET", "b", NOISE[::-1]),
            "SETBIT a 12345 1",
            "SETBIT b 54321 1",
            "BITOP XOR a a b",
            "GET a",
            "SETBIT a 0 1",
            "BITOP NOT a a",
            "GET a",
        ),
        case(
            "errors",
            "SET k v",
            "BITOP NAND d k",
            "BITOP NOT d k k",
            "BITOP NOT d k nokey",
            "EXISTS d",
        ),
        case(
            "wrong type",
            "RPUSH l a",
            "SET k v",
            "BITOP AND d k l",
            "BITOP AND l k",
            "GET l",
            requires="RPUSH",
        ),
        case("arity", "BITOP", "BITOP AND", "BITOP AND d"),
    ],
}
