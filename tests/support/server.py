"""Starts and stops real server processes for tests.

A Server owns its process, its temporary folder and its log. It listens on a port found free just
before the start, every wait is bounded, and it is ended by its own pid. Names are taken from the
environment: MANTISD is the server under test (default: the release build), REDIS_SERVER the oracle.
"""

import os
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, ClassVar, Dict, List, Optional, Sequence, Tuple

from support.raw_client import ClosedByServer, RawClient
from support.resp import Error, Simple, Verbatim

REPOSITORY = Path(__file__).resolve().parents[2]
# Sanitizer and debug builds on a busy machine start slowly; healthy ones take milliseconds.
START_TIMEOUT_S = 30.0
STOP_TIMEOUT_S = 15.0


def subject_binary() -> str:
    return os.environ.get("MANTISD", str(REPOSITORY / "build/release/bin/mantisd"))


def oracle_binary() -> str:
    return os.environ.get("REDIS_SERVER", "redis-server")


def is_mantis(binary: str) -> bool:
    """Whether this binary is mantisd; the suite also runs with redis-server under test."""
    shown = subprocess.run(
        [binary, "--version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=10,
        check=False,
    )
    return b"mantis" in shown.stdout.lower()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(
    condition: Callable[[], object], timeout: float, what: str, every: float = 0.01
) -> object:
    """Polls until the condition is truthy and answers it; fails with `what` after the timeout."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() >= deadline:
            raise AssertionError(f"not within {timeout} s: {what}")
        time.sleep(every)


def parse_info(text: bytes) -> Dict[str, str]:
    """INFO's fields, section titles dropped."""
    fields = {}
    for line in text.decode(errors="replace").splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition(":")
            fields[name] = value
    return fields


class Server:
    live: ClassVar[List["Server"]] = []

    def __init__(
        self,
        binary: str,
        *flags: str,
        bind: Sequence[str] = ("127.0.0.1",),
        save: Optional[str] = "",
        directory: Optional[Path] = None,
        config_text: Optional[str] = None,
        open_files: Optional[int] = None,
        address_space: Optional[int] = None,
        environment: Optional[Dict[str, str]] = None,
        password: Optional[str] = None,
        port: Optional[int] = None,
    ):
        self.binary = binary
        self.flags = list(flags)
        self.bind = list(bind)
        self.save = save
        self.open_files = open_files
        self.address_space = address_space
        self.environment = environment or {}
        self.password = password
        self.config_text = config_text
        self.port = port or 0
        self._fixed_port = port is not None
        self._end_expected = False
        self.process: Optional[subprocess.Popen] = None
        self._own_directory = directory is None
        self.directory = directory or Path(tempfile.mkdtemp(prefix="mantis-it-"))
        self.log_path = self.directory / "server.out"

    def __enter__(self) -> "Server":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()

    def command_line(self) -> List[str]:
        line = [self.binary]
        if self.config_text is not None:
            path = self.directory / "test.conf"
            path.write_text(self.config_text)
            line.append(str(path))
        line += ["--port", str(self.port), "--bind", *self.bind, "--dir", str(self.directory)]
        if self.save is not None:
            line += ["--save", self.save]
        return line + self.flags

    def _set_limits(self) -> None:
        if self.open_files is not None:
            resource.setrlimit(resource.RLIMIT_NOFILE, (self.open_files, self.open_files))
        if self.address_space is not None:
            resource.setrlimit(resource.RLIMIT_AS, (self.address_space, self.address_space))

    def start(self) -> "Server":
        """Another process may take the port between the probe and the bind, hence the retries."""
        for attempt in range(3):
            if not self._fixed_port:
                self.port = free_port()
            with open(self.log_path, "ab") as log:
                self.process = subprocess.Popen(
                    self.command_line(),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    cwd=self.directory,
                    env={**os.environ, **self.environment},
                    preexec_fn=self._set_limits,
                )
            self._end_expected = False
            Server.live.append(self)
            if self._answers():
                return self
            port_taken = "in use" in self.log_tail()
            self.kill()
            if self._fixed_port or not port_taken or attempt == 2:
                raise AssertionError(f"{self.command_line()} did not start:\n{self.log_tail()}")
        return self

    def _answers(self) -> bool:
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                return False
            try:
                with RawClient((self.connect_host(), self.port), timeout=START_TIMEOUT_S) as client:
                    reply = client.cmd("PING")
                    if reply == Simple(b"PONG") or getattr(reply, "text", b"").startswith(
                        b"NOAUTH"
                    ):
                        return True
            except (OSError, ClosedByServer):
                pass
            time.sleep(0.01)
        return False

    def connect_host(self) -> str:
        host = self.bind[0].lstrip("-")
        return {"0.0.0.0": "127.0.0.1", "*": "127.0.0.1", "::": "::1"}.get(host, host)

    @property
    def address(self) -> Tuple[str, int]:
        return (self.connect_host(), self.port)

    @property
    def pid(self) -> int:
        return self.process.pid

    def client(self, protocol: int = 2, timeout: float = 10.0, **more) -> RawClient:
        client = RawClient(self.address, timeout=timeout, **more)
        if self.password is not None:
            client.ok("AUTH", self.password)
        if protocol == 3:
            client.hello(3)
        return client

    def info(self, *sections: str) -> Dict[str, str]:
        with self.client() as client:
            reply = client.ok("INFO", *sections)
            return parse_info(reply.text if isinstance(reply, Verbatim) else reply)

    def config_set(self, *pairs: str) -> None:
        with self.client() as client:
            reply = client.cmd("CONFIG", "SET", *pairs)
            assert not isinstance(reply, Error), f"CONFIG SET {pairs}: {reply}"

    def running(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def wait_exit(self, timeout: float = STOP_TIMEOUT_S) -> int:
        """The exit code; a process that stays is killed and the test fails."""
        self._end_expected = True
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(
                f"server did not exit within {timeout} s:\n{self.log_tail()}"
            ) from None

    def stop(self, number: int = signal.SIGTERM, timeout: float = STOP_TIMEOUT_S) -> int:
        if self.running():
            self.process.send_signal(number)
        code = self.wait_exit(timeout)
        if self in Server.live:
            Server.live.remove(self)
        return code

    def kill(self) -> None:
        self._end_expected = True
        if self.running():
            self.process.kill()
        if self.process is not None:
            self.process.wait()
        if self in Server.live:
            Server.live.remove(self)

    def close(self) -> None:
        """Ends the process, however it is, and removes what it left behind.

        A server that ended without being told to, or badly, fails the test that owns it, and its
        folder stays for a look at the log and the core.
        """
        code = 0
        if self.running():
            code = self.stop()
        elif self.process is not None and not self._end_expected:
            code = self.process.returncode
        self.kill()
        assert code == 0, f"server ended with {code}, see {self.directory}:\n{self.log_tail()}"
        if self._own_directory:
            shutil.rmtree(self.directory, ignore_errors=True)

    def log_tail(self, limit: int = 6000) -> str:
        if not self.log_path.exists():
            return "(no output)"
        return self.log_path.read_bytes()[-limit:].decode(errors="replace")
