"""Commands about the connection itself, and errors every command shares."""

from support.case import case, closing, norm
from support.resp import Error, Map


def _hello(reply):
    """Keys in order, and the values that do not depend on the server at hand."""
    if isinstance(reply, Error):
        return reply
    pairs = reply.pairs if isinstance(reply, Map) else list(zip(reply[::2], reply[1::2]))
    fields = dict(pairs)
    return [
        type(reply).__name__,
        [key for key, _ in pairs],
        type(fields[b"version"]).__name__,
        type(fields[b"id"]).__name__,
        [fields[key] for key in (b"server", b"proto", b"mode", b"role", b"modules")],
    ]


def _hi(arguments=""):
    return norm(f"HELLO {arguments}".strip(), _hello)


LONG = "x" * 200

CASES = {
    "PING": [
        case("forms", "PING", "ping", "PING hello", 'PING ""', ("PING", b"\x00\r\n\xff")),
        case("arity", "PING a b"),
    ],
    "ECHO": [
        case(
            "any bytes",
            "ECHO hello",
            'ECHO ""',
            ("ECHO", bytes(range(256))),
            ("ECHO", b"x" * 1000000),
        ),
        case("arity", "ECHO", "ECHO a b"),
    ],
    "QUIT": [
        case("says goodbye", closing("QUIT")),
        case("ignores arguments", closing("QUIT now please")),
    ],
    "RESET": [
        case(
            "back to database 0",
            "SELECT 5",
            "SET k v",
            "RESET",
            "GET k",
            "DBSIZE",
            "SELECT 5",
            "GET k",
        ),
        case("drops the name", "CLIENT SETNAME me", "RESET", "CLIENT GETNAME"),
        case("drops RESP3", _hi("3"), "GET nokey", "RESET", "GET nokey"),
        case("arity", "RESET x"),
    ],
    "HELLO": [
        case("versions", _hi(), _hi("2"), "GET nokey", _hi("3"), "GET nokey", _hi(), _hi("2")),
        case(
            "bad versions",
            "HELLO 1",
            "HELLO 4",
            "HELLO 0",
            "HELLO -3",
            "HELLO x",
            "HELLO 3.0",
            'HELLO ""',
            "GET nokey",
        ),
        case(
            "SETNAME",
            _hi("3 SETNAME me"),
            "CLIENT GETNAME",
            _hi("3 SETNAME you setname him"),
            "CLIENT GETNAME",
        ),
        case(
            "bad names",
            ("HELLO", "3", "SETNAME", "a b"),
            ("HELLO", "3", "SETNAME", "a\nb"),
            "CLIENT GETNAME",
        ),
        case(
            "AUTH for the default user",
            _hi("3 AUTH default any"),
            _hi("2 AUTH default any SETNAME x"),
        ),
        case(
            "AUTH for an unknown user",
            "HELLO 3 AUTH nobody pw",
            "HELLO 3 SETNAME before AUTH nobody pw",
        ),
        case(
            "syntax",
            "HELLO 3 FOO",
            "HELLO 3 AUTH",
            "HELLO 3 AUTH default",
            "HELLO 3 SETNAME",
            "HELLO 2 SETNAME a FOO",
            "HELLO SETNAME me",
        ),
    ],
    "AUTH": [
        case("no password configured", "AUTH secret"),
        case("users", "AUTH default anything", "AUTH nobody secret", "PING"),
        case("arity", "AUTH", "AUTH a b c"),
    ],
    "SELECT": [
        case("all databases", *[f"SELECT {i}" for i in range(16)], "SELECT 0"),
        case("separate keyspaces", "SET k 0", "SELECT 1", "GET k", "SET k 1", "SELECT 0", "GET k"),
        case(
            "out of range",
            "SELECT 16",
            "SELECT -1",
            "SELECT 9999999999",
            "SELECT 99999999999999999999",
        ),
        case("not a number", "SELECT x", "SELECT 1.0", 'SELECT ""', 'SELECT " 1"', "SELECT 01"),
        case("arity", "SELECT", "SELECT 0 1"),
    ],
    "UNKNOWN": [
        case("no arguments", "FOO", "foo"),
        case("with arguments", "FOO bar", "FOO bar baz 'with space'", "FOO it\\'s"),
        case("many arguments", ("FOO", *[f"argument{i}" for i in range(60)])),
        case("long words", ("FOO", LONG), (LONG, LONG), (LONG,), ("FOO", LONG, LONG)),
        case("binary", ("FOO", b"a\r\nb"), (b"F\r\nOO", "x"), ("", "x"), ("",)),
        case("near misses", "GETT k", "GE k", "SET\\x00 k v"),
    ],
}
