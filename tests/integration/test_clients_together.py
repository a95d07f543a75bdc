"""Single commands of several clients that the server finds waiting at once, and runs together."""

import time
from contextlib import ExitStack, contextmanager

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import NULL, NULL_ARRAY, OK, Error, Simple, encode
from support.server import wait_until

PONG = Simple(b"PONG")


class Crowd:
    """Clients of a server with one thread. What is sent while it is held waits in their sockets until
    the server comes back to its loop, and is then there at once, in the order it was sent."""

    def __init__(self, server, size):
        self._stack = ExitStack()
        self._holder = self._stack.enter_context(server.client())
        self.clients = [self._stack.enter_context(server.client()) for _ in range(size)]
        for client in self.clients:
            client.ok("PING")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stack.close()

    @contextmanager
    def holding(self):
        self._holder.send(encode(["DEBUG", "SLEEP", "0.1"]))
        time.sleep(0.02)
        yield
        assert self._holder.read() == OK

    def held(self, *sends):
        """Each of `sends` is the number of a client and its bytes, or its command's arguments."""
        with self.holding():
            for number, what in sends:
                self.clients[number].send(what if isinstance(what, bytes) else encode(what))

    def read(self, number):
        return self.clients[number].read()


@pytest.fixture
def server(launch, mantis):
    flags = ("--threads", "1") if mantis else ()
    return launch("--enable-debug-command", "yes", *flags)


@pytest.fixture
def crowd(server):
    with Crowd(server, 12) as twelve:
        yield twelve


def test_every_client_gets_its_own_answer(server, mantis):
    count = 200  # more than are run together
    with Crowd(server, count) as many:
        many.held(*[(i, ("SET", f"key:{i}", f"value:{i}")) for i in range(count)])
        assert [many.read(i) for i in range(count)] == [OK] * count
        many.held(*[(i, ("GET", f"key:{(i + 7) % count}")) for i in range(count)])
        for i in range(count):
            assert many.read(i) == b"value:%d" % ((i + 7) % count)
        many.held(*[(i, ("INCR", "counter")) for i in range(count)])
        assert sorted(many.read(i) for i in range(count)) == list(range(1, count + 1))
    if mantis:
        assert int(server.info("mantis")["commands_gathered"]) > 3 * count


def test_elements_of_one_collection(crowd):
    everyone = range(len(crowd.clients))
    crowd.held(*[(i, ("HSET", "hash", f"field:{i}", i)) for i in everyone])
    assert [crowd.read(i) for i in everyone] == [1] * len(everyone)
    crowd.held(*[(i, ("HGET", "hash", f"field:{i}")) for i in everyone])
    assert [crowd.read(i) for i in everyone] == [b"%d" % i for i in everyone]
    crowd.held(*[(i, ("ZADD", "zset", i, f"member:{i}")) for i in everyone])
    assert [crowd.read(i) for i in everyone] == [1] * len(everyone)
    crowd.held(*[(i, ("ZSCORE", "zset", f"member:{i}")) for i in everyone])
    assert [crowd.read(i) for i in everyone] == [b"%d" % i for i in everyone]


def test_what_is_not_one_command_among_what_is(crowd):
    long_value = b"x" * 5000
    crowd.held(
        (0, ("SET", "a", "1")),
        (1, encode(["SET", "b", "2"])[:-4]),
        (2, encode(["SET", "c", "3"]) + encode(["GET", "c"])),
        (3, b"*1\r\n$abc\r\n"),
        (4, b'SET "d d" "4\\n"\r\n'),
        (5, b"\r\n"),
        (6, ("SET", "e", long_value)),
        (7, ("NOSUCH", "x")),
        (8, ("GET",)),
        (9, encode(["SET", "f", "6"]) + encode(["GET", "f"])[:5]),
        (10, ("QUIT",)),
        (11, ("GET", "a")),
    )
    assert crowd.read(0) == OK
    assert [crowd.read(2), crowd.read(2)] == [OK, b"3"]
    assert crowd.clients[3].read_to_close() == b"-ERR Protocol error: invalid bulk length\r\n"
    assert crowd.read(4) == OK
    assert crowd.read(6) == OK
    assert crowd.read(7) == Error(b"ERR unknown command 'NOSUCH', with args beginning with: 'x' ")
    assert crowd.read(8) == Error(b"ERR wrong number of arguments for 'get' command")
    assert crowd.read(9) == OK
    assert crowd.clients[10].read_to_close() == b"+OK\r\n"
    assert crowd.read(11) == b"1"
    # Those that were cut go on where they were.
    crowd.held(
        (1, encode(["SET", "b", "2"])[-4:]),
        (5, ("GET", "d d")),
        (9, encode(["GET", "f"])[5:]),
        (0, ("GET", "e")),
    )
    assert crowd.read(1) == OK
    assert crowd.read(5) == b"4\n"
    assert crowd.read(9) == b"6"
    assert crowd.read(0) == long_value
    assert crowd.clients[1].ok("GET", "b") == b"2"


def test_databases_are_each_clients_own(crowd):
    crowd.held(*[(i, ("SELECT", i % 5)) for i in range(10)])
    assert [crowd.read(i) for i in range(10)] == [OK] * 10
    crowd.held(*[(i, ("APPEND", "k", str(i))) for i in range(10)])
    assert [crowd.read(i) for i in range(10)] == [1] * 5 + [2] * 5
    crowd.held(*[(i, ("GET", "k")) for i in range(5)])
    assert [crowd.read(i) for i in range(5)] == [b"%d%d" % (i, i + 5) for i in range(5)]


# The commands behind a PING in one piece are run at once, before those that come alone.
def test_a_client_killed_by_another_executes_nothing(crowd):
    victim = crowd.clients[1].ok("CLIENT", "ID")
    crowd.held(
        (0, encode(["PING"]) + encode(["CLIENT", "KILL", "ID", victim])),
        (1, ("SET", "late", "1")),
        (2, ("PING",)),
    )
    assert [crowd.read(0), crowd.read(0)] == [PONG, 1]
    assert crowd.clients[1].read_to_close() == b""
    assert crowd.read(2) == PONG
    assert crowd.clients[2].ok("EXISTS", "late") == 0


def test_a_client_killed_while_it_waits_for_its_turn(crowd):
    victim = crowd.clients[1].ok("CLIENT", "ID")
    crowd.held(
        (0, encode(["PING"]) + encode(["CLIENT", "KILL", "ID", victim])),
        (2, encode(["PING"]) + encode(["DEBUG", "SLEEP", "0.2"])),
    )
    crowd.clients[1].send(encode(["SET", "late", "1"]))
    assert [crowd.read(0), crowd.read(0)] == [PONG, 1]
    assert crowd.clients[1].read_to_close() == b""
    assert [crowd.read(2), crowd.read(2)] == [PONG, OK]
    assert crowd.clients[2].ok("EXISTS", "late") == 0


def test_transactions_see_what_others_did_just_before(crowd):
    watching, other, writing = crowd.clients[:3]
    watching.ok("WATCH", "k")
    watching.ok("MULTI")
    watching.ok("SET", "k", "mine")
    crowd.held((2, ("SET", "k", "theirs")), (0, ("EXEC",)), (1, ("GET", "k")))
    assert writing.read() == OK
    assert watching.read() == NULL_ARRAY
    assert other.read() == b"theirs"
    crowd.held((0, ("MULTI",)), (1, ("MULTI",)), (2, ("INCR", "n")))
    assert [crowd.read(i) for i in range(3)] == [OK, OK, 1]
    crowd.held((0, ("INCR", "n")), (1, ("INCR", "n")))
    assert [crowd.read(i) for i in range(2)] == [Simple(b"QUEUED")] * 2
    crowd.held((0, ("EXEC",)), (1, ("EXEC",)))
    assert [crowd.read(i) for i in range(2)] == [[2], [3]]


def test_waiting_for_what_another_gives(crowd):
    crowd.held(
        (0, ("BLPOP", "list", "0")),
        (1, ("BLPOP", "list", "0")),
        (2, ("RPUSH", "list", "first", "second", "third")),
        (3, ("LLEN", "list")),
    )
    assert crowd.read(2) == 3
    assert crowd.read(0) == [b"list", b"first"]
    assert crowd.read(1) == [b"list", b"second"]
    assert crowd.read(3) == 1


def test_a_pause_holds_back_those_behind_it(crowd):
    crowd.held(
        (0, ("CLIENT", "PAUSE", "200", "WRITE")),
        (1, ("SET", "k", "v")),
        (2, ("GET", "k")),
    )
    assert crowd.read(0) == OK
    assert crowd.read(2) == NULL
    assert crowd.clients[1].silent_for(0.05)
    assert crowd.read(1) == OK


def test_flushall_between_others(crowd):
    crowd.held(
        (0, ("SET", "before", "1")),
        (1, ("FLUSHALL",)),
        (2, ("SET", "after", "1")),
        (3, ("EXISTS", "before", "after")),
    )
    assert [crowd.read(i) for i in range(4)] == [OK, OK, OK, 1]


def test_the_clock_goes_on_behind_a_long_command(crowd):
    slow = crowd.clients[0]
    slow.ok("RPUSH", "list", *range(50_000))
    queue = [("MULTI",), *[("LPOS", "list", "absent")] * 2000]
    slow.pipeline(queue)
    begin = time.monotonic()
    slow.ok("EXEC")
    half_ms = round((time.monotonic() - begin) * 500)
    slow.pipeline(queue)
    crowd.held((0, ("EXEC",)), (1, ("SET", "k", "v", "PX", half_ms)))
    assert crowd.read(1) == OK
    assert crowd.clients[2].ok("PTTL", "k") > 0


def test_connections_that_end_meanwhile(crowd, server):
    before = int(server.info("clients")["connected_clients"])
    sends = [(i, ("SET", f"k{i}", "new")) for i in range(10)]
    with crowd.holding():
        for number, command in sends:
            client = crowd.clients[number]
            client.send(encode(command))
            if number % 2 == 0:
                client.close()
            else:
                client.reset()
    wait_until(
        lambda: int(server.info("clients")["connected_clients"]) == before - len(sends),
        5,
        "the connections to be forgotten",
    )
    # What a reset connection had sent may be lost with it.
    values = crowd.clients[11].ok("MGET", *[f"k{i}" for i in range(0, 10, 2)])
    assert values == [b"new"] * 5


def test_a_password_is_asked_of_each(launch, mantis):
    flags = ("--threads", "1") if mantis else ()
    server = launch(
        "--enable-debug-command", "yes", "--requirepass", "secret", *flags, password="secret"
    )
    with Crowd(server, 3) as crowd, RawClient(server.address) as stranger:
        crowd.clients.append(stranger)
        crowd.held((3, ("SET", "k", "stranger")), (0, ("GET", "k")))
        assert stranger.read() == Error(b"NOAUTH Authentication required.")
        assert crowd.read(0) == NULL
        crowd.held((3, ("AUTH", "secret")), (1, ("SET", "k", "known")), (2, ("GET", "k")))
        assert [crowd.read(3), crowd.read(1), crowd.read(2)] == [OK, OK, b"known"]
        assert stranger.ok("GET", "k") == b"known"


@pytest.mark.mantis_only  # Redis drops what it has not answered
def test_what_was_received_is_answered_at_the_end(crowd, server):
    crowd.held(
        *[(i, ("SET", f"k{i}", "v")) for i in range(1, 6)],
        (0, ("SHUTDOWN", "NOSAVE")),
        *[(i, ("GET", f"k{i - 5}")) for i in range(6, 11)],
    )
    assert [crowd.read(i) for i in range(1, 6)] == [OK] * 5
    assert [crowd.read(i) for i in range(6, 11)] == [b"v"] * 5
    with pytest.raises(ClosedByServer):
        crowd.read(0)
    wait_until(lambda: not server.running(), 5, "the server to end")
