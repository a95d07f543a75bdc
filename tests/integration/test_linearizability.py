"""Histories of every type, of transactions and of waiting clients are linearizable. They come over
real sockets from clients that all want the same few keys; a sequential model says what fits."""

import random
import time

import pytest

from support.histories import problems
from support.load import spread_over_cores
from support.server import Server, subject_binary
from support.workloads import WORKLOADS, play

pytestmark = pytest.mark.mantis_only

SECONDS = 1.0
# Collections leave their compact encodings, and come back to them, again and again.
SMALL_LIMITS = (
    *("--list-max-listpack-size", "4", "--hash-max-listpack-entries", "4"),
    *("--set-max-listpack-entries", "4", "--set-max-intset-entries", "3"),
    *("--zset-max-listpack-entries", "4"),
)
SERVERS = {"compact": ("--threads", "2"), "large": ("--threads", "4", *SMALL_LIMITS)}


@pytest.fixture(scope="module", params=SERVERS)
def server(request):
    with Server(subject_binary(), *SERVERS[request.param]) as started:
        spread_over_cores(started.pid)
        yield started


def history_of(server, name, seed, atomic=True):
    """One recorded history, by client."""
    with server.client() as client:
        client.ok("FLUSHALL")
    return play(server.address, WORKLOADS[name], seed, atomic)


@pytest.mark.parametrize("name", WORKLOADS)
def test_histories_are_linearizable(server, name):
    first = random.randrange(1 << 30)
    end = time.monotonic() + SECONDS
    seed = first
    while seed == first or time.monotonic() < end:
        bad = problems(history_of(server, name, seed))
        assert not bad, f"seed {seed} (the {seed - first + 1}.): " + "\n".join(bad)
        seed += 1


def test_clients_meet_and_it_shows(server):
    """What comes between commands when nothing keeps them together is noticed."""
    end = time.monotonic() + 20 * SECONDS
    seed = random.randrange(1 << 30)
    while not problems(history_of(server, "transactions", seed, atomic=False)):
        assert time.monotonic() < end, "nobody ever met anybody: the test tests nothing"
        seed += 1


def test_watchers_win_and_lose(server):
    """That the histories with WATCH have both in them."""
    requests = sum(history_of(server, "watches", seed=1), [])
    outcomes = {r.answer is None for r in requests if r.transaction and r.watched}
    assert outcomes == {False, True}
