#!/usr/bin/env python3
"""Bytes of memory per element of every type, small and large, beside redis-server.

For each row a fresh server of either kind is filled with the same commands; the growth of
used_memory over the number of elements is shown. Small collections are many keys of few elements
(compact form), large ones one key of very many.
"""

import argparse
import datetime
import os
import sys
from typing import Callable, Dict, Iterator, List, NamedTuple, Tuple

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from measured_server import MeasuredServer  # noqa: E402
from server_tables import memory_by_type_table  # noqa: E402
from support.raw_client import RawClient  # noqa: E402
from support.resp import Error, encode  # noqa: E402
from support.server import oracle_binary, subject_binary  # noqa: E402

# Elements per command and commands per round trip while loading.
PER_COMMAND = 50
PER_ROUND = 200

Add = Callable[[str, int, int], Tuple]  # key, first element, count -> command


class Shape(NamedTuple):
    name: str
    add: Add
    keys: int
    elements: int  # per key


def _each(count: int, first: int, make: Callable[[int], List]) -> List:
    return [part for i in range(first, first + count) for part in make(i)]


def push(key: str, first: int, count: int) -> Tuple:
    return ("RPUSH", key, *_each(count, first, lambda i: [b"value:%010d" % i]))


def hset(key: str, first: int, count: int) -> Tuple:
    return ("HSET", key, *_each(count, first, lambda i: [b"field:%010d" % i, b"value:%010d" % i]))


def sadd(key: str, first: int, count: int) -> Tuple:
    return ("SADD", key, *_each(count, first, lambda i: [b"member:%09d" % i]))


def sadd_int(key: str, first: int, count: int) -> Tuple:
    return ("SADD", key, *_each(count, first, lambda i: [b"%d" % (100_000 + 7 * i)]))


def zadd(key: str, first: int, count: int) -> Tuple:
    # Scores in an order of their own, so that insertions go everywhere.
    return (
        "ZADD",
        key,
        *_each(count, first, lambda i: [b"%d" % (i * 7919 % 1_000_003), b"member:%09d" % i]),
    )


def xadd(key: str, first: int, _: int) -> Tuple:
    return ("XADD", key, b"%d-1" % (first + 1), "sensor", b"s%05d" % (first % 1000), "value", b"%d" % first)


def shapes(scale: float) -> List[Shape]:
    large = int(1_000_000 * scale)
    small = int(20_000 * scale)
    rows = []
    for name, add in (
        ("list, values of 16 bytes", push),
        ("hash, fields and values of 16 bytes", hset),
        ("set, members of 16 bytes", sadd),
        ("set of integers", sadd_int),
        ("sorted set, members of 16 bytes", zadd),
    ):
        rows += [
            Shape(name, add, small, 10),
            Shape(name, add, small // 5, 100),
            Shape(name, add, small // 20, 1000),
            Shape(name, add, 1, large),
        ]
    rows.append(Shape("stream, two fields", xadd, 1, large // 2))
    return rows


def commands(shape: Shape) -> Iterator[Tuple]:
    step = 1 if shape.add is xadd else PER_COMMAND
    for key in range(shape.keys):
        for first in range(0, shape.elements, step):
            count = min(step, shape.elements - first)
            yield shape.add(f"key:{key:012d}", first, count)


def load(client: RawClient, shape: Shape) -> None:
    batch: List[bytes] = []

    def flush() -> None:
        client.send(b"".join(batch))
        for _ in batch:
            reply = client.read()
            assert not isinstance(reply, Error), reply
        batch.clear()

    for command in commands(shape):
        batch.append(encode(command))
        if len(batch) == PER_ROUND:
            flush()
    flush()


def bytes_per_element(binary: str, shape: Shape) -> float:
    with MeasuredServer("", binary) as server:
        before = server.settle()
        with server.server.client(timeout=60.0) as client:
            load(client, shape)
        return (server.settle() - before) / (shape.keys * shape.elements)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="factor on keys and elements")
    parser.add_argument("--only", default="", help="only types whose name contains this")
    arguments = parser.parse_args()
    binaries = {"redis": oracle_binary(), "mantisd": subject_binary()}
    print(f"{datetime.date.today().isoformat()}, used_memory per element, keys included.\n", flush=True)
    cells: Dict[Tuple[str, int, int], Dict[str, float]] = {}
    for shape in shapes(arguments.scale):
        if arguments.only not in shape.name:
            continue
        cells[shape.name, shape.keys, shape.elements] = {
            label: bytes_per_element(os.path.abspath(path) if os.sep in path else path, shape)
            for label, path in binaries.items()
        }
        print(f"{shape.name} {shape.keys} x {shape.elements}: {cells[shape.name, shape.keys, shape.elements]}",
              file=sys.stderr, flush=True)
    print(memory_by_type_table(cells))
    return 0


if __name__ == "__main__":
    sys.exit(main())
