"""Readers of streams that wait: what wakes them, what they get, and that nobody gets it twice."""

import re
import threading

import pytest

from support.resp import Error, Map, encode, is_null
from support.server import wait_until

PATIENCE_S = 5.0


def _blocked(client):
    text = client.ok("INFO", "clients").decode()
    return int(re.search(r"blocked_clients:(\d+)", text).group(1))


def _await_blocked(client, count):
    wait_until(lambda: _blocked(client) == count, PATIENCE_S, f"{count} clients to wait")


@pytest.fixture
def waiter(client, subject):
    """Starts waiting readers, each on a connection of its own."""
    connections = []

    def wait(*command, protocol=2):
        connection = subject.client(protocol=protocol)
        connections.append(connection)
        connection.send(encode(command))
        _await_blocked(client, len(connections))
        return connection

    yield wait
    for connection in connections:
        connection.close()
    _await_blocked(client, 0)


def test_new_entries_go_to_all_readers(client, waiter):
    client.ok("XADD", "s", "1-1", "old", "entry")
    readers = [waiter("XREAD", "BLOCK", 0, "STREAMS", "other", "s", 0, "$") for _ in range(5)]
    readers.append(waiter("XREAD", "BLOCK", 0, "STREAMS", "s", "7", protocol=3))
    client.ok("XADD", "s", "5-1", "a", "1")
    for reader in readers[:-1]:
        assert reader.read() == [[b"s", [[b"5-1", [b"a", b"1"]]]]]
    _await_blocked(client, 1)
    client.ok("XADD", "s", "7-1", "b", "2")
    assert readers[-1].read() == Map([(b"s", [[b"7-1", [b"b", b"2"]]])])


def test_dollar_means_the_last_id_of_then(client, waiter):
    """Nor does a key that goes away and comes back make a reader forget where it was."""
    client.ok("XADD", "s", "5-0", "a", "1")
    reader = waiter("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    client.ok("DEL", "s")
    client.ok("SET", "s", "text")
    client.ok("DEL", "s")
    client.ok("XADD", "s", "4-0", "b", "2")
    assert _blocked(client) == 1
    client.ok("XADD", "s", "6-0", "c", "3")
    assert reader.read() == [[b"s", [[b"6-0", [b"c", b"3"]]]]]


@pytest.mark.parametrize(
    "wake",
    [
        [("MULTI",), ("XADD", "s", "1-1", "a", "1"), ("XADD", "s", "1-2", "a", "2"), ("EXEC",)],
        [("XADD", "t", "1-1", "a", "1"), ("XADD", "t", "1-2", "a", "2"), ("RENAME", "t", "s")],
        [("XADD", "t", "1-1", "a", "1"), ("XADD", "t", "1-2", "a", "2"), ("COPY", "t", "s")],
    ],
    ids=["transaction", "rename", "copy"],
)
def test_all_that_came_at_once(client, waiter, wake):
    reader = waiter("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    for command in wake:
        client.ok(*command)
    assert reader.read() == [[b"s", [[b"1-1", [b"a", b"1"]], [b"1-2", [b"a", b"2"]]]]]


# As Redis 7.2 has it: 7.0 answers with no entries.
@pytest.mark.mantis_only
def test_deleted_at_once_is_not_seen(client, waiter):
    reader = waiter("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
    for command in (("MULTI",), ("XADD", "s", "1-1", "a", "1"), ("XDEL", "s", "1-1"), ("EXEC",)):
        client.ok(*command)
    assert reader.silent_for(0.05)
    client.ok("XADD", "s", "2-1", "a", "2")
    assert reader.read() == [[b"s", [[b"2-1", [b"a", b"2"]]]]]


def test_consumers_take_turns(client, waiter):
    client.ok("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    readers = [
        waiter("XREADGROUP", "GROUP", "g", f"c{i}", "BLOCK", 0, "STREAMS", "s", ">")
        for i in range(4)
    ]
    for i, reader in enumerate(readers, 1):
        client.ok("XADD", "s", f"{i}-0", "n", i)
        assert reader.read() == [[b"s", [[b"%d-0" % i, [b"n", b"%d" % i]]]]]
    pending = client.ok("XPENDING", "s", "g", "-", "+", 10)
    assert [(p[0], p[1], p[3]) for p in pending] == [
        (b"%d-0" % (i + 1), b"c%d" % i, 1) for i in range(4)
    ]


# As Redis 7.2 has it, which runs the command again: 7.0 has texts of their own.
NO_GROUP = Error(b"NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option")
WRONG_TYPE = Error(b"WRONGTYPE Operation against a key holding the wrong kind of value")


@pytest.mark.mantis_only
@pytest.mark.parametrize(
    "commands, answer",
    [
        ([("DEL", "s")], NO_GROUP),
        ([("UNLINK", "s")], NO_GROUP),
        ([("RENAME", "s", "t")], NO_GROUP),
        ([("MOVE", "s", 1)], NO_GROUP),
        ([("SET", "s", "v")], WRONG_TYPE),
        ([("PEXPIRE", "s", 1)], NO_GROUP),
        ([("FLUSHALL",)], Error(NO_GROUP.text.replace(b"'s'", b"'b'"))),
        ([("FLUSHDB",)], Error(NO_GROUP.text.replace(b"'s'", b"'b'"))),
        ([("SWAPDB", 0, 1)], Error(NO_GROUP.text.replace(b"'s'", b"'b'"))),
        ([("MULTI",), ("DEL", "s"), ("SADD", "s", "m"), ("EXEC",)], WRONG_TYPE),
        ([("LPUSH", "t", "1"), ("RENAME", "t", "s")], WRONG_TYPE),
        ([("XGROUP", "DESTROY", "s", "g")], NO_GROUP),
        ([("XADD", "t", "1-1", "a", "1"), ("RENAME", "t", "s")], NO_GROUP),
    ],
    ids=[
        *("DEL", "UNLINK", "RENAME away", "MOVE", "SET", "expiry", "FLUSHALL"),
        *("FLUSHDB", "SWAPDB", "transaction", "other type"),
        *("DESTROY", "RENAME"),
    ],
)
def test_group_goes_away(client, waiter, commands, answer):
    client.ok("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    client.ok("XADD", "b", "1-1", "a", "1")
    client.ok("XGROUP", "CREATE", "b", "g", "$")
    reader = waiter("XREADGROUP", "GROUP", "g", "c", "BLOCK", 0, "STREAMS", "b", "s", ">", ">")
    plain = waiter("XREAD", "BLOCK", 0, "STREAMS", "s", "9")
    for command in commands:
        client.ok(*command)
    assert reader.read() == answer
    assert plain.silent_for(0.02)
    client.ok("DEL", "s")
    client.ok("XADD", "s", "10-1", "a", "1")
    assert plain.read() == [[b"s", [[b"10-1", [b"a", b"1"]]]]]


def test_time_runs_out(client, subject):
    with subject.client() as reader:
        client.ok("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
        assert is_null(reader.ok("XREAD", "BLOCK", 30, "STREAMS", "s", "$"))
        group = ("XREADGROUP", "GROUP", "g", "c", "BLOCK", 30, "STREAMS", "s", ">")
        assert is_null(reader.ok(*group))
        reader.ok("MULTI")
        reader.ok("XREAD", "BLOCK", 0, "STREAMS", "s", "$")
        assert [is_null(reply) for reply in reader.ok("EXEC")] == [True]


# As Redis 7.2 has it: 7.0 makes no consumer.
@pytest.mark.mantis_only
def test_who_asked_in_vain_is_a_consumer(client):
    client.ok("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    client.ok("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    fields = client.ok("XINFO", "CONSUMERS", "s", "g")[0]
    consumer = dict(zip(fields[::2], fields[1::2]))
    assert consumer[b"name"] == b"c"
    assert consumer[b"inactive"] == -1
    assert 0 <= consumer[b"idle"] < 5000
    client.ok("XADD", "s", "1-1", "a", "1")
    client.ok("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s", ">")
    fields = client.ok("XINFO", "CONSUMERS", "s", "g")[0]
    assert 0 <= dict(zip(fields[::2], fields[1::2]))[b"inactive"] < 5000


def test_every_entry_is_delivered_once(client, subject):
    """Producers and waiting consumers at once, on all cores."""
    producers, consumers, each = 3, 5, 300
    client.ok("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
    delivered = [[] for _ in range(consumers)]
    failures = []

    def produce(name):
        with subject.client() as connection:
            for i in range(each):
                connection.ok("XADD", "s", "*", name, i)

    def consume(index):
        try:
            with subject.client() as connection:
                while True:
                    reply = connection.ok(
                        *("XREADGROUP", "GROUP", "g", f"c{index}", "COUNT", 1 + index),
                        *("BLOCK", 500, "STREAMS", "s", ">"),
                    )
                    if is_null(reply):
                        return
                    ids = [entry[0] for entry in reply[0][1]]
                    delivered[index] += ids
                    assert connection.ok("XACK", "s", "g", *ids) == len(ids)
        except Exception as error:  # pylint: disable=broad-except
            failures.append(error)

    threads = [threading.Thread(target=consume, args=(i,)) for i in range(consumers)]
    threads += [threading.Thread(target=produce, args=(f"p{i}",)) for i in range(producers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    ids = [one for some in delivered for one in some]
    assert len(ids) == producers * each
    assert sorted(ids) == sorted(entry[0] for entry in client.ok("XRANGE", "s", "-", "+"))
    for some in delivered:
        numbers = [tuple(map(int, one.split(b"-"))) for one in some]
        assert numbers == sorted(numbers)
    assert client.ok("XPENDING", "s", "g")[0] == 0


# As Redis 7.2 has it: 7.0 serves who waited from one stream only.
@pytest.mark.mantis_only
def test_several_streams_at_one_moment(client, subject):
    """A transaction adds the same entry to both streams: nobody sees it in one of them only."""
    rounds = 300

    def produce():
        with subject.client() as connection:
            for i in range(1, rounds + 1):
                connection.pipeline(
                    [
                        ("MULTI",),
                        ("XADD", "a", f"{i}-0", "n", i),
                        ("XADD", "b", f"{i}-0", "n", i),
                        ("EXEC",),
                    ]
                )

    producer = threading.Thread(target=produce)
    producer.start()
    last = "0"
    while last != f"{rounds}-0":
        reply = client.ok("XREAD", "BLOCK", 1000, "STREAMS", "a", "b", last, last)
        assert [stream[0] for stream in reply] == [b"a", b"b"]
        assert reply[0][1] == reply[1][1]
        last = reply[0][1][-1][0].decode()
    producer.join()


def test_long_readings(client):
    """More entries than an event loop reads at once."""
    count = 15000
    for start in range(1, count, 1000):
        client.pipeline([("XADD", "s", f"{i}-0", "n", i) for i in range(start, start + 1000)])
    ids = [b"%d-0" % i for i in range(1, count + 1)]
    assert [e[0] for e in client.ok("XRANGE", "s", "-", "+")] == ids
    assert [e[0] for e in client.ok("XREVRANGE", "s", "+", "-")] == ids[::-1]
    assert [e[0] for e in client.ok("XREAD", "STREAMS", "s", "0")[0][1]] == ids
    client.ok("XGROUP", "CREATE", "s", "g", "0")
    group = ("XREADGROUP", "GROUP", "g", "c", "STREAMS", "s")
    assert [e[0] for e in client.ok(*group, ">")[0][1]] == ids
    assert [e[0] for e in client.ok(*group, "0")[0][1]] == ids
    assert len(client.ok("XPENDING", "s", "g", "-", "+", count)) == count
    claimed = client.ok("XAUTOCLAIM", "s", "g", "d", 0, "-", "COUNT", count, "JUSTID")
    assert claimed == [b"0-0", ids, []]
    assert client.ok("XDEL", "s", *ids[::3]) == count // 3
    assert client.ok("XACK", "s", "g", *ids) == count
    assert client.ok("XTRIM", "s", "MAXLEN", "10") == count - count // 3 - 10
