"""Every command the server offers has a case, and every promised command is offered."""

import pytest

from cases import all_cases
from support.case import touched_commands
from support.resp import Set

# What the first release promises (containers by their subcommands).
PROMISED = (
    "GET SET SETNX SETEX PSETEX GETSET GETDEL GETEX MGET MSET MSETNX APPEND STRLEN INCR DECR INCRBY DECRBY "
    "INCRBYFLOAT SETRANGE GETRANGE SUBSTR LCS DEL UNLINK EXISTS TYPE TOUCH EXPIRE PEXPIRE EXPIREAT PEXPIREAT TTL "
    "PTTL EXPIRETIME PEXPIRETIME PERSIST KEYS SCAN RANDOMKEY RENAME RENAMENX COPY MOVE OBJECT|ENCODING "
    "OBJECT|FREQ OBJECT|IDLETIME OBJECT|REFCOUNT OBJECT|HELP MEMORY|USAGE MEMORY|STATS MEMORY|DOCTOR MEMORY|PURGE "
    "PING ECHO QUIT RESET HELLO AUTH SELECT SWAPDB DBSIZE FLUSHDB FLUSHALL INFO CONFIG|GET CONFIG|SET "
    "CONFIG|REWRITE CONFIG|RESETSTAT COMMAND COMMAND|COUNT COMMAND|INFO COMMAND|DOCS COMMAND|LIST COMMAND|GETKEYS "
    "COMMAND|GETKEYSANDFLAGS CLIENT|ID CLIENT|INFO CLIENT|LIST CLIENT|KILL CLIENT|SETNAME CLIENT|GETNAME "
    "CLIENT|SETINFO CLIENT|NO-EVICT CLIENT|NO-TOUCH CLIENT|PAUSE CLIENT|UNPAUSE CLIENT|REPLY CLIENT|UNBLOCK "
    "SLOWLOG|GET SLOWLOG|LEN SLOWLOG|RESET LATENCY|LATEST LATENCY|HISTORY LATENCY|RESET LATENCY|HISTOGRAM "
    "LATENCY|DOCTOR LATENCY|GRAPH MONITOR TIME ROLE DEBUG LOLWUT SHUTDOWN WAIT"
).split()
TYPES = (
    "LPUSH RPUSH LPUSHX RPUSHX LPOP RPOP LLEN LRANGE LINDEX LSET LINSERT LREM LTRIM LPOS LMOVE RPOPLPUSH LMPOP "
    "HSET HMSET HGET HMGET HGETALL HKEYS HVALS HLEN HEXISTS HDEL HINCRBY HINCRBYFLOAT HSETNX HSTRLEN HRANDFIELD "
    "HSCAN SADD SREM SMEMBERS SISMEMBER SMISMEMBER SCARD SPOP SRANDMEMBER SMOVE SINTER SINTERCARD SINTERSTORE "
    "SUNION SUNIONSTORE SDIFF SDIFFSTORE SSCAN ZADD ZINCRBY ZREM ZCARD ZSCORE ZMSCORE ZRANK ZREVRANK ZRANGE "
    "ZRANGEBYSCORE ZRANGEBYLEX ZREVRANGE ZREVRANGEBYSCORE ZREVRANGEBYLEX ZRANGESTORE ZCOUNT ZLEXCOUNT "
    "ZREMRANGEBYRANK ZREMRANGEBYSCORE ZREMRANGEBYLEX ZPOPMIN ZPOPMAX ZMPOP ZRANDMEMBER ZUNION ZINTER ZDIFF "
    "ZUNIONSTORE ZINTERSTORE ZDIFFSTORE ZINTERCARD ZSCAN SETBIT GETBIT BITCOUNT BITPOS BITOP BITFIELD BITFIELD_RO "
    "PFADD PFCOUNT PFMERGE PFDEBUG GEOADD GEOPOS GEODIST GEOHASH GEOSEARCH GEOSEARCHSTORE GEORADIUS "
    "GEORADIUSBYMEMBER GEORADIUS_RO GEORADIUSBYMEMBER_RO XADD XLEN XRANGE XREVRANGE XREAD XDEL XTRIM XSETID "
    "XINFO|STREAM XINFO|GROUPS XINFO|CONSUMERS XGROUP|CREATE XGROUP|SETID XGROUP|DESTROY XGROUP|CREATECONSUMER "
    "XGROUP|DELCONSUMER XREADGROUP XACK XCLAIM XAUTOCLAIM XPENDING SORT SORT_RO DUMP RESTORE BLPOP BRPOP BLMOVE "
    "BRPOPLPUSH BLMPOP BZPOPMIN BZPOPMAX BZMPOP MULTI EXEC DISCARD WATCH UNWATCH"
).split()
# Younger than the Redis that answers beside ours.
FIELD_EXPIRY = "HEXPIRE HPEXPIRE HEXPIREAT HPEXPIREAT HTTL HPTTL HEXPIRETIME HPEXPIRETIME HPERSIST".split()
ORDERED = "KRANGE KCOUNT KDEL KSCAN".split()


def offered(subject):
    """Commands and subcommands by the server's own account, as 'GET' and 'CLIENT|ID'."""
    with subject.client() as client:
        listed = client.ok("COMMAND", "LIST")
        names = {n.decode().upper() for n in (listed.items if isinstance(listed, Set) else listed)}
        for row in client.ok("COMMAND"):
            names.add(row[0].decode().upper())
            names.update(sub[0].decode().upper() for sub in row[9])
    return names


def _containers(names):
    return {name.split("|")[0] for name in names if "|" in name}


@pytest.mark.mantis_only
def test_every_offered_command_has_a_case(subject):
    names = offered(subject)
    cases = all_cases()
    touched = touched_commands([c for listed in cases.values() for c in listed], _containers(names))
    missing = sorted(names - (touched & set(cases)))
    assert not missing, f"commands without a case in tests/integration/cases: {', '.join(missing)}"


@pytest.mark.parametrize("name", sorted(all_cases()))
def test_cases_are_filed_under_a_command_they_send(name):
    if name == "UNKNOWN":
        return
    for one in all_cases()[name]:
        assert name in touched_commands(
            [one], {name.split("|")[0]}
        ), f"{one.name!r} never sends {name}"


def test_promised_commands_are_offered(subject, mantis):
    wanted = (
        PROMISED + TYPES + FIELD_EXPIRY + ORDERED
        if mantis
        else [n for n in PROMISED + TYPES if n not in ("CLIENT|SETINFO", "CLIENT|NO-TOUCH")]
    )
    assert not sorted(set(wanted) - offered(subject))


def test_promised_commands_have_cases():
    assert not sorted(set(PROMISED + TYPES + FIELD_EXPIRY + ORDERED) - set(all_cases()))
