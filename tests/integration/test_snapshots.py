"""Snapshots hold values of every type: over SAVE and a restart, over BGSAVE while clients write,
and over DEBUG RELOAD."""

import threading

import pytest
from test_exchange import KINDS, commands_for

from support.server import parse_info, wait_until


def _fill(client):
    for n in (3, 400):
        for kind in KINDS:
            key = f"{kind} {n}"
            for command in commands_for(kind, n):
                client.ok(*[key if part == "k" else part for part in command])
            if n == 3:
                client.ok("EXPIRE", key, 100000)
    client.ok("SETRANGE", "large string", 300000, "x")
    client.ok("HSET", "fields", "stays", 1, "goes", 2)
    client.ok("HPEXPIREAT", "fields", 70000000000000, "FIELDS", 1, "goes")
    client.ok("HSET", "many fields", *[x for i in range(1000) for x in (f"f{i}", i)])
    client.ok("HEXPIRE", "many fields", 100000, "FIELDS", 2, "f1", "f2")


def _state(client):
    """All keys with their digests and encodings, and what a digest does not tell."""
    keys = sorted(client.ok("KEYS", "*"))
    return (
        list(zip(keys, [d.text for d in client.ok("DEBUG", "DIGEST-VALUE", *keys)])),
        [client.ok("TYPE", key) for key in keys],
        # A string that was changed in place is told from one that was not, until it is loaded.
        [client.ok("OBJECT", "ENCODING", key) for key in keys if b"changed" not in key],
        [client.ok("PEXPIRETIME", key) for key in keys],
        client.ok("XINFO", "STREAM", "stream 400"),
        client.ok("XPENDING", "stream 400", "readers"),
        client.ok("XINFO", "GROUPS", "stream 400"),
        client.ok("HPEXPIRETIME", "fields", "FIELDS", 2, "stays", "goes"),
        client.ok("HPEXPIRETIME", "many fields", "FIELDS", 3, "f1", "f2", "f3"),
    )


@pytest.mark.mantis_only
def test_all_types_survive_a_restart(launch, tmp_path):
    flags = ("--enable-debug-command", "yes")
    first = launch(*flags, directory=tmp_path)
    with first.client() as client:
        _fill(client)
        before = _state(client)
        client.ok("SAVE")
    first.kill()
    with launch(*flags, directory=tmp_path).client() as client:
        after = _state(client)
    assert before == after


@pytest.mark.mantis_only
def test_debug_reload_keeps_everything(launch):
    server = launch("--enable-debug-command", "yes")
    with server.client() as client:
        _fill(client)
        client.ok("SELECT", 3)
        client.ok("RPUSH", "elsewhere", 1, 2, 3)
        client.ok("SELECT", 0)
        before = _state(client)
        everything = client.ok("DEBUG", "DIGEST")
        client.ok("DEBUG", "RELOAD")
        assert _state(client) == before
        assert client.ok("DEBUG", "DIGEST") == everything
        client.ok("SET", "new", 1)
        client.ok("DEBUG", "RELOAD", "NOSAVE")
        assert client.ok("DEBUG", "DIGEST") == everything
        client.ok("SET", "new", 1)
        client.ok("DEBUG", "RELOAD", "NOSAVE", "NOFLUSH", "MERGE")
        assert client.ok("EXISTS", "new") == 1


@pytest.mark.mantis_only
def test_field_deadlines_go_on_after_a_restart(launch, tmp_path):
    first = launch(directory=tmp_path)
    with first.client() as client:
        client.ok("HSET", "h", "a", 1, "b", 2)
        client.ok("HPEXPIRE", "h", 1500, "FIELDS", 1, "a")
        client.ok("SAVE")
    first.kill()
    with launch(directory=tmp_path).client() as client:
        wait_until(lambda: client.ok("HLEN", "h") == 1, 10, "the field went at its time")
        assert client.ok("HGETALL", "h") == [b"b", b"2"]


CHURNS = {
    "list": [("RPUSH", "list", "{i}"), ("LPOP", "list")],
    "hash": [("HSET", "hash", "f{i}", "{i}"), ("HDEL", "hash", "f{j}")],
    "set": [("SADD", "set", "{i}"), ("SREM", "set", "{j}")],
    "zset": [("ZADD", "zset", "{i}", "m{i}"), ("ZREM", "zset", "m{j}")],
    "stream": [("XADD", "stream", "{i}-1", "f", "{i}"), ("XDEL", "stream", "{j}-1")],
}
SIZES = {"list": "LLEN", "hash": "HLEN", "set": "SCARD", "zset": "ZCARD", "stream": "XLEN"}
KEPT = 1000


def _churn(server, kind, stop):
    """Adds element i and removes element i - KEPT, for ever: the size stays about the same."""
    add, remove = CHURNS[kind]
    with server.client() as client:
        i = 1
        while not stop.is_set():
            batch = []
            for i in range(i, i + 50):
                places = {"i": i, "j": i - KEPT}
                batch.append([part.format(**places) for part in add])
                if i > KEPT:
                    batch.append([part.format(**places) for part in remove])
            client.pipeline(batch)
            i += 1


@pytest.mark.mantis_only
def test_background_saves_under_churn_hold_whole_values(launch, tmp_path):
    server = launch(directory=tmp_path)
    stop = threading.Event()
    threads = [threading.Thread(target=_churn, args=(server, kind, stop)) for kind in CHURNS]
    for thread in threads:
        thread.start()
    try:
        with server.client() as client:
            for kind, size in SIZES.items():
                wait_until(lambda s=size, k=kind: client.ok(s, k) >= KEPT, 60, f"{kind} is full")
            for _ in range(5):
                client.ok("BGSAVE")
                wait_until(
                    lambda: parse_info(client.ok("INFO", "persistence"))["rdb_bgsave_in_progress"]
                    == "0",
                    60,
                    "the save has ended",
                )
                assert (
                    parse_info(client.ok("INFO", "persistence"))["rdb_last_bgsave_status"] == "ok"
                )
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    server.kill()
    with launch(directory=tmp_path).client() as client:
        # Each value is one of some moment: within one step of KEPT elements, and without gaps.
        for kind, size in SIZES.items():
            assert KEPT <= client.ok(size, kind) <= KEPT + 1, kind
        numbers = [int(x) for x in client.ok("LRANGE", "list", 0, -1)]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        members = sorted(int(x) for x in client.ok("SMEMBERS", "set"))
        assert members == list(range(members[0], members[0] + len(members)))
        fields = client.ok("HGETALL", "hash")
        assert {int(f[1:]) for f in fields[::2]} == {int(v) for v in fields[1::2]}
        scored = client.ok("ZRANGE", "zset", 0, -1, "WITHSCORES")
        assert [int(m[1:]) for m in scored[::2]] == [int(s) for s in scored[1::2]]
        entries = client.ok("XRANGE", "stream", "-", "+")
        assert all(int(name.split(b"-")[0]) == int(pair[1]) for name, pair in entries)
