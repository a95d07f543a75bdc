"""INFO's numbers: after a known concurrent load they add up exactly."""

import pytest

from support.load import in_processes
from support.raw_client import RawClient
from support.resp import Verbatim
from support.server import parse_info

WORKERS = 4
TURNS = 60


def sections(client, name):
    """The section titles of one INFO reply, in order."""
    reply = client.ok("INFO", name)
    text = reply.text if isinstance(reply, Verbatim) else reply
    return [line[2:].decode() for line in text.splitlines() if line.startswith(b"# ")]


def calls(stats, command):
    row = stats.get(f"cmdstat_{command}")
    return (
        dict(pair.split("=") for pair in row.split(","))
        if row
        else {"calls": "0", "failed_calls": "0", "rejected_calls": "0"}
    )


def known_load(number, address):
    """Per turn: 20 SET, 20 hits, 10 misses, 1 INCR error, 1 arity error, 1 unknown command, 5 DEL."""
    with RawClient(address) as client:
        for turn in range(TURNS):
            names = [f"w{number}:{turn}:{i}" for i in range(20)]
            client.pipeline(
                [("SET", name, "text") for name in names]
                + [("GET", name) for name in names]
                + [("GET", f"nokey:{i}") for i in range(10)]
                + [("INCR", names[0]), ("GET",), ("NOSUCHCOMMAND", "x")]
                + [("DEL", name) for name in names[:5]]
            )


def test_numbers_add_up_exactly_after_concurrent_load(launch):
    server = launch()
    with server.client() as client:
        client.ok("CONFIG", "RESETSTAT")
        in_processes(WORKERS, known_load, server.address)
        stats = parse_info(client.ok("INFO", "everything"))
    total = WORKERS * TURNS
    assert calls(stats, "set")["calls"] == str(20 * total)
    assert calls(stats, "get")["calls"] == str(30 * total)
    assert calls(stats, "get")["rejected_calls"] == str(total)
    assert calls(stats, "incr")["calls"] == calls(stats, "incr")["failed_calls"] == str(total)
    assert calls(stats, "del")["calls"] == str(5 * total)
    # RESETSTAT itself counts after it has reset; INFO does not yet count itself.
    assert int(stats["total_commands_processed"]) == 56 * total + 1
    assert int(stats["keyspace_hits"]) == 20 * total
    assert int(stats["keyspace_misses"]) == 10 * total
    assert int(stats["total_connections_received"]) == WORKERS
    assert int(stats["total_error_replies"]) == 3 * total
    assert stats["errorstat_ERR"] == f"count={3 * total}"
    assert stats["db0"].startswith(f"keys={15 * total},expires=0,")
    assert int(stats["connected_clients"]) == 1
    assert int(stats["total_net_input_bytes"]) > 56 * total * 20
    assert int(stats["expired_keys"]) == int(stats["evicted_keys"]) == 0


def test_keyspace_and_expires_per_database(launch):
    server = launch()
    with server.client() as client:
        for database in (0, 3, 15):
            client.ok("SELECT", database)
            client.pipeline([("SET", f"k{i}", i) for i in range(10 + database)])
            client.pipeline([("EXPIRE", f"k{i}", 1000) for i in range(database)])
        stats = parse_info(client.ok("INFO", "keyspace"))
        assert {name: row.split(",avg")[0] for name, row in stats.items()} == {
            "db0": "keys=10,expires=0",
            "db3": "keys=13,expires=3",
            "db15": "keys=25,expires=15",
        }
        client.ok("PERSIST", "k0")
        client.ok("SET", "k1", "no longer expires")
        client.ok("DEL", "k2")
        assert parse_info(client.ok("INFO", "keyspace"))["db15"].startswith("keys=24,expires=12,")


def test_sections_by_group(client, mantis):
    default = sections(client, "default")
    everything = sections(client, "everything")
    wanted = [
        "Server",
        "Clients",
        "Memory",
        "Persistence",
        "Stats",
        "Replication",
        "CPU",
        "Errorstats",
        "Keyspace",
    ]
    assert [s for s in default if s in wanted] == wanted
    assert {"Commandstats", "Latencystats"} <= set(everything)
    assert set(default) <= set(everything)
    if mantis:
        assert "Mantis" in everything


def test_memory_fields_are_consistent(launch):
    server = launch()
    before = server.info("memory")
    with server.client() as client:
        client.ok("SET", "big", b"x" * 5000000)
    after = server.info("memory")
    grown = int(after["used_memory"]) - int(before["used_memory"])
    # The connection that brought the value is gone, its buffers with it.
    assert 5000000 <= grown < 8000000
    assert int(after["used_memory_peak"]) >= int(after["used_memory"])
    assert after["used_memory_human"][-1] in "KMG"
    assert int(after["used_memory_rss"]) > 0 and float(after["mem_fragmentation_ratio"]) > 0


def test_server_fields(subject, mantis):
    stats = subject.info("server")
    assert int(stats["process_id"]) == subject.pid
    assert int(stats["tcp_port"]) == subject.port
    assert len(stats["run_id"]) == 40 and stats["redis_mode"] == "standalone"
    assert int(stats["uptime_in_seconds"]) >= 0
    if mantis:
        assert tuple(map(int, stats["redis_version"].split("."))) >= (7, 2, 0)
        assert stats["mantis_version"]


def test_blocked_and_connected_clients(launch):
    server = launch()
    clients = [server.client() for _ in range(25)]
    for client in clients:
        client.ok("PING")
    assert int(server.info("clients")["connected_clients"]) == 26
    for client in clients:
        client.close()


@pytest.mark.mantis_only
def test_mantis_section_agrees_with_the_totals(launch):
    """Per-core counts sum to the server-wide ones, and the engine's to the commands sent."""
    server = launch("--threads", "2")
    with server.client() as client:
        client.ok("CONFIG", "RESETSTAT")
        in_processes(WORKERS, known_load, server.address)
        stats = parse_info(client.ok("INFO", "everything"))
    cores = [
        dict(p.split("=") for p in row.split(","))
        for name, row in stats.items()
        if name.startswith("core")
    ]
    assert len(cores) == 2
    assert sum(int(core["commands"]) for core in cores) == int(stats["total_commands_processed"])
    assert sum(int(core["connections"]) for core in cores) == int(stats["connected_clients"])
