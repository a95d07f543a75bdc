"""RESP2/RESP3 encoding and parsing that keeps every wire type apart.

Client libraries blur replies (a status and a bulk string both become bytes, 1 equals True). Tests
that compare two servers to the letter need the opposite, so each wire type has its own Python type:

    +text   Simple      $bulk  bytes     *array  list      ,1.5   Double
    -text   Error       $-1    NULL      *-1     NULL_ARRAY  #t   Bool
    :1      int         _      NULL3     ~set    Set       (123   BigNumber
    %map    Map         =txt:  Verbatim  >push   Push      |attr  skipped
"""

from dataclasses import dataclass
from typing import Any, Iterable, Tuple, Union


@dataclass(frozen=True)
class Simple:
    text: bytes


@dataclass(frozen=True)
class Error:
    text: bytes


@dataclass(frozen=True)
class Double:
    text: bytes


@dataclass(frozen=True)
class Bool:
    value: bool


@dataclass(frozen=True)
class BigNumber:
    text: bytes


@dataclass(frozen=True)
class Verbatim:
    kind: bytes
    text: bytes


@dataclass(frozen=True)
class Nothing:
    """One of the three nulls; `wire` tells which."""

    wire: str


@dataclass
class Map:
    pairs: list

    def as_dict(self) -> dict:
        return {key: value for key, value in self.pairs}


@dataclass
class Set:
    items: list


@dataclass
class Push:
    items: list


NULL = Nothing("$-1")
NULL_ARRAY = Nothing("*-1")
NULL3 = Nothing("_")
OK = Simple(b"OK")


class Incomplete(Exception):
    """More bytes are needed before a whole reply can be parsed."""


class Malformed(Exception):
    """The peer sent something that is not RESP."""


def to_bytes(value: Union[str, bytes, int, float]) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, str):
        return value.encode()
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"cannot send {value!r} as an argument")
    return repr(value).encode()


def encode(args: Iterable[Union[str, bytes, int, float]]) -> bytes:
    """The multibulk request for one command."""
    parts = [to_bytes(a) for a in args]
    out = [b"*%d\r\n" % len(parts)]
    for part in parts:
        out.append(b"$%d\r\n%s\r\n" % (len(part), part))
    return b"".join(out)


def _line(buf: bytearray, pos: int) -> Tuple[bytes, int]:
    end = buf.find(b"\r\n", pos)
    if end < 0:
        raise Incomplete
    return bytes(buf[pos:end]), end + 2


def _blob(buf: bytearray, pos: int, length: int) -> Tuple[bytes, int]:
    end = pos + length
    if len(buf) < end + 2:
        raise Incomplete
    if buf[end : end + 2] != b"\r\n":
        raise Malformed(f"bulk of {length} bytes is not followed by CRLF")
    return bytes(buf[pos:end]), end + 2


def _items(buf: bytearray, pos: int, count: int) -> Tuple[list, int]:
    items = []
    for _ in range(count):
        item, pos = parse(buf, pos)
        items.append(item)
    return items, pos


def _parse_map(buf: bytearray, pos: int, count: int) -> Tuple[Map, int]:
    items, pos = _items(buf, pos, 2 * count)
    return Map(list(zip(items[::2], items[1::2]))), pos


def _parse_sized(kind: int, line: bytes, buf: bytearray, pos: int) -> Tuple[Any, int]:
    """Types whose header carries a length: bulk, verbatim and the aggregates."""
    length = int(line)
    if kind == ord("$"):
        return (NULL, pos) if length < 0 else _blob(buf, pos, length)
    if kind == ord("="):
        text, pos = _blob(buf, pos, length)
        return Verbatim(text[:3], text[4:]), pos
    if kind == ord("*"):
        return (NULL_ARRAY, pos) if length < 0 else _items(buf, pos, length)
    if kind == ord("%"):
        return _parse_map(buf, pos, length)
    if kind == ord("|"):
        _, pos = _parse_map(buf, pos, length)
        return parse(buf, pos)
    items, pos = _items(buf, pos, length)
    return (Set(items) if kind == ord("~") else Push(items)), pos


def parse(buf: bytearray, pos: int = 0) -> Tuple[Any, int]:
    """Parses one reply at `pos`; answers it and the position after it, or raises Incomplete."""
    if pos >= len(buf):
        raise Incomplete
    kind = buf[pos]
    line, after = _line(buf, pos + 1)
    try:
        if kind == ord("+"):
            return Simple(line), after
        if kind == ord("-"):
            return Error(line), after
        if kind == ord(":"):
            return int(line), after
        if kind == ord("_") and not line:
            return NULL3, after
        if kind == ord(","):
            return Double(line), after
        if kind == ord("#") and line in (b"t", b"f"):
            return Bool(line == b"t"), after
        if kind == ord("("):
            return BigNumber(line), after
        if kind in b"$=*%|~>":
            return _parse_sized(kind, line, buf, after)
    except ValueError as error:
        raise Malformed(f"bad header {bytes(buf[pos:after])!r}") from error
    raise Malformed(f"unknown reply {bytes(buf[pos:pos + 64])!r}")


def is_null(reply: Any) -> bool:
    return isinstance(reply, Nothing)
