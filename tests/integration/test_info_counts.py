"""What INFO and the slow log count, command by command, beside redis-server."""

import time

import pytest

from support.resp import Error, Verbatim, encode
from support.server import parse_info

DATA = (
    "SET s hello",
    "SET n 10",
    "SETEX ttl 1000 v",
    "RPUSH l a b c d",
    "HSET h f 1 g 2",
    "SADD set a b c",
    "SADD set2 b c d",
    "ZADD z 1 a 2 b 3 c",
    "GEOADD geo 13 38 p 15 37 c",
    "PFADD hll a b c",
    "XADD x 1-0 a b",
    "XGROUP CREATE x g 0",
)

# Commands on keys that exist, are absent ("no") and hold another type.
LOOK_UPS = """
GET s|GET no|GET l|GETEX s EX 100|GETEX no PERSIST|GETDEL s|GETDEL no|GETSET s x|GETSET no x
SET s v GET|SET no v GET|SET s v|SETNX s v|SET s v XX|MGET s no l|APPEND s x|STRLEN s|STRLEN l
GETRANGE s 0 1|SETRANGE s 1 x|INCR n|INCR no|GETBIT s 1|SETBIT s 1 1|BITCOUNT no|BITOP NOT d no
LCS s n|LCS no s|EXISTS s no s|TYPE s|TYPE no|TTL ttl|TTL no|PERSIST ttl|EXPIRE s 100|TOUCH s no
DEL s no|RENAME s d|COPY s d|DUMP s|OBJECT ENCODING s|OBJECT ENCODING no|SORT l ALPHA|SORT no
LLEN l|LLEN s|LRANGE no 0 -1|LINDEX l 0|LPOS l a|LPUSH l x|LPOP l|LSET l 0 x|LREM l 0 a
LMOVE l d LEFT LEFT|LMPOP 2 no l LEFT|BLPOP no l 1|HGET h f|HGET h no|HGET no f|HGET s f
HMGET h f no|HGETALL h|HSET h f 2|HDEL h f|HINCRBY h f 1|HRANDFIELD h|HSCAN h 0
SADD set x|SREM set a|SISMEMBER set a|SISMEMBER s x|SMISMEMBER no a|SMEMBERS set|SPOP set
SINTER set set2|SINTER set no|SUNIONSTORE d set no|SINTERCARD 2 set no|SSCAN no 0
ZADD z 1 x|ZSCORE z no|ZSCORE no a|ZCARD s|ZRANGE z 0 -1|ZRANGESTORE d no 0 -1|ZPOPMIN z
ZUNION 2 z no|ZINTERSTORE d 2 z no|ZRANDMEMBER z|GEOPOS no p|GEODIST geo p c
GEOSEARCH geo FROMMEMBER p BYRADIUS 500 km|PFADD hll z|PFCOUNT hll no|PFMERGE d hll
XADD x * a b|XLEN x|XLEN s|XRANGE no - +|XPENDING x g|XINFO STREAM x|XACK x g 1-0|XACK no g 1-0
XCLAIM x g c 0 1-0|XAUTOCLAIM x g c 0 0|XDEL x 1-0|XTRIM x MAXLEN 0|WATCH s no|MEMORY USAGE s
"""


def stats(client):
    reply = client.ok("INFO", "stats")
    return parse_info(reply.text if isinstance(reply, Verbatim) else reply)


def look_ups(client, command):
    client.ok("UNWATCH")
    client.ok("FLUSHALL")
    for step in DATA:
        client.ok(*step.split())
    before = stats(client)
    client.cmd(*command.split())
    after = stats(client)
    return tuple(
        int(after[name]) - int(before[name]) for name in ("keyspace_hits", "keyspace_misses")
    )


def test_look_ups_count_as_in_redis(subject, oracle):
    commands = LOOK_UPS.strip().replace("\n", "|").split("|")
    with subject.client() as ours, oracle.client() as theirs:
        different = {}
        for command in commands:
            got, wanted = look_ups(ours, command), look_ups(theirs, command)
            if got != wanted:
                different[command] = (got, wanted)
    assert not different


def test_a_stream_that_is_read_counts_once(subject):
    """Redis looks each stream up twice, and counts both."""
    with subject.client() as client:
        assert look_ups(client, "XREAD STREAMS x no 0 0") == (1, 1)
        assert look_ups(client, "XREADGROUP GROUP g c STREAMS x >") == (1, 0)


def test_average_ttl(subject, oracle):
    for server in (subject, oracle):
        with server.client() as client:
            client.ok("FLUSHALL")
            client.ok("SET", "a", 1, "EX", 100)
            client.ok("SET", "b", 1, "EX", 200)
            client.ok("SET", "c", 1)
            time.sleep(0.5)  # redis-server samples in its timer
            row = server.info("keyspace")["db0"]
            assert row.startswith("keys=3,expires=2,avg_ttl=")
            assert 140_000 < int(row.rpartition("=")[2]) <= 150_000


def test_average_ttl_follows_every_change(launch):
    server = launch()

    def average():
        row = server.info("keyspace").get("db0", "avg_ttl=0")
        return round(int(row.rpartition("=")[2]) / 1000)

    with server.client() as client:
        client.ok("SET", "a", 1, "EX", 1000)
        assert average() in (999, 1000)
        client.ok("EXPIRE", "a", 3000)
        assert average() in (2999, 3000)
        client.ok("SET", "b", 1, "EX", 1000)
        client.ok("RENAME", "a", "c")
        client.ok("COPY", "c", "d")
        assert average() in range(2330, 2335)
        client.ok("PERSIST", "c")
        client.ok("SET", "d", 1, "KEEPTTL")
        assert average() in (1999, 2000)
        client.ok("DEL", "d")
        assert average() in (999, 1000)
        client.ok("SET", "b", 2)
        client.ok("SET", "far", 1, "PXAT", 2**53)
        assert average() > 86400 * 366
        client.ok("FLUSHALL")
        assert average() == 0


def blpop_row(server):
    return dict(
        pair.split("=") for pair in server.info("commandstats")["cmdstat_blpop"].split(",")
    )


def test_a_command_that_waited_is_recorded_when_it_is_served(subject, oracle):
    for server in (subject, oracle):
        with server.client() as client, server.client() as waiter:
            client.ok("FLUSHALL")
            client.ok("CONFIG", "SET", "slowlog-log-slower-than", 0)
            client.ok("CONFIG", "RESETSTAT")
            client.ok("SLOWLOG", "RESET")
            try:
                waiter.send(encode(("BLPOP", "q", 0)))
                while server.info("clients")["blocked_clients"] == "0":
                    time.sleep(0.01)
                assert blpop_row(server)["calls"] == "1"
                assert "latency_percentiles_usec_blpop" not in server.info("latencystats")
                slow = [item[3][0] for item in client.ok("SLOWLOG", "GET", -1) if item[3]]
                assert b"BLPOP" not in slow
                client.ok("RPUSH", "q", "x")
                assert waiter.read() == [b"q", b"x"]
                assert blpop_row(server)["calls"] == "1"
                assert "latency_percentiles_usec_blpop" in server.info("latencystats")
                slow = [item[3][0] for item in client.ok("SLOWLOG", "GET", -1) if item[3]]
                assert slow.count(b"BLPOP") == 1
            finally:
                client.ok("CONFIG", "SET", "slowlog-log-slower-than", 10000)


def test_resetstat_empties_histograms_and_counts_itself(subject, oracle):
    for server in (subject, oracle):
        with server.client() as client:
            for _ in range(10):
                client.ok("PING")
            client.ok("CONFIG", "RESETSTAT")
            info = server.info("everything")
            assert "cmdstat_ping" not in info
            assert "latency_percentiles_usec_ping" not in info
            assert info["cmdstat_config|resetstat"].startswith("calls=1,usec=")
            assert "usec=0," not in info["cmdstat_config|resetstat"]
            assert "latency_percentiles_usec_config|resetstat" in info


@pytest.mark.mantis_only
def test_failed_logins_are_counted(launch):
    server = launch("--requirepass", "secret")
    server.password = "secret"
    with server.client() as client:
        before = int(stats(client)["acl_access_denied_auth"])
        assert isinstance(client.cmd("AUTH", "wrong"), Error)
        assert isinstance(client.cmd("AUTH", "nobody", "secret"), Error)
        assert isinstance(client.cmd("HELLO", 3, "AUTH", "default", "wrong"), Error)
        client.ok("AUTH", "secret")
        assert int(stats(client)["acl_access_denied_auth"]) - before == 3
