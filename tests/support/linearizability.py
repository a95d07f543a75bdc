"""Checks recorded histories for linearizability (Wing and Gong, with Lowe's memoisation of visited
configurations).

An operation has a call and a return time on one monotonic clock. A history is linearizable if the
operations can be put into one order that respects real time (an operation that returned before
another was called comes first), and in which a sequential object gives every recorded answer.
`explore` is the search, for any object; the rest of this file is the simplest one, a register.
Registers are independent of each other, so each key's history is checked alone.

An operation whose answer never came (connection lost) has `returned` = infinity: it may have taken
effect at any later time, or never.
"""

from dataclasses import dataclass
from typing import Any, Callable, Dict, Hashable, List, Optional, Sequence, Set, Tuple

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

    def reads_only(self) -> bool:
        return self.name == "get"


@dataclass(frozen=True)
class Verdict:
    """What a search found. `done` and `state` are the furthest it came: how many operations of each
    sequence were put in order, and what the object was after them."""

    linearizable: bool
    done: Tuple[int, ...]
    state: Hashable


def explore(
    sequences: Sequence[Sequence[Any]],
    apply: Callable[[Any, Any], Tuple[object, Any]],
    initial: Hashable,
) -> Verdict:
    """Looks for an order of all operations. Iterative depth-first search.

    What is in one sequence happens in that order, whatever its times: so a client that sends many
    requests at once is a sequence, although they overlap. `apply(operation, state)` is the object:
    it gives the answer and the state afterwards. Operations are as Operation: they have `answer`,
    `called`, `returned`, `pending()` and `reads_only()`; a pending one ends its sequence.
    """
    start = (tuple(0 for _ in sequences), initial)
    furthest = start
    seen: Set[Tuple[Tuple[int, ...], Hashable]] = set()
    stack = [start]
    while stack:
        done, state = stack.pop()
        if (done, state) in seen:
            continue
        seen.add((done, state))
        if sum(done) >= sum(furthest[0]):
            furthest = (done, state)
        fronts = _fronts(sequences, done)
        if all(operation.pending() for _, operation in fronts):
            return Verdict(True, done, state)
        stack += _successors(fronts, done, state, apply)
    return Verdict(False, *furthest)


def _fronts(sequences: Sequence[Sequence[Any]], done: Tuple[int, ...]) -> List[Tuple[int, Any]]:
    """The next operation of each sequence that has one: (sequence, operation)."""
    return [
        (number, sequence[at])
        for number, (sequence, at) in enumerate(zip(sequences, done))
        if at < len(sequence)
    ]


def _successors(
    fronts: List[Tuple[int, Any]],
    done: Tuple[int, ...],
    state: Hashable,
    apply: Callable[[Any, Any], Tuple[object, Any]],
) -> List[Tuple[Tuple[int, ...], Hashable]]:
    """The configurations one step on, the most likely one last. What may come next was called
    before anything that remains returned."""
    horizon = min(operation.returned for _, operation in fronts)
    found = []
    for number, operation in sorted(fronts, key=lambda front: -front[1].returned):
        if operation.called > horizon:
            continue
        answer, after = apply(operation, state)
        if not operation.pending() and answer != operation.answer:
            continue
        following = (done[:number] + (done[number] + 1,) + done[number + 1 :], after)
        # A read that is right here can be first in every order from here: nothing else to try.
        if operation.reads_only():
            return [following]
        found.append(following)
    return found


def into_sequences(operations: Sequence[Any]) -> List[List[Any]]:
    """Splits operations of unknown clients into as few sequences as real time allows."""
    sequences: List[List[Any]] = []
    for operation in sorted(operations, key=lambda o: o.called):
        free = (s for s in sequences if s[-1].returned < operation.called)
        sequence = next(free, None)
        if sequence is None:
            sequences.append([operation])
        else:
            sequence.append(operation)
    return sequences


def apply_to_register(operation: Operation, state: State) -> Tuple[object, State]:
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
    """Whether this single-key history is linearizable."""
    return explore(into_sequences(operations), apply_to_register, initial).linearizable


def violations(
    history: Sequence[Operation], initial: Optional[Dict[bytes, bytes]] = None
) -> List[bytes]:
    """The keys whose histories are not linearizable."""
    by_key: Dict[bytes, List[Operation]] = {}
    for operation in history:
        by_key.setdefault(operation.key, []).append(operation)
    start = initial or {}
    return [key for key, ops in by_key.items() if not check_key(ops, start.get(key))]
