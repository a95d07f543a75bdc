"""rdb_changes_since_last_save, which save points go by, counts what Redis counts: elements, not
commands."""

import pytest

from support.resp import Error
from support.server import Server, oracle_binary, parse_info, wait_until

STREAM = ("XADD k 1-1 f a", "XADD k 2-1 f b", "XADD k 3-1 f c", "XGROUP CREATE k g 0")
READ = (*STREAM, "XREADGROUP GROUP g c STREAMS k >")

# What there is, and what is then done to it, each alone.
CASES = {
    "nothing": (
        (),
        """SET k v|SETNX k v|MSET a 1 b 2 c 3|MSETNX a 1 b 2|APPEND k x|INCR k|SETRANGE k 3 x
        SETRANGE k 0 ''|SETBIT k 7 1|PFADD k a b c|PFADD k|SADD k a b c|SADD k a a|HSET k f 1 g 2 h 3
        HMSET k f 1 g 2|HSETNX k f v|HINCRBY k f 1|LPUSH k a b c|LPUSHX k a|ZADD k 1 a 2 b 1 a
        ZADD k XX 1 a|ZINCRBY k 1 a|GEOADD k 1 1 a 2 2 b|XADD k * f v|XADD k NOMKSTREAM * f v
        XGROUP CREATE k g $ MKSTREAM|BITFIELD k SET u8 0 1 SET u8 8 2|BITFIELD k INCRBY u8 0 1
        BITFIELD k SET u8 0 0|DEL k|EXPIRE k 10|SPOP k|LPOP k|FLUSHDB|FLUSHALL|SWAPDB 0 1
        SWAPDB 0 0|COPY k l|GETDEL k|TOUCH k|SET k v XX|SET k v GET""",
    ),
    "string": (
        ("SET k abc", "SET l 5 EX 100"),
        """SET k w|SETNX k w|APPEND k x|GETSET k w|SETRANGE k 3 x|SETBIT k 7 1|SETBIT k 1 1|DEL k l m
        UNLINK k l|EXPIRE k 10|EXPIRE k -1|EXPIRE k 10 XX|EXPIRE l 50 LT|EXPIRE l 500 LT|PERSIST k
        PERSIST l|GETDEL k|GETEX l|GETEX l EX 10|GETEX l PERSIST|GETEX l EXAT 1|COPY k m|COPY k l
        COPY k l REPLACE|COPY k k DB 1|RENAME k l|RENAME k k|RENAMENX k m|MOVE k 1|FLUSHDB|FLUSHALL
        SWAPDB 0 1|SET k v KEEPTTL|TOUCH k|BITOP NOT m k|BITOP AND m no|MSET k 1 l 2 m 3|MSETNX k 1
        INCR l|INCRBYFLOAT l 0|BITFIELD k SET u8 0 97|BITFIELD k SET u8 0 97 SET u8 8 1
        BITFIELD k SET u8 0 1 GET u8 0 INCRBY u8 0 1|PFMERGE p|GET k""",
    ),
    "set": (
        ("SADD k a b c", "SADD l a x"),
        """SADD k a|SADD k a d e|SREM k a b|SREM k a b c|SREM k x|SPOP k|SPOP k 2|SPOP k 10|SPOP k 0
        SMOVE k l a|SMOVE k l b|SMOVE k n b|SMOVE k l x|SMOVE k k a|SINTERSTORE d k l
        SINTERSTORE l k no|SUNIONSTORE d k l|SDIFFSTORE d k k|SORT k ALPHA STORE d
        SORT no STORE l|SORT no STORE d|DEL k l""",
    ),
    "hash": (
        ("HSET k f 1 g 2 h 3",),
        """HSET k f 1|HSET k f 2 n 3|HSET k n 1 m 2|HDEL k f|HDEL k f g h|HDEL k x|HSETNX k f 1
        HSETNX k n 1|HINCRBY k f 0|HINCRBYFLOAT k f 1|HMSET k f 1 n 2""",
    ),
    "list": (
        ("RPUSH k a b c a", "RPUSH l z"),
        """LPUSH k x y|RPUSHX k x y|LPOP k|LPOP k 2|RPOP k 10|LPOP k 0|LSET k 0 x|LINSERT k BEFORE b x
        LINSERT k BEFORE zz x|LREM k 0 a|LREM k 1 a|LREM k 0 zz|LTRIM k 1 2|LTRIM k 0 -1|LTRIM k 5 1
        RPOPLPUSH k l|RPOPLPUSH l k|RPOPLPUSH k k|RPOPLPUSH no l|LMOVE k n LEFT RIGHT
        LMPOP 1 k LEFT COUNT 2|BLPOP l 0|BLMPOP 0 1 k LEFT COUNT 2|BLMOVE k l LEFT LEFT 0
        SORT k ALPHA STORE l""",
    ),
    "sorted set": (
        ("ZADD k 1 a 2 b 3 c", "SET s x"),
        """ZADD k 1 a|ZADD k 5 a 6 d|ZADD k NX 5 a 6 d|ZADD k XX 5 a 6 d|ZADD k GT 0 a|ZADD k INCR 1 a
        ZADD k INCR 0 a|ZINCRBY k 0 a|ZREM k a b|ZREM k a b c|ZREM k x|ZPOPMIN k|ZPOPMAX k 2
        ZPOPMIN k 10|ZPOPMIN k 0|ZMPOP 1 k MIN COUNT 2|BZPOPMIN k 0|BZMPOP 0 1 k MIN COUNT 2
        ZREMRANGEBYRANK k 0 1|ZREMRANGEBYSCORE k 0 10|ZREMRANGEBYSCORE k 10 20|ZREMRANGEBYLEX k - +
        ZUNIONSTORE d 1 k|ZUNIONSTORE s 1 k|ZINTERSTORE s 2 k no|ZDIFFSTORE d 2 k k
        ZRANGESTORE d k 0 1|ZRANGESTORE s k 10 20""",
    ),
    "places": (
        ("GEOADD k 1 1 a 2 2 b 3 3 c", "SET s x"),
        """GEOADD k 1 1 a|GEOADD k 2 1 a 4 4 d|GEOADD k NX 2 1 a
        GEOSEARCHSTORE d k FROMMEMBER a BYRADIUS 1000 km|GEORADIUS k 1 1 1000 km STORE d
        GEOSEARCHSTORE s k FROMLONLAT 80 80 BYRADIUS 1 m""",
    ),
    "hyperloglog": (
        ("PFADD k a b c",),
        "PFADD k a|PFADD k zz yy|PFCOUNT k|PFMERGE d k|PFMERGE k k|PFMERGE k|PFCOUNT k no",
    ),
    "stream": (
        STREAM,
        """XADD k 4-1 f d|XADD k MAXLEN 1 4-1 f d|XDEL k 1-1 2-1|XDEL k 1-1 2-1 3-1|XDEL k 9-9
        XTRIM k MAXLEN 1|XTRIM k MAXLEN 0|XTRIM k MAXLEN 10|XSETID k 9-9|XGROUP CREATE k h 0
        XGROUP SETID k g 3-1|XGROUP DESTROY k g|XGROUP DESTROY k x|XGROUP CREATECONSUMER k g c
        XGROUP DELCONSUMER k g c|XREADGROUP GROUP g c STREAMS k >
        XREADGROUP GROUP g c COUNT 1 STREAMS k >|XREADGROUP GROUP g c NOACK STREAMS k >
        XREADGROUP GROUP g c STREAMS k 0|XREAD STREAMS k 0|XACK k g 1-1|XCLAIM k g c 0 1-1
        XCLAIM k g c 0 1-1 FORCE|XAUTOCLAIM k g c 0 0""",
    ),
    "pending entries": (
        READ,
        """XACK k g 1-1 2-1 9-9|XACK k g 9-9|XCLAIM k g d 0 1-1 2-1|XCLAIM k g c 0 1-1 JUSTID
        XCLAIM k g d 999999 1-1|XAUTOCLAIM k g d 0 0|XAUTOCLAIM k g d 0 0 COUNT 1
        XAUTOCLAIM k g d 999999 0|XGROUP DELCONSUMER k g c|XREADGROUP GROUP g c STREAMS k 0
        XREADGROUP GROUP g c STREAMS k >|XREADGROUP GROUP g new STREAMS k >""",
    ),
    "pending entries that are deleted": (
        (*READ, "XDEL k 1-1"),
        "XCLAIM k g d 0 1-1|XCLAIM k g d 0 1-1 2-1|XAUTOCLAIM k g d 0 0|XAUTOCLAIM k g c 0 0",
    ),
}


def _words(command):
    return [b"" if word == "''" else word for word in command.split()]


def _changes(client):
    return int(parse_info(client.ok("INFO", "persistence"))["rdb_changes_since_last_save"])


def _count(client, before, command):
    client.ok("FLUSHALL")
    for step in before:
        client.ok(*_words(step))
    start = _changes(client)
    failed = isinstance(client.cmd(*_words(command)), Error)
    return _changes(client) - start, failed


@pytest.fixture(scope="module")
def reference():
    with Server(oracle_binary()) as server, server.client() as client:
        yield client


@pytest.mark.mantis_only
@pytest.mark.parametrize("what", CASES)
def test_changes_are_counted_as_redis_does(client, reference, what):
    before, commands = CASES[what]
    differ = {}
    for command in commands.replace("\n", "|").split("|"):
        mine, theirs = (_count(c, before, command) for c in (client, reference))
        if mine != theirs:
            differ[command.strip()] = (mine, theirs)
    assert not differ


@pytest.mark.mantis_only
def test_what_expires_is_no_change(client):
    client.ok("SET", "k", "v", "PX", 1)
    client.ok("HSET", "h", "f", 1, "g", 2)
    client.ok("HPEXPIRE", "h", 1, "FIELDS", 1, "f")
    start = _changes(client)
    while client.ok("DBSIZE") == 2 or client.ok("HLEN", "h") == 2:
        pass
    assert _changes(client) == start


def test_save_points_go_by_elements(launch, tmp_path):
    server = launch(directory=tmp_path, save="1 50")
    with server.client() as client:
        client.ok("SADD", "s", *range(100))
    wait_until(
        lambda: server.info("persistence")["rdb_changes_since_last_save"] == "0", 20, "a snapshot"
    )
