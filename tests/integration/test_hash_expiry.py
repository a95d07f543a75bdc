"""Fields of hashes expire by themselves, at their time, and take an emptied hash with them."""

import time

import pytest

from support.server import wait_until

GRACE_S = 3.0
_LONG = "x" * 100
# One field beside the others decides about the hash's form.
FORMS = pytest.mark.parametrize("filler", ["short", _LONG], ids=["compact", "big"])


def load(client, key, filler, count, deadline_ms):
    names = [f"f{i}" for i in range(count)]
    client.ok("HSET", key, "lasting", filler, *[text for name in names for text in (name, "v")])
    answers = client.ok("HPEXPIREAT", key, deadline_ms, "FIELDS", count, *names)
    assert answers == [1] * count


@FORMS
def test_fields_nobody_reads_go(launch, filler):
    server = launch()
    with server.client() as client:
        due_ms = int(time.time() * 1000) + 300
        for i in range(50):
            load(client, f"h{i}", filler, 100, due_ms)
        before = client.ok("MEMORY", "USAGE", "h0", "SAMPLES", 0)
        time.sleep(max(0.0, due_ms / 1000 - time.time()))
        wait_until(
            lambda: client.ok("MEMORY", "USAGE", "h49", "SAMPLES", 0) < before / 2,
            GRACE_S,
            "the memory of 100 expired fields to be given back",
        )
        assert [client.ok("HKEYS", f"h{i}") for i in range(50)] == [[b"lasting"]] * 50


@FORMS
def test_hash_goes_with_its_last_field(launch, filler):
    server = launch()
    with server.client() as client:
        for i in range(100):
            client.ok("HSET", f"h{i}", "a", filler, "b", "v")
            client.ok("HPEXPIRE", f"h{i}", 100 + i, "FIELDS", 2, "a", "b")
        client.ok("HSET", "lasting", "a", filler)
        wait_until(lambda: client.ok("DBSIZE") == 1, GRACE_S, "100 hashes to go with their fields")
        assert client.ok("EXISTS", "h0", "h99", "lasting") == 1


def test_crowd_of_fields_in_one_hash(launch):
    """More than one step of the expiry takes, while others use the hash."""
    server = launch()
    count = 20000
    with server.client() as client:
        due_ms = int(time.time() * 1000) + 1500
        client.ok("HSET", "h", "lasting", "v")
        for start in range(0, count, 1000):
            names = [f"f{i}" for i in range(start, start + 1000)]
            client.ok("HSET", "h", *[text for name in names for text in (name, "v")])
            client.ok("HPEXPIREAT", "h", due_ms, "FIELDS", 1000, *names)
        full = client.ok("MEMORY", "USAGE", "h", "SAMPLES", 10)
        assert time.time() * 1000 < due_ms, "loading took too long for this deadline"
        assert client.ok("HLEN", "h") == count + 1
        time.sleep(max(0.0, due_ms / 1000 + 0.001 - time.time()))
        assert client.ok("HLEN", "h") == 1
        assert client.ok("HGETALL", "h") == [b"lasting", b"v"]
        wait_until(
            lambda: client.ok("MEMORY", "USAGE", "h", "SAMPLES", 10) < full / 20,
            GRACE_S,
            "20,000 expired fields to be given back",
        )


@FORMS
def test_deadline_moved_away_in_time(launch, filler):
    server = launch()
    with server.client() as client:
        load(client, "h", filler, 40, int(time.time() * 1000) + 300)
        client.ok("HPERSIST", "h", "FIELDS", 2, "f0", "f1")
        client.ok("HPEXPIRE", "h", 100000, "FIELDS", 2, "f2", "f3")
        client.ok("HSET", "h", "f4", "set anew")
        client.ok("HINCRBY", "h", "counter", 1)
        client.ok("HDEL", "h", "f5")
        wait_until(lambda: client.ok("HLEN", "h") == 7, GRACE_S, "the other fields to expire")
        names = sorted(client.ok("HKEYS", "h"))
        assert names == [b"counter", b"f0", b"f1", b"f2", b"f3", b"f4", b"lasting"]


@FORMS
def test_invisible_without_active_expiry(launch, filler):
    server = launch("--enable-debug-command", "yes")
    with server.client() as client:
        client.ok("DEBUG", "SET-ACTIVE-EXPIRE", 0)
        load(client, "h", filler, 30, int(time.time() * 1000) + 20)
        full = client.ok("MEMORY", "USAGE", "h", "SAMPLES", 0)
        time.sleep(0.1)
        assert client.ok("HLEN", "h") == 1
        assert client.ok("HMGET", "h", "f0", "f29", "lasting")[2] == filler.encode()
        assert client.ok("HEXISTS", "h", "f7") == 0
        assert client.ok("HSCAN", "h", 0, "COUNT", 1000) == [b"0", [b"lasting", filler.encode()]]
        assert client.ok("HRANDFIELD", "h", -5) == [b"lasting"] * 5
        assert client.ok("HRANDFIELD", "h", 5) == [b"lasting"]
        assert client.ok("MEMORY", "USAGE", "h", "SAMPLES", 0) == full
        client.ok("DEBUG", "SET-ACTIVE-EXPIRE", 1)
        wait_until(
            lambda: client.ok("MEMORY", "USAGE", "h", "SAMPLES", 0) < full,
            GRACE_S,
            "active expiry to resume",
        )


@FORMS
def test_fields_of_renamed_moved_and_copied_hashes_go(launch, filler):
    server = launch()
    with server.client() as client:
        for i in range(40):
            client.ok("HSET", f"h{i}", "a", filler, "b", "v")
            client.ok("HPEXPIRE", f"h{i}", 300, "FIELDS", 2, "a", "b")
        for i in range(10):
            client.ok("RENAME", f"h{i}", f"renamed{i}")
            client.ok("MOVE", f"h{10 + i}", 1)
            client.ok("COPY", f"h{20 + i}", f"copy{i}")
        for database, count in ((1, 10), (0, 40)):
            client.ok("SELECT", database)
            assert client.ok("DBSIZE") == count
        for database in (0, 1):
            client.ok("SELECT", database)
            wait_until(lambda: client.ok("DBSIZE") == 0, GRACE_S, "all hashes to go")


def test_field_and_key_deadlines_beside_each_other(launch):
    """The key's deadline counts even though its fields' come first, and the other way round."""
    server = launch()
    with server.client() as client:
        for key, key_ms, field_ms in (("key-first", 100, 100000), ("field-first", 100000, 100)):
            client.ok("HSET", key, "a", "1", "b", "2")
            client.ok("PEXPIRE", key, key_ms)
            client.ok("HPEXPIRE", key, field_ms, "FIELDS", 1, "a")
        wait_until(lambda: client.ok("DBSIZE") == 1, GRACE_S, "the key to expire")
        wait_until(lambda: client.ok("HLEN", "field-first") == 1, GRACE_S, "the field to expire")
        assert client.ok("HPTTL", "field-first", "FIELDS", 2, "a", "b") == [-2, -1]
        assert client.ok("PTTL", "field-first") > 90000


def test_field_is_there_up_to_its_deadline(client):
    """Never early; late by no more than the reader's own round trip."""
    for _ in range(20):
        start = time.time()
        client.ok("HSET", "h", "a", "v", "b", "v")
        client.ok("HPEXPIRE", "h", 40, "FIELDS", 1, "a")
        seen = start
        gone = None
        while gone is None:
            asked = time.time()
            if client.ok("HEXISTS", "h", "a") == 0:
                gone = time.time()
            else:
                seen = asked
        assert gone - start >= 0.039
        assert seen - start <= 0.045 + 0.2
