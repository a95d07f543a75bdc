"""Hashes: setting, reading, removing, counting, random fields and scans, small and big."""

from support.case import case, check, expect, near, norm, own, unordered
from support.resp import Error

_LONG = "x" * 100
# Makes the hash `b` one that outgrew its compact form.
_BIG = ("HSET", "b", "long", _LONG, "n", "10", "f", "1.5", "t", "text")
_NOT_A_HASH = "SET s v"


def _both(name, *steps, **more):
    """The same steps on a compact hash `h` and on a big one, whose order is free."""
    plain = [("HSET", "h", "n", "10", "f", "1.5", "t", "text"), *steps]
    on_big = [unordered(step.replace(" h", " b", 1)) for step in steps]
    return [
        case(f"{name}, compact", *plain, **more),
        case(f"{name}, big", _BIG, *on_big, "HLEN b", **more),
    ]


def _scanned(reply):
    """One whole page with the order of its fields free."""
    if isinstance(reply, Error):
        return reply
    cursor, items = reply
    return [cursor, sorted(items)]


def _scan(arguments):
    return norm(f"HSCAN {arguments}", _scanned)


def _fields(reply, count, allowed):
    return isinstance(reply, list) and len(reply) == count and set(reply) <= set(allowed)


def _pairs(reply, count, allowed):
    """What HRANDFIELD … WITHVALUES gives: flat in RESP2, nested in RESP3."""
    if reply and isinstance(reply[0], list):
        pairs = [tuple(pair) for pair in reply]
    else:
        pairs = list(zip(reply[::2], reply[1::2]))
    return len(pairs) == count and all(allowed.get(name) == value for name, value in pairs)


_SMALL = {b"a": b"1", b"b": b"2", b"c": b"3"}
_SMALL_SET = "HSET h a 1 b 2 c 3"
_MANY = ("HSET", "h", *[text for i in range(300) for text in (f"f{i}", f"v{i}")])


def _set_cases(command):
    return [
        case(
            "creates and replaces",
            f"{command} h a 1",
            f"{command} h a 2 b 3",
            f"{command} h a 4 a 5 c 6",
            "HGETALL h",
            "TYPE h",
        ),
        case(
            "any bytes",
            (command, "h", "", "", b"\x00\xff", b"\r\n", "0", "-0", "007", "12345678901234567890"),
            "HGETALL h",
            ("HGET", "h", ""),
            ("HGET", "h", b"\x00\xff"),
        ),
        case(
            "outgrows the compact form by a value",
            f"{command} h a 1 b 2",
            (command, "h", "c", _LONG),
            unordered("HGETALL h"),
            f"{command} h a 3",
            "HGET h a",
        ),
        case(
            "outgrows the compact form by a name",
            f"{command} h a 1",
            (command, "h", _LONG, "2"),
            unordered("HGETALL h"),
        ),
        case(
            "outgrows the compact form by number",
            (command, "h", *[t for i in range(600) for t in (f"f{i}", str(i))]),
            "HLEN h",
            unordered("HGETALL h"),
        ),
        case(
            "odd number of arguments",
            f"{command} h a 1 b",
            f"{command} h a 1 b 2 c",
            "EXISTS h",
            _NOT_A_HASH,
            f"{command} s a 1 b",
        ),
        case("wrong type", _NOT_A_HASH, f"{command} s a 1", "GET s"),
        case(
            "keeps the key's deadline",
            f"{command} h a 1",
            "EXPIRE h 1000",
            f"{command.lower()} h b 2",
            near("TTL h", 1),
        ),
        case("arity", command, f"{command} h", f"{command} h a"),
    ]


_READS = {
    "HGET": [
        *_both("fields", "HGET h n", "HGET h f", "HGET h t", "HGET h none"),
        case("absent key", "HGET nokey a"),
        case("wrong type", _NOT_A_HASH, "HGET s a"),
        case("arity", "HGET", "HGET h", "HGET h a b"),
    ],
    "HMGET": [
        *_both("fields", "HMGET h n t none f n"),
        case("absent key", "HMGET nokey a b"),
        case("wrong type", _NOT_A_HASH, "HMGET s a"),
        case("arity", "HMGET", "HMGET h"),
    ],
    "HLEN": [
        *_both("counts", "HLEN h", "HDEL h n none", "HLEN h"),
        case("absent key", "HLEN nokey"),
        case("wrong type", _NOT_A_HASH, "HLEN s"),
        case("arity", "HLEN", "HLEN h a"),
    ],
    "HEXISTS": [
        *_both("fields", "HEXISTS h n", "HEXISTS h none", "HEXISTS h N"),
        case("absent key", "HEXISTS nokey a"),
        case("wrong type", _NOT_A_HASH, "HEXISTS s a"),
        case("arity", "HEXISTS", "HEXISTS h", "HEXISTS h a b"),
    ],
    "HSTRLEN": [
        *_both("fields", "HSTRLEN h n", "HSTRLEN h t", "HSTRLEN h none", "HSTRLEN h f"),
        case(
            "integers",
            "HSET h a -9223372036854775808 b 9223372036854775807 c 0 d -1 e 100",
            *[f"HSTRLEN h {name}" for name in "abcde"],
        ),
        case("absent key", "HSTRLEN nokey a"),
        case("wrong type", _NOT_A_HASH, "HSTRLEN s a"),
        case("arity", "HSTRLEN", "HSTRLEN h", "HSTRLEN h a b"),
    ],
}


def _all_cases(command):
    return [
        *_both("everything", f"{command} h"),
        case("many fields", _MANY, f"{command} h"),
        case("absent key", f"{command} nokey"),
        case("wrong type", _NOT_A_HASH, f"{command} s"),
        case("arity", command, f"{command} h a"),
    ]


CASES = {
    "HSET": _set_cases("HSET"),
    "HMSET": _set_cases("HMSET"),
    "HSETNX": [
        *_both("only absent fields", "HSETNX h n 11", "HGET h n", "HSETNX h new 1", "HGET h new"),
        case("creates the key", "HSETNX h a 1", "HGETALL h"),
        case("outgrows", "HSETNX h a 1", ("HSETNX", "h", "b", _LONG), unordered("HGETALL h")),
        case("wrong type", _NOT_A_HASH, "HSETNX s a 1"),
        case("arity", "HSETNX", "HSETNX h a", "HSETNX h a 1 b"),
    ],
    **_READS,
    "HDEL": [
        *_both("fields", "HDEL h n none t", "HDEL h none", "HGETALL h"),
        case("named twice", _SMALL_SET, "HDEL h a a", "HGETALL h"),
        case("the last one takes the key", "HSET h a 1 b 2", "HDEL h a b c", "EXISTS h", "HDEL h a"),
        case(
            "the last one takes a big hash too",
            ("HSET", "h", "a", _LONG),
            "EXPIRE h 1000",
            "HDEL h a",
            "EXISTS h",
            "HSET h b 1",
            "TTL h",
        ),
        case("absent key", "HDEL nokey a"),
        case("wrong type", _NOT_A_HASH, "HDEL s a"),
        case("arity", "HDEL", "HDEL h"),
    ],
    "HGETALL": _all_cases("HGETALL"),
    "HKEYS": _all_cases("HKEYS"),
    "HVALS": _all_cases("HVALS"),
    "HINCRBY": [
        *_both("a number", "HINCRBY h n 5", "HINCRBY h n -20", "HGET h n", "HSTRLEN h n"),
        *_both("an absent field", "HINCRBY h new 7", "HGET h new"),
        *_both("no number", "HINCRBY h t 1", "HINCRBY h f 1", "HGET h t"),
        case("absent key", "HINCRBY h a 3", "HGETALL h"),
        case(
            "overflow",
            "HSET h max 9223372036854775807 min -9223372036854775808",
            "HINCRBY h max 1",
            "HINCRBY h min -1",
            "HINCRBY h max -9223372036854775808",
            "HINCRBY h min 9223372036854775807",
            "HINCRBY h new -9223372036854775808",
            "HGETALL h",
        ),
        case(
            "values that are nearly numbers",
            ("HSET", "h", "a", " 1", "b", "1 ", "c", "+1", "d", "01", "e", "", "f", "1e3"),
            *[f"HINCRBY h {name} 1" for name in "abcdef"],
        ),
        case(
            "bad increments",
            _SMALL_SET,
            *[("HINCRBY", "h", "a", text) for text in ("x", "1.5", "", " 1", "9223372036854775808")],
            "HGET h a",
        ),
        case("an error creates nothing", "HINCRBY nokey a x", "EXISTS nokey"),
        case("wrong type", _NOT_A_HASH, "HINCRBY s a 1", "HINCRBY s a x"),
        case("arity", "HINCRBY", "HINCRBY h a", "HINCRBY h a 1 2"),
    ],
    "HINCRBYFLOAT": [
        *_both("a number", "HINCRBYFLOAT h f 2.25", "HINCRBYFLOAT h n 0.5", "HINCRBYFLOAT h n -1e1"),
        *_both("an absent field", "HINCRBYFLOAT h new 3.0e3", "HGET h new"),
        *_both("no number", "HINCRBYFLOAT h t 1", "HGET h t"),
        case("absent key", "HINCRBYFLOAT h a 0.1", "HINCRBYFLOAT h a 0.2", "HGETALL h"),
        case(
            "forms of numbers",
            *[
                ("HINCRBYFLOAT", "h", "a", text)
                for text in ("1e3", "-1.5e-3", "0x10", "0", "3.00", "1e20", "-1e20", "5000000000")
            ],
            "HGET h a",
        ),
        case(
            "bad increments",
            _SMALL_SET,
            *[
                ("HINCRBYFLOAT", "h", "a", text)
                for text in ("x", "", " 1", "1 ", "nan", "inf", "-inf", "1e5000")
            ],
            "HGET h a",
        ),
        case(
            "values that are nearly numbers",
            ("HSET", "h", "a", " 1", "b", "1 ", "c", "", "d", "nan"),
            *[f"HINCRBYFLOAT h {name} 1" for name in "abcd"],
        ),
        case("no infinity", "HSET h a inf", "HINCRBYFLOAT h a 1", "HSET h a 1e4932 b x", "HLEN h"),
        case("wrong type", _NOT_A_HASH, "HINCRBYFLOAT s a 1"),
        case("arity", "HINCRBYFLOAT", "HINCRBYFLOAT h a", "HINCRBYFLOAT h a 1 2"),
    ],
    "HRANDFIELD": [
        case("one", _SMALL_SET, check("HRANDFIELD h", lambda r: r in _SMALL)),
        case("one of a big hash", ("HSET", "h", "only", _LONG), "HRANDFIELD h"),
        case(
            "different ones",
            _SMALL_SET,
            check("HRANDFIELD h 2", lambda r: _fields(r, 2, _SMALL) and r[0] != r[1]),
            unordered("HRANDFIELD h 3"),
            unordered("HRANDFIELD h 100"),
            "HRANDFIELD h 0",
            check("HRANDFIELD h 2 WITHVALUES", lambda r: _pairs(r, 2, _SMALL)),
            unordered("HRANDFIELD h 5 withvalues"),
            "HRANDFIELD h 0 WITHVALUES",
        ),
        case(
            "any",
            _SMALL_SET,
            check("HRANDFIELD h -20", lambda r: _fields(r, 20, _SMALL)),
            check("HRANDFIELD h -20 WITHVALUES", lambda r: _pairs(r, 20, _SMALL)),
        ),
        case(
            "of a big hash",
            ("HSET", "h", "a", _LONG, "b", "2", "c", "3"),
            check("HRANDFIELD h -20", lambda r: _fields(r, 20, _SMALL)),
            check("HRANDFIELD h 2", lambda r: _fields(r, 2, _SMALL) and r[0] != r[1]),
            unordered("HRANDFIELD h 3 WITHVALUES"),
        ),
        case(
            "few of many",
            (*_MANY, "long", _LONG),
            check("HRANDFIELD h 10", lambda r: len(set(r)) == 10),
            check("HRANDFIELD h 200", lambda r: len(set(r)) == 200),
        ),
        case(
            "absent key",
            "HRANDFIELD nokey",
            "HRANDFIELD nokey 3",
            "HRANDFIELD nokey -3",
            "HRANDFIELD nokey 3 WITHVALUES",
        ),
        case(
            "bad counts",
            _SMALL_SET,
            "HRANDFIELD h x",
            "HRANDFIELD h 1.5",
            "HRANDFIELD h -9223372036854775808",
            "HRANDFIELD h 9223372036854775808",
            "HRANDFIELD h -9223372036854775807 WITHVALUES",
            "HRANDFIELD h 9223372036854775807 WITHVALUES",
            "HRANDFIELD h -4611686018427387904 WITHVALUES",
            "HRANDFIELD nokey -9223372036854775808",
        ),
        own(
            "repetition has a bound",
            expect(_SMALL_SET, 3),
            expect("HRANDFIELD h -16777217", Error(b"ERR value is out of range")),
            check("HRANDFIELD h -20000", lambda r: _fields(r, 20000, _SMALL)),
        ),
        case(
            "syntax",
            _SMALL_SET,
            "HRANDFIELD h WITHVALUES",
            "HRANDFIELD h 1 WITHSCORES",
            "HRANDFIELD h 1 WITHVALUES WITHVALUES",
            "HRANDFIELD h x y",
            "HRANDFIELD nokey 1 foo",
        ),
        case("wrong type", _NOT_A_HASH, "HRANDFIELD s", "HRANDFIELD s 1", "HRANDFIELD s x"),
        case("arity", "HRANDFIELD"),
    ],
    "HSCAN": [
        case(
            "a compact hash comes at once",
            "HSET h a 1 b two c 3",
            "HSCAN h 0",
            "HSCAN h 0 COUNT 1",
            "HSCAN h 12345",
            "HSCAN h 0 MATCH [ab]",
            "HSCAN h 0 MATCH x*",
            "HSCAN h 0 MATCH a MATCH c COUNT 3 COUNT 4",
        ),
        case("integers are matched as text", "HSET h 12 a 13 b 2 c", "HSCAN h 0 MATCH 1*"),
        case("a big hash", _BIG, _scan("b 0 COUNT 1000"), _scan("b 0 COUNT 1000 MATCH ?")),
        case(
            "NOVALUES",
            "HSET h a 1 b 2",
            expect("HSCAN h 0 NOVALUES", [b"0", [b"a", b"b"]]),
            expect("HSCAN h 0 novalues MATCH b COUNT 5", [b"0", [b"b"]]),
            ("HSET", "h2", "a", _LONG),
            expect("HSCAN h2 0 COUNT 100 NOVALUES", [b"0", [b"a"]]),
        ),
        case(
            "absent key",
            "HSCAN nokey 0",
            "HSCAN nokey 5",
            "HSCAN nokey 0 COUNT x",
            "HSCAN nokey 0 FOO",
            "HSCAN nokey x",
        ),
        case(
            "bad cursors",
            _SMALL_SET,
            "HSCAN h x",
            "HSCAN h -1",
            'HSCAN h ""',
            "HSCAN h 1.5",
            "HSCAN h 99999999999999999999",
        ),
        case(
            "bad options",
            _SMALL_SET,
            "HSCAN h 0 COUNT 0",
            "HSCAN h 0 COUNT -1",
            "HSCAN h 0 COUNT x",
            "HSCAN h 0 COUNT",
            "HSCAN h 0 MATCH",
            "HSCAN h 0 FOO",
            "HSCAN h 0 TYPE hash",
            "HSCAN h 0 MATCH a FOO b",
        ),
        case("wrong type", _NOT_A_HASH, "HSCAN s 0", "HSCAN s x", "HSCAN s 0 FOO"),
        case("arity", "HSCAN", "HSCAN h"),
    ],
}
