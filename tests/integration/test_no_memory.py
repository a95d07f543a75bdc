"""Memory that the system does not give: the command fails, and nothing else.

The server runs under ulimit -v. Sanitizers need the address space for themselves, so builds with
one have a bound on large blocks of their own instead, MANTIS_TEST_MEMORY_LIMIT.
"""

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import Error, Simple
from support.server import Server, subject_binary

pytestmark = pytest.mark.mantis_only

MIB = 1024 * 1024
# What the empty server maps, a value of VALUE, and its copy once, but not twice.
VALUE = 100 * MIB
ROOM = 256 * MIB


def is_sanitized():
    with open(subject_binary(), "rb") as binary:
        data = binary.read()
    return b"__asan_init" in data or b"__tsan_init" in data


def mapped(server):
    for line in open(f"/proc/{server.process.pid}/status"):
        if line.startswith("VmSize:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmSize")


def limited(*flags, room=ROOM):
    """A server that can have `room` bytes more than it has when it is empty."""
    flags = ("--threads", "2", "--enable-debug-command", "yes", *flags)
    if is_sanitized():
        limit = {"MANTIS_TEST_MEMORY_LIMIT": str(room)}
        return Server(subject_binary(), *flags, environment=limit)
    with Server(subject_binary(), *flags) as probe:
        with probe.client() as client:
            client.ok("SET", "key", "value")
        idle = mapped(probe)
    return Server(subject_binary(), *flags, address_space=idle + room)


def is_oom(reply):
    return isinstance(reply, Error) and reply.text.startswith(b"OOM ")


@pytest.fixture(scope="module")
def server():
    with limited() as running:
        with running.client(timeout=60) as c:
            c.cmd("SETRANGE", "string", VALUE - 1, "x")
            c.ok("MSET", "small", "1", "other", "2")
            c.cmd("RPUSH", "list", "a", "b", b"e" * (8 * MIB), "c")
            c.cmd("RPUSH", "picks", "g", "g", "g", "g")
            c.cmd("SADD", "set", "a", b"m" * (8 * MIB))
            c.cmd("HSET", "hash", "a", "1", "b", b"v" * (8 * MIB))
            c.cmd("ZADD", "zset", 1, "a", 2, b"z" * (8 * MIB))
            c.cmd("XADD", "stream", "1-1", "f", "v")
        yield running


SMALL_KEYS = ("small", "other", "picks", "list", "set", "hash", "zset", "stream", "new")


def content(c):
    """What all keys hold. A digest of the long string would take seconds."""
    string = [c.cmd("STRLEN", "string"), c.cmd("BITCOUNT", "string"), c.cmd("GETBIT", "string", 7)]
    return string + c.cmd("DEBUG", "DIGEST-VALUE", *SMALL_KEYS)


@pytest.fixture
def client(server):
    """The values are what they were, and every key can be changed: no lock is left."""
    with server.client(timeout=60) as c:
        before = content(c)
        yield c
    assert server.running(), server.log_tail()
    with server.client(timeout=60) as c:
        c.cmd("DEL", "new")
        assert content(c) == before
        for key in ("string", *SMALL_KEYS):
            assert c.cmd("PEXPIRE", key, 10**9) == (0 if key == "new" else 1)
            c.cmd("PERSIST", key)


HUGE = 400 * MIB
COMMANDS = {
    "setrange new": ("SETRANGE", "new", HUGE, "x"),
    "setrange": ("SETRANGE", "string", HUGE, "x"),
    "setrange of a small one": ("SETRANGE", "small", HUGE, "x"),
    "setbit": ("SETBIT", "string", 8 * HUGE, 1),
    "setbit of a small one": ("SETBIT", "small", 8 * HUGE, 1),
    "bitfield": ("BITFIELD", "string", "SET", "u8", 8 * HUGE, 1),
}
# Each needs as much as the value has, or twice that, with which the room is full.
WITH_BALLAST = {
    "getrange": ("GETRANGE", "string", 0, -1),
    "append": ("APPEND", "string", b"t" * (4 * MIB)),
    "bitop": ("BITOP", "NOT", "new", "string"),
    "bitop over itself": ("BITOP", "NOT", "string", "string"),
    "copy": ("COPY", "string", "new"),
    "dump": ("DUMP", "string"),
    "sort store": ("SORT", "picks", "BY", "nosort", "GET", "strin*", "STORE", "new"),
    "sort": ("SORT", "picks", "BY", "nosort", "GET", "strin*"),
    "mget": ("MGET", "string", "small", "string"),
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_value_that_there_is_no_memory_for(client, name):
    assert is_oom(client.cmd(*COMMANDS[name]))
    assert client.cmd("PING") == Simple(b"PONG")


@pytest.fixture(scope="module")
def ballast(server):
    """Takes what is left, but for some."""
    with server.client(timeout=60) as c:
        step = 16 * MIB
        number = 0
        while not isinstance(c.cmd("SETRANGE", f"ballast:{number}", step - 1, "x"), Error):
            number += 1
        c.cmd("DEL", f"ballast:{number - 1}")
        yield
        c.cmd("DEL", *[f"ballast:{i}" for i in range(number)])


@pytest.mark.parametrize("name", WITH_BALLAST)
def test_a_copy_that_there_is_no_memory_for(ballast, client, name):
    assert is_oom(client.cmd(*WITH_BALLAST[name]))
    assert client.cmd("PING") == Simple(b"PONG")


def test_a_transaction_goes_on_behind_the_command_that_failed(client):
    client.ok("MULTI")
    for command in (
        ("INCR", "new"),
        ("SETRANGE", "other", HUGE, "x"),
        ("INCR", "new"),
        ("GET", "other"),
    ):
        assert client.cmd(*command) == Simple(b"QUEUED")
    first, failed, second, value = client.cmd("EXEC")
    assert (first, second, value) == (1, 2, b"2")
    assert is_oom(failed)


def test_arguments_that_there_is_no_memory_for(server, client):
    """What is received has no place, so the connection ends, after the error if it arrives."""
    with RawClient(server.address, timeout=60) as big:
        size = 320 * MIB
        piece = b"x" * MIB
        try:
            big.send(b"*3\r\n$3\r\nSET\r\n$3\r\nnew\r\n$%d\r\n" % size)
            for _ in range(size // MIB):
                big.send(piece)
            big.send(b"\r\n")
        except OSError:
            pass
        try:
            assert is_oom(big.read())
        except (ClosedByServer, OSError):
            pass
    assert client.cmd("EXISTS", "new") == 0


def test_a_command_that_is_not_queued_undoes_its_transaction(ballast, server, client):
    with server.client(timeout=60) as other:
        other.ok("MULTI")
        assert other.cmd("SET", "new", "1") == Simple(b"QUEUED")
        replies = []
        for _ in range(64):
            replies.append(other.cmd("RPUSH", "new", b"x" * (4 * MIB)))
            if isinstance(replies[-1], Error):
                break
        assert is_oom(replies[-1])
        assert other.cmd("EXEC").text.startswith(b"EXECABORT")
    assert client.cmd("EXISTS", "new") == 0
