"""The process and its surroundings: log files that are rotated, daemons, service managers, Unix
sockets, open files."""

import os
import re
import resource
import shutil
import signal
import socket
import stat
import subprocess
import time

import pytest

from support.raw_client import RawClient
from support.resp import Simple, encode
from support.server import Server, free_port, subject_binary, wait_until

PONG = Simple(b"PONG")


def run(*arguments, timeout=15, **more):
    return subprocess.run(
        [subject_binary(), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
        **more,
    )


def test_a_renamed_log_file_is_begun_anew(launch, tmp_path):
    log = tmp_path / "server.log"
    server = launch("--logfile", str(log), directory=tmp_path)
    log.rename(tmp_path / "server.log.1")
    with server.client() as client:
        client.ok("BGSAVE")
        wait_until(lambda: log.exists() and "saving" in log.read_text(), 10, "the new log file")
        log.unlink()
        wait_until(
            lambda: server.info("persistence")["rdb_bgsave_in_progress"] == "0", 10, "the save"
        )
        client.ok("BGSAVE")
        wait_until(lambda: log.exists() and "saving" in log.read_text(), 10, "another log file")


@pytest.mark.mantis_only
def test_hang_up_opens_the_log_anew(launch, tmp_path):
    log = tmp_path / "server.log"
    server = launch("--logfile", str(log), directory=tmp_path)
    log.rename(tmp_path / "server.log.1")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: log.exists() and "SIGHUP" in log.read_text(), 10, "the new log file")
    with server.client() as client:
        assert client.cmd("PING") == PONG


def _daemon_flags(tmp_path, port):
    return (
        "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--daemonize", "yes",
        "--pidfile", str(tmp_path / "pid"), "--logfile", str(tmp_path / "log"), "--save", "",
    )  # fmt: skip


@pytest.mark.mantis_only
def test_daemonize_returns_once_the_server_is_ready(tmp_path):
    port = free_port()
    started = run(*_daemon_flags(tmp_path, port))
    assert started.returncode == 0, started.stdout
    pid = int((tmp_path / "pid").read_text())
    try:
        with RawClient(("127.0.0.1", port)) as client:
            assert client.cmd("PING") == PONG
            assert f"process_id:{pid}".encode() in client.ok("INFO", "server")
        assert os.getsid(pid) == pid
        second = run(*_daemon_flags(tmp_path / ".", port))
        assert second.returncode == 1 and b"Address already in use" in second.stdout
    finally:
        os.kill(pid, signal.SIGTERM)
    wait_until(lambda: "bye bye" in (tmp_path / "log").read_text(), 10, "the end")
    wait_until(lambda: not (tmp_path / "pid").exists(), 10, "the pid file to be gone")


@pytest.mark.mantis_only
def test_daemonize_reports_a_snapshot_that_cannot_be_loaded(tmp_path):
    (tmp_path / "dump.mdb").write_bytes(b"nonsense")
    ended = run(*_daemon_flags(tmp_path, free_port()))
    assert ended.returncode == 1 and b"is not a snapshot" in ended.stdout


@pytest.mark.mantis_only
@pytest.mark.parametrize("mode", ["systemd", "auto"])
def test_systemd_hears_what_becomes_of_the_server(launch, tmp_path, mode):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(path)
        listener.settimeout(10)
        server = launch("--supervised", mode, environment={"NOTIFY_SOCKET": path})
        heard = []
        while not heard or "READY=1" not in heard[-1]:
            heard.append(listener.recv(4096).decode())
        assert "EXTEND_TIMEOUT_USEC" in heard[0]
        server.stop()
        assert "STOPPING=1" in listener.recv(4096).decode()


@pytest.mark.mantis_only
def test_supervision_without_a_supervisor_is_pointed_out(launch):
    environment = {"NOTIFY_SOCKET": "", "UPSTART_JOB": ""}
    server = launch("--supervised", "systemd", environment=environment)
    wait_until(
        lambda: "NOTIFY_SOCKET is not in the environment" in server.log_tail(20000), 10, "the log"
    )
    server = launch("--supervised", "auto", environment=environment)
    wait_until(lambda: "Ready" in server.log_tail(20000), 10, "the log to be written")
    assert "NOTIFY_SOCKET" not in server.log_tail(20000)


def test_a_left_over_unix_socket_is_replaced(launch, tmp_path):
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as left_over:
        left_over.bind(str(path))
    server = launch("--unixsocket", str(path), "--unixsocketperm", "700")
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    with RawClient(str(path)) as client:
        assert client.cmd("PING") == PONG
    server.stop()
    assert not path.exists()


@pytest.mark.mantis_only
def test_a_live_unix_socket_is_not_taken_away(launch, tmp_path):
    path = tmp_path / "s"
    launch("--unixsocket", str(path))
    ended = run("--port", "0", "--unixsocket", str(path), "--dir", str(tmp_path))
    assert ended.returncode == 1 and b"another server is listening there" in ended.stdout
    with RawClient(str(path)) as client:
        assert client.cmd("PING") == PONG


@pytest.mark.mantis_only
def test_a_file_in_the_place_of_the_unix_socket_stays(tmp_path):
    path = tmp_path / "notes"
    path.write_text("mine")
    for flags in ((), ("--check-config",)):
        ended = run("--port", "0", "--unixsocket", str(path), "--dir", str(tmp_path), *flags)
        assert ended.returncode == 1 and b"is no socket" in ended.stdout
    assert path.read_text() == "mine"


@pytest.mark.mantis_only
@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace")
def test_the_mode_of_a_unix_socket_is_set_before_it_listens(tmp_path):
    path = tmp_path / "s"
    trace = tmp_path / "trace"
    traced = subprocess.Popen(
        ["strace", "-f", "-o", str(trace), "-e", "trace=bind,listen,chmod,fchmodat", subject_binary(),
         "--port", "0", "--unixsocket", str(path), "--unixsocketperm", "700", "--dir", str(tmp_path),
         "--save", ""],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    wait_until(path.exists, 20, "the socket")

    def shut_down():
        try:
            with RawClient(str(path)) as client:
                client.send(encode(["SHUTDOWN", "NOSAVE"]))
                return client.read_to_close() == b""
        except OSError:
            return False

    wait_until(shut_down, 20, "the socket to be open")
    traced.wait(20)
    calls = re.findall(r"(bind|listen|chmod)(?:at)?\(", trace.read_text())
    assert calls == ["bind", "chmod", "listen"]


@pytest.mark.mantis_only
def test_few_open_files_lower_maxclients_or_stop_the_start(tmp_path):
    server = Server(subject_binary(), "--threads", "2", open_files=100)
    with server:
        with server.client() as client:
            most = int(client.ok("CONFIG", "GET", "maxclients")[1])
        assert 50 <= most < 100
        reduced = f"maxclients has been reduced to {most} from 10000"
        wait_until(lambda: reduced in server.log_tail(20000), 10, "the log")
    ended = run(
        "--threads", "2", "--port", str(free_port()), "--dir", str(tmp_path),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20)),
    )  # fmt: skip
    assert ended.returncode == 1 and b"limit of open files (ulimit -n) is too low" in ended.stdout


def test_attacks_are_logged_once_a_minute(launch):
    server = launch()
    for _ in range(5):
        with socket.create_connection(server.address, timeout=10) as probe:
            probe.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            probe.settimeout(10)
            assert probe.recv(100) == b""
    wait_until(lambda: "SECURITY" in server.log_tail(20000), 10, "the log to be written")
    time.sleep(0.1)
    assert server.log_tail(20000).count("SECURITY ATTACK") == 1


def test_relative_paths_count_from_dir(tmp_path):
    start, data, other = tmp_path / "start", tmp_path / "data", tmp_path / "other"
    for folder in (start, data, other):
        folder.mkdir()
    port = free_port()
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", "../data"]
    arguments += ["--logfile", "out.log", "--pidfile", "own.pid", "--unixsocket", "own.sock"]
    arguments += ["--enable-protected-configs", "yes"]
    server = subprocess.Popen([subject_binary(), *arguments], cwd=start)
    try:
        wait_until(lambda: "eady to accept" in read_or_empty(data / "out.log"), 15, "the log")
        assert (data / "own.pid").read_text().split() == [str(server.pid)]
        assert stat.S_ISSOCK((data / "own.sock").stat().st_mode)
        assert not list(start.iterdir())
        with RawClient(("127.0.0.1", port)) as client:
            client.ok("CONFIG", "SET", "dir", "../other")
            assert client.ok("CONFIG", "GET", "dir")[1] == str(other).encode()
            assert os.readlink(f"/proc/{server.pid}/cwd") == str(other)
            client.ok("CONFIG", "SET", "dir", str(data))
    finally:
        server.terminate()
        assert server.wait(15) == 0
    assert not (data / "own.pid").exists() and not list(start.iterdir())


def read_or_empty(path):
    return path.read_text() if path.exists() else ""


@pytest.mark.mantis_only
def test_checks_and_probes_take_relative_paths_from_dir(tmp_path):
    (tmp_path / "sub" / "logs").mkdir(parents=True)
    flags = ("--dir", str(tmp_path / "sub"), "--logfile", "logs/out.log")
    assert run(*flags, "--check-config", cwd=tmp_path).returncode == 0
    (tmp_path / "logs").mkdir()
    (tmp_path / "sub" / "logs").rmdir()
    done = run(*flags, "--check-config", cwd=tmp_path)
    assert done.returncode == 1 and b"Can't open the log file 'logs/out.log'" in done.stdout
    done = run("--port", "1", "--dir", str(tmp_path / "none"), "--logfile", "out.log", cwd=tmp_path)
    assert done.returncode == 1 and b"Can't chdir to" in done.stdout
    assert not (tmp_path / "out.log").exists()
