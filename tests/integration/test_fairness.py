"""Nobody waits for ever: for the gate, for memory to be freed, or for a thread that is idle."""

import threading
import time

import pytest

from support.resp import Error, is_null
from support.server import Server, subject_binary, wait_until

pytestmark = [pytest.mark.mantis_only]

PER_COMMAND = 1000
MB = 1_000_000
# Far longer than anything here takes on a busy machine.
FOREVER_S = 60


def used(server):
    return int(server.info("memory")["used_memory"])


def add_members(client, key, members):
    for first in range(0, members, PER_COMMAND):
        client.cmd("SADD", key, *[f"member:{i}" for i in range(first, first + PER_COMMAND)])


class Repeating:
    """Threads with a client each that repeat `step(client)` until the block ends."""

    def __init__(self, server, step, clients=1):
        self.server = server
        self.step = step
        self.stop = threading.Event()
        self.count = 0
        self.failure = None
        self.threads = [threading.Thread(target=self._run) for _ in range(clients)]

    def _run(self):
        try:
            with self.server.client(timeout=FOREVER_S) as client:
                while not self.stop.is_set():
                    self.step(client)
                    self.count += 1
        except Exception as e:  # shown by the main thread
            self.failure = e

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()
        if self.failure is not None:
            raise self.failure


@pytest.fixture
def server():
    with Server(subject_binary()) as one:
        yield one


def background_save(server, client):
    client.ok("BGSAVE")
    wait_until(
        lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0", FOREVER_S, "a save"
    )
    assert server.info("persistence")["rdb_last_bgsave_status"] == "ok"


def sort_by(client):
    client.pipeline([("SORT", "none", "BY", "weight_*")] * 20)


def transaction_of_keys(client):
    client.pipeline([("MULTI",), ("KEYS", "nothing"), ("EXEC",)])


@pytest.mark.parametrize("step", [sort_by, transaction_of_keys])
def test_gate_users_workers_and_saves_all_get_on(server, step):
    with server.client(timeout=FOREVER_S) as client:
        add_members(client, "set", 20_000)
        client.pipeline([("SET", f"key:{i}", "v") for i in range(20_000)])
        with Repeating(server, step, clients=2) as gate:
            for _ in range(3):
                before = gate.count
                assert len(client.cmd("SMEMBERS", "set")) == 20_000
                background_save(server, client)
                assert client.cmd("SET", "other", "v") is not None
                wait_until(lambda: gate.count > before, FOREVER_S, "the gate")


def test_transactions_of_copy_move_and_dbsize_are_atomic(server):
    """They need not be alone; what they touch is held all the same."""

    def transfer(client):
        client.pipeline(
            [("MULTI",), ("COPY", "a", "b", "REPLACE"), ("DEL", "a"), ("COPY", "b", "a")]
            + [("DEL", "b"), ("DBSIZE",), ("EXEC",)]
        )

    def move(client):
        client.pipeline(
            [("MULTI",), ("MOVE", "m", "1"), ("SELECT", "1"), ("MOVE", "m", "0"), ("SELECT", "0")]
            + [("COPY", "a", "a", "DB", "1", "REPLACE"), ("EXEC",)]
        )

    with server.client(timeout=FOREVER_S) as client:
        client.pipeline([("SET", "a", "1"), ("SET", "m", "1")])
        with Repeating(server, transfer, clients=2), Repeating(server, move):
            end = time.monotonic() + 2
            while time.monotonic() < end:
                replies = client.pipeline([("MULTI",), ("MGET", "a", "b", "m"), ("EXEC",)])
                a, b, m = replies[-1][0]
                assert (a, m) == (b"1", b"1") and is_null(b)
        replies = client.pipeline([("MULTI",), ("SET", "new", "1"), ("DBSIZE",), ("EXEC",)])
        assert replies[-1][-1] == 3


def test_memory_that_an_idle_worker_retired_comes_back(server):
    with server.client(timeout=FOREVER_S) as client:
        add_members(client, "source", 100_000)
        client.cmd("SUNIONSTORE", "target", "source")
        base = used(server)
        # Replaces, so that the worker retires the former target; then it has nothing to do.
        client.cmd("SUNIONSTORE", "target", "source")
        wait_until(lambda: used(server) < base + MB, FOREVER_S, "memory")


def test_writes_go_on_at_the_limit_while_a_worker_is_idle(launch):
    server = launch("--maxmemory-policy", "allkeys-lru")
    with server.client(timeout=FOREVER_S) as client:
        add_members(client, "source", 100_000)
        for _ in range(2):
            client.cmd("SUNIONSTORE", "target", "source")
        server.config_set("maxmemory", str(used(server) + 8 * MB))
        for first in range(0, 30_000, 500):
            replies = client.pipeline(
                [("SET", f"key:{i}", "v" * 1000) for i in range(first, first + 500)]
            )
            assert not [r for r in replies if isinstance(r, Error)]


@pytest.mark.slow
def test_memory_is_reclaimed_beside_a_long_command(server):
    block = [("SET", f"over:{i}", "v" * 1000) for i in range(200)]
    with server.client(timeout=FOREVER_S) as client:
        add_members(client, "big", 500_000)
        base = used(server)
        most = 0
        with Repeating(server, lambda c: c.cmd("SINTERCARD", "2", "big", "big")) as long_command:
            with Repeating(server, lambda c: c.pipeline(block)) as writer:
                while long_command.count < 5 or writer.count < 500:
                    most = max(most, used(server))
                    time.sleep(0.02)
    # 500 times 200 KB were replaced meanwhile.
    assert most < base + 50 * MB


@pytest.mark.slow
def test_deleting_faster_than_memory_is_freed_is_held_back(server):
    def churn(client):
        key = f"churn:{threading.get_ident()}"
        adds = [
            ("SADD", key, *[f"member:{i}" for i in range(b, b + PER_COMMAND)])
            for b in range(0, 20_000, PER_COMMAND)
        ]
        client.pipeline([*adds, ("DEL", key)])

    base = used(server)
    most = 0
    with Repeating(server, churn, clients=4) as churning:
        end = time.monotonic() + 4
        while time.monotonic() < end or churning.count < 50:
            most = max(most, used(server))
            time.sleep(0.02)
    assert most < base + 300 * MB
    wait_until(lambda: used(server) < base + 10 * MB, FOREVER_S, "memory")
