"""One attempt to send: in a daemon thread with a wall deadline, with everything kept that the receiver said.

Whoever sends (an Apprise plugin or a sender of our own) talks through the stand-ins of `web` and `mail`, which find the
attempt that is under way in their thread and note each answer there.
"""

import contextvars
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

CONNECT_SECONDS = 5.0
MOST_ABANDONED = 4
"""Threads of one channel that may hang beyond their deadline before it is not even tried."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What an HTTP receiver said, or how the connection failed."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Mailing:
    """What a mail server said to one message; *in_data* means that it may have it all the same."""

    recipients: tuple[str, ...] = ()
    error: Exception | None = None
    in_data: bool = False


@dataclass(slots=True)
class Attempt:
    """One call of a sender: *worked* is its own opinion, None when it did not return in time.

    *begun* says that the receiver may have something already: over HTTP once it is connected, by mail from DATA on.
    """

    deadline: float
    endpoint: str | None = None
    worked: bool | None = None
    crashed: str = ""
    busy: bool = False
    answers: list[Answer] = field(default_factory=list)
    mailings: list[Mailing] = field(default_factory=list)
    begun: bool = True
    _over: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def connecting(self) -> None:
        """Be about to connect, the first time with nothing handed over yet."""
        with self._lock:
            self.begun = self.begun and bool(self.answers)

    def begin(self) -> None:
        """Be about to hand the message over; TimeoutError when nobody waits any more, for another attempt will."""
        with self._lock:
            if self._over:
                raise TimeoutError("the attempt is over")
            self.begun = True

    def given_up(self) -> "Attempt":
        """What is known now; the thread still holds the attempt, and a copy does not change under the reader."""
        with self._lock:
            self._over = True
            return Attempt(
                self.deadline,
                self.endpoint,
                answers=self.answers[:],
                mailings=self.mailings[:],
                begun=self.begun,
            )

    @property
    def remaining(self) -> float:
        """Seconds until the deadline, never quite 0: a socket time-out of 0 means something else."""
        return max(self.deadline - time.monotonic(), 0.05)


current: contextvars.ContextVar[Attempt | None] = contextvars.ContextVar("tocsin_attempt", default=None)
"""The attempt that is under way in this thread."""


class Gate:
    """Runs the attempts of one channel, one at a time but for those that hang."""

    def __init__(self) -> None:
        self._abandoned: list[threading.Thread] = []

    def run(
        self, call: Callable[[], object], seconds: float, endpoint: str | None = None, *, begun: bool = True
    ) -> Attempt:
        """Call once; returns after *seconds* at the latest, whatever the receiver does.

        *call* says by what it returns whether it worked; what it raises is a failure, whose type alone is told. One
        that has not *begun* says by itself when it does (`Attempt.begin`).
        """
        attempt = Attempt(time.monotonic() + seconds, endpoint, begun=begun)
        self._abandoned = [thread for thread in self._abandoned if thread.is_alive()]
        if len(self._abandoned) >= MOST_ABANDONED:
            attempt.busy = True
            return attempt

        def watched() -> None:
            current.set(attempt)
            try:
                worked = call()
            except Exception as error:  # noqa: BLE001  # 180 plugins; none may take the worker with it
                attempt.crashed = type(error).__name__
                worked = False
            attempt.worked = bool(worked)

        thread = threading.Thread(target=contextvars.Context().run, args=(watched,), name="tocsin-send", daemon=True)
        thread.start()
        thread.join(seconds)
        if not thread.is_alive():
            return attempt
        self._abandoned.append(thread)
        return attempt.given_up()
