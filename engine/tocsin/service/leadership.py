"""The lease of this process, renewed in a thread of its own: a slow evaluation must not cost the lead."""

import logging
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from datetime import timedelta

from tocsin.errors import TocsinError
from tocsin.evaluate.leadership import Lease, Role, answered, unanswered

log = logging.getLogger(__name__)

RENEWALS = 5
"""How often the lease is renewed while it lasts, or asked for while another one has it."""
SHORTEST = timedelta(seconds=2)


def name_of_process() -> str:
    """A name that people recognise and no other process has."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:6]}"


class Leadership:
    """The role of this process; the lease lasts for *interval*, so another one has taken over within two."""

    def __init__(
        self, lease: Lease, interval: timedelta, holder: str = "", monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.holder = holder or name_of_process()
        self._lease = lease
        self.length = max(interval, SHORTEST)
        self._monotonic = monotonic
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="tocsin-lease", daemon=True)
        self.role = Role(heard=monotonic())

    @property
    def pause(self) -> float:
        """Seconds between two renewals."""
        return self.length.total_seconds() / RENEWALS

    def start(self) -> Role:
        """Ask once, and go on asking in a thread."""
        self.ask()
        self._thread.start()
        return self.role

    def ask(self) -> Role:
        """Ask now."""
        before, asked_at = self.role, self._monotonic()
        try:
            role = answered(self._lease.acquire(self.holder, self.length), asked_at, before)
        except TocsinError as error:
            role = unanswered(before, str(error), self._monotonic(), 2 * self.length)
        self.role = role
        if (role.leads, role.open, role.holder) != (before.leads, before.open, before.holder):
            level = logging.ERROR if role.open else logging.INFO
            text = "leads" if role.leads else "stands by"
            log.log(level, "this evaluator %s", text, extra={"holder": self.holder, "why": role.reason})
        return role

    def stop(self) -> None:
        """Give the lease away, so that nobody has to wait for its end."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(2 * self.pause)
        if self.role.leads:
            try:
                self._lease.release(self.holder)
            except TocsinError as error:
                log.warning("the lease could not be given away, it runs out by itself", extra={"error": str(error)})
        self.role = Role()

    def _work(self) -> None:
        while not self._stopping.wait(self.pause):
            self.ask()
