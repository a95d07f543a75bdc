"""CLIENT PAUSE: what it holds back, that data stays as it is meanwhile, and that it can be ended."""

import time

import pytest

from support.resp import Error, encode
from support.server import wait_until

PATIENCE_S = 5.0
LONG_MS = 60_000


@pytest.fixture(autouse=True)
def ended(subject):
    yield
    with subject.client() as client:
        client.ok("CLIENT", "UNPAUSE")


# With Redis the end waits for the end itself.
@pytest.mark.mantis_only
def test_another_client_ends_a_pause_of_all(client, subject):
    client.ok("CLIENT", "PAUSE", LONG_MS)
    with subject.client() as reader, subject.client() as operator:
        reader.send(encode(("GET", "k")))
        assert reader.silent_for(0.05)
        operator.ok("CLIENT", "UNPAUSE")
        reader.read()
        reader.ok("SET", "k", "v")


@pytest.mark.parametrize("end", ["half_close", "close"])
def test_who_goes_in_a_pause_has_asked_for_nothing(client, subject, end):
    client.ok("DEL", "late")
    client.ok("CLIENT", "PAUSE", 300, "WRITE")
    goes = subject.client()
    goes.send(encode(("SET", "late", "v")))
    time.sleep(0.1)
    getattr(goes, end)()
    client.ok("SET", "k", "v")
    assert client.ok("EXISTS", "late") == 0
    goes.close()


def test_a_pause_is_not_idleness(client, subject):
    client.ok("CONFIG", "SET", "timeout", 1)
    try:
        client.ok("CLIENT", "PAUSE", 2500, "WRITE")
        client.ok("SET", "k", "v")
    finally:
        with subject.client() as operator:
            operator.ok("CONFIG", "SET", "timeout", 0)


def test_a_timeout_beyond_the_clock_pauses_nobody(client):
    for mode in ((), ("WRITE",), ("ALL",)):
        client.send(encode(("CLIENT", "PAUSE", 2**63 - 1, *mode)))
        assert client.read() == Error(b"ERR timeout is out of range")
        client.ok("SET", "k", "v")


@pytest.mark.parametrize("mode", ["WRITE", "ALL"])
def test_keys_do_not_go_in_a_pause(client, subject, mode):
    client.ok("SET", "k", "v", "PX", 100)
    client.ok("HSET", "h", "f", "v")
    client.ok("PEXPIRE", "h", 100)
    expired = int(_stat(client, "expired_keys"))
    client.ok("CLIENT", "PAUSE", 700, mode)
    if mode == "WRITE":
        time.sleep(0.3)
        # Nobody sees them, yet they are there.
        assert client.ok("MGET", "k", "h", "x") == client.ok("MGET", "x", "x", "x")
        assert client.ok("EXISTS", "k", "h") == 0
        assert client.ok("HLEN", "h") == 0
        assert client.ok("PTTL", "k") == -2
        assert client.ok("DBSIZE") == 2
        assert int(_stat(client, "expired_keys")) == expired
    wait_until(lambda: client.ok("DBSIZE") == 0, PATIENCE_S, "the keys to go")
    assert int(_stat(client, "expired_keys")) == expired + 2


@pytest.mark.parametrize(
    "command",
    [("PFCOUNT", "p"), ("PFADD", "p", "b"), ("SET", "k", "v"), ("GETDEL", "k")],
    ids=lambda command: command[0],
)
def test_what_may_write_waits(client, subject, command):
    client.ok("PFADD", "p", "a")
    client.ok("CLIENT", "PAUSE", LONG_MS, "WRITE")
    with subject.client() as writer:
        writer.send(encode(command))
        assert writer.silent_for(0.05)
        assert client.ok("EXISTS", "k") == 0
        client.ok("CLIENT", "UNPAUSE")
        writer.read()


def _stat(client, name):
    text = client.ok("INFO", "stats").decode()
    return dict(line.split(":", 1) for line in text.split("\r\n") if ":" in line)[name]
