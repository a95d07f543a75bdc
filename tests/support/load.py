"""Runs client work in several processes at once.

Python threads share one interpreter lock, which hides most interleavings from the server; forked
processes do not. time.monotonic() is one clock for all of them, so histories can be merged.
"""

import concurrent.futures
import multiprocessing
import os
from typing import Any, Callable, List


def in_processes(
    count: int, work: Callable[..., Any], *args: Any, timeout: float = 60.0
) -> List[Any]:
    """Calls work(number, *args) in `count` processes; answers their results by number.

    `work` must be importable (defined at module level). An exception in any of them is raised here.
    """
    context = multiprocessing.get_context("fork")
    with concurrent.futures.ProcessPoolExecutor(count, mp_context=context) as pool:
        futures = [pool.submit(work, number, *args) for number in range(count)]
        return [future.result(timeout) for future in futures]


def spread_over_cores(pid: int) -> None:
    """Gives the threads of a server cores of their own, as far as there are enough. Left to
    themselves, all that a client on this machine wakes often run on the client's core, one after
    the other, and never meet."""
    cores = sorted(os.sched_getaffinity(0))
    for number, thread in enumerate(sorted(map(int, os.listdir(f"/proc/{pid}/task")))):
        os.sched_setaffinity(thread, {cores[number % len(cores)]})
