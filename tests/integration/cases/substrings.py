"""GETRANGE, SUBSTR and SETRANGE: indices from both ends, holes and size limits."""

from support.case import case, near

_INDICES = (
    ("0", "3"),
    ("0", "-1"),
    ("-3", "-1"),
    ("5", "3"),
    ("5", "5"),
    ("-1", "-5"),
    ("-5", "-1"),
    ("0", "100"),
    ("-100", "100"),
    ("-100", "-50"),
    ("100", "200"),
    ("0", "-100"),
    ("9223372036854775807", "9223372036854775807"),
    ("-9223372036854775808", "9223372036854775807"),
    ("0", "-9223372036854775808"),
)


def _ranges(command):
    return [
        case("text", 'SET k "This is a string"', *[f"{command} k {a} {b}" for a, b in _INDICES]),
        case("integer value", "SET k 1234567", *[f"{command} k {a} {b}" for a, b in _INDICES]),
        case("empty value", 'SET k ""', *[f"{command} k {a} {b}" for a, b in _INDICES]),
        case("missing key", f"{command} nokey 0 -1", f"{command} nokey 5 9"),
        case(
            "bad indices",
            "SET k v",
            f"{command} k x 1",
            f"{command} k 0 y",
            f"{command} k 1.5 2",
            f"{command} k 0 9223372036854775808",
        ),
        case("arity", command, f"{command} k", f"{command} k 0", f"{command} k 0 1 2"),
    ]


CASES = {
    "GETRANGE": _ranges("GETRANGE"),
    "SUBSTR": _ranges("SUBSTR"),
    "SETRANGE": [
        case(
            "overwrites",
            'SET k "Hello World"',
            "SETRANGE k 6 Redis",
            "GET k",
            "SETRANGE k 0 h",
            "GET k",
        ),
        case("extends", "SET k abc", "SETRANGE k 2 xyz", "GET k", "SETRANGE k 5 !", "GET k"),
        case(
            "fills holes with zeros",
            "SETRANGE k 5 x",
            "GET k",
            "SETRANGE k 8 y",
            "GET k",
            "STRLEN k",
        ),
        case(
            "empty value changes nothing",
            'SETRANGE k 5 ""',
            "EXISTS k",
            "SET k abc",
            'SETRANGE k 10 ""',
            "GET k",
        ),
        case("integer value", "SET k 12345", "SETRANGE k 1 9", "GET k", "INCR k"),
        case(
            "negative offset",
            "SETRANGE k -1 x",
            "SETRANGE k -9223372036854775808 x",
            'SETRANGE k -1 ""',
            "EXISTS k",
        ),
        case(
            "too large",
            "SETRANGE k 536870911 xx",
            "SETRANGE k 536870912 x",
            "SETRANGE k 9223372036854775807 x",
            "EXISTS k",
            "SET k v",
            "SETRANGE k 4294967295 x",
            "GET k",
        ),
        case(
            "bad offset", "SETRANGE k x v", "SETRANGE k 1.5 v", "SETRANGE k 9223372036854775808 v"
        ),
        case("keeps the time to live", "SET k v EX 100", "SETRANGE k 0 w", near("TTL k", 1)),
        case("large hole", "SETRANGE k 5000000 end", "STRLEN k", "GETRANGE k 4999998 -1"),
        case("arity", "SETRANGE", "SETRANGE k", "SETRANGE k 0", "SETRANGE k 0 a b"),
    ],
}
