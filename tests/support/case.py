"""Command cases as plain tables, and the runner that compares two servers step by step.

A case is a name and a sequence of steps, run on an empty data set over fresh connections, once in
RESP2 and once in RESP3. A plain step (a string in inline syntax, or a tuple of arguments) must get
exactly the same reply, wire type included, from the server under test and from the oracle. The
wrappers below loosen or replace that comparison for one step:

    near(step, slack)         integers may differ by `slack` (remaining times)
    unordered(step)           arrays, sets and maps compare as multisets
    norm(step, function)      both replies go through `function` first
    check(step, predicate)    each reply must satisfy the predicate by itself
    expect(step, reply)       a literal expectation, where the oracle is older or lacks the command
    silent(step)              no reply may come (CLIENT REPLY)
    closing(step)             a reply as usual, then the server closes the connection
    on(name, step)            the step runs on another connection of the same case
    pause(seconds)            both servers rest
"""

import contextlib
import time
from dataclasses import dataclass, replace
from typing import Any, Callable, Dict, Iterator, List, Optional, Sequence, Set, Tuple, Union

from support.raw_client import RawClient
from support.resp import Map, Push, encode, to_bytes
from support.resp import Set as RespSet
from support.server import Server

Comparison = Callable[[Any, Any], Optional[str]]
_ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t", "b": b"\b", "a": b"\a"}


def split_inline(text: str) -> Tuple[bytes, ...]:
    """Splits as redis-cli does: blanks part arguments, double quotes take \\xHH and \\n escapes."""
    args: List[bytes] = []
    pos = 0
    while pos < len(text):
        if text[pos] == " ":
            pos += 1
            continue
        word, pos = _one_argument(text, pos)
        args.append(word)
    return tuple(args)


def _one_argument(text: str, pos: int) -> Tuple[bytes, int]:
    quote = text[pos] if text[pos] in "\"'" else ""
    if not quote:
        end = text.find(" ", pos)
        end = len(text) if end < 0 else end
        return text[pos:end].encode(), end
    word = b""
    pos += 1
    while text[pos] != quote:
        if quote == '"' and text[pos : pos + 2] == "\\x":
            word += bytes([int(text[pos + 2 : pos + 4], 16)])
            pos += 4
        elif quote == '"' and text[pos] == "\\":
            word += _ESCAPES.get(text[pos + 1], text[pos + 1].encode())
            pos += 2
        else:
            word += text[pos].encode()
            pos += 1
    return word, pos + 1


def exact(subject: Any, oracle: Any) -> Optional[str]:
    if type(subject) is type(oracle) and subject == oracle:
        return None
    return f"server under test {_show(subject)}, oracle {_show(oracle)}"


@dataclass(frozen=True)
class ByProtocol:
    resp2: Any
    resp3: Any


@dataclass(frozen=True)
class Step:
    args: Tuple[bytes, ...]
    connection: str = "main"
    compare: Comparison = exact
    literal: bool = False
    expected: Any = None
    answered: bool = True
    closes: bool = False
    rest_s: float = 0.0

    def shown(self) -> str:
        return " ".join(repr(a)[2:-1] if len(a) < 60 else f"<{len(a)} bytes>" for a in self.args)


StepLike = Union[str, Sequence[Any], Step]


def step(what: StepLike) -> Step:
    if isinstance(what, Step):
        return what
    if isinstance(what, str):
        return Step(split_inline(what))
    return Step(tuple(to_bytes(a) for a in what))


def near(what: StepLike, slack: int) -> Step:
    def compare(subject: Any, oracle: Any) -> Optional[str]:
        if type(subject) is not int or type(oracle) is not int or min(subject, oracle) < 0:
            return exact(subject, oracle)
        return None if abs(subject - oracle) <= slack else exact(subject, oracle)

    return replace(step(what), compare=compare)


def norm(what: StepLike, function: Callable[[Any], Any]) -> Step:
    return replace(step(what), compare=lambda s, o: exact(function(s), function(o)))


def sorted_reply(reply: Any) -> Any:
    """Multiset view of a reply: nested collections become sorted lists of the same wire type."""
    if isinstance(reply, list):
        return sorted((sorted_reply(i) for i in reply), key=repr)
    if isinstance(reply, RespSet):
        return RespSet(sorted((sorted_reply(i) for i in reply.items), key=repr))
    if isinstance(reply, Map):
        return Map(sorted(((sorted_reply(k), sorted_reply(v)) for k, v in reply.pairs), key=repr))
    return reply


def unordered(what: StepLike) -> Step:
    return norm(what, sorted_reply)


def check(what: StepLike, predicate: Callable[[Any], bool]) -> Step:
    def compare(subject: Any, oracle: Any) -> Optional[str]:
        if not predicate(subject):
            return f"server under test {_show(subject)}: not as the case demands"
        if oracle is not None and not predicate(oracle):
            return f"the oracle itself answers {_show(oracle)}: the case is wrong"
        return None

    return replace(step(what), compare=compare)


def expect(what: StepLike, resp2: Any, resp3: Any = None) -> Step:
    wanted = ByProtocol(resp2, resp2 if resp3 is None else resp3)
    return replace(step(what), literal=True, expected=wanted)


def silent(what: StepLike) -> Step:
    return replace(step(what), answered=False)


def closing(what: StepLike) -> Step:
    return replace(step(what), closes=True)


def on(connection: str, what: StepLike) -> Step:
    return replace(step(what), connection=connection)


def pause(seconds: float) -> Step:
    return Step((), rest_s=seconds)


@dataclass(frozen=True)
class Case:
    name: str
    steps: Tuple[Step, ...]
    own: bool = False
    requires: str = ""
    protocols: Tuple[int, ...] = (2, 3)


def case(name: str, *steps: StepLike, **more: Any) -> Case:
    return Case(name, tuple(step(s) for s in steps), **more)


def own(name: str, *steps: StepLike, **more: Any) -> Case:
    """A case for a command the oracle does not have: every step needs a literal or a predicate."""
    return case(name, *steps, own=True, **more)


def touched_commands(cases: Sequence[Case], containers: Set[str]) -> Set[str]:
    """The commands these cases send, as 'GET' or 'CLIENT|ID'."""
    names = set()
    for one in cases:
        for item in one.steps:
            if item.args:
                name = item.args[0].decode(errors="replace").upper()
                if name in containers and len(item.args) > 1:
                    names.add(f"{name}|{item.args[1].decode(errors='replace').upper()}")
                names.add(name)
    return names


def _show(reply: Any) -> str:
    text = repr(reply)
    return text if len(text) < 800 else f"{text[:600]} … ({len(text)} characters)"


class _Side:
    """One server during one case: its connections by name."""

    def __init__(self, server: Server, protocol: int):
        self._server = server
        self._protocol = protocol
        self._clients: Dict[str, RawClient] = {}

    def client(self, name: str) -> RawClient:
        if name not in self._clients:
            self._clients[name] = self._server.client(protocol=self._protocol)
        return self._clients[name]

    def perform(self, item: Step) -> Any:
        client = self.client(item.connection)
        client.send(encode(item.args))
        if not item.answered:
            return None
        reply = client.read()
        if item.closes:
            rest = client.read_to_close()
            assert rest == b"", f"{item.shown()}: {rest[:200]!r} before the close"
            del self._clients[item.connection]
            client.close()
        return reply

    def empty(self) -> None:
        self.client("main").ok("FLUSHALL")

    def close(self) -> None:
        for client in self._clients.values():
            client.close()


def compare_step(item: Step, protocol: int, subject: Any, oracle: Any) -> Optional[str]:
    if not item.answered:
        return None
    if not item.literal:
        return item.compare(subject, oracle)
    wanted = item.expected.resp3 if protocol == 3 else item.expected.resp2
    if type(subject) is type(wanted) and subject == wanted:
        return None
    return f"server under test {_show(subject)}, documented {_show(wanted)}"


def _run_steps(one: Case, protocol: int, subject: _Side, oracle: Optional[_Side]) -> List[str]:
    problems = []
    for number, item in enumerate(one.steps, 1):
        if item.rest_s:
            time.sleep(item.rest_s)
            continue
        theirs = oracle.perform(item) if oracle else None
        ours = subject.perform(item)
        assert not isinstance(ours, Push), f"{item.shown()}: unexpected push {ours}"
        problem = compare_step(item, protocol, ours, theirs)
        if problem:
            problems.append(f"step {number}, RESP{protocol}: {item.shown()}\n    {problem}")
    return problems


@contextlib.contextmanager
def sides(
    one: Case, protocol: int, subject: Server, oracle: Server
) -> Iterator[Tuple[_Side, Optional[_Side]]]:
    """Both servers, empty, for one case; no oracle for a case that it cannot run."""
    ours = _Side(subject, protocol)
    theirs = None if one.own else _Side(oracle, protocol)
    try:
        ours.empty()
        if theirs:
            theirs.empty()
        yield ours, theirs
    finally:
        ours.close()
        if theirs:
            theirs.close()


def run_case(one: Case, protocol: int, subject: Server, oracle: Server) -> None:
    """Runs the case on both servers and fails with every differing step."""
    with sides(one, protocol, subject, oracle) as (ours, theirs):
        problems = _run_steps(one, protocol, ours, theirs)
    assert not problems, f"case {one.name!r}:\n" + "\n".join(problems)
