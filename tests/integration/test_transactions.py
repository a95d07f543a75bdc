"""Transactions under concurrency: isolated from everybody on every core, and WATCH that misses
nothing. Work comes from several processes over real sockets."""

import random
import time

import pytest

from support.linearizability import Operation, violations
from support.load import in_processes
from support.raw_client import RawClient
from support.resp import OK, Error, is_null

WORKERS = 4
ACCOUNTS = [f"account:{i}" for i in range(6)]
TOTAL = 600


def transact(client, *commands):
    """EXEC's reply."""
    replies = client.pipeline([("MULTI",), *commands, ("EXEC",)])
    assert all(r.text == b"QUEUED" for r in replies[1:-1]), replies
    assert not isinstance(replies[-1], Error), replies[-1]
    return replies[-1]


def move_or_watch_money(number, address, seconds):
    """Moves money between accounts, or counts all of it; answers the sums seen."""
    chance = random.Random(number)
    end = time.monotonic() + seconds
    sums = set()
    turns = 0
    with RawClient(address) as client:
        while time.monotonic() < end:
            turns += 1
            if number % 2 == 0:
                source, target = chance.sample(ACCOUNTS, 2)
                amount = chance.randrange(1, 50)
                commands = [("DECRBY", source, amount), ("INCRBY", target, amount)]
                # Some of them need the gate.
                if chance.random() < 0.1:
                    commands.insert(1, ("DBSIZE",))
                transact(client, *commands)
            elif turns % 2 == 0:
                sums.add(sum(int(v) for v in client.ok("MGET", *ACCOUNTS)))
            else:
                values = transact(client, *[("GET", a) for a in ACCOUNTS])
                sums.add(sum(int(v) for v in values))
    return sums, turns


def test_money_is_neither_made_nor_lost(client, subject):
    for account in ACCOUNTS:
        client.ok("SET", account, TOTAL // len(ACCOUNTS))
    results = in_processes(WORKERS, move_or_watch_money, subject.address, 3.0)
    assert all(turns > 50 for _, turns in results)
    assert set().union(*(sums for sums, _ in results)) == {TOTAL}
    assert sum(int(v) for v in client.ok("MGET", *ACCOUNTS)) == TOTAL


def increment_and_look(number, address, seconds):
    """Increments in transactions that look before and after, or plainly; answers the odd looks."""
    end = time.monotonic() + seconds
    odd = []
    done = 0
    with RawClient(address) as client:
        while time.monotonic() < end:
            if number % 2 == 0:
                client.pipeline([("INCR", "n")] * 20)
                done += 20
            else:
                looks = transact(client, *[("INCR", "n"), ("GET", "n")] * 2, ("STRLEN", "n"))
                done += 2
                first = looks[0]
                wanted = [first, b"%d" % first, first + 1, b"%d" % (first + 1), len(str(first + 1))]
                if looks != wanted:
                    odd.append(looks)
    return odd, done


def test_nothing_comes_between(client, subject):
    results = in_processes(WORKERS, increment_and_look, subject.address, 2.0)
    assert [odd[:1] for odd, _ in results] == [[]] * WORKERS
    assert client.ok("GET", "n") == b"%d" % sum(done for _, done in results)


def write_lists_together(number, address, seconds):
    """Even workers push to both lists or pop from both; odd ones compare them."""
    chance = random.Random(number)
    end = time.monotonic() + seconds
    differing = []
    with RawClient(address) as client:
        while time.monotonic() < end:
            if number % 2 == 0:
                value = chance.randrange(1000)
                if chance.random() < 0.5:
                    transact(client, ("RPUSH", "one", value), ("RPUSH", "two", value))
                else:
                    a, b = transact(client, ("LPOP", "one"), ("LPOP", "two"))
                    if repr(a) != repr(b):
                        differing.append((a, b))
            else:
                one, two = transact(client, ("LRANGE", "one", 0, -1), ("LRANGE", "two", 0, -1))
                if one != two:
                    differing.append((one, two))
    return differing


def test_lists_stay_equal(client, subject):
    results = in_processes(WORKERS, write_lists_together, subject.address, 2.0)
    assert [d[:1] for d in results] == [[]] * WORKERS
    assert client.ok("LRANGE", "one", 0, -1) == client.ok("LRANGE", "two", 0, -1)


def count_optimistically(number, address, times):
    """Compare-and-set by WATCH, mixed with plain increments; answers how often it had to retry."""
    retries = 0
    with RawClient(address) as client:
        for turn in range(times):
            if turn % 3 == 2:
                client.ok("INCR", "n")
                continue
            while True:
                client.ok("WATCH", "n")
                value = int(client.ok("GET", "n") or 0)
                if not is_null(transact(client, ("SET", "n", value + 1))):
                    break
                retries += 1
    return retries


def test_watched_counters_are_exact(client, subject):
    times = 300
    client.ok("SET", "n", 0)
    retries = in_processes(WORKERS, count_optimistically, subject.address, times)
    assert client.ok("GET", "n") == b"%d" % (WORKERS * times)
    assert sum(retries) > 0, "nobody ever met anybody: the test tests nothing"


def check_write_skew(number, address, times):
    """Each worker may set its own flag only while the other's is clear."""
    mine, other = f"flag:{number % 2}", f"flag:{1 - number % 2}"
    broken = 0
    with RawClient(address) as client:
        for _ in range(times):
            client.ok("WATCH", other)
            if client.ok("EXISTS", other) == 0:
                replies = transact(client, ("SET", mine, 1), ("EXISTS", mine, other))
                if not is_null(replies) and replies[1] != 1:
                    broken += 1
            else:
                client.ok("UNWATCH")
            client.ok("DEL", mine)
    return broken


def test_watching_prevents_write_skew(client, subject):
    """Both watch what the other writes: one of them must fail."""
    assert in_processes(2, check_write_skew, subject.address, 1500) == [0, 0]


REGISTERS = (b"reg:0", b"reg:1")


def perform(client, chance, key):
    """One operation of a register, many of them as a transaction."""
    value = b"%d" % chance.randrange(1000)
    kind = chance.randrange(5)
    called = time.monotonic()
    if kind == 0:
        old, done = transact(client, ("GET", key), ("SET", key, value))
        assert done == OK
        name, arguments, answer = "getset", (value,), old
    elif kind == 1:
        client.ok("WATCH", key)
        old = client.ok("GET", key)
        if not is_null(old):
            called = time.monotonic()
            reply = transact(client, ("GET", key))
            if is_null(reply):
                return None
            return Operation("get", key, (), reply[0], called, time.monotonic())
        if is_null(transact(client, ("SET", key, value))):
            return None
        name, arguments, answer = "setnx", (value,), 1
    elif kind == 2:
        name, arguments, answer = "del", (), transact(client, ("DEL", key))[0]
    elif kind == 3:
        name, arguments, answer = "set", (value,), b"OK"
        client.ok("SET", key, value)
    else:
        name, arguments, answer = "get", (), client.ok("GET", key)
    answer = None if is_null(answer) else answer
    return Operation(name, key, arguments, answer, called, time.monotonic())


def record(number, address, seed, operations):
    chance = random.Random(seed * 100 + number)
    with RawClient(address) as client:
        done = [perform(client, chance, chance.choice(REGISTERS)) for _ in range(operations)]
    return [operation for operation in done if operation is not None]


@pytest.mark.parametrize("turn", range(3))
def test_histories_of_transactions_are_linearizable(client, subject, turn):
    seed = random.randrange(1 << 30)
    parts = in_processes(WORKERS, record, subject.address, seed, 400)
    history = [operation for part in parts for operation in part]
    assert len(history) > WORKERS * 200
    bad = violations(history)
    assert not bad, f"seed {seed}, turn {turn}: not linearizable: {bad}"


def churn_databases(number, address, seconds):
    """Flushes, swaps and whole-keyspace transactions against ordinary ones."""
    chance = random.Random(number)
    end = time.monotonic() + seconds
    odd = []
    with RawClient(address) as client:
        client.ok("SELECT", number % 2)
        while time.monotonic() < end:
            kind = chance.randrange(6) if number == 0 else 5
            if kind == 0:
                client.ok("SWAPDB", 0, 1)
            elif kind == 1:
                client.ok("FLUSHDB")
            elif kind == 2:
                replies = transact(client, ("FLUSHDB",), ("SET", "only", 1), ("DBSIZE",))
                if replies[2] != 1:
                    odd.append(replies)
            else:
                replies = transact(
                    client, ("SET", f"k{number}", 1), ("INCR", f"k{number}"), ("GET", f"k{number}")
                )
                if replies[1:] != [2, b"2"]:
                    odd.append(replies)
    return odd


def test_flushing_and_swapping_between_transactions(client, subject):
    results = in_processes(WORKERS, churn_databases, subject.address, 2.0)
    assert results == [[]] * WORKERS
    client.ok("FLUSHALL")


def watch_and_lose(client, other, change, key="k"):
    """Whether EXEC was refused after `change` by somebody else."""
    client.ok("WATCH", key)
    for command in change:
        other.ok(*command)
    return is_null(transact(client, ("PING",)))


def test_watchers_see_eviction(launch):
    server = launch("--maxmemory", "20mb", "--maxmemory-policy", "allkeys-random")
    with server.client() as client, server.client() as other:
        client.ok("SET", "k", "v")
        client.ok("WATCH", "k")
        # Some 4500 fit, so one write in about as many evicts it: 20,000 would not do now and then.
        for i in range(100_000):
            other.ok("SET", f"filler:{i}", "x" * 4000)
            if i % 100 == 0 and other.ok("EXISTS", "k") == 0:
                break
        assert other.ok("EXISTS", "k") == 0, "it was never evicted"
        assert is_null(transact(client, ("PING",)))


def test_watchers_see_active_expiry_that_nobody_looks_at(client, subject):
    with subject.client() as other:
        assert watch_and_lose(client, other, [("SET", "k", "v", "PX", 30)])
        other.ok("SET", "k", "v", "PX", 40)
        client.ok("WATCH", "k")
        time.sleep(0.1)
        assert is_null(transact(client, ("PING",)))


def test_a_queue_of_ten_thousand(client):
    count = 10_000
    client.ok("MULTI")
    replies = client.pipeline([("SET", f"key:{i}", i) for i in range(count)])
    assert all(r.text == b"QUEUED" for r in replies)
    began = time.monotonic()
    replies = client.ok("EXEC")
    assert time.monotonic() - began < 5
    assert len(replies) == count and all(r == OK for r in replies)
    assert client.ok("DBSIZE") == count


def test_queued_commands_count_as_memory(client, subject):
    with subject.client() as other:
        other.ok("CLIENT", "SETNAME", "queueing")
        other.ok("MULTI")
        for _ in range(10):
            assert other.cmd("SET", "k", "x" * 100_000).text == b"QUEUED"
        lines = client.ok("CLIENT", "LIST").decode().splitlines()
        line = next(line for line in lines if " name=queueing " in line)
        fields = dict(field.split("=", 1) for field in line.split(" ") if "=" in field)
        assert fields["multi"] == "10" and fields["flags"] == "x"
        assert 1_000_000 < int(fields["multi-mem"]) < 1_100_000
        assert int(fields["tot-mem"]) > int(fields["multi-mem"])
        other.ok("DISCARD")


def test_monitor_shows_transactions_in_order(client, subject):
    with subject.client() as monitor, subject.client() as other:
        monitor.ok("MONITOR")
        transact(other, ("SET", "a", 1), ("GET", "a"))
        lines = [monitor.read().text.decode() for _ in range(4)]
        assert [line.split('"')[1] for line in lines] == ["MULTI", "SET", "GET", "EXEC"]


def test_a_transaction_over_busy_keys_gets_its_turn(client, subject):
    """Keys that others never leave alone do not keep an EXEC from ever running."""
    keys = [f"hot:{i}" for i in range(200)]

    results = in_processes(WORKERS, hammer, subject.address, keys, 2.0)
    assert min(results) > 5, results


def hammer(number, address, keys, seconds):
    """Worker 0 runs transactions over all keys, the others write them; answers the turns."""
    end = time.monotonic() + seconds
    turns = 0
    with RawClient(address) as client:
        while time.monotonic() < end:
            turns += 1
            if number == 0:
                assert len(transact(client, *[("INCR", key) for key in keys])) == len(keys)
            else:
                client.pipeline([("INCR", key) for key in keys])
    return turns


def test_many_watched_keys(client, subject):
    keys = [f"w:{i}" for i in range(5000)]
    with subject.client() as other:
        client.ok("WATCH", *keys)
        assert not is_null(transact(client, ("PING",)))
        client.ok("WATCH", *keys)
        other.ok("SET", keys[-1], 1)
        assert is_null(transact(client, ("PING",)))
        # Nothing is left of those that do not exist.
        client.ok("WATCH", *keys)
        client.ok("UNWATCH")
        assert client.ok("DBSIZE") == 1


def test_a_long_transaction_answers_what_it_replaces(client):
    """EXEC of so many steps runs on a worker, where the old values are freed meanwhile."""

    def value(i):
        return b"%012d:" % i + bytes([97 + i % 26]) * 15_000

    many_steps = ("EXISTS", *["none"] * 8_000)
    values = [value(i) for i in range(300)]
    replacing = [("SET", "key", value(i + 1), "GET") for i in range(300)]
    deleting = [c for v in values for c in (("SET", "key", v), ("GETDEL", "key"))]
    for commands in (replacing, deleting):
        for _ in range(15):
            client.ok("SET", "key", value(0))
            replies = transact(client, many_steps, *commands)
            assert [r for r in replies[1:] if r != OK] == values
