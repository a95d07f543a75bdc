"""SORT with the values of other keys: as the oracle orders them, at one instant, off the loop."""

import random
import threading
import time

import pytest

from support.pinger import longest_wait
from support.server import Server, subject_binary
from support.stress import stress_seconds, test_seed


def random_options(chance):
    options = []
    if chance.random() < 0.7:
        options += ["BY", chance.choice(["w_*", "h_*->f", "nosort"])]
    for _ in range(chance.randrange(4)):
        options += ["GET", chance.choice(["w_*", "h_*->f", "#", "none_*", "some_*", "w_*->", "plain"])]
    if chance.random() < 0.5:
        options += ["LIMIT", chance.randrange(-1, 6), chance.randrange(-1, 9)]
    options += chance.choice([[], ["DESC"], ["ASC"]])
    return options + chance.choice([[], ["ALPHA"]])


@pytest.mark.mantis_only
def test_agrees_with_the_oracle(client, oracle):
    chance = random.Random(test_seed())
    with oracle.client() as theirs:
        for one in (client, theirs):
            one.ok("FLUSHALL")
        # No two weights are the same, as Redis leaves open in which order such come with ALPHA.
        weights = chance.sample(range(100), 30)
        for i, weight in enumerate(weights):
            commands = [("RPUSH", "list", chance.randrange(20)), ("ZADD", "zset", i % 7, i)]
            commands += [("SET", f"w_{i}", weight), ("HSET", f"h_{i}", "f", weight)]
            if chance.random() < 0.5:
                commands.append(("SET", f"some_{i}", weight))
            for command in commands:
                client.ok(*command)
                theirs.ok(*command)
        for _ in range(600):
            command = ["SORT", chance.choice(["list", "zset"]), *random_options(chance)]
            if chance.random() < 0.2:
                command += ["STORE", "to"]
            assert client.cmd(*command) == theirs.cmd(*command), command
            assert client.ok("LRANGE", "to", 0, -1) == theirs.ok("LRANGE", "to", 0, -1), command


@pytest.mark.mantis_only
@pytest.mark.stress
def test_sees_other_keys_at_one_instant(client, subject):
    """Weights that are exchanged in transactions: every order is one that there was."""
    members = [b"%d" % i for i in range(10)]
    client.ok("RPUSH", "list", *members)
    stop = threading.Event()
    failures = []

    def turn():
        chance = random.Random(test_seed())
        try:
            with subject.client() as writer:
                while not stop.is_set():
                    weights = list(range(10))
                    chance.shuffle(weights)
                    commands = [("SET", b"w_" + m, w) for m, w in zip(members, weights)]
                    if chance.random() < 0.3:
                        commands += [("DEL", "list"), ("RPUSH", "list", *members)]
                    writer.pipeline([("MULTI",), *commands, ("EXEC",)])
        except Exception as error:  # shown by the main thread
            failures.append(error)

    client.pipeline([("SET", b"w_" + m, m) for m in members])
    writer = threading.Thread(target=turn)
    writer.start()
    try:
        end = time.monotonic() + stress_seconds(2)
        while time.monotonic() < end:
            weights = client.ok("SORT", "list", "BY", "w_*", "GET", "w_*")
            assert weights == members
    finally:
        stop.set()
        writer.join(20)
    assert not failures


@pytest.mark.slow
@pytest.mark.mantis_only
def test_others_go_on():
    members = 100_000
    with Server(subject_binary(), "--threads", "1") as server:
        with server.client(timeout=60) as client:
            for first in range(0, members, 1000):
                part = range(first, first + 1000)
                client.ok("RPUSH", "list", *part)
                client.ok("MSET", *[x for i in part for x in (f"w_{i}", -i)])

            def work():
                for _ in range(3):
                    found = client.ok("SORT", "list", "BY", "w_*", "LIMIT", 0, 1, "GET", "w_*")
                    assert found == [b"%d" % (1 - members)]

            assert longest_wait(server, work) < 0.05
