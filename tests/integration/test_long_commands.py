"""Commands over big collections leave the event loop to others, and their keys to nobody else."""

import threading
import time

import pytest

from support.pinger import longest_wait
from support.resp import encode
from support.server import Server, subject_binary

MEMBERS = 300_000
PER_COMMAND = 1000
# The aim is 5 ms; a debug build on a machine with other work gets more. Each of the commands takes
# a multiple of this where nothing takes it off the loop.
WAIT_MAX_S = 0.05

pytestmark = [pytest.mark.slow, pytest.mark.mantis_only]


def fill(client):
    for first in range(0, MEMBERS, PER_COMMAND):
        names = [f"member:{i}" for i in range(first, first + PER_COMMAND)]
        pairs = [part for name in names for part in (name, name)]
        scored = [part for i, name in enumerate(names) for part in (first + i, name)]
        client.pipeline(
            [
                ("SADD", "set", *names),
                ("HSET", "hash", *pairs),
                ("RPUSH", "list", *names),
                ("ZADD", "zset", *scored),
            ]
        )


@pytest.fixture(scope="module")
def server():
    with Server(subject_binary(), "--threads", "1") as one_core:
        with one_core.client(timeout=60) as client:
            fill(client)
        yield one_core


def send(client, *commands):
    client.send(b"".join(encode(command) for command in commands))


@pytest.mark.parametrize(
    "command",
    [
        ("SUNIONSTORE", "other", "set", "set"),
        ("SINTERCARD", "2", "set", "set"),
        ("ZUNIONSTORE", "zother", "2", "zset", "zset"),
        ("COPY", "hash", "copy", "REPLACE"),
        ("SORT", "list", "ALPHA", "LIMIT", "0", "3"),
        ("DEL", "other", "copy", "zother"),
    ],
    ids=lambda command: command[0],
)
def test_others_go_on(server, command):
    with server.client(timeout=60) as client:
        assert longest_wait(server, lambda: client.ok(*command)) < WAIT_MAX_S


def test_pipelined_behind_a_long_command_come_in_order(server):
    with server.client(timeout=60) as client:
        send(client, ("SCARD", "set"), ("SMEMBERS", "set"), ("PING", "after"), ("LLEN", "list"))
        assert client.read() == MEMBERS
        assert len(client.read()) == MEMBERS
        assert client.read() == b"after"
        assert client.read() == MEMBERS


def test_leaving_in_the_middle(server):
    for _ in range(5):
        client = server.client(timeout=60)
        send(client, ("HGETALL", "hash"))
        time.sleep(0.002)
        client.reset()
    with server.client(timeout=60) as client:
        assert client.ok("HLEN", "hash") == MEMBERS
        assert len(client.ok("LRANGE", "list", 0, -1)) == MEMBERS


def test_changes_meanwhile_are_seen_whole(server):
    """A reply is the state of one moment, however long it takes: no member twice or halfway."""
    stop = threading.Event()

    def toggle():
        with server.client(timeout=60) as client:
            while not stop.is_set():
                client.pipeline([("MULTI",), ("SADD", "set", "a"), ("SADD", "set", "b"), ("EXEC",)])
                client.pipeline([("MULTI",), ("SREM", "set", "a"), ("SREM", "set", "b"), ("EXEC",)])

    thread = threading.Thread(target=toggle)
    thread.start()
    try:
        with server.client(timeout=60) as client:
            for _ in range(5):
                members = client.ok("SMEMBERS", "set")
                found = {m for m in members if m in (b"a", b"b")}
                assert len(members) == MEMBERS + len(found)
                assert len(found) != 1
    finally:
        stop.set()
        thread.join(30)
