"""Every string command on a string that is long and was changed in place."""

from support.case import case, near

TEXT = b"0123456789abcdef" * 80
BIG = TEXT * 2000
_MADE = (("SET", "k", TEXT), "SETRANGE k 700 changed")


def _long(name, *steps):
    return case(name, *_MADE, *steps)


CASES = {
    "APPEND": [
        case("grows past every form", *[("APPEND", "k", b"%d," % i) for i in range(200)], "GET k"),
        case("to a missing key", ("APPEND", "k", TEXT), "OBJECT ENCODING k", "APPEND k x", "GET k"),
        case("to an integer", "SET k 12345", ("APPEND", "k", TEXT), "GET k", "STRLEN k"),
        case(
            "encodings",
            "APPEND k 1",
            "OBJECT ENCODING k",
            "APPEND k 2",
            "OBJECT ENCODING k",
            "GET k",
            "INCR k",
            "OBJECT ENCODING k",
        ),
        _long("changed in place", "APPEND k tail", "STRLEN k", "GET k", 'APPEND k ""', "GET k"),
        _long("keeps the time to live", "EXPIRE k 100", "APPEND k x", near("TTL k", 1), "GET k"),
        case("large", ("SET", "k", BIG), ("APPEND", "k", BIG), "STRLEN k", "GETRANGE k -5 -1"),
        case("larger", *[("APPEND", "k", BIG)] * 6, "STRLEN k", "GETRANGE k 9 -9", "GET k"),
        case(
            "too large",
            "SETRANGE k 536870900 x",
            "APPEND k 0123456789a",
            "APPEND k x",
            "STRLEN k",
            "DEL k",
        ),
    ],
    "SETRANGE": [
        _long("inside", "SETRANGE k 0 begin", "SETRANGE k 1277 end", "GET k"),
        _long(
            "beyond",
            "SETRANGE k 3000 far",
            "STRLEN k",
            "GET k",
            "SETRANGE k 1300 hole",
            "GET k",
        ),
        _long("nothing", 'SETRANGE k 5000 ""', "STRLEN k"),
        case("large hole, then small", "SETRANGE k 9000000 x", "SETRANGE k 3 y", "GETRANGE k 0 9"),
    ],
    "GETRANGE": [
        _long("parts", *[f"GETRANGE k {a} {b}" for a in (0, 695, -9) for b in (0, 720, -1)]),
    ],
    "STRLEN": [_long("length", "STRLEN k", "SETRANGE k 5000 x", "STRLEN k")],
    "GET": [_long("whole", "GET k", "TYPE k", "OBJECT ENCODING k", "EXISTS k")],
    "MGET": [_long("among others", "SET j short", "MGET k none j k")],
    "GETSET": [
        _long("replaces", "GETSET k new", "GET k"),
        _long("twice", ("GETSET", "k", TEXT), "GETSET k x"),
    ],
    "GETDEL": [_long("deletes", "GETDEL k", "GETDEL k", "EXISTS k")],
    "GETEX": [
        _long(
            "deadlines",
            "GETEX k EX 100",
            near("TTL k", 1),
            "GETEX k PERSIST",
            "TTL k",
            "GETEX k",
        ),
        _long("in the past", "GETEX k PXAT 1", "EXISTS k"),
    ],
    "SET": [
        _long("GET", "SET k new GET", "GET k"),
        _long("NX GET", "SET k new NX GET", "GET k"),
        _long("XX GET KEEPTTL", "EXPIRE k 100", "SET k new XX GET KEEPTTL", near("TTL k", 1)),
        _long("NX", "SET k new NX", "STRLEN k"),
    ],
    "SETNX": [_long("refused", "SETNX k new", "STRLEN k")],
    "MSETNX": [_long("refused", "MSETNX j 1 k 2", "STRLEN k", "EXISTS j")],
    "INCR": [_long("no number", "INCR k", "DECRBY k 5", "INCRBYFLOAT k 1.5", "GET k")],
    "LCS": [
        _long("with a short one", "SET j 789abc", "LCS k j", "LCS k j LEN", "LCS j k IDX"),
        case(
            "two long ones",
            ("SET", "a", TEXT),
            ("SET", "b", TEXT[::-1]),
            "APPEND a xyz",
            "APPEND b xyz",
            "LCS a b LEN",
            "LCS a b",
        ),
    ],
    "RENAME": [_long("moves", "RENAME k j", "GET j", "APPEND j more", "GET j", "EXISTS k")],
    "COPY": [
        _long("is independent", "COPY k j", "APPEND k more", "GET j", "SETRANGE j 0 x", "GET k"),
    ],
    "DEL": [
        _long("frees", "DEL k", "GET k", "APPEND k new", "GET k"),
    ],
    "UNLINK": [_long("frees", "UNLINK k", "GET k")],
    "PERSIST": [_long("keeps the text", "EXPIRE k 100", "PERSIST k", "APPEND k x", "GET k")],
}
