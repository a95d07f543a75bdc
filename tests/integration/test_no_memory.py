"""Memory that the system does not give: the command fails, and nothing else.

The server runs under ulimit -v. Sanitizers need the address space for themselves, so builds with
one have a bound on large blocks of their own instead, MANTIS_TEST_MEMORY_LIMIT.
"""

import random
import threading
import time

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import Error, Simple
from support.server import Server, subject_binary, wait_until
from support.stress import stress_seconds, test_seed

pytestmark = pytest.mark.mantis_only

MIB = 1024 * 1024
# What the empty server maps, a value of VALUE, and its copy once, but not twice.
VALUE = 100 * MIB
ELEMENT = 40 * MIB
ROOM = 320 * MIB


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
            c.cmd("RPUSH", "list", "a", b"e" * ELEMENT)
            c.cmd("SADD", "set", "a", b"m" * (8 * MIB))
            c.cmd("SETRANGE", "string", VALUE - 1, "x")
            c.ok("MSET", "small", "1", "other", "2")
            c.cmd("RPUSH", "picks", "g", "g", "g", "g")
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
    "lrange": ("LRANGE", "list", 0, -1),
    "lmove": ("LMOVE", "list", "new", "RIGHT", "LEFT"),
    "rotation": ("RPOPLPUSH", "list", "list"),
    "rpop": ("RPOP", "list"),
    "rpop with a count": ("RPOP", "list", 2),
    "lmpop": ("LMPOP", 1, "list", "RIGHT", "COUNT", 2),
    "copy of a list": ("COPY", "list", "new"),
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
    """Its arguments may not even be received, which ends the connection, and so the transaction."""
    with server.client(timeout=60) as other:
        other.ok("MULTI")
        assert other.cmd("SET", "new", "1") == Simple(b"QUEUED")
        reply = Simple(b"QUEUED")
        try:
            while not isinstance(reply, Error):
                reply = other.cmd("RPUSH", "new", b"x" * (4 * MIB))
            assert is_oom(reply)
            assert other.cmd("EXEC").text.startswith(b"EXECABORT")
        except (ClosedByServer, OSError):
            pass
    assert client.cmd("EXISTS", "new") == 0


def test_input_until_there_is_no_memory(server):
    """Small values: nothing is large enough to fail by itself, so the reserve is spent for them."""
    if is_sanitized():
        pytest.skip("only large blocks fail where a sanitizer needs the address space")
    with limited() as filled, filled.client(timeout=60) as c:
        value = b"v" * 10000
        refused = None
        for begin in range(0, 100_000, 100):
            replies = c.pipeline([("SET", f"key:{i}", value) for i in range(begin, begin + 100)])
            refused = next((r for r in replies if isinstance(r, Error)), None)
            if refused:
                break
        assert is_oom(refused)
        assert c.cmd("GET", "key:1") == value
        assert c.cmd("PING") == Simple(b"PONG")
        c.ok("FLUSHALL")
        wait_until(lambda: c.cmd("SET", "key", value) == Simple(b"OK"), 30, "SET is accepted again")
        assert filled.running(), filled.log_tail()


def any_command(draw):
    """Of all kinds, with values of which a few fill the room."""

    def large():
        return b"x" * draw.randrange(1, 20 * MIB)

    key, other = (f"k{draw.randrange(6)}" for _ in range(2))
    one, two = (f"l{draw.randrange(3)}" for _ in range(2))
    makers = [
        lambda: ("SETRANGE", key, draw.randrange(80 * MIB), "x"),
        lambda: ("SET", key, large()),
        lambda: ("APPEND", key, large()),
        lambda: ("MSET", key, large(), other, large()),
        lambda: ("RPUSH", one, large(), "a", large()),
        lambda: ("HSET", "h", "a", large(), "b", large()),
        lambda: ("SADD", "s", large()),
        lambda: ("XADD", "x", "*", "f", large()),
        *(
            lambda command=command: command
            for command in (
                ("GET", key),
                ("GETDEL", key),
                ("MGET", key, other),
                ("BITOP", "NOT", key, other),
                ("COPY", key, other, "REPLACE"),
                ("DUMP", key),
                ("LRANGE", one, 0, -1),
                ("LMOVE", one, two, "LEFT", "RIGHT"),
                ("LPOP", one, 3),
                ("HGETALL", "h"),
                ("SPOP", "s", 5),
                ("XRANGE", "x", "-", "+"),
                ("XTRIM", "x", "MAXLEN", 2),
                ("DEL", key, one, "h"),
                ("SET", f"small{draw.randrange(1000)}", b"v" * 1000),
                ("SAVE",),
                ("BGSAVE",),
            )
        ),
    ]
    return draw.choice(makers)()


@pytest.mark.stress
def test_many_clients_that_there_is_not_memory_enough_for():
    seed = test_seed()
    deadline = time.monotonic() + stress_seconds(3)
    with limited() as crowded:

        def run(number):
            draw = random.Random(seed + number)
            c = None
            while time.monotonic() < deadline and crowded.running():
                try:
                    c = c or crowded.client(timeout=60)
                    c.cmd(*any_command(draw))
                except (ClosedByServer, OSError):
                    c = None  # its arguments had no place
            if c is not None:
                c.close()

        threads = [threading.Thread(target=run, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert crowded.running(), crowded.log_tail()
        with crowded.client(timeout=60) as c:
            c.ok("FLUSHALL")
            wait_until(lambda: c.cmd("SET", "h", 1) == Simple(b"OK"), 30, "SET is accepted again")
            for key in [f"k{i}" for i in range(6)] + ["l0", "l1", "l2", "s", "x"]:
                c.ok("SET", key, 1)


def test_a_snapshot_that_there_is_no_memory_for(ballast, server, client):
    """It fails, or is written, as it happens to need; the server goes on."""
    reply = client.cmd("SAVE")
    assert reply == Simple(b"OK") or b"no memory" in reply.text
    client.cmd("BGSAVE")
    wait_until(
        lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0", 30, "the save ends"
    )


class TestReplies:
    """One command's reply, and a transaction's, against the limits of output."""

    LIMIT = 2 * MIB
    MEMBERS = 20_000

    @pytest.fixture(scope="class")
    def limits(self):
        flags = ("--client-output-buffer-limit", f"normal {self.LIMIT} 0 0")
        with Server(subject_binary(), "--threads", "2", *flags) as running:
            with running.client() as c:
                for begin in range(0, self.MEMBERS, 1000):
                    c.cmd("SADD", "set", *[b"m%09d" % i for i in range(begin, begin + 1000)])
                c.ok("SET", "value", b"v" * 10000)
                c.cmd("SADD", "few", *[b"m%09d" % i for i in range(1000)])
            yield running

    @staticmethod
    def closed_for_output(server, run, timeout=20):
        before = int(server.info("stats")["client_output_buffer_limit_disconnections"])
        with RawClient(server.address, timeout=timeout) as c:
            with pytest.raises((ClosedByServer, OSError)):
                run(c)
        wait_until(
            lambda: int(server.info("stats")["client_output_buffer_limit_disconnections"])
            == before + 1,
            10,
            "the client is counted as closed for its output",
        )

    @pytest.mark.parametrize("key, count", [("set", 400), ("few", 4000)])
    def test_a_transaction_that_answers_too_much_is_executed_all_the_same(self, limits, key, count):
        with limits.client() as other:
            other.ok("SET", "counter", "0")

            def run(c):
                c.ok("MULTI")
                commands = [("INCR", "counter"), *[("SMEMBERS", key)] * count, ("INCR", "counter")]
                c.pipeline(commands)
                c.cmd("EXEC")

            self.closed_for_output(limits, run)
            assert other.cmd("GET", "counter") == b"2"
            assert other.cmd("SADD", key, "m000000000") in (0, 1)
        peak = int(limits.info("memory")["used_memory_peak"])
        assert peak < 64 * MIB

    def test_one_command(self, limits):
        with limits.client() as other:
            for begin in range(0, 200_000, 1000):
                other.cmd("RPUSH", "long", *[b"e%019d" % i for i in range(begin, begin + 1000)])
        self.closed_for_output(limits, lambda c: c.cmd("LRANGE", "long", 0, -1))
        self.closed_for_output(limits, lambda c: c.cmd("SORT", "long", "ALPHA"))
        with limits.client() as other:
            assert other.cmd("LLEN", "long") == 200_000
            other.cmd("DEL", "long")

    def test_keys(self, limits):
        with limits.client() as other:
            for begin in range(0, 200_000, 1000):
                other.cmd("MSET", *[x for i in range(begin, begin + 1000) for x in (f"k{i:019}", 1)])
        self.closed_for_output(limits, lambda c: c.cmd("KEYS", "k*"))
        with limits.client() as other:
            assert other.cmd("KDEL", "[k0", "[l") == 200_000

    def test_a_client_that_pipelines_commands_of_a_worker(self, limits):
        def run(c):
            c.send(b"SMEMBERS set\r\n" * 3000)
            c.sock.settimeout(20)
            # Reads nothing until it is closed.
            wait_until(lambda: len(limits.info("clients")) and not self.connected(limits, c), 20, "it is closed")
            raise ClosedByServer

        self.closed_for_output(limits, run)

    @staticmethod
    def connected(server, c):
        name = b"addr=127.0.0.1:%d " % c.sock.getsockname()[1]
        with server.client() as other:
            return name in other.cmd("CLIENT", "LIST")

    def test_client_list(self, limits):
        idle = [RawClient(limits.address, timeout=10) for _ in range(200)]
        try:
            for c in idle:
                c.ok("CLIENT", "SETNAME", "n" * 200)

            def run(c):
                c.send(b"CLIENT LIST\r\n" * 3000)
                wait_until(lambda: not self.connected(limits, c), 20, "it is closed")
                raise ClosedByServer

            self.closed_for_output(limits, run)
        finally:
            for c in idle:
                c.close()

    def test_a_monitor_that_does_not_read(self, limits):
        limits.config_set("client-output-buffer-limit", "pubsub 1mb 0 0")

        def run(c):
            c.ok("MONITOR")
            with limits.client(timeout=30) as other:
                for _ in range(200):
                    other.pipeline([("SET", "value", b"\0" * 10000)] * 20)
                    if not self.connected(limits, c):
                        break
            raise ClosedByServer

        self.closed_for_output(limits, run)
