"""COMMAND GETKEYS and INFO for commands whose keys are counted, or follow a word."""

from cases.command import key_specs
from support.case import case, expect, norm, unordered

_COUNTED = (
    "ZUNION 2 a b WITHSCORES",
    "ZINTER 1 a",
    "ZDIFF 3 a b c",
    "ZINTERCARD 2 a b LIMIT 1",
    "SINTERCARD 2 a b",
    "ZUNIONSTORE d 2 a b WEIGHTS 1 2",
    "ZINTERSTORE d 1 a",
    "ZDIFFSTORE d 1 d",
    "LMPOP 2 a b LEFT",
    "BLMPOP 0 2 a b LEFT COUNT 1",
    "ZMPOP 1 a MIN",
    "BZMPOP 0 2 a b MAX",
)
_MISCOUNTED = (
    "ZUNION 0 a",
    "ZUNION -1 a",
    "ZUNION x a",
    "ZUNION 2 a",
    "ZUNION 9223372036854775807 a",
    "ZUNIONSTORE d 0 a",
    "ZUNIONSTORE d 3 a b",
    "BZMPOP 0 9 a b MAX",
)
_NAMED = (
    "XREAD STREAMS a b 0 0",
    "XREAD COUNT 2 BLOCK 0 streams a 0",
    "XREADGROUP GROUP g c COUNT 1 STREAMS a b > >",
    "XREADGROUP GROUP STREAMS c STREAMS a >",
    "GEORADIUS k 1 2 3 m STORE a",
    "GEORADIUS k 1 2 3 m COUNT 3 storedist a",
    "GEORADIUS k 1 2 3 m",
    "GEORADIUSBYMEMBER k store 3 m STORE a STOREDIST b",
    "SORT k",
    "SORT k BY w GET store LIMIT 0 store STORE d",
    "SORT k STORE a STORE b",
    "SORT_RO k BY w GET x",
    "BITFIELD k GET u8 0 OVERFLOW SAT",
    "BITFIELD k GET u8 0 SET u8 0 1",
    "BITFIELD k GET u8",
    "BZPOPMIN a b 0",
    "ZRANGESTORE d s 0 -1",
)
_NO_KEYS = ("XREAD COUNT 2 0", "XREAD STREAMS a", "XREADGROUP GROUP g c STREAMS a")
_DESCRIBED = (
    "zadd zrank zunion zunionstore zintercard sintercard lmpop blmpop zmpop bzmpop bzpopmin xread "
    "xreadgroup georadius georadiusbymember sort sort_ro zrangestore bitfield lmove"
).split()
_STORED_TWICE = "GEORADIUS k 1 2 3 m STORE a COUNT 1 STORE b"

CASES = {
    "COMMAND|GETKEYS": [
        case("counted", *[f"COMMAND GETKEYS {line}" for line in _COUNTED]),
        case("counted wrongly", *[f"COMMAND GETKEYS {line}" for line in _MISCOUNTED]),
        case("after a word", *[f"COMMAND GETKEYS {line}" for line in _NAMED]),
        case("none there", *[f"COMMAND GETKEYS {line}" for line in _NO_KEYS]),
        # Redis names the first only, but stores to the last.
        case("stored twice", expect(f"COMMAND GETKEYS {_STORED_TWICE}", [b"k", b"a", b"b"])),
    ],
    "COMMAND|GETKEYSANDFLAGS": [
        case(
            "counted or after a word",
            *[unordered(f"COMMAND GETKEYSANDFLAGS {line}") for line in (*_COUNTED, *_NAMED)],
        ),
    ],
    "COMMAND|INFO": [
        case(
            "how to find keys", *[norm(f"COMMAND INFO {name}", key_specs) for name in _DESCRIBED]
        ),
        case(
            "where keys begin",
            *[norm(f"COMMAND INFO {name}", lambda reply: reply[0][3:6]) for name in _DESCRIBED],
        ),
    ],
}
