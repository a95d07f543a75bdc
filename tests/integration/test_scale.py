"""Many connections at once, and descriptors that run out."""

import os
import resource
import time

import pytest

from support.raw_client import ClosedByServer, RawClient
from support.resp import OK, Simple, encode
from support.server import wait_until

PONG = Simple(b"PONG")
IDLE = 10000
BUSY = 1000
# Connections here, beside what Python has open already.
NEEDED = IDLE + BUSY + 200


@pytest.fixture
def many_files():
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < NEEDED + 200:
        pytest.skip(f"RLIMIT_NOFILE allows {hard} descriptors; {NEEDED + 200} are needed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, NEEDED + 200), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.slow
def test_ten_thousand_idle_and_a_thousand_busy(launch, many_files):
    server = launch("--maxclients", str(IDLE + BUSY + 100), "--tcp-backlog", "4096")
    idle = [RawClient(server.address, timeout=20) for _ in range(IDLE)]
    busy = [RawClient(server.address, timeout=20) for _ in range(BUSY)]
    try:
        assert all(client.cmd("PING") == PONG for client in idle[::100])
        rounds = 10
        for turn in range(rounds):
            for number, client in enumerate(busy):
                client.send(
                    encode(["SET", f"busy:{number}", turn])
                    + encode(["GET", f"busy:{number}"])
                    + encode(["INCR", "total"])
                )
            for client in busy:
                assert client.read() == OK
                assert client.read() == b"%d" % turn
                client.read()
        assert busy[0].ok("GET", "total") == b"%d" % (rounds * BUSY)
        info = server.info("clients")
        assert int(info["connected_clients"]) == IDLE + BUSY + 1
        for client in idle:
            client.send(b"PING\r\n")
        assert all(client.read() == PONG for client in idle)
    finally:
        for client in idle + busy:
            client.close()
    wait_until(
        lambda: int(server.info("clients")["connected_clients"]) == 1,
        10,
        "all connections to be gone",
    )


def open_descriptors(server):
    return len(os.listdir(f"/proc/{server.pid}/fd"))


def serves_newcomers(server):
    try:
        with RawClient(server.address, timeout=2) as late:
            return late.cmd("PING") == PONG
    except (OSError, ClosedByServer):
        return False


def test_descriptors_run_out(launch, mantis):
    """Accepting fails while no descriptor is left; who is connected is served, the log says why,
    and new clients come in once there is room."""
    server = launch()
    known = [server.client() for _ in range(20)]
    assert all(client.cmd("PING") == PONG for client in known)
    _, hard = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(server.pid, resource.RLIMIT_NOFILE, (open_descriptors(server), hard))
    waiting = [RawClient(server.address) for _ in range(10)]
    for client in waiting:
        try:
            client.send(b"PING\r\n")
        except ConnectionError:
            pass
    start = time.monotonic()
    while time.monotonic() - start < 1:
        assert all(client.cmd("PING", timeout=2) == PONG for client in known)
    wait_until(
        lambda: "open files" in server.log_tail(20000).lower(),
        5,
        "the log to name the exhausted descriptors",
    )
    if mantis:  # Redis repeats itself thousands of times a second
        assert len(server.log_tail(1 << 20)) < 20000, "the log is flooded"
    for client in known[:12]:
        client.close()
    wait_until(
        lambda: serves_newcomers(server),
        10,
        "a new client to be served after others have left",
        every=0.1,
    )
    assert all(client.cmd("PING") == PONG for client in known[12:])
    for client in known[12:] + waiting:
        client.close()


def test_few_descriptors_from_the_start(launch):
    """A small RLIMIT_NOFILE lowers maxclients or makes accepts fail; either way the server serves."""
    server = launch(open_files=64)
    clients = []
    for _ in range(100):
        clients.append(RawClient(server.address, timeout=2))
    assert clients[0].cmd("PING") == PONG
    for client in clients:
        client.close()
    wait_until(lambda: serves_newcomers(server), 10, "a new client to be served", every=0.1)
