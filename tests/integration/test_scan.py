"""SCAN's guarantees over many calls: everything that stays is seen, cursors are plain numbers that
survive reconnects, and changes meanwhile do no harm. KEYS must agree with it."""

import random

import pytest

KEYS = 5000


@pytest.fixture
def filled(client):
    client.pipeline([("SET", f"key:{i:05d}", i) for i in range(KEYS)])
    return client


def scan_all(client, *options, between=None, reconnect=None):
    """Every batch's keys in order of arrival. Bounded, so that a cursor that never ends fails."""
    cursor, found = b"0", []
    for _ in range(20 * KEYS):
        cursor, names = client.ok("SCAN", cursor, *options)
        assert cursor.isdigit() and int(cursor) < 1 << 64
        found += names
        if cursor == b"0":
            return found
        if between:
            between()
        if reconnect:
            client = reconnect()
    raise AssertionError("SCAN never came to an end")


@pytest.mark.parametrize("count", [1, 7, 10, 100, 1000, 100000])
def test_sees_everything_once_on_a_quiet_data_set(filled, count):
    found = scan_all(filled, "COUNT", count)
    assert sorted(found) == [b"key:%05d" % i for i in range(KEYS)]


def test_cursor_survives_reconnects(filled, subject):
    opened = []

    def reconnect():
        opened.append(subject.client())
        if len(opened) > 1:
            opened[-2].close()
        return opened[-1]

    found = scan_all(filled, "COUNT", 50, reconnect=reconnect)
    opened[-1].close()
    assert len(opened) > 10
    assert set(found) == {b"key:%05d" % i for i in range(KEYS)}


def test_match_and_prefix(filled):
    assert set(scan_all(filled, "MATCH", "key:0012*")) == {b"key:0012%d" % i for i in range(10)}
    assert set(scan_all(filled, "MATCH", "*99", "COUNT", 500)) == {
        b"key:%05d" % i for i in range(99, KEYS, 100)
    }
    assert scan_all(filled, "MATCH", "other*") == []
    assert sorted(filled.ok("KEYS", "key:0012*")) == [b"key:0012%d" % i for i in range(10)]


def test_keys_that_stay_are_seen_while_others_come_and_go(filled, subject):
    """Deletes and inserts between the batches, in another order than the scan's."""
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    stay = {b"key:%05d" % i for i in range(0, KEYS, 3)}
    leave = [b"key:%05d" % i for i in range(KEYS) if i % 3]
    chance.shuffle(leave)
    with subject.client() as writer:

        def churn():
            gone = [leave.pop() for _ in range(min(20, len(leave)))]
            if gone:
                writer.ok("DEL", *gone)
            writer.pipeline([("SET", f"new:{chance.random()}", 1) for _ in range(20)])

        found = scan_all(filled, "COUNT", 10, between=churn)
    assert stay <= set(found), f"seed {seed}: {len(stay - set(found))} keys missed"


def test_scan_of_every_database(filled):
    filled.ok("SELECT", 9)
    filled.ok("SET", "only", 1)
    assert scan_all(filled) == [b"only"]
    filled.ok("SELECT", 0)
    assert len(set(scan_all(filled))) == KEYS


def test_flush_during_a_scan(filled):
    cursor, _ = filled.ok("SCAN", 0)
    filled.ok("FLUSHALL")
    for _ in range(1000):
        cursor, names = filled.ok("SCAN", cursor)
        assert names == []
        if cursor == b"0":
            return
    raise AssertionError("SCAN of an empty data set never came to an end")
