"""What another client of the same server notices while something long goes on."""

import threading
import time
from typing import Any, Callable, List

from support.server import Server, wait_until


class Pinger:
    """Asks PING on a connection of its own until told to stop; `waits` has how long each took."""

    def __init__(self, server: Server):
        self.waits: List[float] = []
        self._server = server
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        with self._server.client(timeout=30) as client:
            while not self._stop.is_set():
                start = time.perf_counter()
                client.ok("PING")
                self.waits.append(time.perf_counter() - start)
                time.sleep(0.0005)

    def __enter__(self) -> "Pinger":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(30)


def longest_wait(server: Server, work: Callable[[], Any]) -> float:
    """Seconds that a PING took while `work()` ran: the second longest of them, as a single one may
    be due to the machine."""
    with Pinger(server) as pinger:
        wait_until(lambda: len(pinger.waits) > 20, 10, "the first answers")
        pinger.waits.clear()
        work()
        wait_until(lambda: pinger.waits, 10, "an answer")
    return sorted(pinger.waits)[-2:][0]
