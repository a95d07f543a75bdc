"""The checker of recorded histories itself: for every type, for transactions and for WATCH it must
accept what is possible and refuse what is not."""

import random

import pytest

from support.histories import Request, normal, problems
from support.workloads import WORKLOADS, play


def said(command, answer, called, returned, client=0):
    """One command and what its client was told."""
    return Request(client, (normal(command),), answer, called, returned)


def executed(commands, answer, called, returned, client=0, watched=()):
    return Request(
        client, tuple(map(normal, commands)), answer, called, returned, True, frozenset(watched)
    )


def possible(*requests):
    """Whether this history is linearizable. What one client says is in order."""
    clients = max(request.client for request in requests) + 1
    histories = [[r for r in requests if r.client == number] for number in range(clients)]
    return problems(histories) == []


PUSHED = said(("RPUSH", "l", "a", "b"), 2, 0, 1)


def test_an_element_is_popped_once():
    first = said(("LPOP", "l"), b"a", 2, 5)
    assert possible(PUSHED, first, said(("LPOP", "l"), b"b", 3, 4, 1))
    assert not possible(PUSHED, first, said(("LPOP", "l"), b"a", 3, 4, 1))
    assert not possible(PUSHED, first, said(("BLPOP", "l", 1), (b"l", b"a"), 3, 4, 1))


def test_pushes_do_not_get_lost():
    first = said(("RPUSH", "l", "a"), 1, 0, 5)
    assert possible(first, said(("RPUSH", "l", "b"), 2, 0, 5, 1))
    assert not possible(first, said(("RPUSH", "l", "b"), 1, 0, 5, 1))


def test_a_list_is_not_read_as_it_was():
    popped = said(("RPOP", "l"), b"b", 2, 3)
    assert possible(PUSHED, popped, said(("LLEN", "l"), 1, 4, 5, 1))
    assert not possible(PUSHED, popped, said(("LLEN", "l"), 2, 4, 5, 1))
    assert not possible(PUSHED, popped, said(("LRANGE", "l", 0, -1), (b"a", b"b"), 4, 5, 1))


def test_a_moved_element_is_always_in_one_list():
    moved = said(("LMOVE", "l", "k", "LEFT", "RIGHT"), b"a", 2, 9)

    def seen(source, target):
        return possible(
            PUSHED,
            moved,
            said(("LRANGE", "l", 0, -1), source, 3, 4, 1),
            said(("LRANGE", "k", 0, -1), target, 5, 6, 1),
        )

    assert seen((b"a", b"b"), ()) and seen((b"b",), (b"a",)) and seen((b"a", b"b"), (b"a",))
    assert not seen((b"b",), ())


def test_who_waited_in_vain_found_nothing():
    waited = said(("BLPOP", "l", 1), None, 2, 9, 1)
    assert not possible(PUSHED, waited)
    assert possible(PUSHED, waited, said(("DEL", "l"), 1, 3, 4))


def test_increments_of_a_field_do_not_get_lost():
    first = said(("HINCRBY", "h", "f", 1), 1, 0, 5)
    assert possible(first, said(("HINCRBY", "h", "f", 1), 2, 0, 5, 1))
    assert not possible(first, said(("HINCRBY", "h", "f", 1), 1, 0, 5, 1))


def test_fields_set_together_are_seen_together():
    written = said(("HSET", "h", "f", 1, "g", 1), 2, 0, 9)
    assert possible(written, said(("HGETALL", "h"), (b"f", b"1", b"g", b"1"), 1, 2, 1))
    assert possible(written, said(("HGETALL", "h"), (), 1, 2, 1))
    assert not possible(written, said(("HGETALL", "h"), (b"f", b"1"), 1, 2, 1))
    assert not possible(written, said(("HLEN", "h"), 1, 1, 2, 1))


def test_a_field_is_new_once_and_gone_when_deleted():
    first = said(("HSETNX", "h", "f", 1), 1, 0, 5)
    assert not possible(first, said(("HSETNX", "h", "f", 2), 1, 0, 5, 1))
    gone = said(("HDEL", "h", "f"), 1, 6, 7)
    assert possible(first, gone, said(("HGET", "h", "f"), None, 8, 9, 1))
    assert not possible(first, gone, said(("HGET", "h", "f"), b"1", 8, 9, 1))


def test_a_member_is_added_and_taken_once():
    added = said(("SADD", "s", "m", "n"), 2, 0, 1)
    assert not possible(added, said(("SADD", "s", "m"), 1, 0, 1, 1))
    taken = said(("SPOP", "s"), b"m", 2, 5)
    assert possible(added, taken, said(("SPOP", "s"), b"n", 2, 5, 1))
    assert not possible(added, taken, said(("SPOP", "s"), b"m", 2, 5, 1))
    assert not possible(added, taken, said(("SISMEMBER", "s", "m"), 1, 6, 7, 1))


def test_a_moved_member_is_always_in_one_set():
    added = said(("SADD", "s", "m"), 1, 0, 1)
    moved = said(("SMOVE", "s", "t", "m"), 1, 2, 9)
    assert possible(added, moved, said(("SUNION", "s", "t"), (b"m",), 3, 4, 1))
    assert not possible(added, moved, said(("SUNION", "s", "t"), (), 3, 4, 1))


def test_scores_are_exact_and_the_least_goes_first():
    added = said(("ZADD", "z", 1, "m", 2, "n"), 2, 0, 1)
    raised = said(("ZINCRBY", "z", 2, "m"), b"3", 2, 5)
    assert possible(added, raised, said(("ZINCRBY", "z", 2, "m"), b"5", 2, 5, 1))
    assert not possible(added, raised, said(("ZINCRBY", "z", 2, "m"), b"3", 2, 5, 1))
    assert possible(added, raised, said(("ZPOPMIN", "z"), (b"n", b"2"), 6, 7, 1))
    assert not possible(added, raised, said(("ZPOPMIN", "z"), (b"m", b"1"), 6, 7, 1))
    assert not possible(added, raised, said(("ZRANK", "z", "m"), 0, 6, 7, 1))


def test_keys_do_not_change_their_type_in_part():
    pushed = said(("RPUSH", "k", "a"), 1, 0, 1)
    renamed = said(("RENAME", "k", "other"), b"OK", 2, 5)
    wrong = ("error", b"WRONGTYPE")
    assert possible(pushed, said(("HGET", "k", "f"), wrong, 2, 3, 1))
    assert not possible(pushed, said(("HGET", "k", "f"), None, 2, 3, 1))
    assert possible(pushed, renamed, said(("EXISTS", "k", "other"), 1, 3, 4, 1))
    assert not possible(pushed, renamed, said(("EXISTS", "k", "other"), 2, 3, 4, 1))


def test_a_pipeline_is_in_order():
    """Its requests overlap, but are those of one client."""
    pipeline = [said(("RPUSH", "l", "a"), 1, 0, 5), said(("LLEN", "l"), 0, 0, 6)]
    assert not possible(*pipeline)
    assert possible(*pipeline[::-1])


WRITTEN = executed([("SET", "s", 1), ("HSET", "h", "f", 1)], (b"OK", 1), 0, 9)


def test_a_transaction_is_not_seen_in_part():
    def seen(string, field):
        return possible(
            WRITTEN, said(("GET", "s"), string, 1, 2, 1), said(("HGET", "h", "f"), field, 3, 4, 1)
        )

    assert seen(None, None) and seen(None, b"1") and seen(b"1", b"1")
    assert not seen(b"1", None)


def test_nothing_comes_between_the_commands_of_a_transaction():
    looked = [("GET", "s"), ("HGET", "h", "f")]
    assert possible(WRITTEN, executed(looked, (None, None), 1, 2, 1))
    assert possible(WRITTEN, executed(looked, (b"1", b"1"), 1, 2, 1))
    assert not possible(WRITTEN, executed(looked, (None, b"1"), 1, 2, 1))
    counted = executed([("INCR", "n"), ("INCR", "n")], (1, 3), 0, 9)
    assert not possible(counted, said(("INCR", "n"), 2, 0, 9, 1))


def test_a_transaction_over_the_whole_keyspace_sees_all_of_it():
    assert possible(WRITTEN, executed([("KEYS", "*")], ((b"h", b"s"),), 1, 2, 1))
    assert not possible(WRITTEN, executed([("KEYS", "*")], ((b"h",),), 1, 2, 1))
    flushed = executed([("FLUSHDB",), ("EXISTS", "s")], (b"OK", 0), 10, 11)
    assert not possible(WRITTEN, flushed, said(("HGET", "h", "f"), b"1", 12, 13, 1))


def optimistic(answer, other, counter="n"):
    """Client 0 watches a counter, reads 1 and writes 2, while another client does `other`."""
    return possible(
        said(("SET", counter, 1), b"OK", 0, 1),
        said(("WATCH", counter), b"OK", 2, 3),
        said(("GET", counter), b"1", 4, 5),
        executed([("SET", counter, 2)], answer, 10, 11, watched=[counter.encode()]),
        *other,
    )


WON, LOST = (b"OK",), None


def test_a_watched_update_is_not_lost():
    between = [said(("INCR", "n"), 2, 6, 7, 1)]
    assert optimistic(LOST, between)
    assert not optimistic(WON, between)
    # What did not change is touched all the same.
    assert not optimistic(WON, [said(("SET", "n", 1), b"OK", 6, 7, 1)])
    assert not optimistic(WON, [executed([("DEL", "n"), ("SET", "n", 1)], (1, b"OK"), 6, 7, 1)])


def test_an_exec_fails_for_a_reason():
    assert optimistic(WON, [])
    assert not optimistic(LOST, [])
    assert not optimistic(LOST, [said(("GET", "n"), b"1", 6, 7, 1)])
    assert not optimistic(LOST, [said(("SETNX", "n", 5), 0, 6, 7, 1)])
    assert not optimistic(LOST, [said(("INCR", "m"), 1, 6, 7, 1)])
    # Whether this comes in time nobody can know, but it tells.
    racing = said(("INCR", "n"), 2, 6, 20, 1)
    assert optimistic(LOST, [racing])
    assert not optimistic(WON, [racing])
    assert optimistic(WON, [said(("INCR", "n"), 3, 6, 20, 1)])
    assert not optimistic(LOST, [said(("INCR", "n"), 3, 6, 20, 1)])


def test_a_watch_begins_when_it_is_set_and_ends_with_exec():
    touched = said(("INCR", "n"), 1, 0, 1)
    watching = said(("WATCH", "n"), b"OK", 2, 3)
    more = said(("INCR", "n"), 2, 4, 5)
    lost = executed([("GET", "n")], None, 6, 7, watched=[b"n"])
    assert not possible(touched, watching, lost)
    # One's own writes count too.
    assert possible(touched, watching, more, lost)
    unwatched = said(("UNWATCH",), b"OK", 5, 6)
    assert not possible(touched, watching, more, unwatched, lost)
    assert possible(touched, watching, more, lost, executed([("GET", "n")], (b"2",), 8, 9))
    assert not possible(touched, watching, more, lost, executed([("GET", "n")], None, 8, 9))


def test_keys_are_checked_apart_unless_something_connects_them():
    pushed = said(("RPUSH", "l", "a"), 1, 0, 1)
    wrong = said(("INCR", "n"), 2, 0, 1, 1)
    assert len(problems([[pushed], [wrong]])) == 1
    message = problems([[pushed], [wrong]])[0]
    assert "INCR" in message and "RPUSH" not in message
    assert "RPUSH" in problems([[pushed, said(("DEL", "l", "n"), 1, 2, 3)], [wrong]])[0]


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_model_does_as_redis_does(oracle, name):
    """Redis has one thread, so what does not fit here is a fault of the model."""
    seed = random.randrange(1 << 30)
    with oracle.client() as client:
        client.ok("FLUSHALL")
    bad = problems(play(oracle.address, WORKLOADS[name], seed))
    assert not bad, f"seed {seed}: " + "\n".join(bad)
