"""maxmemory with every policy, and memory that comes back."""

import random
import threading
import time

import pytest

from support.resp import OK, Error, is_null
from support.server import parse_info, wait_until

ROOM = 8 * 1024 * 1024
VALUE = "v" * 1000
OOM = Error(b"OOM command not allowed when used memory > 'maxmemory'.")
POLICIES = (
    "noeviction",
    "allkeys-lru",
    "allkeys-lfu",
    "allkeys-random",
    "volatile-lru",
    "volatile-lfu",
    "volatile-random",
    "volatile-ttl",
)


def used(server):
    return int(server.info("memory")["used_memory"])


def limited(launch, policy):
    """A server with room for about 8 MB beyond what it needs when empty."""
    server = launch("--maxmemory-policy", policy)
    server.config_set("maxmemory", str(used(server) + ROOM))
    return server, int(server.info("memory")["maxmemory"])


def fill(client, names, *options):
    """Sets all names, in modest batches; answers the replies by name."""
    replies = {}
    for start in range(0, len(names), 200):
        part = names[start : start + 200]
        replies.update(
            zip(part, client.pipeline([("SET", name, VALUE, *options) for name in part]))
        )
    return replies


def alive(client, names):
    found = set()
    for start in range(0, len(names), 500):
        part = names[start : start + 500]
        found |= {
            name
            for name, value in zip(part, client.pipeline([("EXISTS", n) for n in part]))
            if value
        }
    return found


@pytest.mark.parametrize("policy", POLICIES)
def test_memory_stays_bounded(launch, policy):
    """Four times the room is written, with times to live where the policy wants them."""
    server, limit = limited(launch, policy)
    options = ("EX", 100000) if policy.startswith("volatile") else ()
    names = [f"key:{i:06d}" for i in range(32000)]
    with server.client() as client:
        worst = 0
        refused = 0
        for start in range(0, len(names), 2000):
            replies = fill(client, names[start : start + 2000], *options)
            refused += sum(reply == OOM for reply in replies.values())
            assert all(reply in (OK, OOM) for reply in replies.values())
            worst = max(worst, used(server))
        # A batch of replies, requests and one round of eviction may be on top.
        assert worst < limit + 2 * 1024 * 1024
        # One INFO for both: a new connection takes memory, and may cause an eviction itself.
        stats = parse_info(client.ok("INFO", "everything"))
        size = int(stats["db0"].split(",")[0].split("=")[1])
        evicted = int(stats["evicted_keys"])
        assert size + evicted + refused == len(names)
        assert (
            (evicted == 0 and refused > 10000)
            if policy == "noeviction"
            else (refused == 0 and evicted > 10000)
        )
        assert size > 3000


def test_memory_in_use_stays_under_the_limit(launch):
    """Under pipelined writes, and not only after them."""
    limit = 24 << 20
    server = launch("--threads", "2", "--maxmemory", str(limit), "--maxmemory-policy", "allkeys-lru")

    def write(number, seconds):
        chance = random.Random(number)
        end = time.monotonic() + seconds
        with server.client() as client:
            while time.monotonic() < end:
                names = [f"key:{chance.randrange(1_000_000)}" for _ in range(16)]
                client.pipeline([("SET", name, VALUE) for name in names])

    def write_all(seconds):
        writers = [threading.Thread(target=write, args=(i, seconds)) for i in range(4)]
        for writer in writers:
            writer.start()
        return writers

    write_all(1)[0].join()
    writers = write_all(3)
    most = 0
    while any(writer.is_alive() for writer in writers):
        most = max(most, used(server))
        time.sleep(0.005)
    assert int(server.info("stats")["evicted_keys"]) > 0
    # It was 2 %; clients' buffers, which eviction learns of late, are some of it here.
    assert most < limit * 1.01


def test_noeviction_refuses_growth_and_nothing_else(launch):
    server, _ = limited(launch, "noeviction")
    with server.client() as client:
        assert OOM in fill(client, [f"k{i}" for i in range(12000)]).values()
        # Far below what is in use, so that the fluctuation of buffers does not matter.
        client.ok("CONFIG", "SET", "maxmemory", used(server) - (1 << 20))
        for command in (
            ("SET", "n", "v"),
            ("APPEND", "n", "v"),
            ("INCR", "n"),
            ("MSET", "n", "v"),
            ("SETRANGE", "n", 1, "x"),
            ("COPY", "k0", "n"),
        ):
            assert client.cmd(*command) == OOM, command
        assert client.cmd("GET", "k0") == VALUE.encode()
        assert client.cmd("EXPIRE", "k0", 1000) == 1
        assert client.cmd("RENAME", "k0", "r0") == OK
        assert client.cmd("DEL", *[f"k{i}" for i in range(4000)]) > 0
        wait_until(
            lambda: client.cmd("SET", "n", "v") == OK, 5, "writes to be taken again after DEL"
        )
        assert client.ok("CONFIG", "SET", "maxmemory", 0) == OK
        assert client.cmd("SET", "k0", "v") == OK


@pytest.mark.parametrize("policy", [p for p in POLICIES if p.startswith("volatile")])
def test_volatile_policies_spare_keys_without_a_time(launch, policy):
    server, _ = limited(launch, policy)
    lasting = [f"lasting:{i}" for i in range(3000)]
    with server.client() as client:
        fill(client, lasting)
        fill(client, [f"due:{i}" for i in range(12000)], "EX", 100000)
        assert alive(client, lasting) == set(lasting)
        assert int(server.info("stats")["evicted_keys"]) > 2000
        # With nothing left to evict, growth is refused.
        replies = fill(client, [f"more:{i}" for i in range(12000)])
        assert OOM in replies.values()
        assert alive(client, lasting) == set(lasting)


def test_volatile_ttl_takes_the_nearest_deadlines(launch):
    server, _ = limited(launch, "volatile-ttl")
    names = [f"k{i:05d}" for i in range(14000)]
    with server.client() as client:
        for start in range(0, len(names), 200):
            client.pipeline(
                [
                    ("SET", names[i], VALUE, "EX", 10000 + (i * 7919) % len(names))
                    for i in range(start, start + 200)
                ]
            )
        survivors = alive(client, names)
        rank = {name: (i * 7919) % len(names) for i, name in enumerate(names)}
        mean_alive = sum(rank[n] for n in survivors) / len(survivors)
        gone = [n for n in names if n not in survivors]
        mean_gone = sum(rank[n] for n in gone) / len(gone)
        assert mean_gone + len(names) / 5 < mean_alive


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "volatile-lru", "volatile-lfu"])
def test_keys_in_use_stay(launch, policy):
    """A hot tenth is read again and again while twice the room is written past it."""
    server, _ = limited(launch, policy)
    options = ("EX", 100000) if policy.startswith("volatile") else ()
    hot = [f"hot:{i}" for i in range(500)]
    with server.client() as client:
        fill(client, hot, *options)
        for turn in range(80):
            client.pipeline([("GET", name) for name in hot])
            fill(client, [f"cold:{turn}:{i}" for i in range(200)], *options)
            time.sleep(0.05)  # recency is told by a coarse clock
        kept = len(alive(client, hot))
        assert int(server.info("stats")["evicted_keys"]) > 5000
        # Without preference under a third would be left; sampling keeps it from being all of them.
        assert kept > 300, f"{kept} of 500 hot keys are left"


def test_policy_and_limit_can_change_under_way(launch):
    server, limit = limited(launch, "noeviction")
    with server.client() as client:
        assert OOM in fill(client, [f"k{i}" for i in range(12000)]).values()
        client.ok("CONFIG", "SET", "maxmemory-policy", "allkeys-random")
        assert client.cmd("SET", "n", "v") == OK
        client.ok("CONFIG", "SET", "maxmemory", limit - ROOM // 2)
        client.cmd("SET", "n", "v")
        wait_until(
            lambda: used(server) <= limit - ROOM // 2 + 512 * 1024,
            5,
            "memory below the lower limit",
        )


@pytest.mark.parametrize("emptying", [("DEL", "big:0", "big:1"), ("FLUSHALL",)])
def test_what_was_just_deleted_counts_as_free(launch, emptying):
    server = launch("--maxmemory-policy", "noeviction")
    with server.client() as client:
        for i in range(3):
            client.ok("SET", f"big:{i}", "z" * 3_000_000)
        client.ok("CONFIG", "SET", "maxmemory", used(server) - 100_000)
        assert client.cmd("SET", "a", "b") == OOM
        replies = client.pipeline([emptying, ("SET", "a", "b")])
        assert not isinstance(replies[0], Error)
        assert replies[1] == OK


@pytest.mark.mantis_only
def test_writes_go_on_after_a_long_command_freed_much(launch):
    """A worker thread that retires a big value has nothing to do afterwards."""
    server = launch("--maxmemory", "40mb", "--maxmemory-policy", "allkeys-lru")
    with server.client(timeout=30) as client:
        for first in range(0, 200_000, 5000):
            client.ok("SADD", "src", *[f"m{i}" for i in range(first, first + 5000)])
        for _ in range(2):
            assert client.ok("SUNIONSTORE", "dst", "src") == 200_000
        replies = fill(client, [f"k{i}" for i in range(45_000)])
        assert set(replies.values()) == {OK}
        assert used(server) < 41 * 1024 * 1024
        assert int(server.info("stats")["evicted_keys"]) > 1000


@pytest.mark.mantis_only
def test_a_small_limit_is_usable(launch):
    server = launch("--maxmemory", "2mb", "--maxmemory-policy", "allkeys-lru")
    with server.client() as client:
        for first in range(0, 40_000, 1000):
            names = range(first, first + 1000)
            assert set(client.pipeline([("SET", f"key:{i}", "v" * 20) for i in names])) == {OK}
        assert client.ok("DBSIZE") > 3000
        assert used(server) < 2.2 * 1024 * 1024


@pytest.mark.mantis_only
def test_a_limit_that_was_lowered_is_reached_without_writes(launch):
    server, limit = limited(launch, "allkeys-lru")
    with server.client() as client:
        fill(client, [f"k{i}" for i in range(6000)])
        lower = limit - ROOM // 2
        client.ok("CONFIG", "SET", "maxmemory", lower)
        wait_until(lambda: used(server) <= lower * 1.01, 10, "memory below the lower limit")
        assert client.ok("DBSIZE") > 2000
        stats = server.info("stats")
        assert int(stats["current_eviction_exceeded_time"]) == 0


def test_a_tiny_limit_is_warned_of(launch):
    server = launch("--maxmemory", "512")
    text = "You specified a maxmemory value that is less than 1MB (current value is 512 bytes)"
    wait_until(lambda: text in server.log_path.read_text(), 5, "a warning of the limit")


@pytest.mark.mantis_only
def test_exceeded_time_runs_while_nothing_can_be_evicted(launch):
    server, _ = limited(launch, "noeviction")
    with server.client() as client:
        client.ok("SET", "k", VALUE)
        client.ok("CONFIG", "SET", "maxmemory", used(server) // 2)
        assert client.cmd("SET", "k", VALUE) == OOM
        time.sleep(0.1)
        assert int(server.info("stats")["current_eviction_exceeded_time"]) >= 90
        client.ok("CONFIG", "SET", "maxmemory", 0)
        wait_until(
            lambda: int(server.info("stats")["current_eviction_exceeded_time"]) == 0,
            5,
            "the time to end",
        )
        assert int(server.info("stats")["total_eviction_exceeded_time"]) >= 90


@pytest.mark.mantis_only
def test_many_threads(launch):
    """Far more than cores, each with counters of its own, and a saving thread besides."""
    server = launch("--threads", "300")
    with server.client() as client:
        client.ok("SET", "k", "v")
        client.ok("SAVE")
        assert client.ok("GET", "k") == b"v"


def load(client, count, *options):
    for start in range(0, count, 2000):
        client.pipeline(
            [("SET", f"key:{i:07d}", "v" * 32, *options) for i in range(start, start + 2000)]
        )


def key_names(count):
    return [f"key:{i:07d}" for i in range(count)]


def in_batches(command, client, count):
    names = key_names(count)
    for start in range(0, count, 1000):
        client.ok(command, *names[start : start + 1000])


EMPTYING = {
    "DEL": lambda client, count: in_batches("DEL", client, count),
    "UNLINK": lambda client, count: in_batches("UNLINK", client, count),
    "FLUSHALL": lambda client, count: client.ok("FLUSHALL"),
    "FLUSHDB ASYNC": lambda client, count: client.ok("FLUSHDB", "ASYNC"),
    "PEXPIRE": lambda client, count: client.pipeline([("PEXPIRE", n, 1) for n in key_names(count)]),
    "GETDEL": lambda client, count: client.pipeline([("GETDEL", n) for n in key_names(count)]),
    "KDEL": lambda client, count: client.ok("KDEL", "-", "+"),
}


@pytest.mark.parametrize(
    "how", [pytest.param(h, marks=pytest.mark.mantis_only if h == "KDEL" else ()) for h in EMPTYING]
)
def test_memory_returns_after_deleting_everything(launch, how):
    """used_memory within 5 % of the empty server's, after one warm-up round."""
    server = launch()
    count = 100000
    with server.client(timeout=30) as client:
        load(client, 2000)
        in_batches("DEL", client, 2000)
    wait_until(lambda: server.info("keyspace") == {}, 5, "an empty data set")
    empty = used(server)
    with server.client(timeout=30) as client:
        load(client, count)
        full = used(server)
        EMPTYING[how](client, count)
    assert full - empty > count * 60
    wait_until(
        lambda: used(server) <= empty * 1.05,
        10,
        f"memory to fall from {full} to {empty}",
        every=0.1,
    )
    with server.client() as client:
        wait_until(lambda: client.ok("DBSIZE") == 0, 5, "the last keys to go")
        assert is_null(client.ok("RANDOMKEY"))


def resident_kib(server):
    with open(f"/proc/{server.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))


def test_resident_memory_follows(launch):
    server = launch()
    empty = resident_kib(server)
    with server.client(timeout=30) as client:
        for start in range(0, 30000, 500):
            client.pipeline([("SET", f"k{i}", VALUE * 4) for i in range(start, start + 500)])
        full = resident_kib(server)
        client.ok("FLUSHALL")
        assert full - empty > 100 * 1024
        wait_until(
            lambda: resident_kib(server) - empty < (full - empty) / 3,
            40,
            "resident memory to follow",
            every=0.2,
        )


def test_overwriting_and_churn_do_not_grow_memory(launch):
    server = launch()
    with server.client() as client:
        for _ in range(3):
            load(client, 2000)
        settled = used(server)
        for turn in range(30):
            load(client, 2000)
            client.pipeline([("APPEND", f"key:{i:07d}", "x" * turn) for i in range(500)])
            in_batches("DEL", client, 2000)
        load(client, 2000)
    wait_until(
        lambda: used(server) <= settled * 1.1 + 200000,
        5,
        f"memory near {settled} after churn",
        every=0.1,
    )
