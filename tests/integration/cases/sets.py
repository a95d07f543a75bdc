"""Sets: members of one set, in each of its forms."""

from support.case import case, check, expect, norm, sorted_reply, unordered
from support.resp import Set

_INTEGERS = "SADD s 3 -5 100000 7000000000 0"
_TEXTS = 'SADD s a b "" 12 "-7 " x:1'
# Beyond 128 members, and with members longer than 64 bytes.
_MANY = "SADD s " + " ".join(f"m{i}" for i in range(200))
_MANY_INTEGERS = "SADD s " + " ".join(str(7 * i) for i in range(600))
_LONG = ("SADD", "s", "a", "b", "x" * 65, "y" * 254, "z" * 255, "w" * 70000, "17")
# More than an event loop does in one go.
_HUGE = ("SADD", "s", *[f"h{i}" for i in range(12000)])
_FORMS = {
    "integers": _INTEGERS,
    "texts": _TEXTS,
    "many": _MANY,
    "many integers": _MANY_INTEGERS,
    "long members": _LONG,
    "huge": _HUGE,
}


def members(reply):
    """The items of a reply that is a set in RESP3 and an array in RESP2."""
    return reply.items if isinstance(reply, Set) else reply


def _each(name, *steps):
    return [case(f"{name}, {form}", fill, *steps) for form, fill in _FORMS.items()]


def _among(*allowed):
    return lambda reply: reply in [a.encode() for a in allowed]


def _drawn(count, distinct, *allowed):
    """A reply of so many of these members."""
    wanted = {a.encode() for a in allowed}

    def holds(reply):
        items = members(reply)
        return (
            len(items) == count
            and set(items) <= wanted
            and (not distinct or len(set(items)) == count)
        )

    return holds


def _size(reply):
    return len(members(reply)), len(set(members(reply))), type(reply).__name__


def _page(reply):
    """A page of SSCAN that is the whole set."""
    return [reply[0], sorted_reply(reply[1])]


CASES = {
    "SADD": [
        case(
            "counts what is new",
            "SADD s a b a",
            "SADD s b c",
            "SADD s a",
            unordered("SMEMBERS s"),
        ),
        case("same number in two guises", "SADD s 1", "SADD s 01 +1 1.0", "SADD s a 1", "SCARD s"),
        case(
            "integers of all widths",
            "SADD s 0 1 -1 32767 -32768 32768 -32769 2147483647 -2147483648 2147483648 -2147483649",
            "SADD s 9223372036854775807 -9223372036854775808 0 32768",
            "SADD s 9223372036854775808 -9223372036854775809",
            unordered("SMEMBERS s"),
            *[f"SISMEMBER s {n}" for n in ("32768", "-32769", "9223372036854775807", "5")],
        ),
        case(
            "from integers to texts",
            "SADD s 3 1 2",
            "SADD s a",
            "SADD s 2 a",
            "SISMEMBER s 3",
            unordered("SMEMBERS s"),
        ),
        *_each("adds to every form", "SADD s new 5 a m3 7", "SCARD s", unordered("SMEMBERS s")),
        case(
            "forms by their names",
            _INTEGERS,
            "OBJECT ENCODING s",
            "SADD s x",
            expect("OBJECT ENCODING s", b"listpack"),
            _MANY,
            "OBJECT ENCODING s",
        ),
        case(
            "forms that stay away from the listpack",
            _MANY_INTEGERS,
            "OBJECT ENCODING s",
            norm("SPOP s 590", _size),
            "OBJECT ENCODING s",
            "DEL s",
            _LONG,
            "OBJECT ENCODING s",
        ),
        case(
            "binary members",
            'SADD s "a\\x00b" "a\\x00c" "\\xff\\r\\n" ""',
            unordered("SMEMBERS s"),
        ),
        case("wrong type", "SET k v", "SADD k a", "GET k"),
        case("arity", "SADD", "SADD s", "SADD s a"),
    ],
    "SREM": [
        *_each(
            "removes from every form",
            "SREM s a m5 3 14 nothing",
            "SCARD s",
            unordered("SMEMBERS s"),
        ),
        case(
            "the last member takes the key",
            "SADD s a b",
            "SREM s b a c",
            "EXISTS s",
            "SADD s 1",
            "SREM s 1",
            "TYPE s",
        ),
        case("same member twice", "SADD s a b", "SREM s a a", "SCARD s"),
        case("number written otherwise", "SADD s 1 2", "SREM s 01 +1 1.", "SCARD s"),
        case("missing key", "SREM nokey a b"),
        case("wrong type", "SET k v", "SREM k a"),
        case("arity", "SREM", "SREM s"),
    ],
    "SMEMBERS": [
        *_each("every form", unordered("SMEMBERS s")),
        case("integers come in order", "SADD s 5 -3 1000000 0 -70000", "SMEMBERS s"),
        case("missing key", "SMEMBERS nokey"),
        case("wrong type", "SET k v", "SMEMBERS k"),
        case("arity", "SMEMBERS", "SMEMBERS s t"),
    ],
    "SISMEMBER": [
        *_each("every form", *[f"SISMEMBER s {m}" for m in ("a", "3", "m199", "4193", '""', "no")]),
        case("missing key", "SISMEMBER nokey a"),
        case("wrong type", "SET k v", "SISMEMBER k a"),
        case("arity", "SISMEMBER s", "SISMEMBER s a b"),
    ],
    "SMISMEMBER": [
        *_each(
            "every form",
            'SMISMEMBER s a 3 m199 4193 "" no a',
            ("SMISMEMBER", "s", "w" * 70000, "17"),
        ),
        case("missing key", "SMISMEMBER nokey a b"),
        case("wrong type", "SET k v", "SMISMEMBER k a"),
        case("arity", "SMISMEMBER", "SMISMEMBER s"),
    ],
    "SCARD": [
        *_each("every form", "SCARD s"),
        case("missing key", "SCARD nokey"),
        case("wrong type", "SET k v", "SCARD k"),
        case("arity", "SCARD", "SCARD s t"),
    ],
    "SPOP": [
        case("one", "SADD s a b", check("SPOP s", _among("a", "b")), "SCARD s"),
        case("the last member takes the key", "SADD s a", "SPOP s", "EXISTS s", "SPOP s"),
        case("one integer", "SADD s 17", "SPOP s", "EXISTS s"),
        case(
            "a count",
            "SADD s a b c d e",
            check("SPOP s 3", _drawn(3, True, *"abcde")),
            "SCARD s",
        ),
        *_each("some of every form", norm("SPOP s 4", _size), "SCARD s"),
        *_each("most of every form", norm("SPOP s 198", _size), "SCARD s"),
        *_each("all of every form", unordered("SPOP s 12000"), "EXISTS s"),
        case("many of a huge one", _HUGE, norm("SPOP s 10500", _size), "SCARD s"),
        case("none", "SADD s a", "SPOP s 0", "SPOP nokey 0", "SCARD s"),
        case(
            "more than there are",
            "SADD s a b",
            unordered("SPOP s 9223372036854775807"),
            "EXISTS s",
        ),
        case("missing key", "SPOP nokey", "SPOP nokey 5"),
        case(
            "bad counts",
            "SADD s a",
            "SPOP s -1",
            "SPOP s x",
            "SPOP s 1.5",
            "SPOP s 9223372036854775808",
            "SPOP nokey -1",
            "SPOP s 1 2",
            "SPOP s x y",
            "SCARD s",
        ),
        case("wrong type", "SET k v", "SPOP k", "SPOP k 1", "SPOP k 0", "SPOP k x"),
        case("arity", "SPOP"),
    ],
    "SRANDMEMBER": [
        case("one", "SADD s a b", check("SRANDMEMBER s", _among("a", "b")), "SCARD s"),
        case("one integer", "SADD s 17", "SRANDMEMBER s", "SRANDMEMBER s 1", "SRANDMEMBER s -2"),
        case(
            "a count",
            "SADD s a b c d e",
            check("SRANDMEMBER s 3", _drawn(3, True, *"abcde")),
            unordered("SRANDMEMBER s 5"),
            unordered("SRANDMEMBER s 100"),
            "SCARD s",
        ),
        case(
            "repetitions",
            "SADD s a b c",
            check("SRANDMEMBER s -10", _drawn(10, False, *"abc")),
            check("SRANDMEMBER s -2", _drawn(2, False, *"abc")),
        ),
        *_each(
            "every form",
            norm("SRANDMEMBER s 4", _size),
            norm("SRANDMEMBER s 150", _size),
            unordered("SRANDMEMBER s 12000"),
            norm("SRANDMEMBER s 10500", _size),
            norm("SRANDMEMBER s -11000", len),
            "SCARD s",
        ),
        case("none", "SADD s a", "SRANDMEMBER s 0", "SRANDMEMBER s -0", "SRANDMEMBER nokey 0"),
        case("missing key", "SRANDMEMBER nokey", "SRANDMEMBER nokey 5", "SRANDMEMBER nokey -5"),
        case(
            "bad counts",
            "SADD s a",
            "SRANDMEMBER s x",
            "SRANDMEMBER s 1.5",
            "SRANDMEMBER s 9223372036854775808",
            "SRANDMEMBER s -9223372036854775808",
            "SRANDMEMBER s 1 2",
            "SRANDMEMBER s x y",
            "SRANDMEMBER nokey x",
        ),
        case("wrong type", "SET k v", "SRANDMEMBER k", "SRANDMEMBER k 1", "SRANDMEMBER k x"),
        case("arity", "SRANDMEMBER"),
    ],
    "SMOVE": [
        case(
            "moves",
            "SADD s a b",
            "SADD t c",
            "SMOVE s t a",
            unordered("SMEMBERS s"),
            unordered("SMEMBERS t"),
        ),
        case("the last member takes the key", "SADD s a", "SMOVE s t a", "EXISTS s", "SMEMBERS t"),
        case(
            "is there already",
            "SADD s a b",
            "SADD t a",
            "SMOVE s t a",
            "SMEMBERS s",
            "SMEMBERS t",
        ),
        case("not a member", "SADD s a", "SMOVE s t b", "EXISTS t", "SMOVE s t 1"),
        case("within one set", "SADD s a 1", "SMOVE s s a", "SMOVE s s b", unordered("SMEMBERS s")),
        case("number into texts", "SADD s 1 2", "SADD t a", "SMOVE s t 1", unordered("SMEMBERS t")),
        case("text into numbers", "SADD s a 1", "SADD t 5", "SMOVE s t a", unordered("SMEMBERS t")),
        *_each(
            "from every form",
            "SMOVE s t a",
            "SMOVE s t 3",
            "SMOVE s t m7",
            "SMOVE s t 14",
            unordered("SMEMBERS t"),
        ),
        *_each(
            "into every form",
            "SADD u q 6",
            "SMOVE u s q",
            "SMOVE u s 6",
            "EXISTS u",
            unordered("SMEMBERS s"),
        ),
        case(
            "missing keys",
            "SMOVE nokey t a",
            "SADD t a",
            "SMOVE nokey t a",
            "SMOVE nokey nokey a",
        ),
        case(
            "wrong type",
            "SET k v",
            "SADD s a",
            "SMOVE k s a",
            "SMOVE s k a",
            "SMOVE s k nothing",
            "SMOVE nokey k a",
            "SMOVE k nokey a",
            "SMOVE k k a",
            "SMEMBERS s",
        ),
        case("arity", "SMOVE s t", "SMOVE s t a b"),
    ],
    "SSCAN": [
        case("small sets come whole", _TEXTS, norm("SSCAN s 0", _page)),
        case(
            "integers come whole whatever the cursor",
            _INTEGERS,
            norm("SSCAN s 0 COUNT 1", _page),
            norm("SSCAN s 17", _page),
        ),
        *_each("all at once", norm("SSCAN s 0 COUNT 100000", _page)),
        *_each(
            "matching",
            norm("SSCAN s 0 MATCH *1* COUNT 100000", _page),
            norm("SSCAN s 0 COUNT 100000 MATCH m?", _page),
            norm("SSCAN s 0 COUNT 100000 MATCH *", _page),
            norm("SSCAN s 0 COUNT 100000 MATCH x:1", _page),
            norm('SSCAN s 0 COUNT 100000 MATCH ""', _page),
        ),
        case("missing key", "SSCAN nokey 0", "SSCAN nokey 5 COUNT 0", "SSCAN nokey 0 NONSENSE"),
        case(
            "bad arguments",
            "SADD s a",
            "SSCAN s x",
            "SSCAN s 0 COUNT 0",
            "SSCAN s 0 COUNT -1",
            "SSCAN s 0 COUNT x",
            "SSCAN s 0 MATCH",
            "SSCAN s 0 COUNT",
            "SSCAN s 0 TYPE set",
            "SSCAN s 0 NONSENSE",
            "SSCAN nokey x",
        ),
        case("wrong type", "SET k v", "SSCAN k 0", "SSCAN k x", "SSCAN k 0 COUNT 0"),
        case("arity", "SSCAN", "SSCAN s"),
    ],
}
