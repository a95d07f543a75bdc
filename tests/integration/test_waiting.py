"""Clients that wait for a key that a long command holds, and what becomes of them when they go."""

import contextlib
import random
import re
import threading
import time

import pytest

from support.resp import encode, is_null
from support.server import Server, subject_binary, wait_until
from support.stress import stress_seconds, test_seed

MEMBERS = 300_000
PER_COMMAND = 3000
PATIENCE_S = 20.0

pytestmark = [pytest.mark.slow, pytest.mark.mantis_only]


@pytest.fixture(scope="module")
def server():
    with Server(subject_binary(), "--threads", "2") as two_cores:
        with two_cores.client(timeout=60) as client:
            for first in range(0, MEMBERS, PER_COMMAND):
                names = [f"member:{i}" for i in range(first, first + PER_COMMAND)]
                client.pipeline([("SADD", "big", *names), ("SADD", "big2", *names)])
            entries = (("XADD", "bigstream", f"1-{i + 1}", "f", "v") for i in range(MEMBERS))
            client.pipeline(entries)
            client.ok("XGROUP", "CREATE", "bigstream", "g", "$")
        yield two_cores


@pytest.fixture
def client(server):
    with server.client(timeout=60) as connection:
        yield connection


def blocked_clients(client):
    return int(re.search(r"blocked_clients:(\d+)", client.ok("INFO", "clients").decode()).group(1))


def id_of(client, other):
    port = other.sock.getsockname()[1]
    for line in client.ok("CLIENT", "LIST").decode().splitlines():
        if f":{port} laddr" in line:
            return int(re.match(r"id=(\d+) ", line).group(1))
    return None


def send(client, *commands):
    client.send(b"".join(encode(command) for command in commands))


class Case:
    """A blocking command for the keys `held` and q; `held` is there only once it waits."""

    def __init__(self, command, push, size, big="big", hold=("SINTERCARD", 2, "held", "big2")):
        self.command, self.push, self.size, self.big, self.hold = command, push, size, big, hold

    def left(self, client):
        size = client.ok(*self.size)
        return size[0] if isinstance(size, list) else size


CASES = {
    "list": Case(("BLPOP", "held", "q", 0), ("RPUSH", "q", "x"), ("LLEN", "q")),
    "move": Case(("BLMOVE", "q", "held", "LEFT", "RIGHT", 0), ("RPUSH", "q", "x"), ("LLEN", "q")),
    "zset": Case(("BZPOPMIN", "held", "q", 0), ("ZADD", "q"), ("ZCARD", "q")),
    "stream": Case(
        ("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "q", "held", ">", ">"),
        ("XADD", "q", "*", "f", "v"),
        ("XPENDING", "q", "g"),
        big="bigstream",
        hold=("COPY", "held", "copy", "REPLACE"),
    ),
}


@pytest.mark.stress
@pytest.mark.parametrize("end", ["close", "kill"])
@pytest.mark.parametrize("kind", CASES)
def test_who_is_gone_takes_nothing(server, client, kind, end):
    """A client goes while its command is tried again and again, on another core, and cannot be
    served for a key that is held. Once it is gone, nothing is taken for it."""
    case = CASES[kind]
    rng = random.Random(test_seed())
    until = time.monotonic() + stress_seconds(0.8)
    seen = 0
    while seen == 0 or time.monotonic() < until:
        seen += one_round(server, client, case, end, rng)
    wait_until(lambda: blocked_clients(client) == 0, PATIENCE_S, "nobody to be blocked")


def one_round(server, client, case, end, rng):
    """1 if the client went before the key was free again."""
    client.ok("DEL", "q")
    if case.big == "bigstream":
        client.ok("XGROUP", "CREATE", "q", "g", "$", "MKSTREAM")
        client.ok("RENAME", case.big, "held")
    waiter, holder, pusher = (server.client(timeout=60) for _ in range(3))
    send(waiter, case.command)
    wait_until(lambda: blocked_clients(client) == 1, PATIENCE_S, "the client to wait")
    waiter_id = id_of(client, waiter)
    if case.big != "bigstream":
        client.ok("RENAME", case.big, "held")
    send(holder, case.hold)
    time.sleep(0.002)  # for the command to begin
    count = 1000  # so that it is being tried when it goes
    for i in range(count):
        more = (i, f"m{i}") if case.push[0] == "ZADD" else ()
        send(pusher, (*case.push, *more))
    time.sleep(rng.random() * 0.004)
    if end == "kill":
        client.ok("CLIENT", "KILL", "ID", waiter_id)
    else:
        waiter.close()
        wait_gone(client, waiter_id)
    for _ in range(count):
        pusher.read()
    gone = case.left(client)
    held = holder.silent_for(0.001)
    holder.read(timeout=60)
    time.sleep(0.01)
    assert case.left(client) == gone, "something was taken for a client that is gone"
    client.ok("RENAME", "held", case.big)
    for connection in (waiter, holder, pusher):
        connection.close()
    return 1 if held else 0


def wait_gone(client, client_id):
    def gone():
        return f"id={client_id} " not in client.ok("CLIENT", "LIST").decode()

    wait_until(gone, PATIENCE_S, "the connection's end to be noticed")


def test_a_killed_client_executes_nothing_more(server, client):
    with server.client() as waiter:
        send(waiter, ("BLPOP", "nothing", 0), ("SET", "after", 1))
        wait_until(lambda: blocked_clients(client) == 1, PATIENCE_S, "the client to wait")
        client.ok("CLIENT", "KILL", "ID", id_of(client, waiter))
        assert blocked_clients(client) == 0
        client.ok("RPUSH", "nothing", "x")
        assert client.ok("LLEN", "nothing") == 1
        assert client.ok("EXISTS", "after") == 0
    client.ok("DEL", "nothing")


def test_a_killed_clients_long_command_does_not_begin(server, client):
    """It waits for the worker thread, which is busy with others'."""
    holders = [server.client(timeout=60) for _ in range(3)]
    for i in range(len(holders)):
        client.ok("COPY", "big", f"copy{i}", "REPLACE", timeout=60)
    for i, holder in enumerate(holders):
        # Each a key of its own, or they would wait for each other's locks and not for the worker.
        send(holder, ("SINTERCARD", 2, f"copy{i}", f"copy{i}"))
    time.sleep(0.01)
    with server.client() as victim:
        send(victim, ("SUNIONSTORE", "dst", "big", "big2"), ("SET", "after", 1))
        time.sleep(0.01)
        client.ok("CLIENT", "KILL", "ID", id_of(client, victim))
    in_time = holders[-1].silent_for(0.001)
    for holder in holders:
        assert holder.read(timeout=60) == MEMBERS
    # Whatever was queued behind theirs has been looked at by then.
    assert client.ok("SINTERCARD", 2, "big", "big2") == MEMBERS
    if not in_time:
        pytest.skip("the machine was too slow to kill it in time")
    assert client.ok("EXISTS", "dst", "after") == 0
    client.ok("UNLINK", *[f"copy{i}" for i in range(len(holders))])
    for holder in holders:
        holder.close()


# ---- clients that wait for a locked key


def busy_retries(client):
    text = client.ok("INFO", "everything").decode()
    return int(re.search(r"busy_retries:(\d+)", text).group(1))


@pytest.fixture
def hold(server):
    """Keeps `big` locked for the most part, by a long command that is repeated."""
    stop = threading.Event()

    def repeat():
        with server.client(timeout=60) as holder:
            while not stop.is_set():
                holder.ok("SINTERCARD", 2, "big", "big2", timeout=60)

    thread = threading.Thread(target=repeat)
    thread.start()
    yield
    stop.set()
    thread.join()


def test_waiting_for_a_locked_key_costs_nothing(server, client, hold):
    """They are woken when the lock is given back, and do not ask again and again until then."""
    with contextlib.ExitStack() as stack:
        waiters = [stack.enter_context(server.client(timeout=60)) for _ in range(50)]
        before = busy_retries(client)
        rounds = 4
        for _ in range(rounds):
            for waiter in waiters:
                send(waiter, ("SISMEMBER", "big", "member:5"))
            for waiter in waiters:
                assert waiter.read(timeout=60) == 1
        asked = busy_retries(client) - before
    # Each meets the lock once or a few times a round; asking every millisecond made it hundreds.
    assert asked < rounds * len(waiters) * 12


def test_what_comes_behind_a_waiting_command_keeps_its_order(server, client, hold):
    with server.client(timeout=60) as waiter:
        for i in range(10):
            send(
                waiter,
                ("SET", "p", i),
                ("SISMEMBER", "big", "member:1"),
                ("INCR", "p"),
                ("SMISMEMBER", "big", "member:2", "other"),
                ("GET", "p"),
            )
            replies = [waiter.read(timeout=60) for _ in range(5)]
            assert replies[1:] == [1, i + 1, [1, 0], b"%d" % (i + 1)]


def test_transactions_and_waiters_wait_for_locked_keys(server, client, hold):
    with server.client(timeout=60) as waiter:
        for i in range(5):
            send(waiter, ("MULTI",), ("SISMEMBER", "big", "member:1"), ("SET", "t", i), ("EXEC",))
            assert [waiter.read(timeout=60) for _ in range(4)][3][0] == 1
            send(waiter, ("BLPOP", "queue", 0))
            client.ok("RPUSH", "queue", i)
            assert waiter.read(timeout=60) == [b"queue", b"%d" % i]


@pytest.mark.parametrize("end", ["close", "reset", "kill"])
def test_who_waits_for_a_locked_key_can_go(server, client, hold, end):
    waiters = [server.client(timeout=60) for _ in range(10)]
    ids = [id_of(client, waiter) for waiter in waiters]
    for waiter in waiters:
        send(waiter, *[("SISMEMBER", "big", "member:5")] * 20)
    for waiter, number in zip(waiters, ids):
        if end == "kill":
            client.ok("CLIENT", "KILL", "ID", number)
        elif end == "reset":
            waiter.reset()
        else:
            waiter.close()
    for number in ids:
        wait_gone(client, number)
    for waiter in waiters:
        waiter.close()
    assert client.ok("SISMEMBER", "big", "member:1", timeout=60) == 1


# ---- several keys at one instant

SWITCHES = {
    "rename": ([("SET", "a", "x")], [("RENAME", "a", "b")], [("RENAME", "b", "a")]),
    "multi": (
        [("SET", "a", "x")],
        [("MULTI",), ("DEL", "a"), ("SET", "b", "x"), ("EXEC",)],
        [("MULTI",), ("DEL", "b"), ("SET", "a", "x"), ("EXEC",)],
    ),
    "copy": (
        [("SET", "a", "x"), ("SET", "s", "x")],
        [("MULTI",), ("DEL", "a"), ("COPY", "s", "b"), ("EXEC",)],
        [("MULTI",), ("DEL", "b"), ("COPY", "s", "a"), ("EXEC",)],
    ),
}


@pytest.mark.stress
@pytest.mark.parametrize("mode", SWITCHES)
def test_several_keys_are_read_at_one_instant(server, client, mode):
    """Of a and b exactly one is there at any time, though it is moved or made anew between them."""
    first, to_b, to_a = SWITCHES[mode]
    client.pipeline([("DEL", "a", "b"), *first])
    filler = [f"f{i}" for i in range(20)]
    client.ok("MSET", *[part for name in filler for part in (name, "x")])
    stop = threading.Event()

    def switch():
        with server.client(timeout=60) as writer:
            while not stop.is_set():
                writer.pipeline((to_b + to_a) * 50)

    writer = threading.Thread(target=switch)
    writer.start()
    try:
        until = time.monotonic() + stress_seconds(0.8)
        while time.monotonic() < until:
            for values in client.pipeline([("MGET", "a", *filler, "b")] * 50):
                assert is_null(values[0]) != is_null(values[-1])
            replies = client.pipeline([("EXISTS", "a", "nosuch", *filler, "b")] * 50)
            assert set(replies) == {len(filler) + 1}
    finally:
        stop.set()
        writer.join()
