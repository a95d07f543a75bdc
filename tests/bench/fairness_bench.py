#!/usr/bin/env python3
"""What happens to those who wait for each other, beside redis-server.

Three situations, each with a client of its own kind beside the rest:

* users of the gate (a transaction of COPY every 5 ms; SORT BY without pause) beside a long read and
  a background save: how long each takes, alone and together, and how many transactions get through;
* four clients that create and delete sets of 20,000 members as fast as they can: elements made per
  second, the most memory in use meanwhile, and what is left two seconds after the end;
* two clients that overwrite strings beside one that intersects two sets of a million members all the
  while: overwrites per second and the most memory in use.

The load comes from processes of their own, so that the server has the other processors.
"""

import argparse
import datetime
import multiprocessing
import os
import sys
import time
from typing import Callable, Dict, List, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measured_server import MeasuredServer  # noqa: E402
from server_tables import fairness_table  # noqa: E402
from support.resp import encode  # noqa: E402
from support.server import oracle_binary, subject_binary, wait_until  # noqa: E402

PER_COMMAND = 1000
MEGABYTE = 1e6
VALUE = "v" * 1000
Cells = Dict[Tuple[str, str], str]


def add_members(client, key: str, members: int) -> None:
    for first in range(0, members, PER_COMMAND):
        client.cmd("SADD", key, *[f"member:{i}" for i in range(first, first + PER_COMMAND)])


class Load:
    """A process that repeats `step(client)` until told to stop, and counts."""

    def __init__(self, server: MeasuredServer, step: Callable, *args: object):
        self.stopping = multiprocessing.Event()
        self.count = multiprocessing.Value("q", 0)
        self.process = multiprocessing.Process(
            target=self._run, args=(server.server, step, args), daemon=True
        )
        self.process.start()

    def _run(self, server, step: Callable, args: Tuple) -> None:
        with server.client(timeout=120.0) as client:
            while not self.stopping.is_set():
                done = step(client, *args)
                with self.count.get_lock():
                    self.count.value += done

    def stop(self) -> int:
        self.stopping.set()
        self.process.join()
        return self.count.value


def copy_in_exec(client) -> int:
    client.pipeline([("MULTI",), ("COPY", "key:1", "copy:1", "REPLACE"), ("EXEC",)])
    time.sleep(0.005)
    return 1


def sort_by(client) -> int:
    client.pipeline([("SORT", "none", "BY", "weight_*")] * 100)
    return 100


def churn(client, key: str, members: int) -> int:
    batches = range(0, members, PER_COMMAND)
    fill = [("SADD", key, *[f"member:{i}" for i in range(b, b + PER_COMMAND)]) for b in batches]
    client.pipeline([*fill, ("UNLINK", key)])
    return members


def overwrite(client, block: bytes, commands: int) -> int:
    client.send(block)
    for _ in range(commands):
        client.read()
    return commands


def intersect(client) -> int:
    client.cmd("SINTERCARD", "2", "big:1", "big:2")
    return 1


def long_read(server: MeasuredServer) -> float:
    with server.server.client(timeout=120.0) as client:
        begin = time.perf_counter()
        client.cmd("SMEMBERS", "set")
        return time.perf_counter() - begin


def background_save(server: MeasuredServer) -> float:
    with server.server.client(timeout=120.0) as client:
        begin = time.perf_counter()
        client.ok("BGSAVE")
        wait_until(
            lambda: server.server.info("persistence")["rdb_bgsave_in_progress"] == "0",
            120,
            "a background save",
        )
        return time.perf_counter() - begin


def times(seconds: float, alone: float) -> str:
    return f"{seconds * 1000:.0f} ({seconds / alone:.1f} ×)"


def gate_rows(server: MeasuredServer, label: str, cells: Cells, keys: int) -> None:
    server.load("key:%d", keys, b"v")
    with server.server.client(timeout=120.0) as client:
        add_members(client, "set", 20_000)
    read, save = min(long_read(server) for _ in range(5)), background_save(server)
    cells["SMEMBERS of 20,000 alone, ms", label] = f"{read * 1000:.0f}"
    cells[f"BGSAVE of {keys:,} keys alone, ms", label] = f"{save * 1000:.0f}"
    for name, step in (("EXEC of COPY every 5 ms", copy_in_exec), ("SORT BY", sort_by)):
        load = Load(server, step)
        time.sleep(0.2)
        begin = time.perf_counter()
        reads = sorted(long_read(server) for _ in range(5))
        saved = background_save(server)
        took = time.perf_counter() - begin
        cells[f"SMEMBERS beside {name}, ms", label] = times(reads[len(reads) // 2], read)
        cells[f"BGSAVE beside {name}, ms", label] = times(saved, save)
        cells[f"{name}, a second", label] = f"{load.stop() / (took + 0.2):,.0f}"


def most_memory(server: MeasuredServer, seconds: float) -> int:
    most = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        most = max(most, server.used_memory())
        time.sleep(0.02)
    return most


def churn_rows(server: MeasuredServer, label: str, cells: Cells, seconds: float) -> None:
    loads = [Load(server, churn, f"churn:{i}", 20_000) for i in range(4)]
    most = most_memory(server, seconds)
    made = sum(load.stop() for load in loads)
    time.sleep(2)
    cells["churn: elements made, millions a second", label] = f"{made / seconds / 1e6:.2f}"
    cells["churn: most memory in use, MB", label] = f"{most / MEGABYTE:.0f}"
    cells["churn: in use 2 s after the end, MB", label] = f"{server.used_memory() / MEGABYTE:.0f}"


def overwrite_rows(server: MeasuredServer, label: str, cells: Cells, seconds: float) -> None:
    with server.server.client(timeout=120.0) as client:
        for key in ("big:1", "big:2"):
            add_members(client, key, 1_000_000)
    block = b"".join(encode(("SET", f"over:{i}", VALUE)) for i in range(200))
    for name, steps in (("", []), (" beside SINTERCARD", [intersect])):
        loads = [Load(server, overwrite, block, 200) for _ in range(2)]
        loads += [Load(server, step) for step in steps]
        most = most_memory(server, seconds)
        sets = sum(load.stop() for load in loads[:2])
        for load in loads[2:]:
            load.stop()
        cells[f"SETs{name}, thousands a second", label] = f"{sets / seconds / 1000:.0f}"
        cells[f"SETs{name}: most memory in use, MB", label] = f"{most / MEGABYTE:.0f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=6.0, help="of each load")
    parser.add_argument("--keys", type=int, default=300_000, help="in the background save")
    arguments = parser.parse_args()
    print(
        f"{datetime.date.today().isoformat()}, {len(os.sched_getaffinity(0))} cores, "
        f"{arguments.seconds:g} s of each load.\n",
        flush=True,
    )
    cells: Cells = {}
    servers: List[Tuple[str, str]] = [("redis", oracle_binary()), ("mantisd", subject_binary())]
    for label, binary in servers:
        path = os.path.abspath(binary) if os.sep in binary else binary
        with MeasuredServer(label, path) as server:
            gate_rows(server, label, cells, arguments.keys)
            with server.server.client(timeout=120.0) as client:
                client.ok("FLUSHALL")
            churn_rows(server, label, cells, arguments.seconds)
            overwrite_rows(server, label, cells, arguments.seconds)
        for name, cell in cells.items():
            if name[1] == label:
                print(f"{label}: {name[0]}: {cell}", file=sys.stderr, flush=True)
    print(fairness_table(cells))
    return 0


if __name__ == "__main__":
    sys.exit(main())
