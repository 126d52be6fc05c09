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
from tocsin.evaluate.fitness import Fitness
from tocsin.evaluate.leadership import Held, Lease, Others, Role, answered, unanswered

log = logging.getLogger(__name__)

RENEWALS = 5
"""How often the lease is renewed while it lasts, or asked for while another one has it."""
SHORTEST = timedelta(seconds=2)
FRESH = 3
"""Lengths of the lease for which an evaluation says whether one is fit."""


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
        self._fitness, self._judged_at = Fitness(), monotonic()
        self._given, self._rests_until = Others(""), monotonic()

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
            role = answered(self._asked(), asked_at, before)
        except TocsinError as error:
            role = unanswered(before, str(error), self._monotonic(), 2 * self.length)
        self.role = role
        if (role.leads, role.open, role.holder) != (before.leads, before.open, before.holder):
            level = logging.ERROR if role.open else logging.INFO
            text = "leads" if role.leads else "stands by"
            log.log(level, "this evaluator %s", text, extra={"holder": self.holder, "why": role.reason})
        return role

    def judged(self, fitness: Fitness) -> None:
        """What the evaluation of this moment says of this evaluator."""
        self._fitness, self._judged_at = fitness, self._monotonic()

    def _asked(self) -> Held | Others:
        """Hold the lease, or give it away because it does no good here; one that stands by says whether it is fit."""
        answer = self._lease.acquire(self.holder, self.length)
        fitness, now = self._fitness, self._monotonic()
        if isinstance(answer, Held):
            to = self._lease.pass_on(self.holder, self.length) if fitness.fault else ""
            if not to:
                self._given = Others("")
                return answer
            self._given, self._rests_until = Others(to, fitness.fault), now + fitness.rest.total_seconds()
            log.error("this evaluator gives the lease away", extra={"to": to, "why": fitness.fault})
            return self._given
        fresh = now - self._judged_at <= FRESH * self.length.total_seconds()
        if fitness.fit and fresh and now >= self._rests_until:
            self._lease.offer(self.holder, self.length)
        return self._given if answer.holder == self._given.holder else answer

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
