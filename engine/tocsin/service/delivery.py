"""Delivery: one worker thread per channel takes messages from the outbox, sends them, and records what came of it.

A channel that has recipients has one for each of them. Whoever hangs delays nobody else, and never the end of the
process: the threads are daemons, and what they did not finish is still in the outbox. Delivery is at least once. A
message that may have arrived already is sent again only with a line that says so, unless the receiver joins copies by
itself (PagerDuty).
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from tocsin.errors import TocsinError
from tocsin.evaluate.memory import Fallback, Letter, OutboxDepth, Store, receiver
from tocsin.notify.limits import BreakerState
from tocsin.ports import HEARTBEAT, Channel, Clock, lines_of
from tocsin.service.dispatch import REPEATED, Dispatch

__all__ = ["REPEATED", "Courier", "Worker", "Workers", "nobody"]

LEASE = timedelta(seconds=60)
"""Longer than any channel's deadline; a message is taken again when it has passed, or at the next start (`reclaim`)."""

POLL = timedelta(seconds=1)
LONGEST_PAUSE = 30.0
"""Seconds between two rounds that fail, at most."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """How the worker of one channel, or of one of its recipients, does.

    *failed* counts its rounds that failed, *failing* those in a row up to now, the last one with *error*; *overdue* is
    how long the message that waits longest should have been taken already. *breaker* says whether it is left alone
    because it only fails.
    """

    channel: str
    alive: bool = True
    failed: int = 0
    failing: int = 0
    error: str = ""
    overdue: timedelta = timedelta()
    breaker: BreakerState = BreakerState.CLOSED
    recipient: str = ""

    @property
    def name(self) -> str:
        """Who is written to, for people."""
        return receiver(self.channel, self.recipient)


def cut_off(workers: Iterable[Worker]) -> bool:
    """Whether there is no channel left that takes what it is sent, so that nobody hears of anything."""
    people = [worker for worker in workers if worker.channel != HEARTBEAT]
    return bool(people) and all(worker.breaker is not BreakerState.CLOSED for worker in people)


def reaching_nobody(
    workers: Iterable[Worker], depths: Iterable[OutboxDepth], last_sent: Callable[[], Iterable[Letter]]
) -> tuple[str, ...]:
    """The channels of people that have something to say, if each only fails and nothing was sent since they have it."""
    waiting = {depth.channel: depth for depth in depths if depth.pending and depth.channel != HEARTBEAT}
    ways = [worker for worker in workers if worker.channel in waiting]
    if not ways or any(worker.breaker is BreakerState.CLOSED for worker in ways):
        return ()
    names = tuple(dict.fromkeys(worker.channel for worker in ways))
    since = max((at for name in names if (at := waiting[name].oldest) is not None), default=None)
    sent = (letter.settled_at for letter in last_sent())
    return () if any(at is not None and since is not None and at > since for at in sent) else names


Workers = Callable[[Iterable[OutboxDepth]], tuple[Worker, ...]]
"""How each worker does, given what waits in the outbox."""

Line = tuple[str, str]
"""A channel, and one of its recipients; empty where it has none of their own."""


def nobody(_depths: Iterable[OutboxDepth]) -> tuple[Worker, ...]:
    """No channels, no workers."""
    return ()


class Courier:
    """Delivers for all *channels*; `step` does one round of one channel, `start` runs them in threads.

    *fallbacks* are the fallbacks of channels; *jitter* returns numbers in [0, 1) for the backoff.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        fallbacks: Mapping[str, Fallback] | None = None,
        jitter: Callable[[], float] = random.random,
        poll: timedelta = POLL,
        lease: timedelta = LEASE,
    ) -> None:
        self._store = store
        self._clock = clock
        self._jitter = jitter
        self._poll = poll.total_seconds()
        fallbacks = fallbacks or {}
        lines = {name: lines_of(channel) for name, channel in channels.items()}
        self._dispatches: dict[Line, Dispatch] = {
            (name, recipient): Dispatch(way, store, clock, jitter, lease, fallbacks.get(name), recipient, tuple(ways))
            for name, ways in lines.items()
            for recipient, way in ways.items()
        }
        self._workers = {line: Worker(line[0], recipient=line[1]) for line in self._dispatches}
        self._stopping = threading.Event()
        self._bells = {line: threading.Event() for line in self._dispatches}
        self._threads: dict[Line, threading.Thread] = {}
        self._drain_until = 0.0

    def start(self) -> None:
        """Begin to deliver."""
        for line in self._dispatches:
            named = f"tocsin-courier-{line[0]}"
            thread = threading.Thread(target=self._work, args=(line,), name=named, daemon=True)
            self._threads[line] = thread
            thread.start()

    def wake(self) -> None:
        """Look into the outbox now instead of at the next poll."""
        for bell in self._bells.values():
            bell.set()

    def stop(self, deadline: timedelta = timedelta(seconds=10)) -> bool:
        """Send what is due, for *deadline* at most; False when something was still under fallback then."""
        self._drain_until = time.monotonic() + deadline.total_seconds()
        self._stopping.set()
        self.wake()
        threads = self._threads.values()
        for thread in threads:
            thread.join(max(0.0, self._drain_until - time.monotonic()))
        return not any(thread.is_alive() for thread in threads)

    def workers(self, depths: Iterable[OutboxDepth]) -> tuple[Worker, ...]:
        """How each worker does, given what waits in the outbox; what waits for other channels is nobody's."""
        now, waits = self._clock.now(), {depth.channel: depth.waits for depth in depths}
        found = []
        for line, worker in self._workers.items():
            thread, dispatch = self._threads.get(line), self._dispatches[line]
            alive = thread is None or thread.is_alive()
            overdue = dispatch.overdue(waits.get(worker.channel, ()), now)
            found.append(replace(worker, alive=alive, overdue=overdue, breaker=dispatch.breaker.state(now)))
        return tuple(found)

    def step(self, name: str) -> bool:
        """Deliver at most one message of the channel, or one storm, to each recipient; False when none was due."""
        return sum(dispatch.step() for line, dispatch in self._dispatches.items() if line[0] == name) > 0

    def _work(self, line: Line) -> None:
        bell = self._bells[line]
        while True:
            busy = self._round(line)
            now = self._clock.now()
            pause = (self._dispatches[line].free_at(now) - now).total_seconds()
            if self._stopping.is_set():
                if time.monotonic() + pause >= self._drain_until or not (busy or self._waits(line, pause)):
                    return
                time.sleep(pause)
                continue
            failing = self._workers[line].failing
            if failing:
                self._stopping.wait(min(self._poll * 2 ** min(failing, 20), LONGEST_PAUSE))
            elif not busy:
                bell.wait(min(self._poll, pause) if pause else self._poll)
                bell.clear()
            elif pause:
                self._stopping.wait(min(pause, self._poll))

    def _waits(self, line: Line, pause: float) -> bool:
        """Whether, at the end, something only waits for its channel to be free."""
        try:
            return pause > 0 and self._dispatches[line].waiting(self._clock.now())[1] > 0
        except TocsinError:
            return False

    def _round(self, line: Line) -> bool:
        """One step that never raises: a worker that ended would be missed by nobody until a page is."""
        worker = self._workers[line]
        try:
            busy = self._dispatches[line].step()
        except Exception as error:  # noqa: BLE001  # logged, with its traceback unless it is one of ours
            known = isinstance(error, TocsinError)
            extra = {"channel": worker.channel}
            _log.error("%s: a round failed: %s", worker.name, error, extra=extra, exc_info=not known)
            told = str(error) if known else f"{type(error).__name__}; the log says more"
            self._workers[line] = replace(worker, failed=worker.failed + 1, failing=worker.failing + 1, error=told)
            return False
        if worker.failing:
            self._workers[line] = replace(worker, failing=0, error="")
        return busy
