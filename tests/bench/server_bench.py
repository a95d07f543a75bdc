#!/usr/bin/env python3
"""mantisd beside redis-server under the same redis-benchmark load.

Every combination of test, pipeline depth and server is run several times, the servers in turn, so
that whatever else changes on the machine meets all of them; medians are shown. All servers hold
the same keys. The server under load runs, the others are held with SIGSTOP. CPU time per operation
is the server process's user and system time over the operations of a run.
"""

import argparse
import csv
import datetime
import json
import os
import shlex
import statistics
import subprocess
import sys
from typing import Dict, Iterator, List, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import server_tables  # noqa: E402
from measured_server import MeasuredServer, bytes_per_key, listings  # noqa: E402
from support.server import oracle_binary, subject_binary  # noqa: E402

# Those of redis-benchmark without -t, in its order: what one leaves behind, a later one takes.
STRING_TESTS = ("ping_inline", "ping_mbulk", "set", "get", "incr", "mset")
TYPE_TESTS = ("lpush", "rpush", "lpop", "rpop", "sadd", "hset", "spop", "zadd", "zpopmin")
RANGE_TESTS = ("lrange_100", "lrange_300", "lrange_500", "lrange_600")
TESTS = STRING_TESTS + TYPE_TESTS + RANGE_TESTS
PIPELINES = (1, 16, 64)
# Depths at which the other tests run as well: 64 elements at once would fill memory with lists.
TYPE_PIPELINES = (1, 16)
# Commands of a run by pipeline depth, chosen to take a second or two.
OPERATIONS = {1: 150_000, 16: 1_000_000, 64: 2_000_000}
# For commands of many elements, which take longer, and those that fill memory.
FACTORS = {
    "mset": 0.1,
    **{test: 0.3 for test in TYPE_TESTS},
    "lrange_100": 0.1,
    "lrange_300": 0.04,
    "lrange_500": 0.03,
    "lrange_600": 0.02,
}
VALUE_SIZE = 64
CONNECTIONS = 50
RUN_TIMEOUT_S = 60.0

Cell = Tuple[int, str, int, str]  # loaders, test, pipeline, server


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the operations, once")
    parser.add_argument("--ops", type=float, default=1.0, help="factor on the operations of a run")
    parser.add_argument("--repeat", type=int, default=3, help="runs of each combination")
    parser.add_argument("--keys", type=int, default=1_000_000, help="keys in every server")
    parser.add_argument("--tests", default=",".join(TESTS), help="out of: " + ",".join(TESTS))
    parser.add_argument("--pipelines", default=",".join(map(str, PIPELINES)))
    parser.add_argument(
        "--loaders",
        default=f"1,{cores()}",
        help="numbers of redis-benchmark processes that share connections and operations, the tests "
        "of other types than strings with the first only (default: one, and one for every core)",
    )
    parser.add_argument("--json", metavar="FILE", help="write every single run there")
    parser.add_argument("--markdown", action="store_true", help="only the tables, no progress")
    arguments = parser.parse_args()
    arguments.loaders = list(dict.fromkeys(int(n) for n in arguments.loaders.split(",")))
    if arguments.quick:
        arguments.ops, arguments.repeat = arguments.ops / 10, 1
    return arguments


def cores() -> int:
    return len(os.sched_getaffinity(0))


def operations(test: str, pipeline: int, factor: float) -> int:
    wanted = OPERATIONS.get(pipeline, 1_000_000) * factor * FACTORS.get(test, 1)
    # Every connection of every loader sends whole pipelines.
    return max(1, round(wanted / (CONNECTIONS * pipeline))) * CONNECTIONS * pipeline


def start_loader(port: int, test: str, pipeline: int, n: int, connections: int, keys: int):
    command = ["redis-benchmark", "-p", str(port), "-n", str(n), "-c", str(connections)]
    command += ["-P", str(pipeline), "-d", str(VALUE_SIZE), "-r", str(keys), "--csv"]
    if test in RANGE_TESTS:
        # With -t it would fill the list first, within the time that is measured.
        command += ["lrange", "mylist", "0", str(int(test.removeprefix("lrange_")) - 1)]
    else:
        command += ["-t", test]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish_loader(process: subprocess.Popen) -> Dict[str, float]:
    try:
        out, err = process.communicate(timeout=RUN_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise SystemExit(f"{shlex.join(process.args)} did not end in {RUN_TIMEOUT_S} s") from None
    rows = [row for row in csv.DictReader(out.splitlines()) if row.get("p99_latency_ms")]
    if process.returncode != 0 or len(rows) != 1:
        raise SystemExit(f"{shlex.join(process.args)} failed:\n{out}{err}")
    return {
        "rps": float(rows[0]["rps"]),
        "p50": float(rows[0]["p50_latency_ms"]),
        "p99": float(rows[0]["p99_latency_ms"]),
    }


def run_once(
    server: MeasuredServer, loaders: int, test: str, pipeline: int, arguments
) -> Dict[str, float]:
    n = operations(test, pipeline, arguments.ops)
    before = server.cpu_seconds()
    running = [
        start_loader(server.port, test, pipeline, n // loaders, CONNECTIONS // loaders, arguments.keys)
        for _ in range(loaders)
    ]
    results = [finish_loader(process) for process in running]
    cpu = server.cpu_seconds() - before
    return {
        "rps": sum(r["rps"] for r in results),
        "p50": statistics.median(r["p50"] for r in results),
        "p99": max(r["p99"] for r in results),
        "cpu_us": cpu * 1e6 / (n // loaders * loaders),
    }


def say(arguments: argparse.Namespace, text: str) -> None:
    if not arguments.markdown:
        print(text, file=sys.stderr, flush=True)


def prepare(servers: List[MeasuredServer], test: str, arguments) -> None:
    """What a test needs beside the keys that are there."""
    if test == "incr":
        for server in servers:
            say(arguments, f"loading counters into {server.label}")
            server.resume()
            server.load("counter:%012d", arguments.keys, b"0")
            server.hold()
    if test == RANGE_TESTS[0]:
        for server in servers:
            server.resume()
            with server.server.client() as client:
                client.cmd("DEL", "mylist")
                for _ in range(1000):
                    client.ok("RPUSH", "mylist", b"v" * VALUE_SIZE)
            server.hold()


def combinations(test: str, arguments) -> Iterator[Tuple[int, int]]:
    """Numbers of loaders and pipeline depths."""
    for loaders in arguments.loaders:
        for pipeline in (int(p) for p in arguments.pipelines.split(",")):
            if test in STRING_TESTS:
                yield loaders, pipeline
            elif pipeline in TYPE_PIPELINES and loaders == arguments.loaders[0]:
                yield loaders, pipeline


def measure(servers: List[MeasuredServer], arguments) -> Dict[Cell, List[Dict[str, float]]]:
    runs: Dict[Cell, List[Dict[str, float]]] = {}
    for test in arguments.tests.split(","):
        prepare(servers, test, arguments)
        for loaders, pipeline in combinations(test, arguments):
            for _ in range(arguments.repeat):
                for server in servers:
                    server.resume()
                    result = run_once(server, loaders, test, pipeline, arguments)
                    server.hold()
                    runs.setdefault((loaders, test, pipeline, server.label), []).append(result)
                    say(
                        arguments,
                        f"{test} P={pipeline} from {loaders}, {server.label}: "
                        f"{result['rps'] / 1000:.1f} k/s, p99 {result['p99']:.2f} ms, "
                        f"{result['cpu_us']:.2f} us CPU",
                    )
    return runs


def medians(runs: Dict[Cell, List[Dict[str, float]]]) -> Dict[Cell, Dict[str, float]]:
    return {
        cell: {field: statistics.median(r[field] for r in results) for field in results[0]}
        for cell, results in runs.items()
    }


def version_of(binary: str) -> str:
    shown = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True)
    return " ".join(shown.stdout.split(" sha=")[0].split())


def binary(path: str) -> str:
    """Absolute, since servers are started in folders of their own; a bare name is left to PATH."""
    return os.path.abspath(path) if os.sep in path else path


def heading(arguments: argparse.Namespace) -> str:
    load = os.getloadavg()[0]
    lines = [
        f"{datetime.date.today().isoformat()}, {cores()} cores, Linux, "
        f"{version_of(oracle_binary())} and {version_of(subject_binary())}.",
        f"{arguments.keys} keys, values of {VALUE_SIZE} bytes, {CONNECTIONS} connections, "
        f"median of {arguments.repeat} run(s). "
        "Nothing is pinned: the load generator and the server share the cores.",
    ]
    if load > 0.5:
        lines.append(f"**Other work was running on the machine (load {load:.1f} at the start).**")
    return "\n".join(lines)


def main() -> int:
    arguments = parse_arguments()
    print(heading(arguments) + "\n", flush=True)
    mantisd, redis = binary(subject_binary()), binary(oracle_binary())
    say(arguments, "memory of 1,000,000 keys")
    memory = {
        "redis": bytes_per_key("redis", redis, keys=arguments.keys, value_size=32),
        "mantisd": bytes_per_key("mantisd", mantisd, keys=arguments.keys, value_size=32),
    }
    everywhere = f"mantisd, {cores()} threads"
    with MeasuredServer("redis", redis) as first, MeasuredServer(
        "mantisd, 1 thread", mantisd, "--threads", "1"
    ) as second, MeasuredServer(everywhere, mantisd, "--threads", str(cores())) as third:
        servers = [first, second, third]
        listing = {}
        for server in servers:
            say(arguments, f"loading {server.label}")
            server.load("key:%012d", arguments.keys, b"v" * VALUE_SIZE)
            listing[server.label] = listings(server, arguments.keys)
            server.hold()
        runs = measure(servers, arguments)
    cells = medians(runs)
    labels = [server.label for server in servers]
    for loaders in arguments.loaders:
        print(server_tables.load_table(cells, loaders, labels))
    print(server_tables.listing_table(listing, labels))
    print(server_tables.memory_table(memory))
    print(server_tables.goals_table(cells, labels, listing, memory))
    if arguments.json:
        flat = [
            dict(zip(("loaders", "test", "pipeline", "server", "runs"), (*cell, results)))
            for cell, results in runs.items()
        ]
        with open(arguments.json, "w", encoding="utf-8") as file:
            json.dump({"load": flat, "listing_ms": listing, "bytes_per_key": memory}, file, indent=1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
