"""What holds whatever the interleaving: linearizable single keys, atomic multi-key commands, exact
counters. Work comes from several processes over real sockets."""

import random
import time

import pytest

from support.linearizability import Operation, violations
from support.load import in_processes
from support.raw_client import RawClient
from support.resp import OK, Error, is_null

WORKERS = 4
KEYS = (b"reg:0", b"reg:1", b"reg:2")


def perform(client, chance, key):
    """One random operation on a register, timed around its round trip."""
    value = b"%d" % chance.randrange(1000)
    name, command, arguments = chance.choice(
        (
            ("get", ("GET", key), ()),
            ("get", ("MGET", key), ()),
            ("set", ("SET", key, value), (value,)),
            ("setnx", ("SETNX", key, value), (value,)),
            ("incr", ("INCR", key), ()),
            ("del", ("DEL", key), ()),
            ("getset", ("SET", key, value, "GET"), (value,)),
        )
    )
    called = time.monotonic()
    reply = client.cmd(*command)
    returned = time.monotonic()
    assert not isinstance(reply, Error), reply
    if command[0] == "MGET":
        reply = reply[0]
    answer = b"OK" if reply == OK else None if is_null(reply) else reply
    return Operation(name, key, arguments, answer, called, returned)


def record(number, address, seed, operations):
    chance = random.Random(seed * 100 + number)
    with RawClient(address) as client:
        return [perform(client, chance, chance.choice(KEYS)) for _ in range(operations)]


@pytest.mark.parametrize("turn", range(5))
def test_histories_are_linearizable(client, subject, turn):
    seed = random.randrange(1 << 30)
    parts = in_processes(WORKERS, record, subject.address, seed, 800)
    history = [operation for part in parts for operation in part]
    assert len(history) == WORKERS * 800
    bad = violations(history)
    assert not bad, f"seed {seed}, turn {turn}: not linearizable: {bad}"


def count_up(number, address, times):
    with RawClient(address) as client:
        for _ in range(times // 100):
            client.pipeline(
                [("INCR", "n")] * 50
                + [("INCRBY", "m", number + 1)] * 25
                + [("APPEND", "text", "x")] * 25
            )
    return times


def test_no_update_is_lost(client, subject):
    times = 8000
    in_processes(WORKERS, count_up, subject.address, times)
    assert client.ok("GET", "n") == b"%d" % (WORKERS * times // 2)
    assert client.ok("GET", "m") == b"%d" % (sum(range(1, WORKERS + 1)) * times // 4)
    assert client.ok("STRLEN", "text") == WORKERS * times // 4


GROUP = [f"group:{i}" for i in range(8)]


def write_or_read_group(number, address, seconds):
    """Even workers write the whole group at once, odd ones read it; answers the torn reads."""
    end = time.monotonic() + seconds
    torn = []
    turns = 0
    with RawClient(address) as client:
        order = GROUP if number % 4 < 2 else GROUP[::-1]
        while time.monotonic() < end:
            turns += 1
            if number % 2 == 0:
                value = f"{number}:{turns}"
                client.ok("MSET", *[item for key in order for item in (key, value)])
            else:
                seen = client.ok("MGET", *order)
                if len({repr(v) for v in seen}) != 1:
                    torn.append(seen)
    return torn, turns


def test_mset_and_mget_are_all_or_nothing(client, subject):
    results = in_processes(WORKERS, write_or_read_group, subject.address, 3.0)
    assert all(turns > 50 for _, turns in results)
    assert [torn[:1] for torn, _ in results] == [[]] * WORKERS


def delete_or_create_group(number, address, seconds):
    """MSETNX and DEL of the whole group from everywhere: a part of it is never seen."""
    end = time.monotonic() + seconds
    seen = set()
    with RawClient(address) as client:
        while time.monotonic() < end:
            client.ok("MSETNX", *[item for key in GROUP for item in (key, number)])
            seen.add(client.ok("EXISTS", *GROUP))
            seen.add(client.ok("DEL", *GROUP))
    return seen


def test_msetnx_del_and_exists_are_all_or_nothing(client, subject):
    seen = set().union(*in_processes(WORKERS, delete_or_create_group, subject.address, 2.0))
    assert seen == {0, len(GROUP)}


def rename_token(number, address, seconds):
    """Moves the only token between names; answers the counts of tokens seen at once."""
    chance = random.Random(number)
    end = time.monotonic() + seconds
    counts = set()
    with RawClient(address) as client:
        while time.monotonic() < end:
            source, target = chance.sample(GROUP, 2)
            client.cmd(chance.choice(("RENAME", "RENAMENX")), source, target)
            counts.add(client.ok("EXISTS", *GROUP))
    return counts


def test_rename_never_shows_two_or_none(client, subject):
    client.ok("SET", GROUP[0], "token")
    counts = set().union(*in_processes(WORKERS, rename_token, subject.address, 2.0))
    assert counts == {1}


def take_tokens(number, address, tokens):
    with RawClient(address) as client:
        names = [f"token:{i}" for i in range(tokens)]
        return [
            n
            for n, reply in zip(names, client.pipeline([("GETDEL", n) for n in names]))
            if not is_null(reply)
        ]


def test_getdel_hands_each_token_out_once(client, subject):
    client.pipeline([("SET", f"token:{i}", 1) for i in range(2000)])
    taken = [
        name for part in in_processes(WORKERS, take_tokens, subject.address, 2000) for name in part
    ]
    assert len(taken) == len(set(taken)) == 2000


def win_races(number, address, races):
    with RawClient(address) as client:
        replies = client.pipeline([("SET", f"race:{i}", number, "NX") for i in range(races)])
        return [i for i, reply in enumerate(replies) if reply == OK]


def test_set_nx_has_one_winner(client, subject):
    winners = in_processes(WORKERS, win_races, subject.address, 2000)
    assert sorted(i for part in winners for i in part) == list(range(2000))
    for number, part in enumerate(winners):
        if part:
            assert set(client.ok("MGET", *[f"race:{i}" for i in part])) == {b"%d" % number}


def swap_or_look(number, address, seconds):
    """Database 0 and 1 each hold one marked key set; a batch of reads never sees a mixture."""
    end = time.monotonic() + seconds
    mixed = 0
    with RawClient(address) as client:
        while time.monotonic() < end:
            if number == 0:
                client.ok("SWAPDB", 0, 1)
            else:
                mixed += len(set(client.ok("MGET", *GROUP))) != 1
    return mixed


def test_swapdb_is_atomic(client, subject):
    for database in (0, 1):
        client.ok("SELECT", database)
        client.ok("MSET", *[item for key in GROUP for item in (key, database)])
    client.ok("SELECT", 0)
    assert in_processes(WORKERS, swap_or_look, subject.address, 1.5) == [0] * WORKERS


def flush_or_write(number, address, seconds):
    end = time.monotonic() + seconds
    seen = set()
    with RawClient(address) as client:
        while time.monotonic() < end:
            if number == 0:
                client.ok("FLUSHALL")
            else:
                client.ok("MSET", *[item for key in GROUP for item in (key, 1)])
                seen.add(client.ok("EXISTS", *GROUP))
    return seen


def test_flushall_is_atomic(client, subject):
    seen = set().union(*in_processes(WORKERS, flush_or_write, subject.address, 1.5))
    assert seen <= {0, len(GROUP)}
    client.ok("FLUSHALL")
    assert client.ok("DBSIZE") == 0


def churn_counted(number, address, seconds):
    """Sets and deletes random keys; answers sets that created minus deletes that removed."""
    chance = random.Random(number)
    end = time.monotonic() + seconds
    balance = 0
    with RawClient(address) as client:
        while time.monotonic() < end:
            batch = [
                chance.choice(
                    (
                        ("SETNX", f"c{chance.randrange(200)}", 1),
                        ("DEL", f"c{chance.randrange(200)}"),
                    )
                )
                for _ in range(50)
            ]
            replies = client.pipeline(batch)
            balance += sum(
                reply if command[0] == "SETNX" else -reply for command, reply in zip(batch, replies)
            )
    return balance


def test_dbsize_is_exact_after_churn(client, subject):
    balance = sum(in_processes(WORKERS, churn_counted, subject.address, 2.0))
    assert client.ok("DBSIZE") == balance == len(client.ok("KEYS", "*"))
