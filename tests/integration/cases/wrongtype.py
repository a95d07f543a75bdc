"""String commands on a key of another type. They need a second type to exist, so each case runs
once the server under test knows RPUSH."""

from support.case import case, unordered

_COMMANDS = {
    "GET": ["GET l"],
    "SET": ["SET l v GET", "SET l v", "GET l"],
    "SETNX": ["SETNX l v"],
    "GETSET": ["GETSET l v"],
    "GETDEL": ["GETDEL l"],
    "GETEX": ["GETEX l EX 10", "TTL l"],
    "MGET": ["MGET l l"],
    "MSET": ["MSET l v", "GET l"],
    "MSETNX": ["MSETNX l v"],
    "APPEND": ["APPEND l v"],
    "STRLEN": ["STRLEN l"],
    "INCR": ["INCR l"],
    "DECR": ["DECR l"],
    "INCRBY": ["INCRBY l 1"],
    "DECRBY": ["DECRBY l 1"],
    "INCRBYFLOAT": ["INCRBYFLOAT l 1"],
    "SETRANGE": ["SETRANGE l 0 v"],
    "GETRANGE": ["GETRANGE l 0 1"],
    "SUBSTR": ["SUBSTR l 0 1"],
    "LCS": ["LCS l l"],
    "TYPE": ["TYPE l"],
    "COPY": ["COPY l m", "TYPE m"],
    "RENAME": ["RENAME l m", "TYPE m"],
    "KEYS": [unordered("KEYS *")],
}

CASES = {
    name: [case("on a list", "RPUSH l a b", *steps, "TYPE l", requires="RPUSH")]
    for name, steps in _COMMANDS.items()
}
