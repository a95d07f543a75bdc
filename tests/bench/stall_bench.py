#!/usr/bin/env python3
"""How long a long command keeps others waiting, beside redis-server.

One connection runs commands over collections of a million members, over all of a million keys, or
over hundreds of thousands of named ones; another one asks GET all the while, and both are on the
same core (mantisd --threads 1). For each command: its own time, and the longest and the 99.9th
percentile of the GETs meanwhile and in the half second after. The long command is sent, and its
replies are read, by a process of its own, so that this one does nothing but ask.
"""

import argparse
import dataclasses
import datetime
import os
import subprocess
import sys
import tempfile
import time
from typing import Callable, Dict, List, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measured_server import MeasuredServer  # noqa: E402
from server_tables import stall_table  # noqa: E402
from support.resp import encode  # noqa: E402
from support.server import oracle_binary, subject_binary  # noqa: E402

PER_COMMAND = 1000
# What a command leaves behind, freed memory above all, may make others wait as well.
AFTERWARDS_S = 0.5
# What the other process runs: sends a file's bytes, reads until it ends in the last reply, and
# tells how many seconds that took.
SENDER = """
import socket, sys, threading, time
data = open(sys.argv[2], 'rb').read()
peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])))
start = time.perf_counter()
threading.Thread(target=peer.sendall, args=(data,)).start()
tail = b''
while not tail.endswith(b'$8\\r\\nthe last\\r\\n'):
    got = peer.recv(1 << 20)
    if not got:
        sys.exit('closed by the server')
    tail = (tail + got)[-64:]
print(time.perf_counter() - start)
"""


@dataclasses.dataclass
class Case:
    name: str
    commands: Callable[[], List[Tuple]]
    mantis_only: bool = False
    # What makes the keys that the commands take away; without it they are run as often as asked.
    before: Callable[[], List[Tuple]] = list


def over(*command: str) -> Callable[[], List[Tuple]]:
    return lambda: [command]


# Each is run on its own keys, which the commands before have left as they were made.
COLLECTIONS = (
    Case("idle", list),
    Case("SMEMBERS", over("SMEMBERS", "set:1")),
    Case("HGETALL", over("HGETALL", "hash")),
    Case("LRANGE 0 -1", over("LRANGE", "list", "0", "-1")),
    Case("ZRANGE 0 -1 WITHSCORES", over("ZRANGE", "zset", "0", "-1", "WITHSCORES")),
    Case("SUNIONSTORE of two", over("SUNIONSTORE", "union", "set:1", "set:2")),
    Case("SINTER of two", over("SINTER", "set:1", "set:2")),
    Case("ZUNIONSTORE of two", over("ZUNIONSTORE", "zunion", "2", "zset", "zset")),
    Case("SORT LIMIT 0 10", over("SORT", "list", "ALPHA", "LIMIT", "0", "10")),
    Case("DUMP of a set", over("DUMP", "set:1")),
    Case("COPY of a hash", over("COPY", "hash", "copy"), before=over("UNLINK", "copy")),
    Case("DEL of a set", over("DEL", "gone"), before=over("COPY", "set:2", "gone")),
    Case("UNLINK of a hash", over("UNLINK", "gone"), before=over("COPY", "hash", "gone")),
    Case("DEL of a sorted set", over("DEL", "gone"), before=over("COPY", "zset", "gone")),
    Case("SET over a set", over("SET", "gone", "x"), before=over("COPY", "set:1", "gone", "REPLACE")),
)


def names(count: int) -> List[str]:
    return [f"name:{i:07d}" for i in range(count)]


def mset(count: int) -> Tuple:
    return ("MSET", *[part for name in names(count) for part in (name, "value")])


def transaction(count: int) -> List[Tuple]:
    return [("MULTI",), *[("SET", name, "value") for name in names(count)], ("EXEC",)]


def keyspace_cases(keys: int, named: int) -> List[Case]:
    made = lambda: [mset(named)]  # noqa: E731
    every = str(keys)
    return [
        Case("KEYS *", over("KEYS", "*")),
        Case("KEYS *zzz", over("KEYS", "*zzz")),
        Case("SCAN COUNT all", over("SCAN", "0", "COUNT", every)),
        Case("SCAN MATCH *zz COUNT all", over("SCAN", "0", "MATCH", "*zz", "COUNT", every)),
        Case("SORT BY GET", over("SORT", "weighed", "BY", "weight:*", "GET", "weight:*")),
        Case("RANDOMKEY", over("RANDOMKEY")),
        Case("KRANGE - +", over("KRANGE", "-", "+"), mantis_only=True),
        Case("KCOUNT - +", over("KCOUNT", "-", "+"), mantis_only=True),
        Case("KSCAN COUNT all", over("KSCAN", "", "COUNT", every), mantis_only=True),
        Case(
            f"KDEL of {named:,}", over("KDEL", "PREFIX", "name:"), mantis_only=True, before=made
        ),
        Case(f"MSET of {named:,}", made),
        Case(f"MGET of {named:,}", lambda: [("MGET", *names(named))]),
        Case(f"EXISTS of {named:,}", lambda: [("EXISTS", *names(named))]),
        Case(f"TOUCH of {named:,}", lambda: [("TOUCH", *names(named))]),
        # Redis looks each key up among all that the client watches already: minutes.
        Case(
            f"WATCH of {named:,}, UNWATCH",
            lambda: [("WATCH", *names(named)), ("UNWATCH",)],
            mantis_only=True,
        ),
        Case(f"WATCH of {named:,}, close", lambda: [("WATCH", *names(named))], mantis_only=True),
        Case(f"EXEC of {named:,} SETs", lambda: transaction(named)),
        Case(f"MULTI of {named:,} SETs, DISCARD", lambda: [*transaction(named)[:-1], ("DISCARD",)]),
        Case(
            f"EXEC of a DEL of {named:,}",
            lambda: [("MULTI",), ("DEL", *names(named)), ("EXEC",)],
            before=made,
        ),
        Case(f"DEL of {named:,}", lambda: [("DEL", *names(named))], before=made),
        Case(f"UNLINK of {named:,}", lambda: [("UNLINK", *names(named))], before=made),
        Case("INFO everything", over("INFO", "everything")),
        Case("MEMORY STATS", over("MEMORY", "STATS")),
        Case("FLUSHALL ASYNC", over("FLUSHALL", "ASYNC"), before=made),
    ]


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


def fill_keyspace(server: MeasuredServer, keys: int) -> None:
    with server.server.client(timeout=120.0) as client:
        for first in range(0, keys, PER_COMMAND):
            part = range(first, first + PER_COMMAND)
            client.ok("MSET", *[text for i in part for text in (f"key:{i:09d}", f"value:{i}")])
        for first in range(0, keys // 10, PER_COMMAND):
            part = range(first, first + PER_COMMAND)
            client.ok("MSET", *[text for i in part for text in (f"weight:{i}", -i)])
            client.ok("RPUSH", "weighed", *part)


def run(server: MeasuredServer, case: Case) -> Tuple[float, List[float]]:
    """Seconds the commands took, and each GET's while they ran and after (idle: without any)."""
    waits: List[float] = []
    commands = [*case.commands(), ("ECHO", "the last")]
    with server.server.client(timeout=120.0) as client, tempfile.NamedTemporaryFile() as file:
        for command in case.before():
            client.ok(*command)
        client.ok("SET", "probe", "value")
        file.write(b"".join(encode(command) for command in commands))
        file.flush()
        time.sleep(AFTERWARDS_S)
        begin = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-S", "-c", SENDER, str(server.port), file.name],
            stdout=subprocess.PIPE,
        )
        ended = None
        while ended is None or time.perf_counter() - ended < AFTERWARDS_S:
            start = time.perf_counter()
            client.ok("GET", "probe")
            waits.append(time.perf_counter() - start)
            time.sleep(0.0002)
            if ended is None and process.poll() is not None:
                ended = time.perf_counter()
        output = process.communicate()[0]
        if process.returncode != 0:
            raise RuntimeError(f"{case.name}: the sender failed after {ended - begin:.1f} s")
        return float(output), waits


def measure(
    server: MeasuredServer, cases: List[Case], repeat: int, cells: Dict[Tuple[str, str], Tuple]
) -> None:
    for case in cases:
        if case.mantis_only and server.label != "mantisd":
            continue
        runs = [run(server, case) for _ in range(repeat)]
        runs.sort(key=lambda r: max(r[1]))
        took, waits = runs[len(runs) // 2]
        every = sorted(wait for r in runs for wait in r[1])
        cells[case.name, server.label] = (took, max(waits), every[int(len(every) * 0.999)])
        print(f"{case.name} {server.label}: {cells[case.name, server.label]}", file=sys.stderr)


def table(keyspace: bool, cases: List[Case], arguments: argparse.Namespace) -> str:
    cells: Dict[Tuple[str, str], Tuple[float, float, float]] = {}
    binaries = (("redis", oracle_binary(), ()), ("mantisd", subject_binary(), ("--threads", "1")))
    for label, binary, flags in binaries:
        path = os.path.abspath(binary) if os.sep in binary else binary
        with MeasuredServer(label, path, *flags) as server:
            if keyspace:
                fill_keyspace(server, arguments.keys)
            else:
                fill(server, arguments.members)
            measure(server, cases, arguments.repeat, cells)
    return stall_table(cells)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--named", type=int, default=300_000, help="keys that one command names")
    parser.add_argument("--repeat", type=int, default=3, help="the median of the longest waits")
    arguments = parser.parse_args()
    where = "GETs from another connection of the same core"
    print(f"{datetime.date.today().isoformat()}, {len(os.sched_getaffinity(0))} cores.\n")
    print(f"Collections of {arguments.members:,} members, {where}.\n", flush=True)
    print(table(False, list(COLLECTIONS), arguments))
    print(f"\nA keyspace of {arguments.keys:,} keys, {where}.\n", flush=True)
    print(table(True, keyspace_cases(arguments.keys, arguments.named), arguments))
    return 0


if __name__ == "__main__":
    sys.exit(main())
