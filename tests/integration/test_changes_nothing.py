"""Writes that change nothing: which of them a client that watches the key hears of."""

import pytest

from support.resp import encode, is_null

SETUP = [
    ("SET", "s", "abc"),
    ("SET", "n", "5"),
    ("RPUSH", "l", "a", "b"),
    ("SADD", "t", "a"),
    ("SADD", "t2", "a"),
    ("HSET", "h", "f", "1"),
    ("ZADD", "z", "1", "a"),
    ("XADD", "x", "1-1", "a", "b"),
    ("XGROUP", "CREATE", "x", "g", "$"),
    ("PFADD", "p", "a"),
    ("SETBIT", "b", "7", "1"),
    ("GEOADD", "geo", "1", "1", "a"),
    ("SET", "e", "v", "EX", "1000"),
]
# (watched key, command)
WRITES = [
    ("s", ("APPEND", "s", "")),
    ("no", ("APPEND", "no", "")),
    ("s", ("SETRANGE", "s", "0", "")),
    ("no", ("SETRANGE", "no", "0", "")),
    ("s", ("SETRANGE", "s", "0", "abc")),
    ("s", ("SET", "s", "abc")),
    ("s", ("SET", "s", "abc", "NX")),
    ("no", ("SET", "no", "v", "XX")),
    ("s", ("GETSET", "s", "abc")),
    ("s", ("SETNX", "s", "x")),
    ("s", ("MSETNX", "s", "x")),
    ("s", ("GETEX", "s")),
    ("s", ("GETEX", "s", "PERSIST")),
    ("e", ("GETEX", "e", "PERSIST")),
    ("n", ("INCRBY", "n", "0")),
    ("n", ("INCRBYFLOAT", "n", "0")),
    ("no", ("INCRBY", "no", "0")),
    ("b", ("SETBIT", "b", "7", "1")),
    ("b", ("BITFIELD", "b", "GET", "u8", "0")),
    ("b", ("BITFIELD", "b", "SET", "u8", "0", "1")),
    ("no", ("BITFIELD", "no", "GET", "u8", "0")),
    ("no", ("BITOP", "AND", "no", "no2")),
    ("s", ("PERSIST", "s")),
    ("s", ("EXPIRE", "s", "1000", "XX")),
    ("e", ("EXPIRE", "e", "10", "GT")),
    ("no", ("EXPIRE", "no", "10")),
    ("no", ("DEL", "no")),
    ("s", ("RENAME", "s", "s")),
    ("s", ("COPY", "n", "s")),
    ("s", ("RENAMENX", "n", "s")),
    ("l", ("LPUSHX", "no", "a")),
    ("l", ("LREM", "l", "0", "none")),
    ("l", ("LTRIM", "l", "0", "-1")),
    ("l", ("LSET", "l", "0", "a")),
    ("l", ("LINSERT", "l", "BEFORE", "none", "x")),
    ("l", ("LPOP", "l", "0")),
    ("l", ("LMOVE", "l", "l", "LEFT", "LEFT")),
    ("no", ("LPOP", "no")),
    ("t", ("SADD", "t", "a")),
    ("t", ("SREM", "t", "none")),
    ("t", ("SMOVE", "t", "t", "a")),
    ("t2", ("SMOVE", "t", "t2", "none")),
    ("t", ("SPOP", "t", "0")),
    ("no", ("SINTERSTORE", "no", "t", "no2")),
    ("t", ("SUNIONSTORE", "t", "t")),
    ("h", ("HSET", "h", "f", "1")),
    ("h", ("HSETNX", "h", "f", "2")),
    ("h", ("HDEL", "h", "none")),
    ("h", ("HINCRBY", "h", "f", "0")),
    ("h", ("HINCRBYFLOAT", "h", "f", "0")),
    ("z", ("ZADD", "z", "1", "a")),
    ("z", ("ZADD", "z", "XX", "1", "none")),
    ("z", ("ZINCRBY", "z", "0", "a")),
    ("z", ("ZREM", "z", "none")),
    ("z", ("ZREMRANGEBYRANK", "z", "5", "6")),
    ("z", ("ZREMRANGEBYSCORE", "z", "5", "6")),
    ("z", ("ZREMRANGEBYLEX", "z", "[x", "[y")),
    ("z", ("ZPOPMIN", "z", "0")),
    ("no", ("ZUNIONSTORE", "no", "1", "no2")),
    ("no", ("ZRANGESTORE", "no", "z", "5", "6")),
    ("geo", ("GEOADD", "geo", "1", "1", "a")),
    ("x", ("XDEL", "x", "9-9")),
    ("x", ("XTRIM", "x", "MAXLEN", "10")),
    ("no", ("XADD", "no", "NOMKSTREAM", "*", "a", "b")),
    ("x", ("XACK", "x", "g", "1-1")),
    ("x", ("XGROUP", "DESTROY", "x", "none")),
    ("x", ("XGROUP", "DELCONSUMER", "x", "g", "none")),
    ("p", ("PFADD", "p", "a")),
    ("p", ("PFADD", "p")),
    ("no", ("PFADD", "no")),
    ("p", ("PFMERGE", "p", "p")),
    ("no", ("PFMERGE", "no")),
    ("p", ("PFCOUNT", "p")),
    ("l", ("SORT", "t", "ALPHA", "STORE", "t")),
    ("no", ("SORT", "no2", "STORE", "no")),
    ("s", ("TOUCH", "s")),
    ("no", ("GETDEL", "no")),
    ("no", ("MOVE", "no", "1")),
    ("no", ("FLUSHALL",)),
    ("s", ("SWAPDB", "0", "0")),
    ("s", ("SWAPDB", "8", "9")),
]

# What changes the groups of a stream, or what it remembers, is a change to us; Redis tells watchers
# of entries alone.
OURS = [
    ("x", ("XGROUP", "SETID", "x", "g", "$")),
    ("x", ("XGROUP", "CREATE", "x", "g2", "$")),
    ("x", ("XSETID", "x", "1-1")),
    ("x", ("XCLAIM", "x", "g", "c", "0", "1-1")),
]


def _heard(server, key, command):
    """The reply, and whether a watcher's EXEC fails after it."""
    with server.client() as watcher, server.client() as writer:
        writer.ok("FLUSHALL")
        for step in SETUP:
            writer.ok(*step)
        watcher.ok("WATCH", key)
        writer.send(encode(command))
        writer.read()
        watcher.ok("MULTI")
        watcher.ok("PING")
        return is_null(watcher.ok("EXEC"))


@pytest.mark.parametrize("key, command", WRITES, ids=lambda value: "-".join(value)[:40])
def test_a_watcher_hears_what_it_hears_of_redis(subject, oracle, key, command):
    assert _heard(subject, key, command) == _heard(oracle, key, command)


@pytest.mark.mantis_only
@pytest.mark.parametrize("key, command", OURS, ids=lambda value: "-".join(value)[:40])
def test_a_watcher_hears_of_groups(subject, key, command):
    assert _heard(subject, key, command)
