"""Debian's redis-tools against the running server: redis-cli and redis-benchmark as people use them."""

import csv
import io
import select
import subprocess
import time

import pytest

from support.raw_client import RawClient
from support.resp import encode
from support.server import Server, subject_binary


def cli(server, *arguments, feed=None, ok=True):
    done = subprocess.run(
        ["redis-cli", "-h", server.address[0], "-p", str(server.port), *arguments],
        input=feed,
        capture_output=True,
        timeout=60,
        check=False,
    )
    if ok:
        assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def benchmark(server, *arguments):
    done = subprocess.run(
        ["redis-benchmark", "-h", server.address[0], "-p", str(server.port), "--csv", *arguments],
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    rows = list(csv.DictReader(io.StringIO(done.stdout.decode())))
    return {row["test"]: float(row["rps"]) for row in rows}, done.stderr.decode()


def lines_of(process, count, seconds):
    """The first lines a running program prints; fewer if it is silent for too long."""
    deadline = time.monotonic() + seconds
    data = b""
    while data.count(b"\n") < count and time.monotonic() < deadline:
        if select.select([process.stdout], [], [], 0.1)[0]:
            data += process.stdout.read1(65536)
    return data.decode().splitlines()


def watch(server, *arguments):
    """A redis-cli that keeps printing, by lines although its output is a pipe."""
    command = [
        "stdbuf",
        "-oL",
        "redis-cli",
        "-h",
        server.address[0],
        "-p",
        str(server.port),
        *arguments,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE)


def finish(process):
    process.terminate()
    process.wait(10)
    process.stdout.close()


@pytest.mark.parametrize("flags", [(), ("-3",), ("-2",)])
def test_cli_single_commands(client, subject, flags):
    assert cli(subject, *flags, "SET", "k", "a\r\nb") == b"OK\n"
    assert cli(subject, *flags, "GET", "k") == b"a\r\nb\n"
    assert cli(subject, *flags, "--no-raw", "GET", "k") == b'"a\\r\\nb"\n'
    assert cli(subject, *flags, "--no-raw", "GET", "nokey") == b"(nil)\n"
    assert cli(subject, *flags, "--no-raw", "INCR", "n") == b"(integer) 1\n"
    assert cli(subject, *flags, "--no-raw", "-n", "3", "DBSIZE") == b"(integer) 0\n"
    assert b"(error) ERR unknown command" in cli(subject, *flags, "--no-raw", "NOSUCH")
    assert b'"maxmemory"' in cli(subject, *flags, "--no-raw", "CONFIG", "GET", "maxmemory")


def test_cli_reads_commands_and_values_from_input(client, subject):
    assert cli(subject, feed=b"SET a 1\nINCR a\nGET a\n") == b"OK\n2\n2\n"
    assert cli(subject, "-x", "SET", "blob", feed=b"from stdin") == b"OK\n"
    assert client.ok("GET", "blob") == b"from stdin"


def test_cli_repeats(client, subject):
    assert cli(subject, "-r", "5", "INCR", "n").split() == [b"1", b"2", b"3", b"4", b"5"]


def test_cli_scan_with_pattern(client, subject):
    client.pipeline(
        [("SET", f"user:{i}", i) for i in range(500)]
        + [("SET", f"other:{i}", i) for i in range(500)]
    )
    found = cli(subject, "--scan", "--pattern", "user:*").split()
    assert sorted(found) == sorted(b"user:%d" % i for i in range(500))
    assert len(cli(subject, "--scan").split()) == 1000
    assert cli(subject, "--scan", "--pattern", "nothing*") == b""


def test_cli_bigkeys_and_memkeys(client, subject):
    client.pipeline([("SET", f"k{i}", "x" * i) for i in range(300)])
    report = cli(subject, "--bigkeys")
    assert b"Sampled 300 keys" in report
    assert b"Biggest string found '\"k299\"' has 299 bytes" in report
    client.ok("SET", "huge", b"x" * 100000)
    report = cli(subject, "--memkeys")
    assert b"Sampled 301 keys" in report and b'"huge"' in report


def test_cli_stat(subject):
    process = watch(subject, "-i", "0.2", "--stat")
    try:
        lines = lines_of(process, 4, 10)
    finally:
        finish(process)
    assert lines[1].split()[:3] == ["keys", "mem", "clients"]
    for line in lines[2:4]:
        # keys, memory, clients, blocked, requests (with the change in brackets), connections
        columns = line.split()
        assert columns[0].isdigit() and columns[1][-1] in "BKMG" and columns[2].isdigit()
        assert int(columns[-1]) > 0


@pytest.mark.parametrize("flags", [(), ("-3",)])
def test_cli_pipe(client, subject, flags):
    feed = b"".join(encode(["SET", f"k{i}", "v" * 50]) for i in range(20000)) + encode(
        ["INCR", "k1"]
    )
    report = cli(subject, *flags, "--pipe", feed=feed, ok=False)
    assert b"errors: 1, replies: 20001" in report
    assert client.ok("DBSIZE") == 20000


def test_cli_monitor(client, subject):
    process = watch(subject, "MONITOR")
    try:
        assert lines_of(process, 1, 10) == ["OK"]
        client.ok("SET", "k", b'a "b"\r\n\xff')
        client.cmd("GET", "k")
        lines = lines_of(process, 2, 10)
    finally:
        finish(process)
    assert lines[0].endswith(r'"SET" "k" "a \"b\"\r\n\xff"')
    assert lines[1].endswith('"GET" "k"') and "[0 127.0.0.1:" in lines[1]


def test_cli_latency(subject):
    process = watch(subject, "--latency", "--raw", "-i", "0.5")
    try:
        (line,) = lines_of(process, 1, 10)[:1]
    finally:
        finish(process)
    least, most, average, samples = line.split()
    assert int(least) <= float(average) <= int(most) and int(samples) > 1


def test_cli_with_a_password():
    with Server(subject_binary(), "--requirepass", "secret") as server:
        assert b"NOAUTH" in cli(server, "GET", "k", ok=False)
        assert cli(server, "--no-auth-warning", "-a", "secret", "SET", "k", "v") == b"OK\n"
        assert (
            cli(
                server,
                "--no-auth-warning",
                "--user",
                "default",
                "--pass",
                "secret",
                "-3",
                "GET",
                "k",
            )
            == b"v\n"
        )


def test_cli_over_a_unix_socket(tmp_path):
    path = str(tmp_path / "db.sock")
    with Server(subject_binary(), "--unixsocket", path):
        done = subprocess.run(
            ["redis-cli", "-s", path, "PING"], capture_output=True, timeout=20, check=False
        )
        assert done.stdout == b"PONG\n"


@pytest.mark.slow
@pytest.mark.parametrize("flags", [(), ("-3",)])
def test_benchmark(launch, flags):
    """-r spreads the keys; every request must have arrived, by the server's own count."""
    server = launch()
    rates, complaints = benchmark(
        server, "-t", "ping,set,get,incr,mset", "-n", "20000", "-P", "16", "-r", "1000", *flags
    )
    assert "WARNING" not in complaints and "rror" not in complaints
    assert sorted(rates) == sorted(
        ["PING_INLINE", "PING_MBULK", "SET", "GET", "INCR", "MSET (10 keys)"]
    )
    assert all(rate > 0 for rate in rates.values())
    stats = server.info("commandstats")
    calls = {
        name: int(stats[f"cmdstat_{name}"].split(",")[0].split("=")[1])
        for name in ("set", "get", "incr", "mset")
    }
    assert calls == {"set": 20000, "get": 20000, "incr": 20000, "mset": 20000}


def test_benchmark_with_random_commands_and_threads(launch):
    server = launch()
    rates, _ = benchmark(
        server, "-n", "10000", "-r", "500", "--threads", "2", "-c", "20", "INCR", "key:__rand_int__"
    )
    assert len(rates) == 1
    with RawClient(server.address) as client:
        names = client.ok("KEYS", "key:*")
        assert sum(int(v) for v in client.ok("MGET", *names)) == 10000
