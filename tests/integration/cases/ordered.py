"""KRANGE, KCOUNT, KDEL and KSCAN: only mantisd has them, so every expectation is literal.

test_ordered.py compares random ranges with the oracle's ZRANGE BYLEX, whose bounds they share.
"""

from support.case import expect, own
from support.resp import NULL, NULL3, OK, Error

_FRUITS = expect("MSET apple 1 apricot 2 banana 3 blueberry 4 cherry 5", OK)
_USERS = expect("MSET user:1 a user:10 b user:2 c user: d use e uses f v g", OK)
_ALL = [b"apple", b"apricot", b"banana", b"blueberry", b"cherry"]

SYNTAX = Error(b"ERR syntax error")
BOUND = Error(b"ERR min or max not valid string range item")
INTEGER = Error(b"ERR value is not an integer or out of range")


def _arity(name):
    return Error(f"ERR wrong number of arguments for '{name}' command".encode())


def _ranges(*pairs):
    return [expect(f"KRANGE {arguments}", reply) for arguments, reply in pairs]


def _with_values(arguments, pairs):
    flat = [item for pair in pairs for item in pair]
    return expect(f"KRANGE {arguments} WITHVALUES", flat, [list(pair) for pair in pairs])


CASES = {
    "KRANGE": [
        own(
            "empty data set",
            *_ranges(("- +", []), ("[a [z", []), ("PREFIX a", [])),
            expect("KRANGE - + WITHVALUES", []),
        ),
        own(
            "bounds",
            _FRUITS,
            *_ranges(
                ("- +", _ALL),
                ("[banana [cherry", _ALL[2:]),
                ("(banana (cherry", _ALL[3:4]),
                ("[banana (cherry", _ALL[2:4]),
                ("(banana +", _ALL[3:]),
                ("- (apricot", _ALL[:1]),
                ("- [apricot", _ALL[:2]),
                ("[b [c", _ALL[2:4]),
                ("[z +", []),
                ("- (a", []),
                ("[cherry [apple", []),
                ("+ -", []),
                ("+ +", []),
                ("- -", []),
                ("[banana [banana", _ALL[2:3]),
                ("(banana [banana", []),
                ("(banana (banana", []),
                ("[ +", _ALL),
                ("( +", _ALL),
                ("- [", []),
            ),
        ),
        own(
            "prefix",
            _USERS,
            *_ranges(
                ("PREFIX user:", [b"user:", b"user:1", b"user:10", b"user:2"]),
                ("PREFIX user:1", [b"user:1", b"user:10"]),
                ("prefix use", [b"use", b"user:", b"user:1", b"user:10", b"user:2", b"uses"]),
                ("PREFIX nothing", []),
                ("PREFIX user:11", []),
                ('PREFIX ""', [b"use", b"user:", b"user:1", b"user:10", b"user:2", b"uses", b"v"]),
                ("PREFIX user: LIMIT 1 2", [b"user:1", b"user:10"]),
                ("PREFIX user: REV", [b"user:2", b"user:10", b"user:1", b"user:"]),
                ("PREFIX user: REV LIMIT 0 1", [b"user:2"]),
            ),
        ),
        own(
            "prefix of 0xff bytes",
            expect(("MSET", b"\xff", 1, b"\xff\xff", 2, b"\xff\xffz", 3, b"\xfe", 4), OK),
            expect(("KRANGE", "PREFIX", b"\xff"), [b"\xff", b"\xff\xff", b"\xff\xffz"]),
            expect(("KRANGE", "PREFIX", b"\xff\xff"), [b"\xff\xff", b"\xff\xffz"]),
        ),
        own(
            "reverse takes the larger bound first",
            _FRUITS,
            *_ranges(
                ("+ - REV", _ALL[::-1]),
                ("[cherry [banana REV", _ALL[:1:-1]),
                ("(cherry (banana rev", [b"blueberry"]),
                ("- + REV", []),
                ("[banana [cherry REV", []),
                ("+ - REV LIMIT 1 2", [b"blueberry", b"banana"]),
                ("+ (apple REV LIMIT 0 -1", _ALL[:0:-1]),
            ),
        ),
        own(
            "limit",
            _FRUITS,
            *_ranges(
                ("- + LIMIT 0 2", _ALL[:2]),
                ("- + limit 3 100", _ALL[3:]),
                ("- + LIMIT 5 1", []),
                ("- + LIMIT 0 0", []),
                ("- + LIMIT 1 -1", _ALL[1:]),
                ("- + LIMIT 0 -100", _ALL),
                ("- + LIMIT 2 9223372036854775807", _ALL[2:]),
                ("- + LIMIT 9223372036854775807 1", []),
                ("- + LIMIT -1 5", []),
                ("- + LIMIT -1 -1", []),
            ),
        ),
        own(
            "values",
            _FRUITS,
            _with_values("- (banana", [(b"apple", b"1"), (b"apricot", b"2")]),
            _with_values("+ [blueberry REV", [(b"cherry", b"5"), (b"blueberry", b"4")]),
            _with_values("- + LIMIT 2 1", [(b"banana", b"3")]),
            _with_values("PREFIX b LIMIT 1 1", [(b"blueberry", b"4")]),
            expect("KRANGE - + WITHVALUES LIMIT 0 1", [b"apple", b"1"], [[b"apple", b"1"]]),
            expect("KRANGE + - WITHVALUES LIMIT 0 1 REV", [b"cherry", b"5"], [[b"cherry", b"5"]]),
            expect("KRANGE PREFIX zzz WITHVALUES", []),
        ),
        own(
            "the empty key and NUL bytes sort first",
            expect(
                ("MSET", "", "e", b"\x00", "n", b"\x00\x00", "nn", b"a\x00", "an", "a", "a1"), OK
            ),
            expect("KRANGE - +", [b"", b"\x00", b"\x00\x00", b"a", b"a\x00"]),
            expect("KRANGE [ [", [b""]),
            expect("KRANGE ( +", [b"\x00", b"\x00\x00", b"a", b"a\x00"]),
            expect(("KRANGE", "(a", b"[a\x00"), [b"a\x00"]),
            expect("KRANGE + - REV LIMIT 4 1", [b""]),
        ),
        own(
            "bytes compare unsigned",
            expect(("MSET", b"\x7f", 1, b"\x80", 2, b"\xff", 3, "z", 4), OK),
            expect("KRANGE - +", [b"z", b"\x7f", b"\x80", b"\xff"]),
        ),
        own(
            "one database",
            expect("SET a 1", OK),
            expect("SELECT 2", OK),
            expect("KRANGE - +", []),
            expect("SET b 1", OK),
            expect("KRANGE - +", [b"b"]),
        ),
        own(
            "expired keys are not listed",
            expect("SET a 1", OK),
            expect("SET b 1 PX 1", OK),
            expect("DEBUG SLEEP 0.02", OK),
            expect("KRANGE - +", [b"a"]),
            expect("KCOUNT - +", 1),
        ),
        own(
            "deleted and renewed",
            _FRUITS,
            expect("DEL banana", 1),
            expect("KRANGE [b (c", [b"blueberry"]),
            expect("SET banana 6", OK),
            expect("KRANGE [b (c", [b"banana", b"blueberry"]),
            expect("RENAME banana aaa", OK),
            expect("KRANGE - + LIMIT 0 1", [b"aaa"]),
        ),
        own(
            "bad bounds",
            *[
                expect(f"KRANGE {bounds}", BOUND)
                for bounds in ("a b", "[a b", "a [b", "-x +", "- +x", '"" +', '- ""', "]a +")
            ],
        ),
        own(
            "bad options",
            *[
                expect(f"KRANGE - + {options}", SYNTAX)
                for options in ("FOO", "LIMIT", "LIMIT 1", "LIMIT 0 1 FOO", "REV FOO", "WITHSCORES")
            ],
            *[
                expect(f"KRANGE - + {options}", INTEGER)
                for options in (
                    "LIMIT x 1",
                    "LIMIT 0 x",
                    "LIMIT 1.5 1",
                    "LIMIT 0 9223372036854775808",
                )
            ],
        ),
        own(
            "arity",
            *[expect(line, _arity("krange")) for line in ("KRANGE", "KRANGE -", "krange PREFIX")],
        ),
    ],
    "KCOUNT": [
        own(
            "bounds",
            expect("KCOUNT - +", 0),
            _FRUITS,
            *[
                expect(f"KCOUNT {bounds}", count)
                for bounds, count in (
                    ("- +", 5),
                    ("[banana [cherry", 3),
                    ("(banana (cherry", 1),
                    ("+ -", 0),
                    ("[b [c", 2),
                    ("[z +", 0),
                )
            ],
        ),
        own(
            "prefix",
            _USERS,
            *[
                expect(f"KCOUNT PREFIX {p}", n)
                for p, n in (("user:", 4), ("use", 6), ("x", 0), ('""', 7))
            ],
        ),
        own(
            "bad bounds", *[expect(f"KCOUNT {bounds}", BOUND) for bounds in ("a b", "[a b", "- x")]
        ),
        own("arity", expect("KCOUNT", _arity("kcount")), expect("KCOUNT -", _arity("kcount"))),
    ],
    "KDEL": [
        own(
            "bounds",
            _FRUITS,
            expect("KDEL [b (c", 2),
            expect("KRANGE - +", [b"apple", b"apricot", b"cherry"]),
            expect("KDEL - +", 3),
            expect("DBSIZE", 0),
            expect("KDEL - +", 0),
        ),
        own(
            "prefix",
            _USERS,
            expect("KDEL PREFIX user:1", 2),
            expect("KDEL PREFIX user:", 2),
            expect("KRANGE - +", [b"use", b"uses", b"v"]),
        ),
        own(
            "limit",
            _FRUITS,
            expect("KDEL - + LIMIT 2", 2),
            expect("KRANGE - +", _ALL[2:]),
            expect("KDEL - + LIMIT 0", 0),
            expect("KDEL - + LIMIT 100", 3),
        ),
        own("inverted", _FRUITS, expect("KDEL + -", 0), expect("DBSIZE", 5)),
        own(
            "this database only",
            expect("SET a 1", OK),
            expect("SELECT 1", OK),
            expect("SET b 1", OK),
            expect("KDEL - +", 1),
            expect("SELECT 0", OK),
            expect("DBSIZE", 1),
        ),
        own(
            "bad bounds",
            _FRUITS,
            *[expect(f"KDEL {bounds}", BOUND) for bounds in ("a b", "- x", "[a")[:2]],
            expect("DBSIZE", 5),
        ),
        own(
            "bad options",
            _FRUITS,
            expect("KDEL - + FOO", SYNTAX),
            expect("KDEL - + LIMIT", SYNTAX),
            expect("KDEL - + LIMIT x", INTEGER),
            expect("KDEL - + LIMIT 1 FOO", SYNTAX),
            expect("DBSIZE", 5),
        ),
        own("arity", expect("KDEL", _arity("kdel")), expect("KDEL -", _arity("kdel"))),
    ],
    "KSCAN": [
        own("empty data set", expect('KSCAN ""', [NULL, []], [NULL3, []])),
        own(
            "pages",
            _FRUITS,
            expect('KSCAN "" COUNT 2', [b"apricot", _ALL[:2]]),
            expect("KSCAN apricot COUNT 2", [b"blueberry", _ALL[2:4]]),
            expect("KSCAN blueberry COUNT 2", [NULL, _ALL[4:]], [NULL3, _ALL[4:]]),
            expect("KSCAN cherry", [NULL, []], [NULL3, []]),
        ),
        own(
            "a cursor need not exist",
            _FRUITS,
            expect("KSCAN avocado COUNT 1", [b"banana", [b"banana"]]),
            expect("KSCAN zzz", [NULL, []], [NULL3, []]),
        ),
        own(
            "prefix",
            _USERS,
            expect(
                'KSCAN "" PREFIX user:1',
                [NULL, [b"user:1", b"user:10"]],
                [NULL3, [b"user:1", b"user:10"]],
            ),
            expect("KSCAN user:1 PREFIX user: COUNT 1", [b"user:10", [b"user:10"]]),
            expect("KSCAN z PREFIX user:", [NULL, []], [NULL3, []]),
        ),
        own(
            "values",
            _FRUITS,
            expect(
                'KSCAN "" COUNT 2 WITHVALUES',
                [b"apricot", [b"apple", b"1", b"apricot", b"2"]],
                [b"apricot", [[b"apple", b"1"], [b"apricot", b"2"]]],
            ),
        ),
        own(
            "empty key first",
            expect('MSET "" e a 1', OK),
            expect('KSCAN "" COUNT 100', [NULL, [b"", b"a"]], [NULL3, [b"", b"a"]]),
        ),
        own(
            "resumes after changes",
            _FRUITS,
            expect('KSCAN "" COUNT 2', [b"apricot", _ALL[:2]]),
            expect("DEL apricot banana", 2),
            expect("SET aaa 1", OK),
            expect("SET azure 1", OK),
            expect("KSCAN apricot COUNT 2", [b"blueberry", [b"azure", b"blueberry"]]),
        ),
        own(
            "bad options",
            *[
                expect(f'KSCAN "" {o}', SYNTAX)
                for o in ("FOO", "COUNT", "PREFIX", "COUNT 0", "COUNT -1")
            ],
            expect('KSCAN "" COUNT x', INTEGER),
        ),
        own("arity", expect("KSCAN", _arity("kscan"))),
    ],
}
