"""CLIENT KILL, PAUSE and LIST, MONITOR, SLOWLOG and LATENCY with several connections."""

import re
import socket
import time

import pytest

from cases.client import fields
from support.raw_client import RawClient
from support.resp import OK, Error, Simple, encode
from support.server import wait_until

PONG = Simple(b"PONG")


def client_list(client, *filters):
    text = client.ok("CLIENT", "LIST", *filters)
    return [fields(line) for line in text.decode().splitlines()]


def local_address(client):
    host, port = client.sock.getsockname()[:2]
    return f"{host}:{port}"


def test_list_shows_each_connection_once(client, subject):
    others, ids = [], []
    for _ in range(20):
        others.append(subject.client())
        ids.append(others[-1].ok("CLIENT", "ID"))
    assert len(set(ids)) == 20 and ids == sorted(ids)
    rows = {row["id"]: row for row in client_list(client)}
    for number, other in zip(ids, others):
        row = rows[str(number)]
        assert row["addr"] == local_address(other)
        assert row["laddr"] == f"{subject.address[0]}:{subject.port}"
        assert row["user"] == "default" and row["cmd"] == "client|id" and row["resp"] == "2"
    chosen = client_list(client, "ID", str(ids[3]), str(ids[5]))
    assert [row["id"] for row in chosen] == [str(ids[3]), str(ids[5])]
    others[0].ok("HELLO", 3)
    others[0].ok("SELECT", 4)
    row = client_list(client, "ID", str(ids[0]))[0]
    assert (row["resp"], row["db"]) == ("3", "4")
    for other in others:
        other.close()
    wait_until(
        lambda: not client_list(client, "ID", *map(str, ids)), 5, "closed clients to leave the list"
    )


@pytest.mark.mantis_only
def test_library_info_is_listed(client):
    client.ok("CLIENT", "SETINFO", "LIB-NAME", "tester")
    client.ok("CLIENT", "SETINFO", "LIB-VER", "1.2")
    row = fields(client.ok("CLIENT", "INFO").decode().strip())
    assert (row["lib-name"], row["lib-ver"]) == ("tester", "1.2")


def test_idle_and_age(subject, client):
    with subject.client() as other:
        number = str(other.ok("CLIENT", "ID"))
        time.sleep(1.6)
        row = client_list(client, "ID", number)[0]
        assert 1 <= int(row["idle"]) <= 3 and 1 <= int(row["age"]) <= 3
        other.ok("PING")
        assert client_list(client, "ID", number)[0]["idle"] == "0"


def test_kill_by_id_and_address(client, subject):
    victims = [subject.client() for _ in range(3)]
    assert client.cmd("CLIENT", "KILL", "ID", victims[0].ok("CLIENT", "ID")) == 1
    assert client.cmd("CLIENT", "KILL", "ADDR", local_address(victims[1])) == 1
    assert client.cmd("CLIENT", "KILL", local_address(victims[2])) == OK
    for victim in victims:
        assert victim.read_to_close(5) == b""
        victim.close()


def test_kill_several_by_filter_spares_oneself(launch):
    server = launch()
    with server.client() as client:
        victims = [server.client() for _ in range(30)]
        for victim in victims:
            assert victim.cmd("PING") == PONG
        laddr = f"{server.address[0]}:{server.port}"
        assert client.cmd("CLIENT", "KILL", "LADDR", laddr, "TYPE", "normal") == 30
        for victim in victims:
            assert victim.read_to_close(5) == b""
            victim.close()
        assert client.cmd("PING") == PONG
        assert client.cmd("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "no") == 1
        assert client.read_to_close(5) == b""


def test_kill_oneself_by_id_answers_first(client):
    number = client.ok("CLIENT", "ID")
    assert client.cmd("CLIENT", "KILL", "ID", number, "SKIPME", "no") == 1
    assert client.read_to_close(5) == b""


def test_killed_client_with_a_pipeline_under_way(client, subject):
    client.ok("SET", "big", b"x" * 1000000)
    victim = RawClient(subject.address, receive_buffer=4096)
    number = victim.ok("CLIENT", "ID")
    victim.send(encode(["GET", "big"]) * 50)
    assert client.cmd("CLIENT", "KILL", "ID", number) == 1
    assert len(victim.read_to_close(10)) < 50 * 1000000
    victim.close()


def test_pause_of_writes_delays_only_writes(client, subject):
    with subject.client() as reader, subject.client() as writer:
        client.ok("SET", "k", "old")
        client.ok("CLIENT", "PAUSE", 5000, "WRITE")
        start = time.monotonic()
        assert reader.ok("GET", "k") == b"old"
        assert time.monotonic() - start < 1
        writer.send(encode(["SET", "k", "new"]))
        assert writer.silent_for(0.3)
        assert reader.ok("GET", "k") == b"old"
        client.ok("CLIENT", "UNPAUSE")
        assert writer.read(2) == OK
        assert reader.ok("GET", "k") == b"new"


def test_pause_of_everything_ends_by_itself(client, subject):
    with subject.client() as other:
        client.ok("CLIENT", "PAUSE", 600)
        start = time.monotonic()
        other.send(encode(["PING"]) + encode(["GET", "k"]))
        assert other.silent_for(0.3)
        assert other.read(3) == PONG
        assert 0.5 < time.monotonic() - start < 2


def test_paused_client_can_leave(client, subject):
    other = subject.client()
    number = str(other.ok("CLIENT", "ID"))
    client.ok("CLIENT", "PAUSE", 3000, "WRITE")
    other.send(encode(["SET", "k", "v"]))
    time.sleep(0.05)
    other.reset()
    client.ok("CLIENT", "UNPAUSE")
    wait_until(lambda: not client_list(client, "ID", number), 5, "the reset client to be gone")


def test_reply_modes_in_a_pipeline(client):
    client.send(
        encode(["CLIENT", "REPLY", "OFF"])
        + encode(["INCR", "n"]) * 100
        + encode(["CLIENT", "REPLY", "ON"])
        + encode(["INCR", "n"])
        + encode(["CLIENT", "REPLY", "SKIP"])
        + encode(["INCR", "n"]) * 2
    )
    assert client.read() == OK
    assert client.read() == 101
    assert client.read() == 103


def monitored(server, commands):
    """MONITOR's lines for commands of another connection, times and ports taken out."""
    with server.client() as watcher, server.client() as worker:
        assert watcher.cmd("MONITOR") == OK
        for command in commands:
            worker.cmd(*command)
        lines = []
        while not lines or b"the-end" not in lines[-1]:
            lines.append(watcher.read().text)
        return [re.sub(rb"^\d+\.\d{6} \[(\d+) [^]]*\]", rb"[\1]", line) for line in lines]


def test_monitor_agrees_with_the_oracle(subject, oracle):
    commands = [
        ("SET", "k", "v"),
        ("get", "k"),
        ("SET", b"\x00\xff", b'a "quoted"\r\n\t\\\x07\x08'),
        ("SELECT", 3),
        ("MGET", "a", ""),
        ("NOSUCH", "x"),
        ("GET",),
        ("INCR", "k"),
        ("AUTH", "secret"),
        ("CONFIG", "GET", "timeout"),
        ("PING", "the-end"),
    ]
    assert monitored(subject, commands) == monitored(oracle, commands)


def test_monitor_shows_its_own_commands(subject):
    with subject.client() as watcher:
        assert watcher.cmd("MONITOR") == OK
        watcher.send(encode(["ECHO", "x"]))
        replies = [watcher.read(), watcher.read()]
        assert b"x" in replies
        assert [r.text for r in replies if isinstance(r, Simple)][0].endswith(b'"ECHO" "x"')


def test_monitor_ends_with_reset(client, subject):
    with subject.client() as watcher:
        assert watcher.cmd("MONITOR") == OK
        client.ok("PING")
        assert b'"PING"' in watcher.read().text
        watcher.send(encode(["RESET"]))
        while watcher.read() != Simple(b"RESET"):
            pass
        client.ok("PING")
        assert watcher.cmd("ECHO", "x") == b"x"


def test_slowlog_keeps_the_newest_up_to_its_length(launch):
    server = launch("--slowlog-log-slower-than", "0", "--slowlog-max-len", "5")
    with server.client() as client:
        client.ok("CLIENT", "SETNAME", "slow")
        for number in range(20):
            client.ok("ECHO", number)
        assert client.ok("SLOWLOG", "LEN") == 5
        entries = client.ok("SLOWLOG", "GET", -1)
        assert [e[0] for e in entries] == sorted((e[0] for e in entries), reverse=True)
        assert entries[0][3] == [b"SLOWLOG", b"LEN"] and entries[1][3] == [b"ECHO", b"19"]
        assert entries[1][4] == local_address(client).encode() and entries[1][5] == b"slow"
        assert abs(entries[1][1] - time.time()) < 60


def test_slowlog_threshold(launch):
    server = launch("--enable-debug-command", "yes", "--slowlog-log-slower-than", "20000")
    with server.client() as client:
        client.ok("PING")
        client.ok("DEBUG", "SLEEP", "0.03")
        (entry,) = client.ok("SLOWLOG", "GET")
        assert entry[3] == [b"DEBUG", b"SLEEP", b"0.03"]
        assert 30000 <= entry[2] < 500000


def test_latency_monitor(launch):
    server = launch("--enable-debug-command", "yes", "--latency-monitor-threshold", "10")
    with server.client() as client:
        client.ok("DEBUG", "SLEEP", "0.03")
        client.ok("DEBUG", "SLEEP", "0.05")
        ((event, when, last, most),) = client.ok("LATENCY", "LATEST")
        assert event == b"command" and abs(when - time.time()) < 60
        assert 50 <= last < 500 and most >= last
        history = client.ok("LATENCY", "HISTORY", "command")
        assert history and all(sample[1] >= 30 for sample in history)
        assert b"command" in client.ok("LATENCY", "GRAPH", "command")
        assert client.ok("LATENCY", "RESET", "command", "nosuch") == 1
        assert client.ok("LATENCY", "LATEST") == []


def test_latency_histogram_counts_calls(launch):
    server = launch()
    with server.client() as client:
        client.pipeline([("SET", "k", "v")] * 1000 + [("GET", "k")] * 500)
        histogram = client.ok("LATENCY", "HISTOGRAM", "set", "get")
        by_name = dict(zip(histogram[::2], histogram[1::2]))
        assert by_name[b"set"][:2] == [b"calls", 1000] and by_name[b"get"][:2] == [b"calls", 500]
        buckets = by_name[b"set"][3]
        assert buckets[1::2] == sorted(buckets[1::2]) and buckets[-1] == 1000


def test_debug_is_off_unless_enabled(launch):
    with launch().client() as client:
        reply = client.cmd("DEBUG", "SLEEP", "0")
        assert isinstance(reply, Error) and reply.text.startswith(b"ERR DEBUG command not allowed.")


def test_long_command_does_not_stop_others_for_long(launch):
    """A sleeping command may hold up its own core at most; the server as a whole answers after it."""
    server = launch("--enable-debug-command", "yes")
    with server.client() as sleeper, server.client() as other:
        sleeper.send(encode(["DEBUG", "SLEEP", "0.3"]))
        start = time.monotonic()
        assert other.cmd("PING", timeout=3) == PONG
        assert time.monotonic() - start < 2
        assert sleeper.read(3) == OK


def test_a_command_without_subcommands_says_so_with_an_empty_set(subject, oracle):
    for server in (subject, oracle):
        received = b""
        with socket.create_connection(server.address, timeout=10) as raw:
            raw.sendall(b"HELLO 3\r\nCOMMAND INFO get\r\nECHO the-end\r\n")
            while not received.endswith(b"the-end\r\n"):
                part = raw.recv(65536)
                assert part
                received += part
        assert received.endswith(b"~0\r\n$7\r\nthe-end\r\n")


def test_a_client_with_nothing_to_receive_holds_no_output(subject, client):
    with subject.client() as other:
        other.ok("CLIENT", "SETNAME", "quiet")
        line = next(
            line for line in client.ok("CLIENT", "LIST").splitlines() if b"name=quiet" in line
        )
        assert b" oll=0 omem=0 " in line
