"""Starting and stopping: signals and SHUTDOWN with clients connected, saving and loading."""

import signal
import subprocess
import threading
import time

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import OK, Simple, encode
from support.server import Server, subject_binary, wait_until

STOP_LIMIT_S = 5.0
PONG = Simple(b"PONG")


def run(*arguments, timeout=15):
    """The binary itself, for flags that do not start a server."""
    return subprocess.run(
        [subject_binary(), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_with_idle_clients(launch, number):
    server = launch()
    clients = [server.client() for _ in range(50)]
    start = time.monotonic()
    assert server.stop(number, timeout=STOP_LIMIT_S) == 0
    assert time.monotonic() - start < STOP_LIMIT_S
    for client in clients:
        assert client.read_to_close() == b""
        client.close()
    with pytest.raises(ConnectionRefusedError):
        RawClient(server.address)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_what_was_received_is_answered(launch, number):
    """All 10,000 increments are executed before the signal; nobody has read a reply yet."""
    server = launch()
    sender = server.client()
    sender.send(encode(["INCR", "n"]) * 10000)
    with server.client() as other:
        wait_until(lambda: other.ok("GET", "n") == b"10000", 10, "all increments to be executed")
    assert server.stop(number, timeout=STOP_LIMIT_S) == 0
    assert [sender.read() for _ in range(10000)] == list(range(1, 10001))
    assert sender.read_to_close() == b""


@pytest.mark.mantis_only
def test_large_pending_replies_are_delivered_before_the_exit(launch):
    """10 MB of replies wait in the server when the signal comes, and the client does read."""
    server = launch()
    value = b"x" * 100000
    client = server.client()
    client.ok("SET", "big", value)
    client.send(encode(["GET", "big"]) * 100)
    assert client.read() == value
    server.process.send_signal(signal.SIGTERM)
    for _ in range(99):
        assert client.read() == value
    assert client.read_to_close() == b""
    assert server.wait_exit(STOP_LIMIT_S) == 0


def test_client_that_never_reads_does_not_hold_up_the_exit(launch):
    server = launch()
    client = RawClient(server.address, receive_buffer=4096)
    client.ok("SET", "big", b"x" * 1000000)
    client.send(encode(["GET", "big"]) * 50)
    time.sleep(0.2)
    start = time.monotonic()
    assert server.stop(timeout=STOP_LIMIT_S + 1) == 0
    assert time.monotonic() - start < STOP_LIMIT_S + 1
    client.close()


def test_signal_under_load_loses_no_acknowledged_write(launch, tmp_path):
    """Whatever was answered before the stop is there after the restart."""
    server = launch(directory=tmp_path, save="3600 1")
    acknowledged = [0] * 4

    def work(number):
        try:
            with server.client() as client:
                while True:
                    for reply in client.pipeline([("INCR", f"n{number}")] * 50):
                        acknowledged[number] = reply
        except (ClosedByServer, ConnectionError):
            pass

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    assert server.stop(timeout=STOP_LIMIT_S) == 0
    for thread in threads:
        thread.join(10)
    assert min(acknowledged) > 0
    again = launch(directory=tmp_path, save="3600 1")
    with again.client() as client:
        for number in range(4):
            assert int(client.ok("GET", f"n{number}")) >= acknowledged[number]


def test_saves_at_exit_and_loads_at_start(launch, tmp_path):
    server = launch(directory=tmp_path, save="3600 1")
    everything = bytes(range(256))
    with server.client() as client:
        client.ok("MSET", "a", "1", everything, everything, "", "empty key", "empty value", "")
        client.ok("SET", "lasting", "v", "PXAT", "33177117420123")
        client.ok("SET", "short", "v", "PX", "150")
        client.ok("SET", "big", b"x" * 3000000)
        client.pipeline([("SET", f"k:{i}", i) for i in range(20000)])
        client.ok("SELECT", 15)
        client.ok("SET", "elsewhere", "15")
    assert server.stop(timeout=STOP_LIMIT_S) == 0
    time.sleep(0.2)
    again = launch(directory=tmp_path, save="3600 1")
    with again.client() as client:
        assert client.ok("MGET", "a", everything, "", "empty value") == [
            b"1",
            everything,
            b"empty key",
            b"",
        ]
        assert client.ok("PEXPIRETIME", "lasting") == 33177117420123
        assert client.ok("EXISTS", "short") == 0
        assert client.ok("STRLEN", "big") == 3000000
        assert client.ok("MGET", "k:0", "k:19999") == [b"0", b"19999"]
        assert client.ok("DBSIZE") == 20006
        client.ok("SELECT", 15)
        assert client.ok("GET", "elsewhere") == b"15"


def test_nothing_is_saved_without_save_points(launch, tmp_path):
    server = launch(directory=tmp_path)
    with server.client() as client:
        client.ok("SET", "k", "v")
    assert server.stop(timeout=STOP_LIMIT_S) == 0
    with launch(directory=tmp_path).client() as client:
        assert client.ok("DBSIZE") == 0


SHUTDOWNS = {
    "by save points": ((), True),
    "NOSAVE": (("NOSAVE",), False),
    "SAVE": (("save",), True),
    "NOW FORCE": (("NOW", "FORCE"), True),
    "NOSAVE NOW": (("NOSAVE", "NOW"), False),
}


@pytest.mark.parametrize("what", SHUTDOWNS)
def test_shutdown_command(launch, tmp_path, what):
    options, saves = SHUTDOWNS[what]
    server = launch(directory=tmp_path, save="3600 1")
    others = [server.client() for _ in range(10)]
    with server.client() as client:
        client.ok("SET", "k", "v")
        client.send(encode(["SHUTDOWN", *options]))
        assert client.read_to_close(STOP_LIMIT_S) == b""
    assert server.wait_exit(STOP_LIMIT_S) == 0
    for other in others:
        assert other.read_to_close() == b""
        other.close()
    with launch(directory=tmp_path, save="3600 1").client() as client:
        assert client.ok("EXISTS", "k") == int(saves)


def test_shutdown_save_without_save_points(launch, tmp_path):
    server = launch(directory=tmp_path)
    with server.client() as client:
        client.ok("SET", "k", "v")
        client.send(encode(["SHUTDOWN", "SAVE"]))
        assert client.read_to_close(STOP_LIMIT_S) == b""
    assert server.wait_exit(STOP_LIMIT_S) == 0
    with launch(directory=tmp_path).client() as client:
        assert client.ok("GET", "k") == b"v"


def test_version():
    version = run("--version")
    assert version.returncode == 0 and any(c.isdigit() for c in version.stdout.decode())


@pytest.mark.mantis_only
def test_help_names_the_flags():
    shown = run("--help")
    text = shown.stdout.decode()
    assert shown.returncode == 0
    for flag in (
        "--port",
        "--bind",
        "--threads",
        "--maxmemory",
        "--requirepass",
        "--check-config",
        "--ping",
        "--version",
    ):
        assert flag in text, flag


@pytest.mark.mantis_only
def test_ping_probe(launch):
    server = launch()
    healthy = run("--ping", "--port", str(server.port))
    assert healthy.returncode == 0, healthy.stdout
    server.stop()
    assert run("--ping", "--port", str(server.port)).returncode != 0


@pytest.mark.mantis_only
def test_ping_probe_takes_nothing_but_pong(launch):
    guarded = launch("--requirepass", "secret", password="secret")
    assert run("--ping", "--port", str(guarded.port)).returncode != 0
    full = launch("--maxclients", "1")
    with full.client() as only:
        assert only.cmd("PING") == PONG
        assert run("--ping", "--port", str(full.port)).returncode != 0


@pytest.mark.mantis_only
def test_banner_tells_what_is_running(launch):
    server = launch()
    wait_until(lambda: "Ready" in server.log_tail(20000), 10, "the log to be written")
    banner = server.log_tail(20000)
    version = run("--version").stdout.decode()
    number = next(word for word in version.replace("v=", " ").split() if word[:1].isdigit())
    for wanted in (number, str(server.port), str(server.pid), "mimalloc"):
        assert wanted in banner, f"{wanted} is not in {banner}"


def test_log_file(launch, tmp_path):
    path = tmp_path / "server.log"
    server = launch("--logfile", str(path), "--loglevel", "verbose")
    with server.client() as client:
        assert client.cmd("SET", "k", "v") == OK
    server.stop()
    text = path.read_text()
    assert str(server.pid) in text or str(server.port) in text


def test_quick_restart_on_the_same_port(launch):
    """Connections in TIME_WAIT must not keep the port."""
    server = launch()
    clients = [server.client() for _ in range(20)]
    server.stop()
    for client in clients:
        client.close()
    again = Server(subject_binary(), port=server.port)
    try:
        again.start()
        with again.client() as client:
            assert client.cmd("PING") == PONG
    finally:
        again.close()
