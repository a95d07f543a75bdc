"""SET with every combination of its options, legal or not."""

from itertools import permutations

from support.case import case, near

_TIMES = ("EX 100", "PX 100000", "EXAT 33177117420", "PXAT 33177117420000", "KEEPTTL")
_CONDITIONS = ("NX", "XX")


def _pairs():
    """Every ordered pair of options: most are syntax errors, and which ones are is the contract."""
    for first, second in permutations(_TIMES + _CONDITIONS + ("GET",), 2):
        yield case(
            f"{first} with {second}",
            f"SET k new {first} {second}",
            "GET k",
            near("PTTL k", 1500),
            "SET k old",
            f"SET k new {first} {second}",
            "GET k",
            near("PTTL k", 1500),
        )


def _triples():
    for time in _TIMES:
        for condition in _CONDITIONS:
            yield case(
                f"{time} {condition} GET",
                f"SET k a {time} {condition} GET",
                near("PTTL k", 1500),
                "SET k b EX 50",
                f"SET k c GET {condition} {time}",
                "GET k",
                near("PTTL k", 1500),
            )


def _bad_times():
    values = (
        "0",
        "-1",
        "x",
        "1.5",
        '""',
        '" 1"',
        "9223372036854775807",
        "9223372036854775808",
        "-9223372036854775808",
    )
    for option in ("EX", "PX", "EXAT", "PXAT"):
        yield case(
            f"{option} out of range",
            "SET k old",
            *[f"SET k new {option} {v}" for v in values[:6]],
            "GET k",
            "TTL k",
        )
        yield case(
            f"{option} overflow",
            "SET k old",
            *[f"SET k new {option} {v}" for v in values[7:]],
            "GET k",
            "TTL k",
        )
        yield case(
            f"{option} without a value",
            "SET k v " + option,
            "EXISTS k",
            f"SET k v NX {option}",
            "EXISTS k",
        )
    for option in ("EX", "EXAT"):
        yield case(
            f"{option} seconds that overflow as milliseconds",
            f"SET k v {option} 9223372036854775807",
            "EXISTS k",
        )
    yield case("PX largest", "SET k v PX 9223372036854775807", "EXISTS k")


CASES = {
    "SET": [
        case("arity", "SET", "SET k", "SET k v FOO", "SET k v w x"),
        case("replaces", "SET k a", "SET k b", "GET k"),
        case("clears the time to live", "SET k a EX 100", "SET k b", "TTL k"),
        case(
            "KEEPTTL",
            "SET k a EX 100",
            "SET k b KEEPTTL",
            near("TTL k", 1),
            "GET k",
            "SET n v KEEPTTL",
            "TTL n",
        ),
        case("options in any case", "SET k v ex 100 nx", "set k w Xx gEt", "GET k"),
        case("NX twice", "SET k v NX NX", "GET k", "SET k v XX XX GET GET", "GET k"),
        case(
            "past EXAT",
            "SET k old",
            "SET k v EXAT 1",
            "GET k",
            "SET k v PXAT 1",
            "EXISTS k",
            "DBSIZE",
        ),
        case("GET on a missing key", "SET k v GET", "SET k w GET", "GET k"),
        case("NX GET", "SET k a NX GET", "SET k b NX GET", "GET k"),
        case("XX GET", "SET k a XX GET", "EXISTS k", "SET k b", "SET k c XX GET", "GET k"),
        case(
            "option words as key and value",
            "SET EX NX",
            "GET EX",
            "SET NX XX EX 100",
            near("TTL NX", 1),
        ),
        case(
            "PX short",
            "SET k v PX 30",
            "GET k",
            ("DEBUG", "SLEEP", "0.06"),
            "GET k",
            "EXISTS k",
            "TTL k",
        ),
        *_pairs(),
        *_triples(),
        *_bad_times(),
    ],
}
