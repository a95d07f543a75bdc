"""The tests' own tools: a comparison that cannot tell replies apart would pass everything."""

import pytest

from support.case import exact, expect, near, sorted_reply, split_inline, step, unordered
from support.resp import (
    NULL,
    NULL3,
    NULL_ARRAY,
    OK,
    BigNumber,
    Bool,
    Double,
    Error,
    Incomplete,
    Malformed,
    Map,
    Push,
    Set,
    Simple,
    Verbatim,
    encode,
    parse,
)

WIRE = {
    b"+OK\r\n": OK,
    b"-ERR x\r\n": Error(b"ERR x"),
    b":-7\r\n": -7,
    b"$0\r\n\r\n": b"",
    b"$4\r\na\r\nb\r\n": b"a\r\nb",
    b"$-1\r\n": NULL,
    b"*-1\r\n": NULL_ARRAY,
    b"_\r\n": NULL3,
    b"*2\r\n:1\r\n*0\r\n": [1, []],
    b"%1\r\n+k\r\n:1\r\n": Map([(Simple(b"k"), 1)]),
    b"~1\r\n:1\r\n": Set([1]),
    b">1\r\n+x\r\n": Push([Simple(b"x")]),
    b",1.5\r\n": Double(b"1.5"),
    b"#t\r\n": Bool(True),
    b"(12345678901234567890\r\n": BigNumber(b"12345678901234567890"),
    b"=7\r\ntxt:abc\r\n": Verbatim(b"txt", b"abc"),
    b"|1\r\n+a\r\n:1\r\n:2\r\n": 2,
}


@pytest.mark.parametrize("wire", WIRE)
def test_parser(wire):
    assert parse(bytearray(wire + b"rest")) == (WIRE[wire], len(wire))
    for cut in range(len(wire)):
        with pytest.raises(Incomplete):
            parse(bytearray(wire[:cut]))


@pytest.mark.parametrize("wire", [b"hello\r\n", b":x\r\n", b"$3\r\nabcd\r\n", b"#x\r\n", b"_x\r\n"])
def test_parser_refuses_what_is_not_resp(wire):
    with pytest.raises(Malformed):
        parse(bytearray(wire))


def test_no_two_wire_types_are_equal():
    replies = [b"1", 1, Simple(b"1"), Error(b"1"), Double(b"1"), Bool(True), BigNumber(b"1")]
    replies += [NULL, NULL3, NULL_ARRAY, [], Set([]), Map([]), Push([]), Verbatim(b"txt", b"1")]
    for i, one in enumerate(replies):
        for j, other in enumerate(replies):
            assert (exact(one, other) is None) == (i == j), (one, other)
            assert (exact([one], [other]) is None) == (i == j), (one, other)


def test_comparisons():
    assert near("TTL k", 1).compare(99, 100) is None
    assert near("TTL k", 1).compare(98, 100)
    assert near("TTL k", 1).compare(-1, 0) and near("TTL k", 5).compare(-2, -1)
    assert near("TTL k", 1).compare(b"100", 100)
    assert unordered("KEYS *").compare([b"a", b"b"], [b"b", b"a"]) is None
    assert unordered("KEYS *").compare([b"a", b"a"], [b"a"])
    assert sorted_reply(Set([2, 1])) == Set([1, 2]) != [1, 2]
    assert expect("GET k", NULL, NULL3).expected.resp3 == NULL3


def test_inline_syntax():
    assert split_inline("SET  k v") == (b"SET", b"k", b"v")
    assert split_inline(r'SET "" "\x00\xff\n\" b" ' + "'c d'") == (
        b"SET",
        b"",
        b'\x00\xff\n" b',
        b"c d",
    )
    assert step(("SET", b"\x00", 5)).args == (b"SET", b"\x00", b"5")
    assert encode(["GET", b"\xff"]) == b"*2\r\n$3\r\nGET\r\n$1\r\n\xff\r\n"
