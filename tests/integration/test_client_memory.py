"""What a client makes the server keep: replies that it does not take, commands that it queues."""

import socket
import threading
import time

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import OK, Error, Simple, encode, is_null
from support.server import Server, subject_binary, wait_until

pytestmark = pytest.mark.mantis_only

MIB = 1024 * 1024
QUEUED = Simple(b"QUEUED")


def evicted(server):
    return int(server.info("stats")["evicted_clients"])


def used(server):
    return int(server.info("memory")["used_memory"])


def send_all_it_takes(client, data):
    """Sends until the server closes the connection or stops reading for a second."""
    client.sock.settimeout(1)
    try:
        client.send(data)
    except OSError:
        pass


def is_closed(client, within=20.0):
    """Whether the server closes the connection; what it had sent before is thrown away."""
    client.sock.settimeout(within)
    try:
        while client.sock.recv(1 << 20):
            pass
    except socket.timeout:
        return False
    except OSError:
        pass
    return True


@pytest.fixture(scope="module")
def server():
    with Server(subject_binary(), "--threads", "2") as running:
        with running.client() as client:
            client.ok("SET", "large", b"x" * MIB)
            client.ok("SET", "middle", b"x" * 5000)
        yield running


@pytest.fixture
def settings(server):
    yield server
    server.config_set("maxmemory-clients", "0")
    server.config_set("client-output-buffer-limit", "normal 0 0 0")
    server.config_set("maxmemory", "0")


def test_a_pipeline_written_before_anything_is_read(server):
    value = b"v" * 1024
    count = 20000
    one = encode(["SET", "key", value]) + encode(["GET", "key"])
    with RawClient(server.address, timeout=30) as client:
        client.send(one * count)
        for _ in range(count):
            assert client.read() == OK
            assert client.read() == value


def test_others_are_served_while_a_client_writes_and_does_not_read(server):
    with RawClient(server.address, timeout=30) as deaf, server.client(timeout=30) as other:
        writer = threading.Thread(
            target=send_all_it_takes, args=(deaf, encode(["GET", "middle"]) * 20000)
        )
        writer.start()
        waits = []
        while writer.is_alive():
            start = time.monotonic()
            assert other.cmd("PING") == Simple(b"PONG")
            waits.append(time.monotonic() - start)
        writer.join(30)
        assert max(waits, default=0) < 1


def test_hard_limit_counts_before_anything_is_sent(settings):
    settings.config_set("client-output-buffer-limit", "normal 100000 0 0")
    with RawClient(settings.address) as client:
        client.send(encode(["GET", "large"]) * 20)
        assert is_closed(client)


def test_what_redis_keeps_in_its_static_buffer_is_not_counted(settings):
    settings.config_set("client-output-buffer-limit", "normal 1000 0 0")
    with RawClient(settings.address) as client:
        client.send(encode(["GET", "middle"]) * 3)
        for _ in range(3):
            assert len(client.read()) == 5000
        client.send(encode(["GET", "middle"]) * 6)
        assert is_closed(client)


def test_replies_of_commands_on_worker_threads_count(settings):
    with settings.client() as client:
        for first in range(0, 60000, 10000):
            client.ok("SADD", "set", *[f"member:{first + i}" for i in range(10000)])
    settings.config_set("client-output-buffer-limit", "normal 8mb 0 0")
    before = used(settings)
    with RawClient(settings.address, receive_buffer=4096) as deaf:
        deaf.send(encode(["SMEMBERS", "set"]) * 2000)
        with settings.client() as other:
            wait_until(
                lambda: other.ok("CLIENT", "LIST").count(b"cmd=smembers") == 0,
                20,
                "the client to be closed",
            )
    assert used(settings) < before + 32 * MIB


def test_the_client_that_holds_most_is_evicted(settings):
    count = evicted(settings)
    holders = []
    # A buffer may have room for twice its content: the bounds below fit both.
    for size in (1, 3, 9, 27):
        holder = RawClient(settings.address, receive_buffer=4096)
        holder.send(b"*2\r\n$3\r\nGET\r\n$%d\r\n" % (64 * MIB) + b"k" * (size * MIB))
        holders.append(holder)
    held = lambda: int(settings.info("memory")["mem_clients_normal"])  # noqa: E731
    wait_until(lambda: held() >= 40 * MIB, 10, "the input to be received")
    settings.config_set("maxmemory-clients", "30mb")
    wait_until(lambda: evicted(settings) == count + 1, 10, "a client to be evicted")
    assert is_closed(holders[3])
    assert evicted(settings) == count + 1
    settings.config_set("maxmemory-clients", "12mb")
    wait_until(lambda: evicted(settings) == count + 2, 10, "the next one to be evicted")
    assert is_closed(holders[2])
    assert not is_closed(holders[0], within=0.3)
    for holder in holders:
        holder.close()


def test_queued_commands_count_and_no_evict_spares(settings):
    count = evicted(settings)
    settings.config_set("maxmemory-clients", "6mb")
    with settings.client() as spared, settings.client() as greedy:
        spared.ok("CLIENT", "NO-EVICT", "ON")
        spared.ok("MULTI")
        assert spared.cmd("SET", "key", b"x" * MIB) == QUEUED
        greedy.ok("MULTI")
        with pytest.raises((ClosedByServer, OSError)):
            for _ in range(100):
                greedy.cmd("SET", "key", b"x" * 100000)
                time.sleep(0.001)
        assert evicted(settings) == count + 1
        spared.ok("DISCARD")


def test_a_tiny_bound_locks_nobody_out(settings):
    settings.config_set("maxmemory-clients", "1")
    with settings.client() as client:
        for _ in range(100):
            client.ok("PING")


def test_a_percentage_of_maxmemory(settings):
    count = evicted(settings)
    settings.config_set("maxmemory", "100mb")
    settings.config_set("maxmemory-clients", "5%")
    with settings.client() as greedy:
        greedy.ok("MULTI")
        with pytest.raises((ClosedByServer, OSError)):
            for _ in range(200):
                greedy.cmd("SET", "key", b"x" * 100000)
                time.sleep(0.001)
    assert evicted(settings) == count + 1


def test_memory_comes_back_once_the_backlog_is_gone(server):
    before = used(server)
    with RawClient(server.address, timeout=30) as client:
        client.send(encode(["GET", "middle"]) * 10000)
        for _ in range(10000):
            client.read()
    wait_until(lambda: used(server) < before + MIB, 10, "the memory to come back")


def test_reading_and_deleting_can_be_queued_when_memory_is_short(settings):
    with settings.client() as client:
        client.ok("SET", "gone", b"1")
        client.ok("CONFIG", "SET", "maxmemory", "1mb")
        assert isinstance(client.cmd("SET", "a", b"b"), Error)
        client.ok("MULTI")
        for command in (("DEL", "gone"), ("GET", "gone"), ("EXPIRE", "gone", "10")):
            assert client.cmd(*command) == QUEUED
        removed, value, expires = client.cmd("EXEC")
        assert (removed, is_null(value), expires) == (1, True, 0)
        client.ok("MULTI")
        assert client.cmd("SET", "a", b"b").text.startswith(b"OOM")
        assert client.cmd("EXEC").text.startswith(b"EXECABORT")


def test_more_than_a_million_arguments(server):
    count = 1_200_000
    members = b"".join(b"$7\r\n%07d\r\n" % i for i in range(count))
    with server.client(timeout=60) as client:
        client.send(b"*%d\r\n$4\r\nSADD\r\n$4\r\nmany\r\n" % (count + 2) + members)
        assert client.read() == count
        full = used(server)
        client.ok("UNLINK", "many")
        wait_until(lambda: used(server) < full - 30 * MIB, 20, "the set to be freed")
        time.sleep(0.2)  # and the buffers that brought it
        # A length that is only announced costs nothing.
        before = used(server)
        with RawClient(server.address) as other:
            other.send(b"*2147483647\r\n$4\r\nSADD\r\n")
            time.sleep(0.1)
            wait_until(lambda: used(server) < before + MIB, 10, "no more than that in use")
        client.send(b"*2147483648\r\n")
        assert client.read().text == b"ERR Protocol error: invalid multibulk length"
