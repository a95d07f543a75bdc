"""Where the server listens: bind and port at the start, and changed while it runs."""

import socket
import subprocess

import pytest

from support.raw_client import RawClient
from support.resp import OK, Error
from support.server import Server, free_port, oracle_binary, subject_binary, wait_until


def reachable(host, port):
    try:
        with RawClient((host, port), timeout=10) as client:
            return client.cmd("PING").text == b"PONG"
    except ConnectionRefusedError:
        return False


def closed(host, port):
    wait_until(lambda: not reachable(host, port), 10, f"{host}:{port} listens no more")


def bound(client):
    return client.ok("CONFIG", "GET", "bind")[1].decode()


@pytest.fixture
def taken():
    """A port on which somebody else listens."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


@pytest.mark.mantis_only
def test_an_empty_bind_listens_on_no_tcp(launch, tmp_path):
    port = free_port()
    alone = subprocess.run(
        [subject_binary(), "--port", str(port), "--bind", ""],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=15,
        check=False,
    )
    assert alone.returncode == 1
    assert b"Configured to not listen anywhere, exiting." in alone.stdout

    path = str(tmp_path / "mantis.sock")
    process = subprocess.Popen(
        [subject_binary(), "--port", str(port), "--bind", "", "--unixsocket", path, "--save", ""],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=tmp_path,
    )
    try:

        def answers():
            try:
                return RawClient(path, timeout=10)
            except (FileNotFoundError, ConnectionRefusedError):
                return None

        with wait_until(answers, 30, "the Unix socket is open") as client:
            assert bound(client) == ""
            assert not reachable("127.0.0.1", port)
            # From nothing to something, and back.
            assert client.cmd("CONFIG", "SET", "bind", "127.0.0.1") == OK
            assert reachable("127.0.0.1", port)
            assert client.cmd("CONFIG", "SET", "bind", "") == OK
            closed("127.0.0.1", port)
            assert client.cmd("PING").text == b"PONG"
        process.terminate()
        output = process.communicate(timeout=15)[0].decode()
        assert f"listens    unix socket {path}\n" in output
        assert process.returncode == 0
    finally:
        process.kill()
        process.wait()


def test_another_port(launch, taken):
    server = launch()
    first, second = server.port, free_port()
    with server.client() as client:
        assert client.cmd("CONFIG", "SET", "port", str(second)) == OK
        assert reachable("127.0.0.1", second)
        closed("127.0.0.1", first)
        # Who is connected stays so.
        assert client.ok("CONFIG", "GET", "port") == [b"port", str(second).encode()]
        server.port = second
        assert server.info("server")["tcp_port"] == str(second)

        refused = client.cmd("CONFIG", "SET", "port", str(taken))
        assert isinstance(refused, Error)
        assert client.ok("CONFIG", "GET", "port") == [b"port", str(second).encode()]
        assert reachable("127.0.0.1", second)
        with Server(oracle_binary()) as oracle, oracle.client() as other:
            assert other.cmd("CONFIG", "SET", "port", str(taken)) == refused


def test_other_addresses(launch):
    server = launch()
    port = server.port
    with server.client() as client:
        # Addresses that exclude each other, those that are added, kept, reordered and dropped.
        steps = (
            ("*", {"127.0.0.1": True, "127.0.0.2": True}),
            ("127.0.0.2", {"127.0.0.1": False, "127.0.0.2": True}),
            ("127.0.0.2 127.0.0.1", {"127.0.0.1": True, "127.0.0.2": True}),
            ("127.0.0.1 -192.0.2.1 127.0.0.2", {"127.0.0.1": True, "127.0.0.2": True}),
            ("0.0.0.0", {"127.0.0.1": True, "127.0.0.2": True}),
            ("127.0.0.1", {"127.0.0.1": True, "127.0.0.2": False}),
        )
        for addresses, expected in steps:
            assert client.cmd("CONFIG", "SET", "bind", addresses) == OK, addresses
            assert bound(client) == addresses
            for host, open_now in expected.items():
                if open_now:
                    assert reachable(host, port), (addresses, host)
                else:
                    closed(host, port)
        refused = client.cmd("CONFIG", "SET", "bind", "* 192.0.2.1")
        assert isinstance(refused, Error)
        assert bound(client) == "127.0.0.1"
        assert reachable("127.0.0.1", port)
        assert not reachable("127.0.0.2", port)
        with Server(oracle_binary()) as oracle, oracle.client() as other:
            assert other.cmd("CONFIG", "SET", "bind", "* 192.0.2.1") == refused


def test_clients_come_while_the_listener_changes(launch):
    server = launch(bind=("127.0.0.1",))
    ports = (server.port, free_port())
    with server.client() as client:
        for turn in range(30):
            port = ports[turn % 2]
            assert client.cmd("CONFIG", "SET", "port", str(port)) == OK
            server.port = port
            for _ in range(3):
                assert reachable("127.0.0.1", port)
    wait_until(
        lambda: server.info("clients")["connected_clients"] == "1", 10, "all others are gone"
    )
