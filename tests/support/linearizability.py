"""Checks recorded histories of a few registers for linearizability (Wing and Gong, with Lowe's
memoisation of visited configurations).

An operation has a call and a return time on one monotonic clock. A history of one key is
linearizable if the operations can be put into one order that respects real time (an operation that
returned before another was called comes first) and in which a sequential register gives every
recorded answer. Keys are independent objects, so each key's history is checked alone.

An operation whose answer never came (connection lost) has `returned` = infinity: it may have taken
effect at any later time, or never.
"""

from dataclasses import dataclass
from typing import Dict, List, Optional, Sequence, Set, Tuple

State = Optional[bytes]
FOREVER = float("inf")


@dataclass(frozen=True)
class Operation:
    """`name` is get, set, setnx, incr, del or getset; `answer` is what the client was told."""

    name: str
    key: bytes
    arguments: Tuple[bytes, ...]
    answer: object
    called: float
    returned: float

    def pending(self) -> bool:
        return self.returned == FOREVER


def apply(operation: Operation, state: State) -> Tuple[object, State]:
    """The sequential register: the answer and the state afterwards."""
    name, args = operation.name, operation.arguments
    if name == "get":
        return state, state
    if name == "set":
        return b"OK", args[0]
    if name == "setnx":
        return (1, args[0]) if state is None else (0, state)
    if name == "incr":
        value = int(state or b"0") + 1
        return value, b"%d" % value
    if name == "del":
        return (0 if state is None else 1), None
    if name == "getset":
        return state, args[0]
    raise ValueError(f"unknown operation {name}")


def check_key(operations: Sequence[Operation], initial: State = None) -> bool:
    """Whether this single-key history is linearizable. Iterative depth-first search."""
    ordered = sorted(operations, key=lambda o: o.called)
    required = 0
    for index, operation in enumerate(ordered):
        if not operation.pending():
            required |= 1 << index
    everything = (1 << len(ordered)) - 1
    seen: Set[Tuple[int, State]] = set()
    stack: List[Tuple[int, State]] = [(everything, initial)]
    while stack:
        todo, state = stack.pop()
        if todo & required == 0:
            return True
        if (todo, state) in seen:
            continue
        seen.add((todo, state))
        for index in _candidates(todo, ordered):
            operation = ordered[index]
            answer, after = apply(operation, state)
            if operation.pending() or answer == operation.answer:
                stack.append((todo & ~(1 << index), after))
    return False


def _candidates(todo: int, ordered: Sequence[Operation]) -> List[int]:
    """Indices that may come next: those called before every remaining operation's return. They are
    sorted by call time, so the scan ends at the first one called after the earliest return."""
    horizon = FOREVER
    found = []
    index = (todo & -todo).bit_length() - 1
    while index < len(ordered):
        operation = ordered[index]
        if operation.called > horizon:
            break
        if todo >> index & 1:
            horizon = min(horizon, operation.returned)
            found.append(index)
        index += 1
    return [i for i in found if ordered[i].called <= horizon]


def violations(
    history: Sequence[Operation], initial: Optional[Dict[bytes, bytes]] = None
) -> List[bytes]:
    """The keys whose histories are not linearizable."""
    by_key: Dict[bytes, List[Operation]] = {}
    for operation in history:
        by_key.setdefault(operation.key, []).append(operation)
    start = initial or {}
    return [key for key, ops in by_key.items() if not check_key(ops, start.get(key))]
