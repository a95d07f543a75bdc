"""Ordered commands at size: against the oracle's ZRANGE BYLEX, and exact under churn."""

import random
import threading

import pytest

from support.resp import is_null

pytestmark = pytest.mark.mantis_only

KEYS = 3000


def random_key(chance):
    """Short keys over a small alphabet, so that prefixes and neighbours abound."""
    alphabet = (
        b"\x00",
        b"a",
        b"b",
        b"ab",
        b":",
        b"\x7f",
        b"\x80",
        b"\xff",
        b"user:",
        b"same-long-prefix:",
    )
    return b"".join(chance.choice(alphabet) for _ in range(chance.randrange(1, 6)))


def random_bound(chance):
    return chance.choice([b"-", b"+", b"[" + random_key(chance), b"(" + random_key(chance)])


def random_tail(chance):
    tail = ["REV"] if chance.random() < 0.5 else []
    if chance.random() < 0.6:
        tail += ["LIMIT", chance.choice([0, 1, 5, 100]), chance.choice([-1, 0, 1, 10, 1000])]
    return tail


def test_ranges_agree_with_zrange_bylex(client, oracle):
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    keys = list({random_key(chance) for _ in range(KEYS)})
    with oracle.client() as theirs:
        theirs.ok("DEL", "z")
        for start in range(0, len(keys), 500):
            part = keys[start : start + 500]
            client.ok("MSET", *[item for key in part for item in (key, b"v" + key)])
            theirs.ok("ZADD", "z", *[item for key in part for item in (0, key)])
        for _ in range(1500):
            low, high, tail = random_bound(chance), random_bound(chance), random_tail(chance)
            wanted = theirs.ok("ZRANGE", "z", low, high, "BYLEX", *tail)
            assert client.ok("KRANGE", low, high, *tail) == wanted, (seed, low, high, tail)
            if not tail:
                assert client.ok("KCOUNT", low, high) == theirs.ok("ZLEXCOUNT", "z", low, high)
        for _ in range(30):
            low, high = random_bound(chance), random_bound(chance)
            assert client.ok("KDEL", low, high) == theirs.ok("ZREMRANGEBYLEX", "z", low, high), (
                seed,
                low,
                high,
            )
            assert client.ok("KRANGE", "-", "+") == theirs.ok("ZRANGE", "z", "-", "+", "BYLEX")
        assert client.ok("DBSIZE") == theirs.ok("ZCARD", "z")


def pages(client, *options):
    """All keys by KSCAN, page after page."""
    last, found = b"", []
    for _ in range(10 * KEYS):
        last, names = client.ok("KSCAN", last, *options)
        found += names
        if is_null(last):
            return found
    raise AssertionError("KSCAN never came to an end")


@pytest.mark.parametrize("count", [1, 3, 64, 65, 1000])
def test_kscan_pages_are_exact(client, count):
    names = sorted({b"k:%d" % (i * 7919 % 100003) for i in range(KEYS)})
    client.pipeline([("SET", name, 1) for name in names])
    assert pages(client, "COUNT", count) == names
    assert pages(client, "COUNT", count, "PREFIX", "k:1") == [
        n for n in names if n.startswith(b"k:1")
    ]


@pytest.mark.parametrize("count", [1, 2])
def test_pages_get_past_the_empty_key(client, count):
    """As a cursor the empty key would mean the beginning."""
    client.ok("MSET", "", 1, "a", 2, "b", 3, "c", 4)
    assert pages(client, "COUNT", count) == [b"", b"a", b"b", b"c"]


def test_scans_under_churn_return_every_lasting_key_once_in_order(client, subject):
    """Writers insert and delete around the lasting keys while KRANGE and KSCAN read."""
    lasting = [b"key:%05d" % i for i in range(0, KEYS, 2)]
    client.pipeline([("SET", name, 1) for name in lasting])
    stop = threading.Event()
    failures = []

    def churn(number):
        chance = random.Random(number)
        try:
            with subject.client() as writer:
                while not stop.is_set():
                    names = [b"key:%05d" % (2 * chance.randrange(KEYS // 2) + 1) for _ in range(50)]
                    writer.pipeline(
                        [("SET", n, 1) if chance.random() < 0.5 else ("DEL", n) for n in names]
                    )
        except Exception as error:  # shown by the main thread
            failures.append(error)

    writers = [threading.Thread(target=churn, args=(n,)) for n in range(3)]
    for writer in writers:
        writer.start()
    wanted = set(lasting)
    try:
        for turn in range(60):
            found = client.ok("KRANGE", "-", "+") if turn % 2 else pages(client, "COUNT", 100)
            assert found == sorted(set(found)), "out of order or twice"
            assert wanted <= set(found), f"missed {sorted(wanted - set(found))[:5]}"
    finally:
        stop.set()
        for writer in writers:
            writer.join(20)
    assert not failures


def test_kdel_in_batches_while_writers_insert(client, subject):
    """What KDEL says it deleted, what is left and what was inserted add up."""
    for start in range(0, KEYS, 500):
        client.ok("MSET", *[x for i in range(start, start + 500) for x in (f"old:{i:05d}", 1)])
    deleted = 0
    with subject.client() as writer:
        for turn in range(1000):
            writer.ok("SET", f"new:{turn}", 1)
            count = client.ok("KDEL", "PREFIX", "old:", "LIMIT", 100)
            deleted += count
            if count == 0:
                break
    assert deleted == KEYS
    assert client.ok("KCOUNT", "PREFIX", "new:") == client.ok("DBSIZE") == turn + 1
