"""Records what several connections were told by a server that they all talked to at once, and
checks it against redis_model.

A volley gives each connection a burst of requests. All bursts are encoded first, then sent back to
back, then answered: a server with several threads works on them side by side for as long as it has
them. (Clients that wait for each answer hardly ever meet: sending costs them more than the command
costs the server.) The requests of one burst happen in their order.
"""

import select
import time
from dataclasses import dataclass, field
from typing import Any, Dict, FrozenSet, Generator, List, Optional, Sequence, Set, Tuple
from typing import Union

from support.linearizability import FOREVER, Verdict, explore
from support.raw_client import Address, RawClient
from support.redis_model import WHOLE_KEYSPACE, Command, Space, Value
from support.redis_model import changes_nothing, keys_of, plain
from support.resp import Error, encode, is_null, to_bytes


@dataclass(frozen=True)
class Transaction:
    """Commands between MULTI and EXEC."""

    commands: Tuple[Command, ...]


Ask = Union[Command, Transaction]
# Gives bursts, and gets the answers to each before it gives the next one.
Script = Generator[List[Ask], List[Any], None]


@dataclass(frozen=True)
class Request:
    """One command, or all of one transaction, and what its client was told; the answer of a
    transaction is that of EXEC. `watched` are the keys that the client watched then."""

    client: int
    commands: Tuple[Command, ...]
    answer: object
    called: float
    returned: float
    transaction: bool = False
    watched: FrozenSet[bytes] = frozenset()

    def pending(self) -> bool:
        return self.returned == FOREVER

    def reads_only(self) -> bool:
        """An EXEC also ends the watching, if there is any."""
        if not self.transaction:
            return changes_nothing(self.commands[0], self.answer)
        return not self.watched and all(map(changes_nothing, self.commands, self.answer))

    def keys(self) -> Set[bytes]:
        return self.watched.union(*map(keys_of, self.commands))

    def names(self) -> Set[str]:
        return {command[0] for command in self.commands}


def normal(command: Sequence[Any]) -> Command:
    return (str(command[0]).upper(), *map(to_bytes, command[1:]))


@dataclass
class _Client:
    number: int
    connection: RawClient
    atomic: bool
    watched: Set[bytes] = field(default_factory=set)
    history: List[Request] = field(default_factory=list)

    def answer(self, ask: Ask, called: float) -> Any:
        """Reads the reply to one request and keeps both."""
        transaction = isinstance(ask, Transaction)
        commands = tuple(map(normal, ask.commands if transaction else [ask]))
        if transaction:
            told = self._read_exec(commands)
        else:
            told = plain(commands[0], self.connection.read())
        returned = time.monotonic()
        watched = frozenset(self.watched)
        self.history.append(
            Request(self.number, commands, told, called, returned, transaction, watched)
        )
        self._note_watches(commands[0], transaction)
        return told

    def _read_exec(self, commands: Tuple[Command, ...]) -> Optional[Tuple[object, ...]]:
        if not self.atomic:
            return tuple(plain(command, self.connection.read()) for command in commands)
        replies = [self.connection.read() for _ in range(1 + len(commands))]
        assert all(r.text in (b"OK", b"QUEUED") for r in replies), replies
        reply = self.connection.read()
        assert not isinstance(reply, Error), reply
        return None if is_null(reply) else tuple(map(plain, commands, reply))

    def _note_watches(self, command: Command, transaction: bool) -> None:
        if transaction or command[0] == "UNWATCH":
            self.watched.clear()
        elif command[0] == "WATCH":
            self.watched.update(command[1:])


def wire(ask: Ask, atomic: bool) -> bytes:
    if not isinstance(ask, Transaction):
        return encode(ask)
    commands = (("MULTI",), *ask.commands, ("EXEC",)) if atomic else ask.commands
    return b"".join(map(encode, commands))


def record(
    address: Address, scripts: Sequence[Script], atomic: bool = True
) -> List[List[Request]]:
    """Plays the scripts, each on a connection of its own, to their ends; the requests of each.

    If not `atomic`, transactions are sent without MULTI and EXEC, but kept as if they had them:
    histories as of a server that lets others come between.
    """
    clients = [_Client(number, RawClient(address), atomic) for number in range(len(scripts))]
    try:
        bursts = [next(script, []) for script in scripts]
        while any(bursts):
            answers = _volley(clients, bursts)
            bursts = [_next_burst(s, a) for s, a in zip(scripts, answers)]
    finally:
        for client in clients:
            client.connection.close()
    return [client.history for client in clients]


def _next_burst(script: Script, answers: List[Any]) -> List[Ask]:
    try:
        return script.send(answers)
    except StopIteration:
        return []


def _volley(clients: List[_Client], bursts: List[List[Ask]]) -> List[List[Any]]:
    encoded = [
        b"".join(wire(ask, client.atomic) for ask in bursts[client.number]) for client in clients
    ]
    answers: List[List[Any]] = [[] for _ in clients]
    called: Dict[int, float] = {}
    waiting = {}
    for client, data in zip(clients, encoded):
        if data:
            called[client.number] = time.monotonic()
            client.connection.send(data)
            waiting[client.connection.sock] = client
    while waiting:
        ready, _, _ = select.select(list(waiting), [], [], 10)
        assert ready, f"no reply to {[bursts[c.number] for c in waiting.values()]}"
        for client in map(waiting.pop, ready):
            number = client.number
            answers[number] = [client.answer(ask, called[number]) for ask in bursts[number]]
    return answers


# What a client has seen of its watched keys: which they are, or that one of them was touched.
DIRTY = "dirty"
Watch = Union[FrozenSet[bytes], str]


@dataclass(frozen=True)
class State:
    """What the keys hold, in their order, and what each client watches."""

    values: Tuple[Value, ...]
    watches: Tuple[Watch, ...]


def _touched(watch: Watch, space: Space) -> bool:
    return watch == DIRTY or not watch.isdisjoint(space.touched)


class Model:
    """The server as a sequential object with these keys, for explore."""

    def __init__(self, keys: Sequence[bytes], clients: int):
        self._keys = tuple(sorted(keys))
        self._clients = clients

    def initial(self) -> State:
        return State((None,) * len(self._keys), (frozenset(),) * self._clients)

    def named(self, state: State) -> Dict[bytes, Value]:
        return dict(zip(self._keys, state.values))

    def apply(self, request: Request, state: State) -> Tuple[object, State]:
        space = Space(self.named(state))
        watches = list(state.watches)
        if request.transaction:
            answer = self._execute(request, space, watches[request.client])
            watches[request.client] = frozenset()
        else:
            answer = self._run(request, space, watches)
        watches = [DIRTY if _touched(w, space) else w for w in watches]
        return answer, State(tuple(space.values[key] for key in self._keys), tuple(watches))

    @staticmethod
    def _execute(request: Request, space: Space, watch: Watch) -> Optional[Tuple[object, ...]]:
        if watch == DIRTY:
            return None
        told = request.answer or (None,) * len(request.commands)
        return tuple(map(space.run, request.commands, told))

    @staticmethod
    def _run(request: Request, space: Space, watches: List[Watch]) -> object:
        name, *arguments = request.commands[0]
        watch = watches[request.client]
        if name == "WATCH":
            watches[request.client] = DIRTY if watch == DIRTY else watch | set(arguments)
            return b"OK"
        if name == "UNWATCH":
            watches[request.client] = frozenset()
            return b"OK"
        return space.run(request.commands[0], request.answer)


def connected_keys(requests: Sequence[Request]) -> List[Set[bytes]]:
    """Splits the keys so that no request touches keys of two parts: each part is an object of its
    own, linearizable or not whatever the others are."""
    parts: List[Set[bytes]] = []
    everything = set().union(*(request.keys() for request in requests))
    for request in requests:
        whole = request.names() & WHOLE_KEYSPACE
        together = set(everything) if whole else request.keys()
        if not together or any(together <= part for part in parts):
            continue
        for part in [part for part in parts if part & together]:
            together |= part
            parts.remove(part)
        parts.append(together)
    return parts


def problems(histories: Sequence[Sequence[Request]]) -> List[str]:
    """What is wrong with a history that began with no keys, by client: nothing if it is
    linearizable."""
    found = []
    for keys in connected_keys([request for history in histories for request in history]):
        mine = [[r for r in history if r.keys() & keys or not r.keys()] for history in histories]
        model = Model(keys, len(histories))
        verdict = explore(mine, model.apply, model.initial())
        if not verdict.linearizable:
            found.append(_describe(mine, model, verdict))
    return found


def _describe(histories: List[List[Request]], model: Model, verdict: Verdict) -> str:
    """The place where no order goes on, with what each client asked before and after it."""
    state = verdict.state
    lines = [f"not linearizable after {verdict.done} requests, with {model.named(state)}"]
    for number, (history, done) in enumerate(zip(histories, verdict.done)):
        lines.append(f"client {number}, watching {state.watches[number]}:")
        for at in range(max(done - 3, 0), min(done + 5, len(history))):
            request = history[at]
            lines.append(
                f"  {'>' if at == done else ' '} {request.called:.6f} to {request.returned:.6f}: "
                f"{request.commands} answered {request.answer!r}"
            )
    return "\n".join(lines)
