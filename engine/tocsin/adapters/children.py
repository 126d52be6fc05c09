"""Child processes that never outlive us, and what they need: a free port and a log."""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tocsin.errors import UnavailableError

LOOPBACK = "127.0.0.1"
PORTS = range(20_000, 30_000)
"""Below those that Linux and others give to outgoing connections."""
GRACE = 15.0
"""Seconds that a child has to stop by itself."""


class Child:
    """A process in a group of its own, so that stopping it also stops what it started; its output goes to *log*."""

    def __init__(
        self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name = name
        self.log = log
        with log.open("wb") as output:
            try:
                self._process = subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=dict(environment) if environment is not None else None,
                    start_new_session=True,
                )
            except OSError as error:
                raise UnavailableError(f"{name} cannot be started: {error.strerror}: {command[0]}") from error

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it still runs."""
        return self._process.poll() is None

    def wait_until(self, ready: Callable[[], bool], timeout: float, what: str) -> None:
        """Wait for *ready*; a child that ends first or takes longer than *timeout* seconds is an error with its log."""
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.alive():
                raise UnavailableError(f"{self.name} ended with {self._process.returncode}: {self.last_words()}")
            if time.monotonic() > deadline:
                raise UnavailableError(f"{self.name}: {what} did not happen in {timeout:g} s: {self.last_words()}")
            time.sleep(0.1)

    def last_words(self, lines: int = 5) -> str:
        """The end of its log."""
        with self.log.open(encoding="utf-8", errors="replace") as log:
            return "\n".join(log.read().splitlines()[-lines:]) or "it said nothing"

    def stop(self) -> None:
        """Ask it to end, insist after some seconds; a second call does nothing."""
        if self.alive():
            self._signal(signal.SIGTERM)
            try:
                self._process.wait(GRACE)
            except subprocess.TimeoutExpired:
                self._signal(signal.SIGKILL)
        self._process.wait()

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def free_port() -> int:
    """A loopback port that nobody listens on at this moment, and that no outgoing connection is given in the next."""
    for _ in range(100):
        port = PORTS.start + secrets.randbelow(len(PORTS))
        with contextlib.suppress(OSError), socket.create_server((LOOPBACK, port)):
            return port
    raise UnavailableError(f"none of a hundred ports of {PORTS.start} to {PORTS.stop} can be listened on")
