"""Times near the ends of 64 bits: whatever is added to a clock is refused where the sum overflows."""

import time

import pytest

from support.rdb import sealed
from support.resp import Error, encode

MAX = 2**63 - 1
NOW_MS = int(time.time() * 1000)
# Around the overflow of the sum with now, of seconds to milliseconds, of the number itself.
EXTREMES = [
    *(MAX, MAX - 1, MAX - NOW_MS + 10**9, MAX - NOW_MS - 10**9, MAX + 1),
    *(MAX // 1000, MAX // 1000 + 1, MAX // 1000 - NOW_MS // 1000 - 10**6),
    *(-MAX - 1, -MAX, -MAX // 1000, -MAX // 1000 - 2, 2**62, 2**48, 2**46, 0, -1),
]
PAYLOAD = sealed(b"\x00\x03bar")
COMMANDS = [
    *[
        (name, "k", "{}", *condition)
        for name in ("EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT")
        for condition in ((), ("NX",), ("XX",), ("GT",), ("LT",))
    ],
    *[("SET", "k", "v", word, "{}") for word in ("EX", "PX", "EXAT", "PXAT")],
    *[("GETEX", "k", word, "{}") for word in ("EX", "PX", "EXAT", "PXAT")],
    ("SETEX", "k", "{}", "v"),
    ("PSETEX", "k", "{}", "v"),
    ("RESTORE", "r", "{}", PAYLOAD, "ABSTTL"),
    ("XCLAIM", "x", "g", "d", 0, "1-1", "IDLE", "{}", "JUSTID"),
    ("XCLAIM", "x", "g", "d", 0, "1-1", "TIME", "{}", "JUSTID"),
    ("XCLAIM", "x", "g", "d", "{}", "1-1", "JUSTID"),
    ("XAUTOCLAIM", "x", "g", "d", "{}", "0", "JUSTID"),
    ("XPENDING", "x", "g", "IDLE", "{}", "2-0", "+", "10"),
]


def _call(client, *command):
    client.send(encode(command))
    return client.read()


def _outcome(client, command):
    client.ok("FLUSHALL")
    client.ok("SET", "k", "v")
    client.ok("XADD", "x", "1-1", "a", "b")
    client.ok("XGROUP", "CREATE", "x", "g", "0")
    client.ok("XREADGROUP", "GROUP", "g", "c", "STREAMS", "x", ">")
    reply = _call(client, *command)
    left = client.ok("PTTL", "k")
    # Two clocks, and "for ever" is one millisecond less here.
    return reply, client.ok("EXISTS", "k", "r"), left // 10**6 if left > 10**6 else left


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: "-".join(str(a) for a in c[:5:2]))
def test_as_redis(subject, oracle, command):
    with subject.client() as ours, oracle.client() as theirs:
        for extreme in EXTREMES:
            filled = tuple(str(extreme) if word == "{}" else word for word in command)
            assert _outcome(ours, filled) == _outcome(theirs, filled), filled


WAITS = [
    ("CLIENT", "PAUSE", "{}"),
    ("CLIENT", "PAUSE", "{}", "WRITE"),
    ("XREAD", "BLOCK", "{}", "STREAMS", "none", "$"),
    ("BLPOP", "none", "{}"),
    ("BRPOP", "none", "{}"),
    ("BLMOVE", "none", "k", "LEFT", "LEFT", "{}"),
    ("BRPOPLPUSH", "none", "k", "{}"),
    ("BLMPOP", "{}", 1, "none", "LEFT"),
    ("BZPOPMIN", "none", "{}"),
    ("BZPOPMAX", "none", "{}"),
    ("BZMPOP", "{}", 1, "none", "MIN"),
]


# As Redis does by now; 7.0 lets some of them wrap around.
@pytest.mark.mantis_only
@pytest.mark.parametrize("command", WAITS, ids=lambda c: "-".join(str(a) for a in c[:2]))
def test_waits_beyond_the_clock(client, command):
    seconds = command[0].startswith("B")
    for timeout in (MAX, MAX - 1, MAX - NOW_MS + 10**9):
        shown = timeout // 1000 + 1 if seconds else timeout
        filled = tuple(str(shown) if word == "{}" else word for word in command)
        assert _call(client, *filled) == Error(b"ERR timeout is out of range"), filled
