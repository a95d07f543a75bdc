"""What the server promises about its data: it does not start where it could not keep them, does not
go while it cannot save them, and says so meanwhile."""

import os
import shutil
import signal
import subprocess
import time

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import OK, Error, Simple, encode
from support.server import Server, free_port, subject_binary, wait_until

PONG = Simple(b"PONG")
MISCONF = b"MISCONF Redis is configured to save RDB snapshots"
LOADING = Error(b"LOADING Redis is loading the dataset in memory")


def run(*arguments, timeout=15):
    return subprocess.run(
        [subject_binary(), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        check=False,
    )


def refused(*arguments):
    """What both the start and --check-config say; both have to fail."""
    texts = []
    for flags in ((), ("--check-config",)):
        ended = run("--port", str(free_port()), "--bind", "127.0.0.1", *arguments, *flags)
        assert ended.returncode == 1, ended.stdout
        texts.append(ended.stdout.decode())
    return texts


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "data"
    path.mkdir()
    return path


@pytest.fixture
def start(launch, tmp_path, folder):
    """A server that keeps its data in `folder`, and its log elsewhere."""

    def started(*flags, save="3600 1", **more):
        server = launch(
            "--enable-debug-command", "yes", *flags, "--dir", str(folder),
            directory=tmp_path, save=save, **more,
        )  # fmt: skip
        return server

    return started


@pytest.mark.mantis_only
@pytest.mark.parametrize("save", ["3600 1", ""])
def test_no_start_without_the_directory(tmp_path, save):
    missing = tmp_path / "missing"
    for text in refused("--dir", str(missing), "--save", save):
        assert f"Can't chdir to '{missing}': No such file or directory" in text
    (tmp_path / "file").touch()
    for text in refused("--dir", str(tmp_path / "file"), "--save", save):
        assert "Not a directory" in text


@pytest.mark.mantis_only
def test_no_start_where_snapshots_cannot_be_written():
    """/proc takes no files, whoever asks."""
    for text in refused("--dir", "/proc", "--save", "3600 1"):
        assert "Can't write to dir '/proc'" in text
    assert run("--dir", "/proc", "--save", "", "--check-config").returncode == 0


@pytest.mark.mantis_only
def test_no_start_with_a_snapshot_that_is_none(tmp_path):
    (tmp_path / "dump.mdb").mkdir()
    for text in refused("--dir", str(tmp_path)):
        assert str(tmp_path / "dump.mdb") in text and "directory" in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_failing_final_save_keeps_the_server_up(start, folder, number):
    server = start()
    with server.client() as client:
        client.ok("SET", "precious", 1)
        shutil.rmtree(folder)
        server.process.send_signal(number)
        wait_until(lambda: "can't exit" in server.log_tail(), 10, "the reason in the log")
        assert client.ok("GET", "precious") == b"1"
        client.ok("SET", "later", 2)
        with server.client() as newcomer:
            assert newcomer.ok("GET", "later") == b"2"
        for words in (("SHUTDOWN",), ("SHUTDOWN", "NOW"), ("SHUTDOWN", "SAVE")):
            assert client.cmd(*words) == Error(b"ERR Errors trying to SHUTDOWN. Check logs.")
        assert client.cmd("SHUTDOWN", "ABORT") == Error(b"ERR No shutdown in progress.")
        client.send(encode(["SHUTDOWN", "FORCE"]))
        assert client.read_to_close() == b""
    assert server.wait_exit() == 0


@pytest.mark.mantis_only
def test_the_next_signal_tries_again(start, folder):
    server = start()
    with server.client() as client:
        client.ok("SET", "precious", 1)
        folder.rename(folder.with_name("elsewhere"))
        server.process.send_signal(signal.SIGTERM)
        wait_until(lambda: "can't exit" in server.log_tail(), 10, "the reason in the log")
        folder.with_name("elsewhere").rename(folder)
    assert server.stop() == 0
    with start().client() as client:
        assert client.ok("GET", "precious") == b"1"


@pytest.mark.parametrize(
    ("words", "saved"), [("nosave", 0), ("force", 0), ("save", 1)]
)
def test_signals_have_the_options_of_shutdown(start, folder, words, saved):
    server = start("--shutdown-on-sigterm", words, save="" if words == "save" else "3600 1")
    with server.client() as client:
        client.ok("SET", "k", "v")
        if words != "save":
            shutil.rmtree(folder)
    assert server.stop() == 0
    assert len(list(folder.glob("*"))) == saved


def test_what_is_answered_after_the_final_save_began_is_in_it(start):
    """Pipelines that never end: each client's last acknowledged number is there after the restart."""
    server = start()
    acknowledged = 0
    with server.client() as client:
        client.ok("SET", "n", 0)
        server.process.send_signal(signal.SIGTERM)
        try:
            while True:
                acknowledged = client.pipeline([("INCR", "n")] * 20)[-1]
        except (ClosedByServer, ConnectionError):
            pass
    assert server.wait_exit() == 0
    with start().client() as client:
        assert int(client.ok("GET", "n")) >= acknowledged


def _fail_a_save(server, client, folder):
    shutil.rmtree(folder)
    client.ok("BGSAVE")
    wait_until(
        lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "a failed save"
    )


def test_writes_are_refused_after_a_failed_background_save(start, folder):
    server = start()
    with server.client() as client:
        client.ok("SET", "k", 1)
        _fail_a_save(server, client, folder)
        for words in (("SET", "k", 2), ("DEL", "k"), ("FLUSHALL",), ("PING",), ("XADD", "s", "*", "f", "v")):
            assert client.cmd(*words).text.startswith(MISCONF), words
        assert client.ok("GET", "k") == b"1"
        assert client.ok("PFCOUNT", "other") == 0
        client.ok("MULTI")
        assert client.cmd("SET", "k", 2).text.startswith(MISCONF)
        assert client.cmd("EXEC").text.startswith(b"EXECABORT")
        client.ok("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
        assert client.cmd("SET", "k", 2) == OK and client.cmd("PING") == PONG
        client.ok("CONFIG", "SET", "stop-writes-on-bgsave-error", "yes")
        assert client.cmd("PING").text.startswith(MISCONF)
        # Without save points nobody expects snapshots.
        client.ok("CONFIG", "SET", "save", "")
        assert client.cmd("PING") == PONG
        client.send(encode(["SHUTDOWN", "NOSAVE"]))
        assert client.read_to_close() == b""
    assert server.wait_exit() == 0


def test_a_queued_write_is_refused_at_exec(start, folder):
    server = start()
    with server.client() as client, server.client() as other:
        client.ok("MULTI")
        client.ok("SET", "k", 1)
        _fail_a_save(server, other, folder)
        answer = client.cmd("EXEC").text
        assert answer.startswith(b"EXECABORT Transaction discarded because of: " + MISCONF)
        other.send(encode(["SHUTDOWN", "NOSAVE"]))
        assert other.read_to_close() == b""
    assert server.wait_exit() == 0


@pytest.mark.mantis_only
def test_a_good_save_lets_writes_in_again(start, folder):
    server = start()
    with server.client() as client:
        _fail_a_save(server, client, folder)
        assert client.cmd("SET", "k", 1).text.startswith(MISCONF)
        folder.mkdir()
        client.ok("SAVE")
        client.ok("SET", "k", 1)
        assert server.info("persistence")["rdb_last_bgsave_status"] == "ok"


@pytest.mark.parametrize("transaction", [False, True])
def test_flushed_data_do_not_come_back(start, transaction):
    server = start()
    with server.client() as client:
        client.pipeline([("SET", f"k{i}", i) for i in range(1000)])
        client.ok("SELECT", 3)
        client.ok("SET", "elsewhere", 1)
        client.ok("SAVE")
        if transaction:
            client.ok("MULTI")
            client.ok("FLUSHALL")
            assert client.ok("EXEC") == [OK]
        else:
            assert client.ok("FLUSHALL") == OK
        assert server.info("persistence")["rdb_changes_since_last_save"] == "0"
    server.kill()
    with start().client() as client:
        assert client.ok("DBSIZE") == 0
        client.ok("SELECT", 3)
        assert client.ok("DBSIZE") == 0


@pytest.mark.mantis_only
def test_flushes_and_saves_at_once(start):
    """Whatever comes in between, what was written after the last flush stays, and nothing else."""
    server = start()
    with server.client() as one, server.client() as two:
        for i in range(50):
            one.send(encode(["FLUSHALL"]) + encode(["SET", "after", i]))
            two.send(encode(["BGSAVE"]) + encode(["FLUSHALL"]))
            assert one.read() == OK and one.read() == OK
            two.read()
            assert two.read() == OK
        one.ok("FLUSHALL")
        one.ok("SET", "last", 1)
        one.ok("SAVE")
    server.kill()
    with start().client() as client:
        assert client.ok("KEYS", "*") == [b"last"]


@pytest.fixture
def slow(start):
    """A server that takes about ten seconds to load what it has, and a client that sees that."""
    first = start()
    with first.client() as client:
        client.pipeline([("SET", f"key:{i}", b"x" * 100) for i in range(20000)])
    assert first.stop() == 0
    return Server(
        subject_binary(), "--key-load-delay", "500", "--dir", str(first.flags[3]),
        directory=first.directory, save="3600 1",
    )  # fmt: skip


def _start_loading(server, extra=()):
    server.flags += extra
    server.port = free_port()
    with open(server.log_path, "ab") as log:
        server.process = subprocess.Popen(
            server.command_line(), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
        )

    def connected():
        try:
            return RawClient(server.address)
        except OSError:
            return None

    return wait_until(connected, 10, "the port to be open")


@pytest.mark.mantis_only
def test_clients_hear_that_the_server_is_loading(slow, folder):
    before = (folder / "dump.mdb").read_bytes()
    with _start_loading(slow) as client:
        try:
            for words in (("PING",), ("GET", "k"), ("SET", "k", 1), ("MULTI",), ("BGSAVE",), ("KEYS", "*")):
                answer = client.cmd(*words)
                assert answer == LOADING or words == ("MULTI",), (words, answer)
            assert client.cmd("EXEC").text.startswith(b"EXECABORT")
            assert client.cmd("NOSUCH").text.startswith(b"ERR unknown command")
            assert client.cmd("GET").text.startswith(b"ERR wrong number")
            for words in (("CONFIG", "GET", "save"), ("CLIENT", "ID"), ("HELLO",), ("SELECT", 1), ("INFO",)):
                client.ok(*words)
            info = slow.info("persistence")
            assert info["loading"] == "1" and info["async_loading"] == "0"
            assert int(info["loading_total_bytes"]) == len(before)
            assert 0 <= float(info["loading_loaded_perc"]) <= 100
            assert abs(int(info["loading_start_time"]) - time.time()) < 60
            assert int(info["loading_eta_seconds"]) >= 0
            assert info["rdb_changes_since_last_save"] == "0"
            wait_until(
                lambda: int(slow.info("persistence")["loading_loaded_bytes"]) > 0, 20, "progress"
            )
            probe = run("--ping", "--port", str(slow.port))
            assert probe.returncode == 3 and b"LOADING" in probe.stdout
        finally:
            slow.process.send_signal(signal.SIGTERM)
        assert slow.wait_exit() == 0
    assert (folder / "dump.mdb").read_bytes() == before


@pytest.mark.mantis_only
def test_shutdown_while_loading_leaves_the_file(slow, folder):
    before = (folder / "dump.mdb").read_bytes()
    with _start_loading(slow) as client:
        client.send(encode(["SHUTDOWN", "SAVE"]))
        assert client.read_to_close() == b""
    assert slow.wait_exit() == 0
    assert (folder / "dump.mdb").read_bytes() == before


@pytest.mark.mantis_only
def test_loading_comes_to_an_end(start):
    first = start()
    with first.client() as client:
        client.pipeline([("SET", f"key:{i}", i) for i in range(2000)])
    assert first.stop() == 0
    server = start("--key-load-delay", "200")
    with server.client() as client:
        assert client.ok("DBSIZE") == 2000
        info = server.info("persistence")
        assert info["loading"] == "0" and "loading_total_bytes" not in info
        assert info["rdb_last_load_keys_loaded"] == "2000"
        client.ok("SET", "k", "v")
        assert server.info("persistence")["rdb_changes_since_last_save"] == "1"


@pytest.mark.mantis_only
def test_without_a_file_name_there_is_nothing_to_load(start):
    with start("--dbfilename", "", save="").client() as client:
        assert client.cmd("PING") == PONG


@pytest.mark.mantis_only
def test_a_damaged_snapshot_ends_the_server_with_its_reason(start, folder):
    (folder / "dump.mdb").write_bytes(b"REDIS0011 and so on")
    ended = run("--port", str(free_port()), "--bind", "127.0.0.1", "--dir", str(folder))
    assert ended.returncode == 1
    assert b"is not a snapshot of MantisDB" in ended.stdout and b"Ready" not in ended.stdout
    assert (folder / "dump.mdb").read_bytes() == b"REDIS0011 and so on"


@pytest.mark.mantis_only
def test_a_taken_port_is_found_before_loading(slow):
    with Server(subject_binary()) as other:
        began = time.monotonic()
        slow.flags += ["--port", str(other.port)]
        ended = run(*slow.command_line()[1:])
        assert ended.returncode == 1 and b"Address already in use" in ended.stdout
        assert time.monotonic() - began < 8, "it loaded first"


@pytest.mark.mantis_only
def test_abandoned_temporaries_are_removed(start, folder):
    gone = subprocess.Popen(["true"])
    gone.wait()
    (folder / f"dump.mdb.tmp-{gone.pid}").write_bytes(b"x" * 100)
    kept = [f"dump.mdb.tmp-{os.getpid()}", "dump.mdb.tmp-12x", "other.tmp-1", "dump.mdb.tmp-"]
    for name in kept:
        (folder / name).write_bytes(b"x")
    server = start()
    assert sorted(p.name for p in folder.iterdir()) == sorted(kept)
    wait_until(lambda: "unfinished snapshot" in server.log_tail(20000), 10, "the log")


@pytest.mark.mantis_only
def test_a_kill_during_a_save_leaves_the_old_file(start, folder):
    server = start()
    with server.client() as client:
        client.ok("SET", "old", 1)
        client.ok("SAVE")
        before = (folder / "dump.mdb").read_bytes()
        client.pipeline([("SET", f"k{i}", b"x" * 5000) for i in range(4000)])
        client.ok("BGSAVE")
    server.kill()
    after = (folder / "dump.mdb").read_bytes()
    with start().client() as client:
        assert client.ok("GET", "old") == b"1"
        assert client.ok("DBSIZE") == (1 if after == before else 4001)
    assert not list(folder.glob("dump.mdb.tmp-*"))


@pytest.mark.mantis_only
def test_a_snapshot_that_does_not_fit_fails_and_the_old_one_stays(start, folder):
    """A limit of the file's size stands for a full disk."""
    server = start()
    with server.client() as client:
        client.ok("SET", "old", 1)
        client.ok("SAVE")
        before = (folder / "dump.mdb").read_bytes()
        client.pipeline([("SET", f"k{i}", os.urandom(1000)) for i in range(1000)])
        limit = 100_000
        subprocess.run(["prlimit", f"--fsize={limit}:unlimited", "--pid", str(server.pid)], check=True)
        assert isinstance(client.cmd("SAVE"), Error)
        client.ok("BGSAVE")
        wait_until(
            lambda: server.info("persistence")["rdb_last_bgsave_status"] == "err", 10, "the failure"
        )
        assert (folder / "dump.mdb").read_bytes() == before
        assert not list(folder.glob("dump.mdb.tmp-*"))
        subprocess.run(["prlimit", "--fsize=unlimited", "--pid", str(server.pid)], check=True)
        client.ok("SAVE")
        client.ok("SET", "k", "v")


@pytest.mark.mantis_only
def test_data_of_redis_beside_are_pointed_out(start, folder):
    (folder / "dump.rdb").write_bytes(b"REDIS0010")
    (folder / "appendonlydir").mkdir()
    server = start()
    wait_until(lambda: "Ready" in server.log_tail(20000), 10, "the log to be written")
    log = server.log_tail(20000)
    assert str(folder / "dump.rdb") in log and str(folder / "appendonlydir") in log
