"""A blocking RESP client over one socket, for tests that care about bytes and connection states.

Every wait is bounded by the client's timeout (seconds), so a silent server fails a test instead of
hanging it. Not thread safe: one client per thread.
"""

import socket
import struct
import time
from typing import Any, Iterable, List, Optional, Tuple, Union

from support.resp import Error, Incomplete, encode, parse

Address = Union[str, Tuple[str, int]]


class ClosedByServer(Exception):
    """The server closed or reset the connection; `rest` holds unread bytes."""

    def __init__(self, rest: bytes = b""):
        super().__init__(
            f"connection closed by the server, {len(rest)} unread bytes: {rest[:200]!r}"
        )
        self.rest = rest


class RawClient:
    def __init__(
        self,
        address: Address,
        timeout: float = 10.0,
        protocol: int = 2,
        receive_buffer: Optional[int] = None,
    ):
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self.sock = socket.socket(family, socket.SOCK_STREAM)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if receive_buffer is not None:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.timeout = timeout
        self.sock.settimeout(timeout)
        self._buf = bytearray()
        self._pos = 0
        try:
            self.sock.connect(address)
            if protocol == 3:
                self.hello(3)
        except BaseException:
            self.sock.close()
            raise

    def __enter__(self) -> "RawClient":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def _receive(self, deadline: float) -> None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError(
                f"no reply within {self.timeout} s; buffered {bytes(self._buf[:200])!r}"
            )
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(1 << 20)
        except ConnectionError as error:
            raise ClosedByServer(bytes(self._buf[self._pos :])) from error
        finally:
            self.sock.settimeout(self.timeout)
        if not data:
            raise ClosedByServer(bytes(self._buf[self._pos :]))
        self._buf += data

    def read(self, timeout: Optional[float] = None) -> Any:
        """The next reply (pushes included)."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            try:
                reply, self._pos = parse(self._buf, self._pos)
            except Incomplete:
                if self._pos > 0:
                    del self._buf[: self._pos]
                    self._pos = 0
                self._receive(deadline)
            else:
                return reply

    def cmd(self, *args: Union[str, bytes, int, float], timeout: Optional[float] = None) -> Any:
        self.send(encode(args))
        return self.read(timeout)

    def ok(self, *args: Union[str, bytes, int, float], timeout: Optional[float] = None) -> Any:
        """As cmd, but an error reply fails the test."""
        reply = self.cmd(*args, timeout=timeout)
        assert not isinstance(reply, Error), f"{args!r} answered {reply!r}"
        return reply

    def pipeline(self, commands: Iterable[Iterable[Union[str, bytes, int, float]]]) -> List[Any]:
        """Sends all commands at once; answers their replies in order.

        The whole request goes out before anything is read: keep it below what the two socket
        buffers and the server's output limits hold.
        """
        batch = [encode(c) for c in commands]
        self.send(b"".join(batch))
        return [self.read() for _ in batch]

    def hello(self, version: int) -> Any:
        return self.ok("HELLO", version)

    def read_line(self) -> bytes:
        """One raw line, CRLF removed: for replies that are not RESP-framed."""
        deadline = time.monotonic() + self.timeout
        while True:
            end = self._buf.find(b"\r\n", self._pos)
            if end >= 0:
                line = bytes(self._buf[self._pos : end])
                self._pos = end + 2
                return line
            self._receive(deadline)

    def read_to_close(self, timeout: Optional[float] = None) -> bytes:
        """Everything up to the server's close; TimeoutError if it stays open."""
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        while True:
            try:
                self._receive(deadline)
            except ClosedByServer as closed:
                self._buf.clear()
                self._pos = 0
                return closed.rest

    def silent_for(self, seconds: float) -> bool:
        """True if nothing arrives and the connection stays open for that long."""
        try:
            self._receive(time.monotonic() + seconds)
        except TimeoutError:
            return True
        except ClosedByServer:
            return False
        return False

    def half_close(self) -> None:
        """Sends FIN: no more requests from here, replies still come."""
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Closes with RST instead of FIN."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self) -> None:
        self.sock.close()
