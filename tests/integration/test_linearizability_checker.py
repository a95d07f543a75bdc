"""The linearizability checker itself: it must accept what is possible and refuse what is not."""

from support.linearizability import FOREVER, Operation, check_key, violations

KEY = b"k"


def op(name, answer, called, returned, *arguments):
    return Operation(name, KEY, arguments, answer, called, returned)


def test_accepts_a_sequential_history():
    assert check_key(
        [
            op("set", b"OK", 0, 1, b"1"),
            op("get", b"1", 2, 3),
            op("del", 1, 4, 5),
            op("get", None, 6, 7),
        ]
    )


def test_refuses_a_stale_read():
    assert not check_key(
        [op("set", b"OK", 0, 1, b"1"), op("set", b"OK", 2, 3, b"2"), op("get", b"1", 4, 5)]
    )


def test_accepts_either_value_while_a_write_is_under_way():
    writes = [op("set", b"OK", 0, 1, b"1"), op("set", b"OK", 2, 9, b"2")]
    assert check_key(writes + [op("get", b"1", 3, 4)])
    assert check_key(writes + [op("get", b"2", 3, 4)])


def test_refuses_reads_that_go_back_in_time():
    writes = [op("set", b"OK", 0, 1, b"1"), op("set", b"OK", 2, 9, b"2")]
    assert not check_key(writes + [op("get", b"2", 3, 4), op("get", b"1", 5, 6)])


def test_refuses_a_lost_update():
    assert not check_key([op("incr", 1, 0, 5), op("incr", 1, 1, 4)])
    assert check_key([op("incr", 1, 0, 5), op("incr", 2, 1, 4)])
    assert check_key([op("incr", 2, 0, 5), op("incr", 1, 1, 4)])


def test_refuses_two_winners():
    assert not check_key([op("setnx", 1, 0, 5, b"1"), op("setnx", 1, 1, 4, b"2")])
    assert not check_key([op("set", b"OK", 0, 1, b"1"), op("del", 1, 2, 5), op("del", 1, 3, 6)])


def test_refuses_a_torn_exchange():
    assert not check_key([op("getset", None, 0, 9, b"1"), op("getset", None, 0, 9, b"2")])
    assert check_key([op("getset", None, 0, 9, b"1"), op("getset", b"1", 0, 9, b"2")])


def test_an_unanswered_write_may_happen_late_or_never():
    lost = op("set", None, 0, FOREVER, b"1")
    assert check_key([lost, op("get", None, 1, 2), op("get", b"1", 3, 4)])
    assert check_key([lost, op("get", None, 1, 2), op("get", None, 3, 4)])
    assert not check_key([lost, op("get", b"1", 1, 2), op("get", None, 3, 4)])


def test_initial_state_and_keys_are_independent():
    history = [
        Operation("get", b"a", (), b"7", 0, 1),
        Operation("get", b"b", (), b"7", 0, 1),
    ]
    assert violations(history, {b"a": b"7"}) == [b"b"]


def test_long_concurrent_history_is_decided_quickly():
    """Four clients with constantly overlapping increments: exponential without memoisation."""
    history = [op("incr", i + 1, i, i + 3.5) for i in range(2000)]
    assert check_key(history)
    broken = history[:-1] + [op("incr", 1999, 1999, 2002)]
    assert not check_key(broken)
