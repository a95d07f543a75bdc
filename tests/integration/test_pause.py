"""CLIENT PAUSE: what it holds back, that data stays as it is meanwhile, and that it can be ended."""

import time

import pytest

from support.resp import Error, encode
from support.server import Server, subject_binary, wait_until

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


def test_nothing_is_evicted_in_a_pause_of_writes():
    with Server(subject_binary(), "--maxmemory-policy", "allkeys-lru") as server:
        with server.client() as client:
            client.pipeline([("SET", f"k{i}", "v" * 1000) for i in range(8000)])
            client.ok("CLIENT", "PAUSE", LONG_MS, "WRITE")
            client.ok("CONFIG", "SET", "maxmemory", "4mb")
            time.sleep(0.5)
            assert int(server.info("stats")["evicted_keys"]) == 0
            client.ok("CLIENT", "UNPAUSE")
            wait_until(lambda: int(server.info("stats")["evicted_keys"]) > 0, PATIENCE_S, "eviction")
