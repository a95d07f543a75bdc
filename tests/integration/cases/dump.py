"""DUMP and RESTORE: payloads of every type, Redis's own included, options, and what is refused."""

import struct

from support.case import case, check, expect, near, norm, own, unordered
from support.rdb import listpack, sealed, sealed_hex, string
from support.resp import OK, Error


def _without_idle_time(pending):
    return [entry[:2] + entry[3:] for entry in pending] if isinstance(pending, list) else pending


_TEXT = sealed(b"\x00\x03bar")
_NUMBER = sealed_hex("00c13930")
# Lengths in each form, integers of each width, and strings compressed with LZF.
_STRINGS = (
    _TEXT,
    _NUMBER,
    sealed_hex("0000"),
    sealed_hex("00c07f"),
    sealed_hex("00c2ffffffff"),
    sealed(b"\x00\x80\x00\x00\x00\x03abc"),
    sealed(b"\x00\x81\x00\x00\x00\x00\x00\x00\x00\x03abc"),
    sealed(b"\x00\x40\x64" + b"y" * 100),
    sealed_hex("00c3094064017878e05700017878"),
)
_LISTS = (
    sealed_hex("120102c31e4068166800000006008161028162020101dffb02c12c02e05078e046000152ff"),
    sealed_hex("0a1b1b00000016000000040000026631040276310402663204027632ff"),
    sealed(b"\x01\x03\x01a\x01b\xc0\x05"),
    sealed(b"\x12\x01\x01\x03abc"),
    sealed_hex("0e011b1b00000016000000040000026631040276310402663204027632ff"),
)
_SETS = (
    sealed_hex("0b18040000000400000001000000020000000300000070110100"),
    sealed_hex("02030162c0010161"),
)
_HASHES = (
    sealed_hex("1012120000000400816602817602816e020101ff"),
    sealed_hex("0402016ec00101660176"),
    sealed_hex("0910020266310200763102663202007632ff"),
    sealed_hex("0d1b1b00000016000000040000026631040276310402663204027632ff"),
)
_SORTED_SETS = (
    sealed_hex("111d1d0000000600816302842d696e6605816102010181620283322e3504ff"),
    sealed_hex("0503016200000000000004400161000000000000f03f0163000000000000f0ff"),
    sealed(b"\x03\x02\x01a\x031.5\x01b\xff"),
    sealed_hex("0c191900000016000000040000036f6e6505f2020374776f05f3ff"),
)
_STREAM = sealed_hex(
    "130110000000000000000100000000000000013c3c000000180002010101010181660200010201000100018176"
    "02040103010001010181770204010001010100010201816702010181680202010801ff02020101010102030203"
    "6772700201030200000000000000010000000000000001bbfb2105a20100000100000000000000020000000000"
    "000001bbfb2105a2010000010205616c696365bbfb2105a2010000010000000000000001000000000000000103"
    "626f62bbfb2105a201000001000000000000000200000000000000010469646c65020181ffffffffffffffff00"
    "00"
)
_MALFORMED = {
    "nothing": b"",
    "unknown type": b"\x1e\x01a",
    "a module's value": b"\x07\x01a",
    "a string of more than there is": b"\x00\x20abc",
    "a string of no known form": b"\x00\xc5",
    "an empty list": b"\x01\x00",
    "an empty set": b"\x02\x00",
    "a member twice": b"\x02\x02\x01a\x01a",
    "a field without a value": b"\x04\x01\x01a",
    "a score that is no number": b"\x05\x01\x01a\x00\x00\x00\x00\x00\x00\xf8\x7f",
    "a listpack of another size": bytes.fromhex("1013120000000400816602817602816e020101ff00"),
    "a stream without an end": bytes.fromhex("1301100000000000000001000000000000000100"),
}


_THEN = 70000000000000
_TRIPLES = listpack(b"a", 1, 0, b"b", 2, _THEN)


def _holds_fields(value):
    """It is read as a hash of a=1 without a deadline and b=2 with one."""
    return [
        expect(("RESTORE", "h", 0, sealed(value, 12), "REPLACE"), OK),
        expect("HPEXPIRETIME h FIELDS 2 a b", [-1, _THEN]),
        expect("HMGET h a b", [b"1", b"2"]),
        expect("HLEN h", 2),
    ]


def _taken(payloads, *reads):
    steps = []
    for payload in payloads:
        steps += [("RESTORE", "k", 0, payload, "REPLACE"), "TYPE k", *reads]
    return steps


CASES = {
    "DUMP": [
        case("missing and arity", "DUMP nokey", "DUMP", "DUMP a b"),
        case(
            "strings",
            *[
                item
                for value in (
                    "bar",
                    "",
                    "0",
                    "-128",
                    "127",
                    "128",
                    "-32768",
                    "40000",
                    "2147483647",
                    "-2147483649",
                    "007",
                    "9223372036854775807",
                    "x" * 20,
                    "x" * 100,
                    "ab" * 5000,
                    "no two alike: qwertzuiopasdfghjkl",
                )
                for item in (("SET", "k", value), "DUMP k")
            ],
        ),
        case("a string that was changed", "SET k abc", "APPEND k def", "DUMP k"),
        case("a long one", ("SETRANGE", "k", 100000, "x"), "DUMP k"),
        case("list", "RPUSH k a b 1 -5 300 99999999999 0x", "DUMP k"),
        case("set of integers", "SADD k 3 1 2 70000", "DUMP k", "SADD k 5000000000", "DUMP k"),
        case("hash", "HSET k f v n 1 long " + "x" * 60, "DUMP k"),
        case("sorted set", "ZADD k 1 a 2.5 b -inf c 1e20 d 3 4", "DUMP k"),
        case(
            "stream",
            "XADD k 1-1 f v",
            "XADD k 1-2 f w",
            "XADD k 2-1 g 1 h 2",
            "XDEL k 1-2",
            "XGROUP CREATE k readers 0",
            "XGROUP CREATE k idle $",
            "DUMP k",
            "XTRIM k MAXLEN 0",
            "DUMP k",
        ),
        case("does not tell the deadline", "SET k bar EX 100", "DUMP k"),
        case(
            "of fields with deadlines is Redis 7.4's",
            expect("HSET k a 1", 1),
            expect("HPEXPIREAT k 70000000000000 FIELDS 1 a", [1]),
            expect("DUMP k", sealed_hex("1800602225aa3f000001010161c001", 12)),
            expect("HPEXPIRETIME k FIELDS 1 a", [70000000000000]),
        ),
    ],
    "RESTORE": [
        case("arity", "RESTORE", "RESTORE k", "RESTORE k 0"),
        case("strings", *_taken(_STRINGS, "GET k", "OBJECT ENCODING k")),
        case("lists", *_taken(_LISTS, "LRANGE k 0 -1")),
        case("sets", *_taken(_SETS, unordered("SMEMBERS k"))),
        case("hashes", *_taken(_HASHES, unordered("HGETALL k"), "OBJECT ENCODING k")),
        case("sorted sets", *_taken(_SORTED_SETS, "ZRANGE k 0 -1 WITHSCORES")),
        case(
            "a stream",
            ("RESTORE", "k", 0, _STREAM),
            "XRANGE k - +",
            "XLEN k",
            "XPENDING k grp",
            norm("XPENDING k grp - + 10 alice", _without_idle_time),
            "XINFO GROUPS k",
            "XREADGROUP GROUP idle me STREAMS k >",
            "XADD k 2-1 a b",
        ),
        case(
            "busy key",
            ("RESTORE", "k", 0, _TEXT),
            ("RESTORE", "k", 0, _NUMBER),
            "GET k",
            ("RESTORE", "k", 0, "broken"),
            ("RESTORE", "k", -1, _NUMBER),
            ("RESTORE", "k", 0, _NUMBER, "replace"),
            "GET k",
        ),
        case(
            "over another type",
            "RPUSH k a",
            ("RESTORE", "k", 0, _TEXT, "REPLACE"),
            "GET k",
            ("RESTORE", "k", 0, _LISTS[0], "REPLACE"),
            "LLEN k",
        ),
        case(
            "time to live",
            ("RESTORE", "k", 100000, _TEXT),
            near("PTTL k", 5000),
            ("RESTORE", "k", 0, _TEXT, "REPLACE"),
            "PTTL k",
            ("RESTORE", "k", 99999999999999, _TEXT, "REPLACE", "ABSTTL"),
            "PEXPIRETIME k",
            ("RESTORE", "l", 100000, _LISTS[0]),
            near("PTTL l", 5000),
            ("RESTORE", "m", 9223372036854775807, _TEXT),
            "EXISTS m",
        ),
        case(
            "in the past",
            ("RESTORE", "k", 1, _TEXT, "ABSTTL"),
            "EXISTS k",
            "SET k v",
            ("RESTORE", "k", 1, _TEXT, "ABSTTL"),
            ("RESTORE", "k", 1, _TEXT, "ABSTTL", "REPLACE"),
            "EXISTS k",
        ),
        case(
            "bad times",
            ("RESTORE", "k", -1, _TEXT),
            ("RESTORE", "k", "x", _TEXT),
            ("RESTORE", "k", 1.5, _TEXT),
            ("RESTORE", "k", 9223372036854775808, _TEXT),
        ),
        case(
            "bad options",
            ("RESTORE", "k", 0, _TEXT, "FOO"),
            ("RESTORE", "k", 0, _TEXT, "IDLETIME"),
            ("RESTORE", "k", 0, _TEXT, "IDLETIME", "x"),
            ("RESTORE", "k", 0, _TEXT, "IDLETIME", -1),
            ("RESTORE", "k", 0, _TEXT, "FREQ"),
            ("RESTORE", "k", 0, _TEXT, "FREQ", "x"),
            ("RESTORE", "k", 0, _TEXT, "FREQ", -1),
            ("RESTORE", "k", 0, _TEXT, "FREQ", 256),
            ("RESTORE", "k", 0, _TEXT, "FREQ", 1, "IDLETIME", 1),
            ("RESTORE", "k", 0, _TEXT, "IDLETIME", 1, "FREQ", 1),
            "EXISTS k",
        ),
        case(
            "idle time",
            "CONFIG SET maxmemory-policy allkeys-lru",
            ("RESTORE", "k", 0, _TEXT, "IDLETIME", 1000),
            near("OBJECT IDLETIME k", 5),
            ("RESTORE", "l", 0, _LISTS[0], "IDLETIME", 5000),
            near("OBJECT IDLETIME l", 5),
            ("RESTORE", "m", 0, _TEXT, "FREQ", 100),
            near("OBJECT IDLETIME m", 5),
            "CONFIG SET maxmemory-policy noeviction",
        ),
        case(
            "frequency",
            "CONFIG SET maxmemory-policy allkeys-lfu",
            ("RESTORE", "k", 0, _TEXT, "FREQ", 100),
            near("OBJECT FREQ k", 1),
            ("RESTORE", "l", 0, _LISTS[0], "FREQ", 0),
            near("OBJECT FREQ l", 1),
            "CONFIG SET maxmemory-policy noeviction",
        ),
        case(
            "damaged payloads",
            ("RESTORE", "k", 0, ""),
            ("RESTORE", "k", 0, "short"),
            ("RESTORE", "k", 0, _TEXT[:-1]),
            ("RESTORE", "k", 0, _TEXT[:-1] + b"\x00"),
            ("RESTORE", "k", 0, b"\x00\x03baz" + _TEXT[5:]),
            ("RESTORE", "k", 0, sealed(b"\x00\x03bar", 1)),
            ("RESTORE", "l", 0, sealed(b"\x00\x03bar", 13)),
            ("RESTORE", "l", 0, sealed(b"\x00\x03bar", 65535)),
            "EXISTS l",
        ),
        case(
            "values that are none",
            *[("RESTORE", "k", 0, sealed(value)) for value in _MALFORMED.values()],
            "EXISTS k",
        ),
        own(
            "what Redis refuses with sanitize-dump-payload alone",
            *[
                expect(("RESTORE", "k", 0, sealed(value)), Error(b"ERR Bad data format"))
                for value in (
                    b"\x04\x02\x01a\x011\x01a\x012",
                    bytes.fromhex("0b0c020000000200000002000100"),
                )
            ],
        ),
        case(
            "of Redis 7.2",
            expect(("RESTORE", "k", 0, sealed(b"\x00\x03bar", 11)), OK),
            expect("GET k", b"bar"),
            expect(("RESTORE", "s", 0, sealed_hex("140c0c00000002008161020101ff", 11)), OK),
            expect("SISMEMBER s a", 1),
            expect("SCARD s", 2),
        ),
        case(
            "of Redis 7.4, hashes with deadlines of fields",
            expect(
                ("RESTORE", "h", 0, sealed_hex("1800602225aa3f0000020001610131010162c002", 12)), OK
            ),
            expect("HPEXPIRETIME h FIELDS 2 a b", [-1, 70000000000000]),
            expect("HGET h b", b"2"),
            *_holds_fields(b"\x19" + struct.pack("<Q", _THEN) + string(_TRIPLES)),
            *_holds_fields(b"\x19" + bytes(8) + string(_TRIPLES)),
            # As the release candidates wrote them: 0x81 begins a length of 64 bits.
            *_holds_fields(b"\x17" + string(_TRIPLES)),
            *_holds_fields(
                b"\x16\x02\x00\x01a\xc0\x01\x81" + struct.pack(">Q", _THEN) + b"\x01b\xc0\x02"
            ),
        ),
        own(
            "of Redis 7.4 and 8, all that earlier ones wrote too",
            *[
                step
                for payload in (*_STRINGS, *_LISTS, *_SETS, *_HASHES, *_SORTED_SETS, _STREAM)
                for step in (
                    expect(("RESTORE", "old", 0, payload, "REPLACE"), OK),
                    expect(("RESTORE", "k", 0, sealed(payload[:-10], 12), "REPLACE"), OK),
                    check("DEBUG DIGEST-VALUE k old", lambda reply: reply[0] == reply[1]),
                )
            ],
            expect(("RESTORE", "k", 0, sealed_hex("140c0c00000002008161020101ff", 12), "REPLACE"), OK),
            expect("SCARD k", 2),
            expect(
                ("RESTORE", "k", 0, sealed(b"\x00\x03bar", 13), "REPLACE"),
                Error(b"ERR DUMP payload version or checksum are wrong"),
            ),
            expect(
                ("RESTORE", "k", 0, sealed(b"", 12), "REPLACE"), Error(b"ERR Bad data format")
            ),
        ),
        case(
            "makes a waiting list ready to be counted",
            ("RESTORE", "k", 0, _LISTS[0]),
            "LPOP k",
            "RPOP k 2",
            "LLEN k",
        ),
        case(
            "what comes back is dumped alike",
            ("RESTORE", "k", 0, _HASHES[0]),
            "DUMP k",
            ("RESTORE", "k", 0, _SORTED_SETS[0], "REPLACE"),
            "DUMP k",
            ("RESTORE", "k", 0, _SETS[0], "REPLACE"),
            "DUMP k",
            ("RESTORE", "k", 0, _LISTS[0], "REPLACE"),
            "DUMP k",
        ),
        case(
            "keeps to the client's own limits",
            "CONFIG SET hash-max-listpack-entries 1",
            ("RESTORE", "k", 0, _HASHES[0]),
            "OBJECT ENCODING k",
            unordered("HGETALL k"),
            "CONFIG SET hash-max-listpack-entries 512",
            check("DEL k", lambda reply: reply == 1),
        ),
    ],
}
