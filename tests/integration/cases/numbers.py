"""Counters: INCR and its relatives, their ranges and their number formats."""

from support.case import case, near

_MAX = "9223372036854775807"
_MIN = "-9223372036854775808"

_NOT_INTEGERS = (
    "SET k abc",
    "INCR k",
    'SET k ""',
    "INCR k",
    'SET k " 1"',
    "INCR k",
    'SET k "1 "',
    "DECR k",
    "SET k 01",
    "INCR k",
    "SET k +1",
    "INCR k",
    "SET k -0",
    "INCR k",
    "SET k 1.0",
    "INCR k",
    "SET k 1e3",
    "INCR k",
    "SET k 0x10",
    "INCR k",
    "SET k 9223372036854775808",
    "INCR k",
    "GET k",
)


def _float(name, start, *by):
    steps = [f"SET k {start}"]
    for amount in by:
        steps += [f"INCRBYFLOAT k {amount}", "GET k"]
    return case(name, *steps)


CASES = {
    "INCR": [
        case("counts", "INCR k", "INCR k", "GET k", "SET k 41", "INCR k", "SET k -1", "INCR k"),
        case("not integers", *_NOT_INTEGERS),
        case("NUL after the digits", ("SET", "k", b"1\x00"), "INCR k"),
        case("overflow", f"SET k {_MAX}", "INCR k", "GET k", f"SET k {_MIN}", "INCR k"),
        case("keeps the time to live", "SET k 1 EX 100", "INCR k", near("TTL k", 1)),
        case("arity", "INCR", "INCR a b"),
        case("small range", "SET k 9998", "INCR k", "INCR k", "INCR k", "SET k 99999999", "INCR k"),
    ],
    "DECR": [
        case("counts", "DECR k", "DECR k", "GET k", "SET k 1", "DECR k", "DECR k"),
        case("overflow", f"SET k {_MIN}", "DECR k", "GET k", f"SET k {_MAX}", "DECR k"),
        case("not an integer", "SET k x", "DECR k"),
        case("arity", "DECR", "DECR a b"),
    ],
    "INCRBY": [
        case("counts", "INCRBY k 5", "INCRBY k -7", "INCRBY k 0", "GET k"),
        case(
            "limits",
            f"INCRBY k {_MAX}",
            "INCRBY k 1",
            f"INCRBY k {_MIN}",
            "GET k",
            f"INCRBY k {_MIN}",
            "GET k",
        ),
        case(
            "bad amounts",
            "INCRBY k x",
            "INCRBY k 1.5",
            'INCRBY k ""',
            "INCRBY k 9223372036854775808",
            "INCRBY k +1",
            "EXISTS k",
        ),
        case("bad value before bad amount", "SET k x", "INCRBY k y", "INCRBY k 1"),
        case("arity", "INCRBY", "INCRBY k", "INCRBY k 1 2"),
    ],
    "DECRBY": [
        case("counts", "DECRBY k 5", "DECRBY k -7", "DECRBY k 0", "GET k"),
        case("limits", f"DECRBY k {_MAX}", "DECRBY k 1", "DECRBY k 1", "GET k"),
        case(
            "smallest amount",
            f"DECRBY k {_MIN}",
            "EXISTS k",
            "SET k -1",
            f"DECRBY k {_MIN}",
            "GET k",
        ),
        case(
            "bad amounts", "DECRBY k x", "DECRBY k 1.5", "DECRBY k 9223372036854775808", "EXISTS k"
        ),
        case("arity", "DECRBY", "DECRBY k", "DECRBY k 1 2"),
    ],
    "INCRBYFLOAT": [
        _float("fractions", "10.50", "0.1", "-5", "5.0e3", "1e-10", "-0.0"),
        _float("integers stay integers", "3", "1.0", "2", "-6"),
        _float("thirds", "0", "0.1", "0.2", "0.3", "0.7", "3.14159265358979"),
        _float("large", "1e15", "1", "0.5", "1e17", "1e18", "123456789"),
        _float("small", "0", "1e-5", "1e-17", "1.5e-17"),
        _float("seventeen digits", "0.123456789012345678", "1", "1e6", "1e9"),
        _float("exponents", "1E2", "1E+2", "+1", ".5", "5.", "0x10"),
        case("missing key", "INCRBYFLOAT k 2.5", "INCRBYFLOAT k -2.5", "GET k"),
        case(
            "bad amounts",
            "INCRBYFLOAT k x",
            'INCRBYFLOAT k ""',
            'INCRBYFLOAT k " 1"',
            'INCRBYFLOAT k "1 "',
            "INCRBYFLOAT k 1.2.3",
            "INCRBYFLOAT k nan",
            "EXISTS k",
        ),
        case(
            "infinity",
            "INCRBYFLOAT k inf",
            "INCRBYFLOAT k -inf",
            "SET k 1",
            "INCRBYFLOAT k +inf",
            "GET k",
        ),
        case(
            "very large",
            "SET k 1e300",
            "INCRBYFLOAT k 1e300",
            "SET k 1e4932",
            "INCRBYFLOAT k 1e4932",
        ),
        case(
            "bad values",
            "SET k x",
            "INCRBYFLOAT k 1",
            'SET k ""',
            "INCRBYFLOAT k 1",
            'SET k " 1"',
            "INCRBYFLOAT k 1",
            "SET k inf",
            "INCRBYFLOAT k 1",
        ),
        case("keeps the time to live", "SET k 1 EX 100", "INCRBYFLOAT k 1.5", near("TTL k", 1)),
        case("then INCR", "INCRBYFLOAT k 2", "INCR k", "INCRBYFLOAT k 0.5", "INCR k"),
        case(
            "NUL inside", ("SET", "k", b"1\x00"), "INCRBYFLOAT k 1", ("INCRBYFLOAT", "n", b"1\x002")
        ),
        case("arity", "INCRBYFLOAT", "INCRBYFLOAT k", "INCRBYFLOAT k 1 2"),
    ],
}
