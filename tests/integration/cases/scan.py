"""SCAN's options and errors on data sets small enough for one call; test_scan.py iterates."""

from support.case import case, norm
from support.resp import Error


def _one_batch(reply):
    """Order inside a batch is free."""
    if isinstance(reply, Error):
        return reply
    cursor, names = reply
    return [cursor, sorted(names)]


def _scan(arguments):
    return norm(f"SCAN {arguments}", _one_batch)


CASES = {
    "SCAN": [
        case("empty", _scan("0"), _scan("0 COUNT 10 MATCH *")),
        case(
            "all in one batch",
            "MSET a 1 b 2 c 3",
            _scan("0 COUNT 1000"),
            _scan("0 count 1000 match *"),
        ),
        case(
            "MATCH",
            "MSET user:1 a user:2 b other c",
            _scan("0 COUNT 1000 MATCH user:*"),
            _scan("0 COUNT 1000 MATCH *r"),
            _scan("0 COUNT 1000 MATCH nothing*"),
            _scan('0 COUNT 1000 MATCH ""'),
        ),
        case(
            "MATCH escapes",
            ("MSET", "a*b", 1, "aXb", 2),
            ("SCAN", "0", "MATCH", "a\\*b", "COUNT", "1000"),
            _scan("0 COUNT 1000 MATCH a[*]b"),
        ),
        case(
            "TYPE",
            "MSET a 1 b 2",
            _scan("0 COUNT 1000 TYPE string"),
            _scan("0 COUNT 1000 TYPE list"),
            _scan("0 COUNT 1000 TYPE STRING"),
        ),
        case(
            "MATCH and TYPE",
            "MSET a1 1 a2 2 b 3",
            _scan("0 COUNT 1000 MATCH a* TYPE string"),
            _scan("0 TYPE hash MATCH a* COUNT 1000"),
        ),
        case("last option wins", "MSET a 1 b 2", _scan("0 MATCH a MATCH b COUNT 5 COUNT 1000")),
        case(
            "bad cursors",
            "SCAN x",
            "SCAN -1",
            'SCAN ""',
            'SCAN " 0"',
            "SCAN 1.5",
            "SCAN 99999999999999999999",
        ),
        case(
            "bad counts",
            "SCAN 0 COUNT 0",
            "SCAN 0 COUNT -1",
            "SCAN 0 COUNT x",
            "SCAN 0 COUNT 9223372036854775808",
        ),
        case(
            "syntax",
            "SCAN 0 FOO",
            "SCAN 0 COUNT",
            "SCAN 0 MATCH",
            "SCAN 0 TYPE",
            "SCAN 0 MATCH a FOO b",
        ),
        case(
            "any cursor ends",
            "MSET a 1 b 2",
            norm("SCAN 12345 COUNT 1000", lambda r: [r[0], type(r[1])]),
        ),
        case(
            "expired keys are not listed",
            "SET a 1",
            "SET b 2 PX 1",
            ("DEBUG", "SLEEP", "0.02"),
            _scan("0 COUNT 1000"),
        ),
        case("arity", "SCAN"),
        case(
            "this database only",
            "SET a 1",
            "SELECT 3",
            _scan("0 COUNT 100"),
            "SET b 1",
            _scan("0 COUNT 100"),
        ),
    ],
}
