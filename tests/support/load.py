"""Runs client work in several processes at once.

Python threads share one interpreter lock, which hides most interleavings from the server; forked
processes do not. time.monotonic() is one clock for all of them, so histories can be merged.
"""

import concurrent.futures
import multiprocessing
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
