"""Walks over the keyspace: they pass held keys by, miss no lasting key, and hold nobody up."""

import random
import select
import statistics
import threading
import time

import pytest

from support.pinger import longest_wait
from support.resp import encode, is_null
from support.server import Server, subject_binary
from support.stress import stress_seconds, test_seed

pytestmark = [pytest.mark.slow, pytest.mark.mantis_only]

KEYS = 60_000
MEMBERS = 200_000
MANY = 1_000_000
PER_COMMAND = 1000
# The aim is 1 ms; a debug build on a machine with other work gets more. A walk that stayed on the
# loop would take longer.
WAIT_MAX_S = 0.025


def make_keys(client, names):
    for first in range(0, len(names), PER_COMMAND):
        part = names[first : first + PER_COMMAND]
        client.ok("MSET", *[item for name in part for item in (name, "v")])


@pytest.fixture(scope="module")
def server():
    with Server(subject_binary(), "--threads", "1") as one_core:
        with one_core.client(timeout=60) as client:
            for first in range(0, MEMBERS, PER_COMMAND):
                names = [f"member:{i}" for i in range(first, first + PER_COMMAND)]
                client.pipeline([("SADD", "held", *names), ("SADD", "other", *names)])
        yield one_core


WALKS = {
    "KEYS": ("KEYS", "hel*"),
    "SCAN": ("SCAN", "0", "MATCH", "hel*"),
    "SCAN hashed": ("SCAN", "0", "COUNT", "1000"),
    "KRANGE": ("KRANGE", "[a", "+"),
    "KRANGE WITHVALUES": ("KRANGE", "-", "+", "WITHVALUES"),
    "KCOUNT": ("KCOUNT", "-", "+"),
    "KSCAN": ("KSCAN", "", "PREFIX", "h"),
    "RANDOMKEY": ("RANDOMKEY",),
}


@pytest.mark.parametrize("walk", WALKS.values(), ids=WALKS.keys())
def test_passes_a_held_key_by(server, walk):
    """While one long command after the other holds a key, walks do not wait for any of them."""
    commands = 10
    with server.client(timeout=60) as holder, server.client(timeout=60) as walker:
        start = time.monotonic()
        holder.send(encode(("SINTERCARD", "2", "held", "other")) * commands)
        took, answers = [], b""
        while answers.count(b"\r\n") < commands:
            begin = time.monotonic()
            walker.ok(*walk)
            took.append(time.monotonic() - begin)
            if select.select([holder.sock], [], [], 0.0005)[0]:
                answers += holder.sock.recv(1 << 16)
        one_command = (time.monotonic() - start) / commands
        assert answers == b":%d\r\n" % MEMBERS * commands
    assert statistics.median(took) < one_command / 5


@pytest.fixture
def crowded():
    with Server(subject_binary(), "--threads", "2") as server:
        yield server


def scanned(client, *options):
    cursor, found = b"0", []
    while True:
        cursor, names = client.ok("SCAN", cursor, *options)
        found += names
        if cursor == b"0":
            return found


def paged(client):
    last, found = b"", []
    while not is_null(last):
        last, names = client.ok("KSCAN", last, "COUNT", 20_000)
        found += names
    return found


def check(client, walk, lasting):
    """Every lasting key once; of what comes and goes anything, but nothing twice."""
    if walk == "KCOUNT":
        assert len(lasting) <= client.ok("KCOUNT", "-", "+") <= 2 * KEYS
        return
    found = {
        "KEYS": lambda: client.ok("KEYS", "*"),
        "KEYS suffix": lambda: client.ok("KEYS", "*[0-9]"),
        "KRANGE": lambda: client.ok("KRANGE", "-", "+"),
        "KRANGE REV": lambda: client.ok("KRANGE", "+", "-", "REV")[::-1],
        "KRANGE WITHVALUES": lambda: client.ok("KRANGE", "-", "+", "WITHVALUES")[::2],
        "KSCAN": lambda: paged(client),
        "SCAN": lambda: scanned(client, "COUNT", 50_000),
        "SCAN prefix": lambda: scanned(client, "COUNT", 50_000, "MATCH", "key:*"),
    }[walk]()
    if walk != "SCAN":  # which may return a key twice when the table is resized
        assert found == sorted(set(found)), "out of order or twice"
    missed = lasting - set(found)
    assert not missed, f"missed {len(missed)} keys, such as {sorted(missed)[:5]}"


@pytest.mark.stress
def test_lasting_keys_are_met_once_under_churn(crowded):
    """Others create, delete and expire keys between the lasting ones, and delete and make again
    the lasting ones in transactions, where nobody may see them gone."""
    seed = test_seed()
    lasting = [b"key:%07d" % i for i in range(0, 2 * KEYS, 2)]
    stop = threading.Event()
    failures = []

    def churn(number):
        chance = random.Random(seed + number)
        try:
            with crowded.client(timeout=60) as writer:
                while not stop.is_set():
                    commands = []
                    for _ in range(50):
                        name = b"key:%07d" % (2 * chance.randrange(KEYS) + 1)
                        commands.append(
                            chance.choice(
                                [("SET", name, 1), ("DEL", name), ("SET", name, 1, "PX", 30)]
                            )
                        )
                    name = chance.choice(lasting)
                    commands += [("MULTI",), ("DEL", name), ("SET", name, "v"), ("EXEC",)]
                    writer.pipeline(commands)
                    time.sleep(0.001)
        except Exception as error:  # shown by the main thread
            failures.append(error)

    with crowded.client(timeout=60) as client:
        make_keys(client, lasting)
        writers = [threading.Thread(target=churn, args=(n,)) for n in range(2)]
        for writer in writers:
            writer.start()
        try:
            end = time.monotonic() + stress_seconds(6)
            walks = ["KEYS", "KEYS suffix", "KRANGE", "KRANGE REV", "KRANGE WITHVALUES"]
            walks += ["KCOUNT", "KSCAN", "SCAN", "SCAN prefix"]
            while time.monotonic() < end:
                for walk in walks:
                    check(client, walk, set(lasting))
        finally:
            stop.set()
            for writer in writers:
                writer.join(20)
    assert not failures


@pytest.fixture(scope="module")
def many():
    with Server(subject_binary(), "--threads", "1") as one_core:
        with one_core.client(timeout=60) as client:
            make_keys(client, [b"many:%07d" % i for i in range(MANY)])
            make_keys(client, [b"gone:%07d" % i for i in range(MANY // 4)])
        yield one_core


@pytest.mark.parametrize(
    "walk",
    [
        ("KEYS", "*zzz"),
        ("SCAN", "0", "MATCH", "*zz", "COUNT", "2000000"),
        ("SCAN", "0", "MATCH", "many*zz", "COUNT", "2000000"),
        ("SCAN", "0", "TYPE", "list", "COUNT", "2000000"),
        ("KCOUNT", "-", "+"),
        ("KRANGE", "-", "+", "LIMIT", "900000", "3"),
        ("KDEL", "PREFIX", "gone:"),
    ],
    ids=" ".join,
)
def test_others_go_on(many, walk):
    with many.client(timeout=60) as client:
        # Several times, as longest_wait leaves the longest one out.
        assert longest_wait(many, lambda: [client.ok(*walk) for _ in range(3)]) < WAIT_MAX_S


def test_kdel_deletes_all_and_says_how_many(many):
    with many.client(timeout=60) as client:
        names = [b"del:%06d" % i for i in range(5000)]
        make_keys(client, names)
        before = client.ok("DBSIZE")
        assert client.ok("KDEL", "PREFIX", "del:", "LIMIT", 100) == 100
        assert client.ok("KDEL", "PREFIX", "del:", "LIMIT", 1000) == 1000
        assert client.ok("KRANGE", "PREFIX", "del:", "LIMIT", 0, 1) == [b"del:001100"]
        assert client.ok("KDEL", "PREFIX", "del:") == 3900
        assert client.ok("DBSIZE") == before - 5000
