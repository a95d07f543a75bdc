#!/usr/bin/env python3
"""Eviction under `maxmemory`, beside redis-server: what it costs, how exact it is, what it keeps.

Load: redis-benchmark sets random keys from several connections while memory is at the limit, one
more connection asks GET all the while. Shown are SETs a second, CPU time of the server for each,
the GETs' waits, how far memory in use was above the limit at most, and the resident set.

Hit rate: a trace of GETs whose keys follow Zipf's law; a key that is missing is set, as a cache's
user does. The same trace for both servers.
"""

import argparse
import bisect
import datetime
import itertools
import os
import random
import subprocess
import sys
import time
from typing import Dict, List, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measured_server import MeasuredServer  # noqa: E402
from server_tables import eviction_table, hit_rate_table  # noqa: E402
from support.server import oracle_binary, subject_binary  # noqa: E402

MIB = 1024 * 1024
LOAD_LIMIT = 64 * MIB
VALUE_SIZE = 1000
CONNECTIONS = 8
PIPELINES = (1, 16)
SAMPLE_EVERY_S = 0.05

HIT_VALUE = "v" * 100
HIT_BATCH = 50
POLICIES = ("allkeys-lru", "allkeys-lfu")
ALPHAS = (0.9, 1.0)
# Limit and how many keys there are: the limit holds a quarter of them or so.
HIT_SIZES = ((8 * MIB, 150_000, 600_000), (64 * MIB, 1_200_000, 2_400_000))


def servers() -> List[Tuple[str, str]]:
    binaries = (("redis", oracle_binary()), ("mantisd", subject_binary()))
    return [(label, os.path.abspath(b) if os.sep in b else b) for label, b in binaries]


def start(label: str, binary: str, limit: int, policy: str) -> MeasuredServer:
    flags = ("--maxmemory", str(limit), "--maxmemory-policy", policy)
    return MeasuredServer(label, binary, *flags)


def set_load(server: MeasuredServer, pipeline: int, operations: int) -> subprocess.Popen:
    command = ["redis-benchmark", "-p", str(server.port), "-t", "set", "-q", "-r", "1000000"]
    command += ["-d", str(VALUE_SIZE), "-c", str(CONNECTIONS), "-P", str(pipeline)]
    return subprocess.Popen([*command, "-n", str(operations)], stdout=subprocess.DEVNULL)


def run_load(server: MeasuredServer, pipeline: int, operations: int) -> Dict[str, float]:
    set_load(server, 16, 2 * LOAD_LIMIT // VALUE_SIZE).wait()
    evicted = int(server.server.info("stats")["evicted_keys"])
    waits: List[float] = []
    most = 0
    with server.server.client() as client:
        cpu = server.cpu_seconds()
        begin = sampled = time.perf_counter()
        load = set_load(server, pipeline, operations)
        while load.poll() is None:
            asked = time.perf_counter()
            client.ok("GET", "key:000000000001")
            waits.append(time.perf_counter() - asked)
            if asked - sampled > SAMPLE_EVERY_S:
                sampled = asked
                most = max(most, server.used_memory())
            time.sleep(0.0002)
        took = time.perf_counter() - begin
        cpu = server.cpu_seconds() - cpu
    with open(f"/proc/{server.server.pid}/status", encoding="ascii") as status:
        rss = next(int(line.split()[1]) for line in status if line.startswith("VmRSS:"))
    waits.sort()
    evicted = int(server.server.info("stats")["evicted_keys"]) - evicted
    return {
        "rate": operations / took,
        "cpu": cpu / operations,
        "p50": waits[len(waits) // 2],
        "p99": waits[int(len(waits) * 0.99)],
        "p999": waits[int(len(waits) * 0.999)],
        "over": most / LOAD_LIMIT - 1,
        "evicted": evicted / operations,
        "rss": rss / 1024,
    }


def zipf_trace(alpha: float, keys: int, length: int, seed: int) -> List[int]:
    sums = list(itertools.accumulate((i + 1) ** -alpha for i in range(keys)))
    generator = random.Random(seed)
    return [bisect.bisect_left(sums, generator.random() * sums[-1]) for _ in range(length)]


def hit_rate(server: MeasuredServer, trace: List[int]) -> float:
    """Of the second half, when the cache is warm."""
    hits = counted = 0
    with server.server.client(timeout=60.0) as client:
        for first in range(0, len(trace), HIT_BATCH):
            # Spread, so that popular keys are no neighbours.
            names = [f"key:{k * 7919 % 1_000_003:07d}:{k}" for k in trace[first : first + HIT_BATCH]]
            found = client.pipeline([("GET", name) for name in names])
            missing = {n for n, value in zip(names, found) if not isinstance(value, bytes)}
            if missing:
                client.pipeline([("SET", name, HIT_VALUE) for name in missing])
            if first >= len(trace) // 2:
                hits += sum(isinstance(value, bytes) for value in found)
                counted += len(found)
    return hits / counted


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="the small memory, short traces")
    parser.add_argument("--ops", type=int, default=400_000, help="SETs of a run")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    print(
        f"{datetime.date.today().isoformat()}, {len(os.sched_getaffinity(0))} cores, "
        f"{CONNECTIONS} connections set values of {VALUE_SIZE:,} bytes at a limit of "
        f"{LOAD_LIMIT // MIB} MB.\n",
        flush=True,
    )
    loads: Dict[Tuple[int, str], Dict[str, float]] = {}
    for pipeline in PIPELINES:
        for label, binary in servers():
            with start(label, binary, LOAD_LIMIT, "allkeys-lru") as server:
                loads[pipeline, label] = run_load(server, pipeline, arguments.ops)
    print(eviction_table(loads), flush=True)

    rates: Dict[Tuple[int, float, str, str], float] = {}
    for limit, keys, length in HIT_SIZES[:1] if arguments.quick else HIT_SIZES:
        for alpha in ALPHAS:
            trace = zipf_trace(alpha, keys, length // (3 if arguments.quick else 1), arguments.seed)
            for policy in POLICIES:
                for label, binary in servers():
                    with start(label, binary, limit, policy) as server:
                        rates[limit // MIB, alpha, policy, label] = hit_rate(server, trace)
    print(hit_rate_table(rates))
    return 0


if __name__ == "__main__":
    sys.exit(main())
