#!/usr/bin/env python3
"""How long a long command keeps others waiting, beside redis-server.

One connection runs commands over collections of a million members, another one asks PING all the
while; both are on the same core (mantisd --threads 1). For each command: its own time, and the
longest and the 99th percentile of the PINGs meanwhile and in the half second after. The long
command's replies are read by a process of their own (redis-cli), so that this one does nothing but
ask.
"""

import argparse
import datetime
import os
import subprocess
import sys
import time
from typing import Dict, List, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measured_server import MeasuredServer  # noqa: E402
from server_tables import stall_table  # noqa: E402
from support.server import oracle_binary, subject_binary  # noqa: E402

PER_COMMAND = 1000
# What a command leaves behind, freed memory above all, may make others wait as well.
AFTERWARDS_S = 0.5
# Each is run on its own keys, which the commands before have left as they were made.
COMMANDS = (
    ("idle", []),
    ("SMEMBERS", ["SMEMBERS", "set:1"]),
    ("HGETALL", ["HGETALL", "hash"]),
    ("LRANGE 0 -1", ["LRANGE", "list", "0", "-1"]),
    ("ZRANGE 0 -1 WITHSCORES", ["ZRANGE", "zset", "0", "-1", "WITHSCORES"]),
    ("SUNIONSTORE of two", ["SUNIONSTORE", "union", "set:1", "set:2"]),
    ("SINTER of two", ["SINTER", "set:1", "set:2"]),
    ("ZUNIONSTORE of two", ["ZUNIONSTORE", "zunion", "2", "zset", "zset"]),
    ("COPY of a hash", ["COPY", "hash", "copy"]),
    ("SORT LIMIT 0 10", ["SORT", "list", "ALPHA", "LIMIT", "0", "10"]),
    ("DUMP of a set", ["DUMP", "set:1"]),
    ("DEL of a set", ["DEL", "set:2"]),
    ("UNLINK of a hash", ["UNLINK", "copy"]),
    ("DEL of a sorted set", ["DEL", "zunion"]),
    ("SET over a set", ["SET", "union", "x"]),
)


def fill(server: MeasuredServer, members: int) -> None:
    with server.server.client(timeout=120.0) as client:
        for first in range(0, members, PER_COMMAND):
            names = [f"member:{i:09d}" for i in range(first, first + PER_COMMAND)]
            others = [f"member:{i + members // 2:09d}" for i in range(first, first + PER_COMMAND)]
            pairs = [part for i, name in enumerate(names) for part in (name, f"value:{first + i}")]
            scored = [part for i, name in enumerate(names) for part in (str(first + i), name)]
            client.pipeline(
                [
                    ("SADD", "set:1", *names),
                    ("SADD", "set:2", *others),
                    ("HSET", "hash", *pairs),
                    ("RPUSH", "list", *names),
                    ("ZADD", "zset", *scored),
                ]
            )


def run(server: MeasuredServer, command: List[str]) -> Tuple[float, List[float]]:
    """Seconds the command took, and each PING's while it ran and after (for an idle second without
    one)."""
    waits: List[float] = []
    with server.server.client() as client:
        client.ok("PING")
        begin = time.perf_counter()
        process = None
        if command:
            process = subprocess.Popen(
                ["redis-cli", "-p", str(server.port), *command], stdout=subprocess.DEVNULL
            )
        took = None if process else AFTERWARDS_S
        while took is None or time.perf_counter() - begin < took + AFTERWARDS_S:
            start = time.perf_counter()
            client.ok("PING")
            waits.append(time.perf_counter() - start)
            time.sleep(0.0002)
            if took is None and process.poll() is not None:
                took = time.perf_counter() - begin
        return took, waits


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--repeat", type=int, default=3, help="the median of the longest waits")
    arguments = parser.parse_args()
    print(
        f"{datetime.date.today().isoformat()}, {len(os.sched_getaffinity(0))} cores, collections of "
        f"{arguments.members:,} members, PINGs from another connection of the same core.\n",
        flush=True,
    )
    cells: Dict[Tuple[str, str], Tuple[float, float, float]] = {}
    binaries = (("redis", oracle_binary(), ()), ("mantisd", subject_binary(), ("--threads", "1")))
    for label, binary, flags in binaries:
        path = os.path.abspath(binary) if os.sep in binary else binary
        with MeasuredServer(label, path, *flags) as server:
            fill(server, arguments.members)
            for name, command in COMMANDS:
                # What deletes or overwrites can be done only once.
                once = command[:1] in (["DEL"], ["UNLINK"], ["SET"], ["COPY"])
                runs = [run(server, command) for _ in range(1 if once else arguments.repeat)]
                runs.sort(key=lambda r: max(r[1]))
                took, waits = runs[len(runs) // 2]
                waits.sort()
                cells[name, label] = (took, waits[-1], waits[int(len(waits) * 0.99)])
                print(f"{name} {label}: {cells[name, label]}", file=sys.stderr, flush=True)
    print(stall_table(cells))
    return 0


if __name__ == "__main__":
    sys.exit(main())
