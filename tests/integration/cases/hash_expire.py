"""Deadlines of hash fields, which the oracle does not have: replies as Redis 7.4 documents them."""

from support.case import check, expect, own, pause
from support.resp import Error

_LONG = "x" * 100
_FIELDS_MISSING = Error(
    b"ERR Mandatory argument FIELDS is missing or not at the right position"
)
_MISMATCH = Error(b"ERR The `numfields` parameter must match the number of arguments")
_BAD_COUNT = Error(b"ERR Number of fields must be a positive integer")
_BAD_EXPIRE_COUNT = Error(b"ERR Parameter `numFields` should be greater than 0")
_NOT_INTEGER = Error(b"ERR value is not an integer or out of range")
_NEGATIVE = Error(b"ERR invalid expire time, must be >= 0")
_WRONG_TYPE = Error(b"WRONGTYPE Operation against a key holding the wrong kind of value")
_FAR = {
    "HEXPIRE": 1000,
    "HPEXPIRE": 1000000,
    "HEXPIREAT": 33177117420,
    "HPEXPIREAT": 33177117420000,
}
# The largest deadline there is, in each command's unit.
_MAX_MS = 2**46 - 1
_SETUP = (
    ("compact", expect("HSET h a 1 b 2 c 3", 3)),
    ("big", expect(("HSET", "h", "a", _LONG, "b", "2", "c", "3"), 3)),
)


def _arity(command, *shapes):
    text = b"ERR wrong number of arguments for '" + command.lower().encode() + b"' command"
    return own("arity", *[expect(f"{command} {s}".strip(), Error(text)) for s in shapes])


def _between(low, high):
    return lambda reply: len(reply) == 1 and low <= reply[0] <= high


def _left(command):
    """The field's deadline is as the command set it to _FAR."""
    far = _FAR[command]
    if command.endswith("AT"):
        far_ms = far * (1 if command.startswith("HP") else 1000)
        return expect("HPEXPIRETIME h FIELDS 1 a", [far_ms])
    return check("HPTTL h FIELDS 1 a", _between(990000, 1000000))


def _conditions(command, form, setup):
    far, farther = _FAR[command], 2 * _FAR[command]

    def on(field, time, word, answer):
        return expect(f"{command} h {time} {word} FIELDS 1 {field}".replace("  ", " "), [answer])

    return [
        own(
            f"NX, {form}",
            setup,
            on("a", far, "NX", 1),
            on("a", farther, "nx", 0),
            on("none", far, "NX", -2),
            _left(command),
        ),
        own(f"XX, {form}", setup, on("a", far, "XX", 0), on("a", far, "", 1), on("a", far, "xX", 1)),
        own(
            f"GT, {form}",
            setup,
            on("a", far, "GT", 0),
            on("a", far, "", 1),
            on("a", far // 2, "GT", 0),
            on("a", farther, "gt", 1),
        ),
        own(
            f"LT, {form}",
            setup,
            on("a", farther, "LT", 1),
            on("a", far, "lt", 1),
            on("a", farther, "LT", 0),
            _left(command),
        ),
    ]


def _errors(command):
    far = _FAR[command]
    name = command.lower().encode()
    too_far = Error(b"ERR invalid expire time in '" + name + b"' command")
    per_unit = 1 if command.startswith("HP") else 1000
    times = [
        ("x", _NOT_INTEGER),
        ("1.5", _NOT_INTEGER),
        ("9223372036854775808", _NOT_INTEGER),
        ("-1", _NEGATIVE),
        ("-9223372036854775808", _NEGATIVE),
        ("9223372036854775807", too_far),
        (str(_MAX_MS // per_unit + 1), too_far),
    ]
    return [
        own(
            "bad times",
            expect("HSET h a 1", 1),
            *[expect(f"{command} h {time} FIELDS 1 a", error) for time, error in times],
            expect(f"{command} nokey x FIELDS 1 a", _NOT_INTEGER),
            expect("HTTL h FIELDS 1 a", [-1]),
        ),
        own(
            "bad lists",
            expect("HSET h a 1 b 2", 2),
            expect(f"{command} h {far} FIELD 1 a", _FIELDS_MISSING),
            expect(f"{command} h {far} NX GT FIELDS 1 a", _FIELDS_MISSING),
            expect(f"{command} h {far} a FIELDS 1", _FIELDS_MISSING),
            expect(f"{command} h {far} FIELDS 0 a", _BAD_EXPIRE_COUNT),
            expect(f"{command} h {far} FIELDS -1 a", _BAD_EXPIRE_COUNT),
            expect(f"{command} h {far} FIELDS x a", _BAD_EXPIRE_COUNT),
            expect(f"{command} h {far} FIELDS 2 a", _MISMATCH),
            expect(f"{command} h {far} FIELDS 1 a b", _MISMATCH),
            expect(f"{command} h {far} FIELDS 1 a NX", _MISMATCH),
            expect(f"{command} h {far} NX FIELDS 1", _MISMATCH),
            expect(f"{command} nokey {far} FIELDS 2 a", _MISMATCH),
            expect("HTTL h FIELDS 2 a b", [-1, -1]),
        ),
        own(
            "wrong type",
            expect("RPUSH l x", 1),
            expect(f"{command} l {far} FIELDS 1 a", _WRONG_TYPE),
            expect(f"{command} l x FIELDS 1 a", _WRONG_TYPE),
            expect(f"{command} l {far} FOO 1 a", _WRONG_TYPE),
            requires="RPUSH",
        ),
        _arity(command, "", "h", "h 1 FIELDS", "h 1 FIELDS 1"),
    ]


def _expire(command):
    far = _FAR[command]
    cases = []
    for form, setup in _SETUP:
        cases += [
            own(
                f"sets and replaces, {form}",
                expect(f"{command} nokey {far} FIELDS 2 a b", [-2, -2]),
                setup,
                expect(f"{command} h {far * 2} FIELDS 3 a none b", [1, -2, 1]),
                expect(f"{command} h {far} fields 1 a", [1]),
                _left(command),
                expect("HTTL h FIELDS 2 c none", [-1, -2]),
                expect("HLEN h", 3),
            ),
            *_conditions(command, form, setup),
        ]
    return cases + _errors(command)


def _gone_at_once(command, time):
    """A time in the past removes the fields, and with the last one the key."""
    return [
        own(
            f"the past, {form}",
            setup,
            expect(f"{command} h {time} FIELDS 3 a a none", [2, -2, -2]),
            expect("HEXISTS h a", 0),
            expect(f"{command} h {time} XX FIELDS 1 b", [0]),
            expect("HLEN h", 2),
            expect(f"{command} h {time} FIELDS 2 b c", [2, 2]),
            expect("EXISTS h", 0),
        )
        for form, setup in _SETUP
    ]


def _query(command, far, wanted):
    return [
        *[
            own(
                f"answers, {form}",
                expect(f"{command} nokey FIELDS 2 a b", [-2, -2]),
                setup,
                expect(f"{command} h FIELDS 2 a none", [-1, -2]),
                expect(f"{far} FIELDS 1 b", [1]),
                wanted,
                expect(f"{command} h fields 2 none c", [-2, -1]),
            )
            for form, setup in _SETUP
        ],
        *_list_errors(command),
    ]


def _list_errors(command):
    return [
        own(
            "bad lists",
            expect("HSET h a 1", 1),
            expect(f"{command} h FIELD 1 a", _FIELDS_MISSING),
            expect(f"{command} h 1 FIELDS a", _FIELDS_MISSING),
            expect(f"{command} h FIELDS 0 a", _BAD_COUNT),
            expect(f"{command} h FIELDS x a", _BAD_COUNT),
            expect(f"{command} h FIELDS 2 a", _MISMATCH),
            expect(f"{command} h FIELDS 1 a b", _MISMATCH),
            expect(f"{command} nokey FIELDS 2 a", _MISMATCH),
        ),
        own(
            "wrong type",
            expect("RPUSH l x", 1),
            expect(f"{command} l FIELDS 1 a", _WRONG_TYPE),
            expect(f"{command} l FOO 1 a", _WRONG_TYPE),
            requires="RPUSH",
        ),
        _arity(command, "", "h", "h FIELDS", "h FIELDS 1"),
    ]


def _expired(name, *steps):
    """Steps on a hash whose fields a and b have just expired, c lasts; on one with both forms."""
    return [
        own(
            f"{name}, {form}",
            setup,
            expect("HPEXPIRE h 20 FIELDS 2 a b", [1, 1]),
            pause(0.05),
            *steps,
        )
        for form, setup in _SETUP
    ]


CASES = {
    "HEXPIRE": _expire("HEXPIRE") + _gone_at_once("HEXPIRE", 0),
    "HPEXPIRE": [
        *_expire("HPEXPIRE"),
        *_gone_at_once("HPEXPIRE", 0),
        *_expired(
            "expired fields are gone",
            expect("HGET h c", b"3"),
            expect("HLEN h", 1),
            expect("HKEYS h", [b"c"]),
            expect("HEXISTS h a", 0),
            expect("HSTRLEN h a", 0),
            expect("HDEL h a", 0),
            expect("HRANDFIELD h -2", [b"c", b"c"]),
            expect("HSCAN h 0", [b"0", [b"c", b"3"]]),
            expect("HPEXPIRE h 100000 FIELDS 1 a", [-2]),
            expect("HPERSIST h FIELDS 1 a", [-2]),
        ),
        *_expired(
            "expired fields are made anew",
            expect("HSET h a 9 c 3", 1),
            expect("HSETNX h b 8", 1),
            expect("HTTL h FIELDS 3 a b c", [-1, -1, -1]),
            expect("HLEN h", 3),
        ),
        *_expired(
            "expired numbers begin at 0",
            expect("HINCRBY h a 5", 5),
            expect("HINCRBYFLOAT h b 0.5", b"0.5"),
        ),
        *_expired(
            "the last one takes the key",
            expect("HPEXPIRE h 20 FIELDS 1 c", [1]),
            pause(0.2),
            expect("EXISTS h", 0),
        ),
        own(
            "setting takes the deadline away, incrementing keeps it",
            expect("HSET h a 1 b 2 c 3", 3),
            expect("HPEXPIRE h 100000 FIELDS 3 a b c", [1, 1, 1]),
            expect("HSET h a 1", 0),
            expect("HINCRBY h b 1", 3),
            expect("HINCRBYFLOAT h c 1", b"4"),
            expect("HTTL h FIELDS 1 a", [-1]),
            check("HPTTL h FIELDS 1 b", _between(90000, 100000)),
            check("HPTTL h FIELDS 1 c", _between(90000, 100000)),
        ),
        own(
            "the names of the forms",
            expect("HSET h a 1", 1),
            expect("OBJECT ENCODING h", b"listpack"),
            expect("HPEXPIRE h 100000 FIELDS 1 a", [1]),
            expect("OBJECT ENCODING h", b"listpackex"),
            expect(("HSET", "h", "b", _LONG), 1),
            expect("OBJECT ENCODING h", b"hashtable"),
            check("HPTTL h FIELDS 1 a", _between(90000, 100000)),
        ),
        own(
            "a copy has the deadlines too",
            expect("HSET h a 1 b 2", 2),
            expect("HPEXPIRE h 150 FIELDS 1 a", [1]),
            expect("COPY h other", 1),
            expect("RENAMENX h renamed", 1),
            pause(0.3),
            expect("HKEYS other", [b"b"]),
            expect("HKEYS renamed", [b"b"]),
        ),
    ],
    "HEXPIREAT": _expire("HEXPIREAT") + _gone_at_once("HEXPIREAT", 1),
    "HPEXPIREAT": _expire("HPEXPIREAT") + _gone_at_once("HPEXPIREAT", 0),
    "HTTL": _query("HTTL", "HEXPIRE h 1000", check("HTTL h FIELDS 1 b", _between(998, 1000))),
    "HPTTL": _query(
        "HPTTL", "HPEXPIRE h 100000", check("HPTTL h FIELDS 1 b", _between(90000, 100000))
    ),
    "HEXPIRETIME": _query(
        "HEXPIRETIME",
        "HPEXPIREAT h 33177117420001",
        expect("HEXPIRETIME h FIELDS 1 b", [33177117421]),
    ),
    "HPEXPIRETIME": _query(
        "HPEXPIRETIME",
        "HPEXPIREAT h 33177117420001",
        expect("HPEXPIRETIME h FIELDS 1 b", [33177117420001]),
    ),
    "HPERSIST": [
        *[
            own(
                f"answers, {form}",
                expect("HPERSIST nokey FIELDS 2 a b", [-2, -2]),
                setup,
                expect("HPEXPIRE h 20 FIELDS 1 a", [1]),
                expect("HPERSIST h FIELDS 4 a b none a", [1, -1, -2, -1]),
                pause(0.05),
                expect("HTTL h FIELDS 1 a", [-1]),
                expect("HLEN h", 3),
            )
            for form, setup in _SETUP
        ],
        *_list_errors("HPERSIST"),
    ],
}
