"""Commands and transactions over very many keys: atomic for everybody, and a wait for nobody."""

import random
import threading
import time

import pytest

from support.pinger import longest_wait
from support.resp import Error, Simple, encode, is_null
from support.server import Server, parse_info, subject_binary, wait_until
from support.stress import stress_seconds, test_seed

pytestmark = [pytest.mark.slow, pytest.mark.mantis_only]

KEYS = 100_000
# The aim is 5 ms; a debug build on a machine with other work gets more. On the loop each of these
# takes a multiple of it.
WAIT_MAX_S = 0.05
OK = Simple(b"OK")
NAMES = [b"key:%06d" % i for i in range(KEYS)]


def pairs(value):
    return [item for name in NAMES for item in (name, value)]


@pytest.fixture(scope="module")
def server():
    with Server(subject_binary(), "--threads", "1") as one_core:
        yield one_core


@pytest.fixture
def client(server):
    with server.client(timeout=60) as one:
        one.ok("FLUSHALL")
        yield one


def send_all(client, *commands):
    """Sends from a thread, as the server may want replies to be read first; answers the replies."""
    data = b"".join(encode(command) for command in commands)
    sender = threading.Thread(target=client.send, args=(data,))
    sender.start()
    replies = [client.read() for _ in commands]
    sender.join(60)
    return replies


REQUESTS = {
    "MSET": (lambda: ("MSET", *pairs(b"v")), OK),
    "MSETNX": (lambda: ("MSETNX", *pairs(b"v")), 0),
    "EXISTS": (lambda: ("EXISTS", *NAMES), KEYS),
    "TOUCH": (lambda: ("TOUCH", *NAMES), KEYS),
    "PFCOUNT": (lambda: ("PFCOUNT", *[b"no" + name for name in NAMES]), 0),
    "SINTERSTORE": (lambda: ("SINTERSTORE", "to", *[b"no" + name for name in NAMES]), 0),
    "WATCH": (lambda: ("WATCH", *NAMES), OK),
    "UNLINK": (lambda: ("UNLINK", *NAMES), KEYS),
    "DEL": (lambda: ("DEL", *NAMES), KEYS),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_others_go_on(server, client, name):
    request, wanted = REQUESTS[name]
    send_all(client, ("MSET", *pairs(b"v")))
    data = encode(request())
    replies = []

    def work():
        # In parts, so that this process does not keep its own pinger from running.
        for first in range(0, len(data), 1 << 18):
            client.send(data[first : first + (1 << 18)])
        replies.append(client.read())

    # Several times, as longest_wait leaves the longest one out.
    assert longest_wait(server, lambda: [work() for _ in range(3)]) < WAIT_MAX_S
    assert replies[0] == wanted
    # And what follows on the connection is parsed from where it begins.
    assert send_all(client, ("ECHO", "a"), request(), ("ECHO", "b"))[::2] == [b"a", b"b"]


def test_mget_answers_in_order(client):
    send_all(client, ("MSET", *[item for name in NAMES for item in (name, name)]))
    assert send_all(client, ("MGET", *NAMES), ("PING",))[0] == NAMES


def test_a_large_transaction(client):
    commands = [("SET", name, name) for name in NAMES[:20_000]]
    replies = send_all(client, ("MULTI",), *commands, ("SELECT", 3), ("EXEC",), ("DBSIZE",))
    assert replies[-2] == [OK] * 20_001
    assert replies[-1] == 0, "EXEC has selected another database"
    assert client.ok("SELECT", 0) == OK
    assert client.ok("DBSIZE") == 20_000
    calls = parse_info(client.ok("INFO", "commandstats"))["cmdstat_set"]
    assert "calls=20000," in calls
    assert client.cmd("EXEC") == Error(b"ERR EXEC without MULTI")


@pytest.mark.parametrize("end", ["EXEC", "DISCARD"])
def test_a_large_command_in_a_transaction(client, end):
    """What comes behind it in the same piece of input, the end of the transaction above all."""
    commands = [("MSET", *pairs(b"v")), ("MULTI",), ("PING",), ("DEL", *NAMES), (end,)]
    replies = send_all(client, *commands, ("ECHO", "a"), ("DBSIZE",), ("ECHO", "b"))
    assert replies[4] == ([Simple(b"PONG"), KEYS] if end == "EXEC" else OK)
    assert replies[5:] == [b"a", 0 if end == "EXEC" else KEYS, b"b"]


def test_a_large_transaction_with_commands_about_the_client(client):
    commands = [("SET", name, name) for name in NAMES[:5_000]]
    replies = send_all(
        client, ("MULTI",), *commands, ("CLIENT", "SETNAME", "me"), ("CONFIG", "GET", "port"), ("EXEC",)
    )
    assert replies[-1][:-1] == [OK] * 5_001
    assert client.ok("CLIENT", "GETNAME") == b"me"


@pytest.mark.parametrize("changed", [False, True])
def test_watching_very_many_keys(server, client, changed):
    send_all(client, ("MSET", *pairs(b"v")), ("WATCH", *NAMES), ("MULTI",), ("GET", NAMES[0]))
    with server.client() as other:
        other.ok("SET", NAMES[-1] if changed else b"another", "new")
    assert is_null(client.cmd("EXEC")) == changed
    # It watches nothing any more.
    assert client.ok("MULTI") == OK
    with server.client() as other:
        other.ok("SET", NAMES[0], "new")
    client.ok("GET", NAMES[0])
    assert client.cmd("EXEC") == [b"new"]


@pytest.mark.parametrize("end", ["UNWATCH", "DISCARD", "close"])
def test_watchers_leave_nothing_behind(server, client, end):
    watcher = server.client(timeout=60)
    assert send_all(watcher, ("WATCH", *NAMES), ("MULTI",), ("GET", "a"))[0] == OK
    assert client.ok("DBSIZE") == 0
    if end == "UNWATCH":
        watcher.ok("DISCARD")
        watcher.ok("UNWATCH")
    elif end == "DISCARD":
        assert longest_wait(server, lambda: watcher.ok("DISCARD")) < WAIT_MAX_S
    else:
        assert longest_wait(server, lambda: (watcher.close(), time.sleep(0.2))) < WAIT_MAX_S
    watched = lambda: int(parse_info(client.ok("INFO", "clients"))["total_watched_keys"])  # noqa: E731
    if "total_watched_keys" in parse_info(client.ok("INFO", "clients")):
        wait_until(lambda: watched() == 0, 20, "no key is watched")
    watcher.close()


def test_leaving_in_the_middle():
    """Whatever went along with the command is cleaned up when it finds its client gone."""
    with Server(subject_binary(), "--threads", "1") as server:
        leave_in_the_middle(server)


def leave_in_the_middle(server):
    for request in (("WATCH", *NAMES), ("MSET", *pairs(b"v"))):
        for pause in (0, 0.002, 0.01):
            gone = server.client(timeout=60)
            gone.send(encode(request))
            time.sleep(pause)
            gone.reset()
    gone = server.client(timeout=60)
    send_all(gone, ("WATCH", *NAMES), ("MULTI",), *[("SET", name, 1) for name in NAMES[:20_000]])
    gone.send(encode(("EXEC",)))
    gone.reset()
    with server.client(timeout=60) as client:
        wait_until(lambda: client.ok("DBSIZE") in (0, KEYS), 30, "all or nothing of MSET")
        wait_until(lambda: int(parse_info(client.ok("INFO"))["connected_clients"]) == 1, 10, "gone")


@pytest.mark.stress
def test_all_at_once(server, client):
    """The first and the last of the keys always agree, whatever changes all of them at once."""
    chance = random.Random(test_seed())
    stop = threading.Event()
    failures = []

    def change():
        try:
            with server.client(timeout=60) as one:
                turn = 0
                while not stop.is_set():
                    turn += 1
                    kind = chance.choice(["MSET", "DEL", "EXEC"])
                    if kind == "MSET":
                        send_all(one, ("MSET", *pairs(b"%d" % turn)))
                    elif kind == "DEL":
                        send_all(one, ("DEL", *NAMES))
                    else:
                        names = [NAMES[0], *NAMES[1:-1:20], NAMES[-1]]
                        some = [("SET", name, b"x%d" % turn) for name in names]
                        replies = send_all(one, ("MULTI",), *some, ("EXEC",))
                        assert replies[-1] == [OK] * len(some)
        except Exception as error:  # shown by the main thread
            failures.append(error)
            stop.set()

    changer = threading.Thread(target=change)
    changer.start()
    try:
        end = time.monotonic() + stress_seconds(6)
        seen = set()
        while time.monotonic() < end and not stop.is_set():
            first, last = client.ok("MGET", NAMES[0], NAMES[-1])
            assert first == last
            seen.add(first)
            assert client.ok("EXISTS", NAMES[0], NAMES[-1]) in (0, 2)
            time.sleep(0.001)
        assert len(seen) > 1
    finally:
        stop.set()
        changer.join(60)
    assert not failures
