"""PFADD, PFCOUNT, PFMERGE, PFDEBUG, PFSELFTEST: the same bytes, counts and errors as Redis."""

import random

from support.case import case, near

_rng = random.Random(4711)
WORDS = [b"w%d" % _rng.randrange(10**9) for _ in range(4000)]
HEADER = b"HYLL\x01" + bytes(11)
DENSE = b"HYLL\x00" + bytes(3) + bytes(7) + b"\x80" + bytes(12288)
FOREIGN = (
    b"",
    b"hello",
    b"12",
    b"HYLL",
    b"HYLL\x02" + bytes(30),
    b"HYLX\x01" + bytes(11) + b"\x7f\xff",
    b"HYLL\x00" + bytes(100),
    DENSE + b"\x00",
)
DAMAGED = (
    HEADER,
    HEADER + b"\x7f\xfe",
    HEADER + b"\x7f\xff\x00",
    HEADER + b"\x80" * 100,
    HEADER + b"\x7f\xfe\x81",
)
_COMMANDS = (
    ("PFADD", "k", "a", "b", "c"),
    ("PFCOUNT", "k"),
    ("PFCOUNT", "k", "other"),
    ("PFMERGE", "d", "k"),
    ("PFMERGE", "k", "other"),
    ("PFDEBUG", "ENCODING", "k"),
    ("PFDEBUG", "TODENSE", "k"),
    ("PFDEBUG", "GETREG", "k"),
)


def _stale(header_of):
    """The value with its cached count marked stale, so that it is counted anew."""
    return header_of[:15] + b"\x80" + header_of[16:] if len(header_of) > 16 else header_of


def _grow(sizes, *between):
    """Adds the words in batches and looks at the value after each."""
    steps = []
    start = 0
    for size in sizes:
        batch = WORDS[start : start + size]
        start += size
        steps += [("PFADD", "k", *batch), "GET k", "PFCOUNT k", "GET k", "PFDEBUG ENCODING k"]
        steps += between
    return steps


CASES = {
    "PFADD": [
        case("one by one", *[s for w in WORDS[:60] for s in (("PFADD", "k", w), "GET k")]),
        case("same bytes as they grow", *_grow((1, 2, 5, 10, 50, 100, 300, 500, 1000, 2000))),
        case("the runs", *_grow((3, 10, 30, 100, 300), "PFDEBUG DECODE k")),
        case(
            "many at once",
            ("PFADD", "k", *[b"e%d" % i for i in range(12000)]),
            "PFCOUNT k",
            "GET k",
        ),
        case("repeated elements", "PFADD k a b", "PFADD k a", "PFADD k a b a", "PFADD k c"),
        case("no elements", "PFADD k", "GET k", "PFADD k", "TYPE k", "PFCOUNT k"),
        case("elements of all lengths", *[("PFADD", "k", b"x" * n) for n in range(40)], "GET k"),
        case("binary elements", ("PFADD", "k", bytes(range(256)), b"\x00", b""), "GET k"),
        case(
            "keeps the time to live",
            "PFADD k a",
            "EXPIRE k 100",
            "PFADD k b c",
            near("TTL k", 1),
        ),
        case(
            "turns dense at the limit",
            "CONFIG SET hll-sparse-max-bytes 100",
            *_grow((5, 5, 5, 5, 5, 5, 5, 5, 5, 5)),
            "CONFIG SET hll-sparse-max-bytes 30",
            "PFADD l a b c d e",
            "PFDEBUG ENCODING l",
            "CONFIG SET hll-sparse-max-bytes 3000",
        ),
        case("a dense value from elsewhere", ("SET", "k", DENSE), *_grow((1, 10, 100))),
        *[
            case(f"foreign string {i}", ("SET", "k", text), *_COMMANDS, "GET k", "EXISTS d")
            for i, text in enumerate(FOREIGN)
        ],
        case("damaged at the very end", ("SET", "k", HEADER + b"\x7f\xfe"), ("PFADD", "k", *WORDS)),
        case("wrong type", "RPUSH l a", "PFADD l a", "PFADD l", requires="RPUSH"),
        case("arity", "PFADD"),
    ],
    "PFCOUNT": [
        *[
            case(
                f"damaged value {i}",
                ("SET", "k", _stale(text)),
                "PFCOUNT k",
                "PFCOUNT k other",
                "PFMERGE d k",
                "PFDEBUG TODENSE k",
                "PFDEBUG GETREG k",
                "PFDEBUG ENCODING k",
                "EXISTS d",
            )
            for i, text in enumerate(DAMAGED)
        ],
        case("missing keys", "PFCOUNT nokey", "PFCOUNT nokey other", "EXISTS nokey"),
        case(
            "remembers the count",
            "PFADD k a b c",
            "GET k",
            "PFCOUNT k",
            "GET k",
            "PFADD k a",
            "GET k",
            "PFADD k d",
            "GET k",
            "PFCOUNT k",
        ),
        case(
            "several keys",
            ("PFADD", "a", *WORDS[:1000]),
            ("PFADD", "b", *WORDS[500:4000]),
            ("PFADD", "c", *WORDS[:10]),
            "PFCOUNT a b",
            "PFCOUNT a b c nokey",
            "PFCOUNT c a",
            "PFCOUNT a a",
            "PFCOUNT a",
            "PFCOUNT b",
        ),
        case(
            "a cached count is believed",
            ("SET", "k", b"HYLL\x01\x00\x00\x00\x39\x30" + bytes(6) + b"\x7f\xff"),
            "PFCOUNT k",
            "PFCOUNT k k",
        ),
        case(
            "wrong type",
            "RPUSH l a",
            "PFADD k a",
            "PFCOUNT l",
            "PFCOUNT k l",
            "PFCOUNT l nokey",
            requires="RPUSH",
        ),
        case("arity", "PFCOUNT"),
    ],
    "PFMERGE": [
        case(
            "sparse values",
            ("PFADD", "a", *WORDS[:50]),
            ("PFADD", "b", *WORDS[30:90]),
            "PFMERGE d a b",
            "GET d",
            "PFCOUNT d",
            "PFDEBUG ENCODING d",
            "PFMERGE a b nokey",
            "GET a",
        ),
        case(
            "a dense value makes the target dense",
            ("PFADD", "a", *WORDS[:20]),
            ("PFADD", "b", *WORDS[:3500]),
            "PFMERGE d a b",
            "GET d",
            "PFCOUNT d",
            "PFMERGE a b",
            "GET a",
            "PFDEBUG ENCODING a",
        ),
        case(
            "many values",
            *[("PFADD", f"s{i}", *WORDS[10 * i : 10 * i + 30]) for i in range(210)],
            ("PFMERGE", "d", *[f"s{i}" for i in range(210)]),
            "GET d",
            ("PFCOUNT", *[f"s{i}" for i in range(210)]),
        ),
        case("of nothing", "PFMERGE d", "GET d", "PFMERGE d nokey", "PFCOUNT d", "TYPE d"),
        case("into itself", "PFADD a x y z", "PFMERGE a", "GET a", "PFMERGE a a", "GET a"),
        case("keeps the time to live", "PFADD a x", "EXPIRE a 100", "PFMERGE a", near("TTL a", 1)),
        case(
            "wrong type",
            "RPUSH l a",
            "PFADD k a",
            "PFMERGE l k",
            "PFMERGE d k l",
            "EXISTS d",
            requires="RPUSH",
        ),
        case("arity", "PFMERGE"),
    ],
    "PFDEBUG": [
        case("runs", "PFADD k a b c", "PFDEBUG DECODE k", "PFDEBUG decode k", "PFDEBUG ENCODING k"),
        case(
            "dense",
            "PFADD k a b c",
            "PFDEBUG TODENSE k",
            "PFDEBUG TODENSE k",
            "GET k",
            "PFDEBUG ENCODING k",
            "PFDEBUG DECODE k",
            "PFCOUNT k",
        ),
        case(
            "registers",
            ("PFADD", "k", *WORDS[:200]),
            "PFDEBUG GETREG k",
            "PFDEBUG ENCODING k",
            "GET k",
        ),
        case("missing key", "PFDEBUG GETREG k", "PFDEBUG ENCODING k", "PFDEBUG FROB k", "EXISTS k"),
        case("unknown word", "PFADD k a", "PFDEBUG FROB k"),
        case(
            "wrong type",
            "RPUSH l a",
            "PFDEBUG ENCODING l",
            "PFDEBUG TODENSE l",
            requires="RPUSH",
        ),
        case("arity", "PFDEBUG", "PFDEBUG ENCODING", "PFDEBUG ENCODING k k"),
    ],
    "PFSELFTEST": [
        case("passes", "PFSELFTEST", protocols=(3,)),
        case("arity", "PFSELFTEST now"),
    ],
}
