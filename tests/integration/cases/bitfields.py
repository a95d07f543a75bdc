"""BITFIELD and BITFIELD_RO: types, offsets, overflow, fields across bytes and past the end."""

import random

from support.case import case, near

_TYPES = ("u1", "u2", "u5", "u8", "u16", "u31", "u32", "u63", "i1", "i2", "i7", "i8", "i32", "i63")
_TYPES += ("i64",)
_OVERFLOWS = ("WRAP", "SAT", "FAIL", "wrap")
_VALUES = (
    "0",
    "1",
    "-1",
    "3",
    "100",
    "255",
    "256",
    "-129",
    "-9223372036854775808",
    "9223372036854775807",
)
_BAD_TYPES = ("u0", "i0", "u64", "i65", "s8", "8", "u", "i", "u-1", "ux", "U8", '""', "u8 ", "i08")
_BAD_OFFSETS = ("-1", "x", "#x", "#-1", "#", "4294967296", "#9223372036854775807", "1.5")


def _matrix(action):
    steps = []
    for overflow in _OVERFLOWS:
        for kind in _TYPES:
            for value in _VALUES:
                steps.append(f"BITFIELD k OVERFLOW {overflow} {action} {kind} 3 {value}")
                steps.append(f"BITFIELD k GET {kind} 3 {action} {kind} #1 {value}")
    return [*steps, "GET k"]


def _random_steps(seed, prepared):
    rng = random.Random(seed)
    steps = [("SET", "k", prepared)] if prepared else []
    for _ in range(120):
        words = ["BITFIELD", "k"]
        for _ in range(rng.randrange(1, 6)):
            sign = rng.choice("ui")
            width = rng.randrange(1, 64 if sign == "u" else 65)
            at = rng.randrange(8 * 400) if prepared else rng.randrange(300)
            offset = f"#{at // width}" if rng.random() < 0.3 else str(at)
            if rng.random() < 0.4:
                words += ["OVERFLOW", rng.choice(_OVERFLOWS)]
            action = rng.choice(("GET", "SET", "INCRBY"))
            words += [action, f"{sign}{width}", offset]
            if action != "GET":
                words.append(str(rng.randrange(-(2**63), 2**63) >> rng.randrange(64)))
        steps.append(" ".join(words))
    return [*steps, "GET k"]


_READS = [f"GET {t} {at}" for t in _TYPES for at in (0, 1, 7, 13, 30, 40, 1000)]
_READS += [f"GET {t} #{n}" for t in _TYPES for n in (0, 1, 3)]


CASES = {
    "BITFIELD": [
        case(
            "several operations",
            "BITFIELD k SET u8 0 255 GET u8 0 INCRBY u4 4 1 GET i8 0",
            "BITFIELD k INCRBY i5 100 1 GET u4 0",
            "GET k",
        ),
        case("overflow of SET", *_matrix("SET")),
        case("overflow of INCRBY", *_matrix("INCRBY")),
        case(
            "the overflow mode holds until the next",
            "BITFIELD k SET u2 0 3 OVERFLOW SAT INCRBY u2 0 5 INCRBY u2 2 9 OVERFLOW FAIL INCRBY "
            "u2 0 1 OVERFLOW WRAP INCRBY u2 0 1",
            "GET k",
        ),
        case("random fields", *_random_steps(1, b"")),
        case("random fields of a long string", *_random_steps(2, bytes(range(256)) * 2)),
        case("many at once", ("BITFIELD", "k", *("INCRBY u9 #77 5 GET i9 #77 ".split() * 6000))),
        case("reads", "SET k 1234567890", *[f"BITFIELD k {r}" for r in _READS]),
        case("reads of a missing key", *[f"BITFIELD k {r}" for r in _READS[:20]], "EXISTS k"),
        case("no operation", "BITFIELD k", "SET k v", "BITFIELD k", "BITFIELD k OVERFLOW SAT"),
        case("refused, yet grown", "BITFIELD k OVERFLOW FAIL SET u2 30 9", "EXISTS k", "STRLEN k"),
        case("unchanged", "SET k ab", "BITFIELD k SET u8 0 97 INCRBY u8 8 0", "GET k"),
        case(
            "keeps the time to live",
            "SET k v EX 100",
            "BITFIELD k SET u8 #50 1",
            near("TTL k", 1),
        ),
        case("bad types", *[("BITFIELD", "k", "GET", t.strip('"'), "0") for t in _BAD_TYPES]),
        case("bad offsets", *[f"BITFIELD k SET u8 {o} 1" for o in _BAD_OFFSETS], "EXISTS k"),
        case(
            "bad values",
            "BITFIELD k SET u8 0 x",
            "BITFIELD k SET u8 0 1.5",
            "BITFIELD k INCRBY i8 0 9223372036854775808",
            "EXISTS k",
        ),
        case(
            "syntax errors",
            "BITFIELD k GET",
            "BITFIELD k GET u8",
            "BITFIELD k SET u8 0",
            "BITFIELD k INCRBY u8 0",
            "BITFIELD k OVERFLOW",
            "BITFIELD k OVERFLOW MAYBE",
            "BITFIELD k FROB u8 0 1",
            "BITFIELD k SET u8 0 1 GET",
            "EXISTS k",
        ),
        case(
            "wrong type",
            "RPUSH l a",
            "BITFIELD l GET u8 0",
            "BITFIELD l SET u8 0 1",
            "BITFIELD l",
            requires="RPUSH",
        ),
        case("arity", "BITFIELD"),
    ],
    "BITFIELD_RO": [
        case("reads", "SET k 1234567890", *[f"BITFIELD_RO k {r}" for r in _READS]),
        case("several reads", "SET k abc", "BITFIELD_RO k GET u8 0 GET i4 #2 GET u16 1"),
        case("missing key", "BITFIELD_RO k GET u8 0", "EXISTS k"),
        case(
            "refuses to write",
            "SET k abc",
            "BITFIELD_RO k SET u8 0 1",
            "BITFIELD_RO k GET u8 0 INCRBY u8 0 1",
            "BITFIELD_RO k GET u8 0 OVERFLOW SAT",
            "GET k",
        ),
        case("errors", "BITFIELD_RO k GET u64 0", "BITFIELD_RO k GET u8", "BITFIELD_RO k FROB"),
        case("wrong type", "RPUSH l a", "BITFIELD_RO l GET u8 0", requires="RPUSH"),
        case("arity", "BITFIELD_RO"),
    ],
}
