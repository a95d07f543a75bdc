"""Connections that behave badly, limits on them, and every way to listen."""

import os
import socket
import stat
import threading
import time

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import OK, Simple, encode
from support.server import Server, subject_binary, wait_until

PONG = Simple(b"PONG")


def connected(server):
    return int(server.info("clients")["connected_clients"])


def test_half_close_still_answers_what_was_sent(client):
    client.send(encode(["SET", "k", "v"]) + encode(["GET", "k"]) * 500)
    client.half_close()
    assert client.read() == OK
    assert all(client.read() == b"v" for _ in range(500))
    assert client.read_to_close() == b""


@pytest.mark.parametrize(
    "held_up",
    [("SORT", "many", "ALPHA", "LIMIT", 0, 1), ("CLIENT", "LIST"), ("CONFIG", "RESETSTAT")],
    ids=lambda command: command[0],
)
def test_what_was_sent_before_the_close_is_executed(client, subject, held_up):
    """Also behind a command that other threads have a part in."""
    client.ok("SADD", "many", *(f"member:{i}" for i in range(20_000)))
    for number, end in enumerate((RawClient.half_close, RawClient.close)):
        goes = RawClient(subject.address)
        goes.send(encode(held_up) + encode(["SET", f"after:{number}", "v"]))
        end(goes)
        wait_until(lambda: client.ok("EXISTS", f"after:{number}") == 1, 5, "the command behind it")
        goes.close()


def test_resets_and_half_commands_leave_nothing_behind(launch):
    server = launch()
    before = connected(server)
    for turn in range(200):
        client = RawClient(server.address)
        client.send((b"", b"*3\r\n$3\r\nSET\r\n$1\r\n", b"PI", encode(["PING"]) * 50)[turn % 4])
        client.reset()
    wait_until(lambda: connected(server) == before, 5, "reset connections to be forgotten")
    with server.client() as alive:
        assert alive.cmd("PING") == PONG


def test_a_reset_in_the_middle_of_replies(client, subject):
    client.ok("SET", "big", b"x" * 1000000)
    for _ in range(20):
        other = RawClient(subject.address, receive_buffer=4096)
        other.send(encode(["GET", "big"]) * 20)
        other.sock.recv(1000)
        other.reset()
    assert client.ok("STRLEN", "big") == 1000000


def test_slow_reader_gets_everything_and_delays_nobody(client, subject):
    value = bytes(range(256)) * 400
    client.ok("SET", "big", value)
    slow = RawClient(subject.address, receive_buffer=8192, timeout=30)
    slow.send(encode(["GET", "big"]) * 200)
    worst = 0.0
    for _ in range(200):
        start = time.monotonic()
        assert client.cmd("PING") == PONG
        worst = max(worst, time.monotonic() - start)
        time.sleep(0.002)
    for _ in range(200):
        assert slow.read() == value
    slow.close()
    assert worst < 0.5


@pytest.fixture
def blobs(launch):
    """A server with fifty values of 100 kB, to be asked for all at once."""
    server = launch()
    names = [f"blob:{i}" for i in range(50)]
    with server.client() as client:
        client.pipeline([("SET", name, b"x" * 100000) for name in names])
    wait_until(lambda: connected(server) == 1, 5, "only the asking connection to be left")
    return server, encode(["MGET", *names])


def test_reply_over_the_hard_output_limit_cuts_the_client_off(blobs):
    server, request = blobs
    server.config_set("client-output-buffer-limit", "normal 2mb 0 0")
    with RawClient(server.address, receive_buffer=4096) as greedy:
        greedy.send(request)
        wait_until(lambda: connected(server) == 1, 5, "the client over its limit to be cut off")
        assert len(greedy.read_to_close()) < 5000000


def test_soft_output_limit_needs_time(blobs):
    server, request = blobs
    server.config_set("client-output-buffer-limit", "normal 0 1mb 1")
    with RawClient(server.address, receive_buffer=4096) as idle:
        idle.send(request)
        time.sleep(0.3)
        assert connected(server) == 2
        wait_until(
            lambda: connected(server) == 1, 6, "the client over its soft limit to be cut off"
        )


def test_client_that_never_reads_costs_bounded_memory(blobs):
    """10 GB are asked for and never read. The server may cut the client off, as Redis does at the
    limit, or stop taking its commands; it serves others and its memory stays where it was."""
    server, request = blobs
    server.config_set("client-output-buffer-limit", "normal 20mb 0 0")
    before = int(server.info("memory")["used_memory"])
    with RawClient(
        server.address, receive_buffer=4096, timeout=2
    ) as deaf, server.client() as other:
        try:
            deaf.send(request * 2000)
        except (ConnectionError, TimeoutError):
            pass  # cut off, or no longer read from
        for _ in range(50):
            assert other.cmd("PING") == PONG
        assert int(server.info("memory")["used_memory"]) < before + 40 * 1024 * 1024
    wait_until(lambda: connected(server) == 1, 5, "the client that never reads to be forgotten")


def test_maxclients(launch):
    server = launch("--maxclients", "10")
    rejected = int(server.info("stats")["rejected_connections"])
    wait_until(lambda: connected(server) == 1, 5, "the start-up connections to be closed")
    clients = [server.client() for _ in range(10)]
    assert all(c.cmd("PING") == PONG for c in clients)
    with RawClient(server.address) as extra:
        assert extra.read_to_close() == b"-ERR max number of clients reached\r\n"
    clients.pop().close()

    def accepted():
        with RawClient(server.address) as again:
            try:
                return again.cmd("PING") == PONG
            except (ClosedByServer, ConnectionError):
                return False

    wait_until(accepted, 5, "room after a client has left")
    fields = {}
    for line in clients[0].ok("INFO", "stats").decode().splitlines():
        name, _, value = line.partition(":")
        fields[name] = value
    assert int(fields["rejected_connections"]) >= rejected + 1
    for client in clients:
        client.close()


def test_idle_timeout(launch):
    server = launch("--timeout", "1")
    idle, busy = server.client(), server.client()
    start = time.monotonic()
    while time.monotonic() - start < 1.8:
        assert busy.cmd("PING") == PONG
        time.sleep(0.1)
    assert idle.read_to_close(timeout=5) == b""
    assert time.monotonic() - start >= 0.9
    assert busy.cmd("PING") == PONG
    busy.close()
    idle.close()


def test_unix_socket(launch, tmp_path):
    path = str(tmp_path / "db.sock")
    server = launch("--unixsocket", path, "--unixsocketperm", "700")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
    with RawClient(path) as local, server.client() as remote:
        assert local.cmd("SET", "k", b"\x00v") == OK
        assert remote.ok("GET", "k") == b"\x00v"
        assert f"addr={path}:0" in local.ok("CLIENT", "INFO").decode()
    assert server.stop() == 0
    assert not os.path.exists(path)


def test_unix_socket_left_by_a_crash_is_replaced(launch, tmp_path):
    path = str(tmp_path / "db.sock")
    launch("--unixsocket", path).kill()
    launch("--unixsocket", path)
    with RawClient(path) as local:
        assert local.cmd("PING") == PONG


def has_ipv6():
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6 loopback")


@needs_ipv6
def test_ipv6(launch):
    server = launch(bind=["::1"])
    with server.client() as client:
        assert client.cmd("PING") == PONG
        assert f"laddr=[::1]:{server.port}" in client.ok("CLIENT", "INFO").decode()


@needs_ipv6
def test_several_addresses(launch):
    server = launch(bind=["127.0.0.1", "::1", "127.0.0.2"])
    for host in ("127.0.0.1", "::1", "127.0.0.2"):
        with RawClient((host, server.port)) as client:
            assert client.cmd("PING") == PONG
    with pytest.raises(ConnectionRefusedError):
        RawClient(("127.0.0.3", server.port))


def test_address_that_may_be_missing(launch):
    """192.0.2.0/24 is never assigned: fatal by itself, skipped with a leading minus."""
    server = launch(bind=["127.0.0.1", "-192.0.2.1"])
    with server.client() as client:
        assert client.cmd("PING") == PONG
    unlucky = Server(subject_binary(), bind=["127.0.0.1", "192.0.2.1"])
    try:
        with pytest.raises(AssertionError, match="did not start"):
            unlucky.start()
    finally:
        unlucky.close()


def test_port_in_use_is_fatal(launch):
    server = launch()
    second = Server(subject_binary(), port=server.port)
    try:
        # The first server answers on that port, so look at the second process itself.
        second.start()
        assert second.wait_exit(5) != 0
    except AssertionError as error:
        assert "did not start" in str(error)
    finally:
        second.close()
    with server.client() as client:
        assert client.cmd("PING") == PONG


def test_protected_mode_is_on_by_default(launch):
    server = launch()
    with server.client() as client:
        assert client.ok("CONFIG", "GET", "protected-mode") == [b"protected-mode", b"yes"]
        assert client.cmd("CONFIG", "SET", "protected-mode", "no") == OK
        assert client.ok("CONFIG", "GET", "protected-mode") == [b"protected-mode", b"no"]


def test_many_connects_and_disconnects_from_several_threads(launch):
    server = launch()
    received = int(server.info("stats")["total_connections_received"])
    failures = []

    def work():
        try:
            for _ in range(250):
                with RawClient(server.address) as client:
                    assert client.cmd("PING") == PONG
        except Exception as error:  # shown by the main thread
            failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not failures
    # The second INFO connects too.
    assert int(server.info("stats")["total_connections_received"]) == received + 1001
    wait_until(lambda: connected(server) == 1, 5, "all clients to be gone")
