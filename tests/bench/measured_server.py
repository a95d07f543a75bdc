"""A server under measurement: loading it, its CPU time, its memory, and prefix listings.

Several may run at once; those that are not being measured are held with SIGSTOP, so that they use
no CPU. Keys are named as redis-benchmark names them: `key:` and twelve digits, 16 bytes.
"""

import os
import signal
import statistics
import sys
import time
from pathlib import Path
from typing import Dict, Iterator, List

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.raw_client import RawClient  # noqa: E402
from support.resp import Error  # noqa: E402
from support.server import Server  # noqa: E402

LOAD_CHUNK = 10_000
SETTLE_TIMEOUT_S = 10.0


def _set_commands(pattern: str, count: int, value: bytes) -> Iterator[bytes]:
    """SETs of pattern % number, in the order of the numbers, joined in chunks."""
    tail = b"\r\n$%d\r\n%s\r\n" % (len(value), value)
    for first in range(0, count, LOAD_CHUNK):
        chunk = []
        for number in range(first, min(first + LOAD_CHUNK, count)):
            key = (pattern % number).encode()
            chunk.append(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s%s" % (len(key), key, tail))
        yield b"".join(chunk)


class MeasuredServer:
    def __init__(self, label: str, binary: str, *flags: str):
        self.label = label
        self.server = Server(binary, *flags)

    def __enter__(self) -> "MeasuredServer":
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.resume()
        self.server.close()

    @property
    def port(self) -> int:
        return self.server.port

    def hold(self) -> None:
        self.server.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        if self.server.running():
            self.server.process.send_signal(signal.SIGCONT)

    def cpu_seconds(self) -> float:
        """CPU time of the whole process so far: of its threads in nanoseconds where the kernel keeps
        that, else user and system time in clock ticks."""
        try:
            tasks = Path(f"/proc/{self.server.pid}/task").iterdir()
            return sum(int((t / "schedstat").read_text().split()[0]) for t in tasks) / 1e9
        except FileNotFoundError:
            text = Path(f"/proc/{self.server.pid}/stat").read_text()
            fields = text[text.rindex(")") + 2 :].split()
            return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def load(self, pattern: str, count: int, value: bytes) -> None:
        with self.server.client(timeout=60.0) as client:
            for chunk in _set_commands(pattern, count, value):
                client.send(chunk)
                for _ in range(min(LOAD_CHUNK, count)):
                    reply = client.read()
                    assert not isinstance(reply, Error), reply
        self.settle()

    def used_memory(self) -> int:
        return int(self.server.info("memory")["used_memory"])

    def settle(self) -> int:
        """Waits until background work (a hash table's resize) does not change the memory in use any
        more; answers that."""
        deadline = time.monotonic() + SETTLE_TIMEOUT_S
        before = self.used_memory()
        while time.monotonic() < deadline:
            time.sleep(0.5)
            now = self.used_memory()
            if abs(now - before) < 100_000:
                return now
            before = now
        return before

    def listing_ms(self, command: List[str], calls: int, expected: int) -> float:
        """Median time of a command that lists `expected` keys by a prefix."""
        times = []
        with self.server.client(timeout=60.0) as client:
            for _ in range(calls):
                begin = time.perf_counter()
                found = _list_all(client, command)
                times.append(time.perf_counter() - begin)
                assert found == expected, f"{self.label}: {command} listed {found} keys"
        return statistics.median(times) * 1000


def _list_all(client: RawClient, command: List[str]) -> int:
    """Runs KEYS once, or SCAN until its cursor is 0; the number of keys."""
    if command[0] == "KEYS":
        return len(client.cmd(*command))
    found, cursor = 0, b"0"
    while True:
        cursor, keys = client.cmd("SCAN", cursor, *command[1:])
        found += len(keys)
        if cursor == b"0":
            return found


def bytes_per_key(label: str, binary: str, *flags: str, keys: int, value_size: int) -> float:
    with MeasuredServer(label, binary, *flags) as measured:
        before = measured.settle()
        measured.load("key:%012d", keys, b"v" * value_size)
        return (measured.settle() - before) / keys


def listings(measured: MeasuredServer, keys: int) -> Dict[str, float]:
    """Milliseconds to list the 100 keys of one prefix, by KEYS and by SCAN."""
    prefix = f"key:{keys // 200:010d}"
    once = measured.listing_ms(["KEYS", prefix + "*"], 1, 100)
    calls = 5 if once > 20 else 200
    scan_calls = 1 if once > 20 else 20
    return {
        "keys": measured.listing_ms(["KEYS", prefix + "*"], calls, 100),
        "scan": measured.listing_ms(["SCAN", "MATCH", prefix + "*", "COUNT", "10"], scan_calls, 100),
    }
