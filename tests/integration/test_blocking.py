"""Clients that wait for keys, from many processes: first come, first served; nothing lost, nothing
delivered twice, whatever ends the wait."""

import contextlib
import random
import re
import threading
import time

import pytest

from support.load import in_processes
from support.raw_client import ClosedByServer, RawClient
from support.resp import Error, encode, is_null
from support.server import wait_until

PATIENCE_S = 10.0


def blocked_clients(client):
    return int(re.search(r"blocked_clients:(\d+)", client.ok("INFO", "clients").decode()).group(1))


def await_blocked(client, count):
    wait_until(lambda: blocked_clients(client) == count, PATIENCE_S, f"{count} clients to wait")


@pytest.fixture
def waiters(client, subject):
    """Connections by number, opened as they are asked for; nobody waits when the test ends."""
    connections = []

    def wait(*command, count=None):
        connection = subject.client()
        connections.append(connection)
        connection.send(encode(command))
        await_blocked(client, len(connections) if count is None else count)
        return connection

    yield wait
    for connection in connections:
        connection.close()
    await_blocked(client, 0)


# ---- order


def test_first_come_first_served_across_cores(client, waiters):
    """Connections spread over the cores; each waits only once the one before it does."""
    everyone = [waiters("BLPOP", "q", 0) for _ in range(24)]
    client.ok("RPUSH", "q", *range(10))
    for i, waiter in enumerate(everyone[:10]):
        assert waiter.read() == [b"q", b"%d" % i]
    await_blocked(client, 14)
    for i, waiter in enumerate(everyone[10:], 10):
        client.ok("RPUSH", "q", i)
        assert waiter.read() == [b"q", b"%d" % i]
    assert client.ok("EXISTS", "q") == 0


def test_who_goes_away_is_passed_over(client, waiters, subject):
    first, second, third = (waiters("BLPOP", "q", 0) for _ in range(3))
    first.close()
    await_blocked(client, 2)
    client.ok("CLIENT", "UNBLOCK", id_of(client, second))
    assert is_null(second.read())
    client.ok("RPUSH", "q", "a")
    assert third.read() == [b"q", b"a"]


def id_of(client, waiter):
    port = waiter.sock.getsockname()[1]
    for line in client.ok("CLIENT", "LIST").decode().splitlines():
        if f":{port} laddr" in line:
            return int(re.match(r"id=(\d+) ", line).group(1))
    raise AssertionError("not listed")


def test_newcomers_do_not_overtake(client, waiters, subject):
    """Somebody always waits, so whatever is pushed belongs to who has waited longest."""
    waiting = [waiters("BLPOP", "q", 0)]
    with subject.client() as pusher:
        for i in range(300):
            newcomer = subject.client()
            await_blocked(client, 1)
            # At the same moment, on two connections.
            pusher.send(encode(("RPUSH", "q", i)))
            newcomer.send(encode(("BLPOP", "q", 0)))
            assert waiting[0].read() == [b"q", b"%d" % i]
            pusher.read()
            waiting.pop(0).close()
            waiting.append(newcomer)
    waiting[0].close()


# ---- nothing lost, nothing doubled


QUEUES = [f"queue:{i}" for i in range(3)]


def produce_or_consume(number, address, items, seed):
    """Even workers push numbered items; odd ones take until they are told to stop. Answers what
    was pushed or taken."""
    chance = random.Random(seed * 64 + number)
    got = []
    with RawClient(address, timeout=30) as client:
        if number % 2 == 0:
            for i in range(items):
                item = b"%d:%d" % (number, i)
                push_somehow(client, chance, item)
                got.append(item)
            return got
        while True:
            reply = client.ok("BLPOP", "stop", *chance.sample(QUEUES, 3), 0)
            if reply[0] == b"stop":
                return got
            got.append(reply[1])


def push_somehow(client, chance, item):
    queue = chance.choice(QUEUES)
    kind = chance.randrange(4)
    if kind == 0:
        client.ok("RPUSH", queue, item)
    elif kind == 1:
        client.pipeline([("MULTI",), ("RPUSH", queue, item), ("EXEC",)])
    elif kind == 2:
        name = b"temp:" + item
        client.ok("RPUSH", name, item)
        client.ok("LMOVE", name, queue, "LEFT", "RIGHT")
    else:
        name = b"temp:" + item
        client.ok("RPUSH", name, item)
        # Only if nothing is there: what is there must not be lost.
        if client.ok("RENAMENX", name, queue) == 0:
            client.ok("RPOPLPUSH", name, queue)


def test_every_item_is_taken_once(client, subject):
    seed = random.randrange(1 << 20)
    workers, items = 8, 400
    stopper = threading.Thread(target=stop_consumers, args=(subject.address, workers // 2))
    stopper.start()
    results = in_processes(workers, produce_or_consume, subject.address, items, seed, timeout=60)
    stopper.join()
    pushed = [item for part in results[::2] for item in part]
    taken = [item for part in results[1::2] for item in part]
    assert sorted(taken) == sorted(pushed), f"seed {seed}"
    assert client.ok("EXISTS", *QUEUES) == 0
    await_blocked(client, 0)


def stop_consumers(address, consumers):
    """Lets the consumers end once nothing is left: producers have said so by then."""
    with RawClient(address) as client:
        deadline = time.monotonic() + 40
        quiet = 0
        while quiet < 20 and time.monotonic() < deadline:
            time.sleep(0.05)
            empty = client.ok("EXISTS", *QUEUES) == 0 and not client.ok("KEYS", "temp:*")
            busy = blocked_clients(client) < consumers
            quiet = quiet + 1 if empty and not busy else 0
        client.ok("RPUSH", "stop", *["x"] * consumers)


def take_and_give_up(number, address, seed, seconds):
    """Takes items while giving up in every possible way. Answers what was surely received, and how
    often the connection was dropped while an item may have been on its way."""
    chance = random.Random(seed * 64 + number)
    end = time.monotonic() + seconds
    got = []
    dropped = 0
    client = RawClient(address, timeout=20)
    try:
        while time.monotonic() < end:
            kind = chance.randrange(4)
            if kind == 0:
                reply = client.ok("BLPOP", *QUEUES, chance.choice((0.001, 0.002, 0.01)))
            elif kind == 1:
                reply = unblocked_take(client, address, chance)
            elif kind == 2:
                client.send(encode(("BLPOP", *QUEUES, 0)))
                time.sleep(chance.random() * 0.004)
                dropped += 1
                client.close()
                client = RawClient(address, timeout=20)
                continue
            else:
                reply = killed_take(client, address, chance)
                client.close()
                client = RawClient(address, timeout=20)
                if reply is ClosedByServer:
                    dropped += 1
                    continue
            if isinstance(reply, list):
                got.append(reply[1])
            else:
                assert is_null(reply) or isinstance(reply, Error), reply
    finally:
        client.close()
    return got, dropped


def unblocked_take(client, address, chance):
    number = client.ok("CLIENT", "ID")
    client.send(encode(("BLPOP", *QUEUES, 0)))
    with RawClient(address) as other:
        while True:
            time.sleep(chance.random() * 0.002)
            if other.ok("CLIENT", "UNBLOCK", number, chance.choice(("TIMEOUT", "ERROR"))):
                reply = client.read()
                assert is_null(reply) or isinstance(reply, Error), "unblocked, and yet served"
                return reply
            # Not waiting yet, or served already.
            with contextlib.suppress(TimeoutError):
                return client.read(timeout=0.05)


def killed_take(client, address, chance):
    number = client.ok("CLIENT", "ID")
    client.send(encode(("BLPOP", *QUEUES, 0)))
    with RawClient(address) as other:
        time.sleep(chance.random() * 0.002)
        other.ok("CLIENT", "KILL", "ID", number)
    try:
        return client.read()
    except (ClosedByServer, ConnectionError):
        return ClosedByServer


def push_for_a_while(number, address, seconds):
    end = time.monotonic() + seconds
    pushed = []
    with RawClient(address) as client:
        while time.monotonic() < end:
            item = b"%d:%d" % (number, len(pushed))
            client.ok("RPUSH", QUEUES[len(pushed) % 3], item)
            pushed.append(item)
            time.sleep(0.0007)
    return pushed, 0


def push_or_give_up(number, address, seed, seconds):
    if number % 2 == 0:
        return push_for_a_while(number, address, seconds)
    return take_and_give_up(number, address, seed, seconds)


def test_giving_up_loses_only_what_was_on_its_way(client, subject):
    """Timeouts and UNBLOCK lose nothing at all. A connection that is cut may have had one item
    written to it; no item comes twice."""
    seed = random.randrange(1 << 20)
    results = in_processes(8, push_or_give_up, subject.address, seed, 4.0)
    pushed = [item for part, _ in results[::2] for item in part]
    taken = [item for part, _ in results[1::2] for item in part]
    dropped = sum(count for _, count in results[1::2])
    left = [item for queue in QUEUES for item in client.ok("LRANGE", queue, 0, -1)]
    assert len(set(taken + left)) == len(taken + left), f"seed {seed}: an item came twice"
    assert set(taken + left) <= set(pushed)
    assert len(pushed) - len(taken) - len(left) <= dropped, f"seed {seed}: items are lost"
    assert len(taken) > 100
    await_blocked(client, 0)


def give_up_without_being_cut(number, address, seed, seconds):
    if number % 2 == 0:
        return push_for_a_while(number, address, seconds)[0]
    chance = random.Random(seed * 64 + number)
    end = time.monotonic() + seconds
    got = []
    with RawClient(address, timeout=20) as client:
        while time.monotonic() < end:
            if chance.random() < 0.5:
                reply = client.ok("BRPOP", *QUEUES, chance.choice((0.001, 0.002, 0.005)))
            else:
                reply = unblocked_take(client, address, chance)
            if isinstance(reply, list):
                got.append(reply[1])
    return got


def test_timeouts_and_unblocking_lose_nothing(client, subject):
    seed = random.randrange(1 << 20)
    results = in_processes(8, give_up_without_being_cut, subject.address, seed, 3.0)
    pushed = [item for part in results[::2] for item in part]
    taken = [item for part in results[1::2] for item in part]
    left = [item for queue in QUEUES for item in client.ok("LRANGE", queue, 0, -1)]
    assert sorted(taken + left) == sorted(pushed), f"seed {seed}"


def pass_along(number, address, count):
    """One link of a chain: moves everything from its list to the next one."""
    with RawClient(address, timeout=30) as client:
        for _ in range(count):
            reply = client.ok("BRPOPLPUSH", f"chain:{number}", f"chain:{number + 1}", 0)
            assert not is_null(reply)


def test_a_chain_of_blocking_moves_keeps_the_order(client, subject):
    links, count = 5, 300

    def feed():
        with subject.client() as feeder:
            for i in range(count):
                feeder.ok("LPUSH", "chain:0", i)

    feeder = threading.Thread(target=feed)
    feeder.start()
    in_processes(links, pass_along, subject.address, count)
    feeder.join()
    arrived = client.ok("LRANGE", f"chain:{links}", 0, -1)
    assert arrived == [b"%d" % i for i in reversed(range(count))]


def test_a_chain_within_one_push(client, waiters):
    """Serving one waiter makes the next one's key ready, and so on, before the push is answered."""
    movers = [waiters("BLMOVE", f"c:{i}", f"c:{i + 1}", "LEFT", "RIGHT", 0) for i in range(20)]
    assert client.pipeline([("RPUSH", "c:0", "x"), ("LRANGE", "c:20", 0, -1)]) == [1, [b"x"]]
    for mover in movers:
        assert mover.read() == b"x"


def test_many_waiters_at_one_push(client, subject):
    """More than are served in one turn."""
    count = 1500
    connections = [subject.client() for _ in range(count)]
    try:
        for connection in connections:
            connection.send(encode(("BLPOP", "q", 0)))
        await_blocked(client, count)
        client.ok("RPUSH", "q", *range(count))
        values = sorted(int(connection.read()[1]) for connection in connections)
        assert values == list(range(count))
    finally:
        for connection in connections:
            connection.close()
    await_blocked(client, 0)


# ---- what ends a wait


@pytest.mark.parametrize("timeout", (0.001, 0.05, 0.3, 1))
def test_timeouts(client, timeout):
    began = time.monotonic()
    assert is_null(client.ok("BLPOP", "none", timeout))
    took = time.monotonic() - began
    assert timeout <= took < timeout + 0.2


def test_a_timeout_too_small_for_a_double_is_one(client):
    assert is_null(client.ok("BLPOP", "none", "1e-400"))


def test_timeouts_beyond_all_clocks(client, waiters):
    """Longer than a clock of nanoseconds can count, and not for nothing: it costs no time."""
    waiter = waiters("BLPOP", "k", 9_000_000_000_000)
    with_cpu = cpu_seconds(client)
    time.sleep(0.5)
    assert cpu_seconds(client) - with_cpu < 0.3
    client.ok("RPUSH", "k", "a")
    assert waiter.read() == [b"k", b"a"]


def cpu_seconds(client):
    text = client.ok("INFO", "cpu").decode()
    return sum(float(v) for v in re.findall(r"used_cpu_(?:sys|user):([\d.]+)", text))


def test_timeouts_in_their_order(client, waiters):
    long = waiters("BLPOP", "k", 0.6)
    short = waiters("BLPOP", "k", 0.1)
    began = time.monotonic()
    assert is_null(short.read())
    assert time.monotonic() - began < 0.4
    assert is_null(long.read())


def test_unblock(client, waiters):
    first, second = waiters("BLPOP", "k", 0), waiters("BLPOP", "k", 0)
    assert client.ok("CLIENT", "UNBLOCK", id_of(client, first)) == 1
    assert is_null(first.read())
    number = id_of(client, second)
    assert client.ok("CLIENT", "UNBLOCK", number, "ERROR") == 1
    assert second.read() == Error(b"UNBLOCKED client unblocked via CLIENT UNBLOCK")
    assert client.ok("CLIENT", "UNBLOCK", number) == 0
    assert client.ok("EXISTS", "k") == 0


def test_a_killed_waiter_takes_nothing(client, waiters):
    waiter = waiters("BLPOP", "k", 0)
    assert client.ok("CLIENT", "KILL", "ID", id_of(client, waiter)) == 1
    await_blocked(client, 0)
    client.ok("RPUSH", "k", "a")
    assert client.ok("LRANGE", "k", 0, -1) == [b"a"]


def test_a_peer_that_hangs_up_is_noticed(client, waiters):
    waiter = waiters("BLPOP", "k", 0)
    waiter.close()
    await_blocked(client, 0)
    client.ok("RPUSH", "k", "a")
    assert client.ok("LLEN", "k") == 1


def test_a_peer_that_hangs_up_behind_much_input_is_noticed(client, waiters):
    waiter = waiters("BLPOP", "k", 0)
    waiter.send(encode(("SET", "x", "y" * 300_000)))
    time.sleep(0.1)
    waiter.close()
    await_blocked(client, 0)
    client.ok("RPUSH", "k", "a")
    assert client.ok("LLEN", "k") == 1


def test_what_is_sent_behind_waits_its_turn(client, waiters):
    waiter = waiters("BLPOP", "k", 0)
    waiter.send(b"".join(encode(("INCR", "n")) for _ in range(100)))
    waiter.send(encode(("BLPOP", "k", 0)))
    waiter.send(encode(("GET", "n")))
    time.sleep(0.1)
    assert client.ok("EXISTS", "n") == 0
    client.ok("RPUSH", "k", "a")
    assert waiter.read() == [b"k", b"a"]
    assert [waiter.read() for _ in range(100)] == list(range(1, 101))
    await_blocked(client, 1)
    client.ok("RPUSH", "k", "b")
    assert waiter.read() == [b"k", b"b"]
    assert waiter.read() == b"100"


def test_silent_waiters_get_no_reply(client, subject):
    with subject.client() as waiter:
        waiter.send(encode(("CLIENT", "REPLY", "SKIP")) + encode(("BLPOP", "k", 0)))
        await_blocked(client, 1)
        client.ok("RPUSH", "k", "a", "b")
        assert waiter.ok("LLEN", "k") == 1


def test_shutdown_does_not_wait_for_waiters(launch):
    server = launch()
    with server.client() as waiter, server.client() as client:
        waiter.send(encode(("BLPOP", "k", 0)))
        await_blocked(client, 1)
        began = time.monotonic()
        client.send(encode(("SHUTDOWN", "NOSAVE")))
        with pytest.raises((ClosedByServer, ConnectionError)):
            waiter.read()
        server.process.wait(timeout=5)
        assert time.monotonic() - began < 3


def test_a_long_pop_that_finds_nothing_any_more_waits(client, subject):
    """It leaves the loop for a worker, where it finds the list gone: then it blocks like any."""
    elements = [str(i) for i in range(12_000)]
    with subject.client() as popper:
        for _ in range(20):
            client.ok("RPUSH", "k", *elements)
            popper.send(encode(("BLMPOP", 0, 1, "k", "LEFT", "COUNT", len(elements))))
            gone = client.ok("DEL", "k")
            if gone:
                client.ok("RPUSH", "k", "x")
            reply = popper.read()
            assert len(reply[1]) == (1 if gone else len(elements))
            assert client.ok("EXISTS", "k") == 0


# ---- introspection


def test_waiting_shows(client, waiters):
    waiter = waiters("BLPOP", "k", 0)
    lines = client.ok("CLIENT", "LIST").decode().splitlines()
    line = next(line for line in lines if f"id={id_of(client, waiter)} " in line)
    assert " flags=b " in line and " cmd=blpop " in line
    client.ok("RPUSH", "k", "a")
    assert waiter.read() == [b"k", b"a"]
    lines = client.ok("CLIENT", "LIST").decode().splitlines()
    line = next(line for line in lines if f"id={id_of(client, waiter)} " in line)
    assert " flags=N " in line


def test_a_wait_counts_as_one_call(launch):
    server = launch()
    with server.client() as waiter, server.client() as client:
        waiter.send(encode(("BLPOP", "k", 0)))
        await_blocked(client, 1)
        client.ok("RPUSH", "k", "a")
        assert waiter.read() == [b"k", b"a"]
        assert is_null(waiter.ok("BLPOP", "k", 0.01))
        waiter.send(encode(("BLPOP", "k", 0)))
        await_blocked(client, 1)
        client.ok("CLIENT", "UNBLOCK", waiter_id(client), "ERROR")
        assert isinstance(waiter.read(), Error)
        stats = client.ok("INFO", "commandstats").decode()
        assert re.search(r"cmdstat_blpop:calls=3,", stats), stats
        assert "errorstat_UNBLOCKED:count=1" in client.ok("INFO", "errorstats").decode()


def waiter_id(client):
    lines = client.ok("CLIENT", "LIST").decode().splitlines()
    return next(re.match(r"id=(\d+)", line).group(1) for line in lines if " flags=b " in line)


def test_waiting_leaves_no_keys_behind(client, subject):
    for _ in range(50):
        assert is_null(client.ok("BLPOP", "a", "b", "c", 0.001))
    assert client.ok("DBSIZE") == 0
    assert client.ok("KEYS", "*") == []
    assert is_null(client.ok("RANDOMKEY"))


# ---- together with the rest


def test_served_while_writes_are_paused(client, waiters, subject):
    """A pause holds commands back, not what others got before it."""
    waiter = waiters("BLPOP", "k", 0)
    with subject.client() as other:
        client.ok("CLIENT", "PAUSE", 10_000, "WRITE")
        other.send(encode(("RPUSH", "k", "a")))
        await_blocked(client, 2)
        client.ok("CLIENT", "UNPAUSE")
        assert other.read() == 1
        assert waiter.read() == [b"k", b"a"]


def test_swapping_and_flushing_under_waiters(client, subject):
    """Items pushed to either of two databases reach the waiters of both, as these are swapped."""
    workers = in_processes(6, swap_push_or_take, subject.address, 2.0)
    pushed = sum(count for kind, count in workers if kind == "pushed")
    taken = sum(count for kind, count in workers if kind == "taken")
    left = 0
    with subject.client() as other:
        for db in (0, 1):
            other.ok("SELECT", db)
            left += other.ok("LLEN", "q")
            other.ok("DEL", "q")
    assert taken + left == pushed and taken > 0


def swap_push_or_take(number, address, seconds):
    end = time.monotonic() + seconds
    count = 0
    with RawClient(address, timeout=20) as client:
        client.ok("SELECT", number % 2)
        if number == 5:
            while time.monotonic() < end:
                client.ok("SWAPDB", 0, 1)
                time.sleep(0.002)
            return "swapped", 0
        if number < 2:
            while time.monotonic() < end:
                client.ok("RPUSH", "q", count)
                count += 1
                time.sleep(0.0005)
            return "pushed", count
        while time.monotonic() < end:
            if not is_null(client.ok("BLPOP", "q", 0.05)):
                count += 1
    return "taken", count


def test_a_key_of_another_type_serves_nobody(client, waiters):
    """A key that became something else while a client waited is passed over, for the next key and
    for the next client in line."""
    for command, give in (
        (lambda *keys: ("BLPOP", *keys, 0), ("RPUSH", "second", "a", "b")),
        (lambda *keys: ("BLMPOP", 0, len(keys), *keys, "LEFT"), ("RPUSH", "second", "a", "b")),
        (lambda *keys: ("BZPOPMIN", *keys, 0), ("ZADD", "second", 1, "a", 2, "b")),
        (lambda *keys: ("BZPOPMAX", *keys, 0), ("ZADD", "second", 2, "a", 1, "b")),
        (lambda *keys: ("BZMPOP", 0, len(keys), *keys, "MIN"), ("ZADD", "second", 1, "a", 2, "b")),
    ):
        client.ok("FLUSHALL")
        first = waiters(*command("first", "second"), count=1)
        client.ok("SET", "first", "text")
        second = waiters(*command("second"), count=2)
        client.cmd(*give)
        assert "b'a'" in str(first.read()), command("first")
        assert "b'b'" in str(second.read()), command("first")
