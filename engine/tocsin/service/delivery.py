"""Delivery: one worker thread per channel takes messages from the outbox, sends them, and records what came of it.

A channel that hangs delays nobody else, and never the end of the process: the threads are daemons, and what they
did not finish is still in the outbox. Delivery is at least once. A message that may have arrived already is sent
again only with a line that says so, unless the receiver joins copies by itself (PagerDuty).
"""

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from tocsin.errors import TocsinError
from tocsin.evaluate.memory import Fallback, OutboxDepth, Store
from tocsin.notify.limits import BreakerState
from tocsin.ports import HEARTBEAT, Channel, Clock
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
    """How the worker of one channel does.

    *failed* counts its rounds that failed, *failing* those in a row up to now, the last one with *error*; *overdue* is
    how long the message that waits longest should have been taken already. *breaker* says whether the channel is left
    alone because it only fails.
    """

    channel: str
    alive: bool = True
    failed: int = 0
    failing: int = 0
    error: str = ""
    overdue: timedelta = timedelta()
    breaker: BreakerState = BreakerState.CLOSED


def cut_off(workers: Iterable[Worker]) -> bool:
    """Whether there is no channel left that takes what it is sent, so that nobody hears of anything."""
    people = [worker for worker in workers if worker.channel != HEARTBEAT]
    return bool(people) and all(worker.breaker is not BreakerState.CLOSED for worker in people)


Workers = Callable[[Iterable[OutboxDepth]], tuple[Worker, ...]]
"""How each channel's worker does, given what waits in the outbox."""


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
        self._channels = dict(channels)
        self._clock = clock
        self._jitter = jitter
        self._poll = poll.total_seconds()
        fallbacks = fallbacks or {}
        self._dispatches = {
            name: Dispatch(channel, store, clock, jitter, lease, fallbacks.get(name))
            for name, channel in channels.items()
        }
        self._workers = {name: Worker(name) for name in self._channels}
        self._stopping = threading.Event()
        self._bells = {name: threading.Event() for name in self._channels}
        self._threads: dict[str, threading.Thread] = {}
        self._drain_until = 0.0

    def start(self) -> None:
        """Begin to deliver."""
        for name in self._channels:
            thread = threading.Thread(target=self._work, args=(name,), name=f"tocsin-courier-{name}", daemon=True)
            self._threads[name] = thread
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
        now, due = self._clock.now(), {depth.channel: depth.due for depth in depths}
        found = []
        for name, worker in self._workers.items():
            thread, since, dispatch = self._threads.get(name), due.get(name), self._dispatches[name]
            taken = (dispatch.held_until(now), dispatch.busy_at)
            overdue = timedelta() if since is None else now - max((since, *(at for at in taken if at is not None)))
            alive = thread is None or thread.is_alive()
            breaker = dispatch.breaker.state(now)
            found.append(replace(worker, alive=alive, overdue=max(overdue, timedelta()), breaker=breaker))
        return tuple(found)

    def step(self, name: str) -> bool:
        """Deliver at most one message of the channel, or one storm; False when none was due."""
        return self._dispatches[name].step()

    def _work(self, name: str) -> None:
        bell = self._bells[name]
        while True:
            busy = self._round(name)
            now = self._clock.now()
            pause = (self._dispatches[name].free_at(now) - now).total_seconds()
            if self._stopping.is_set():
                if time.monotonic() + pause >= self._drain_until or not (busy or self._waits(name, pause)):
                    return
                time.sleep(pause)
                continue
            failing = self._workers[name].failing
            if failing:
                self._stopping.wait(min(self._poll * 2 ** min(failing, 20), LONGEST_PAUSE))
            elif not busy:
                bell.wait(min(self._poll, pause) if pause else self._poll)
                bell.clear()
            elif pause:
                self._stopping.wait(min(pause, self._poll))

    def _waits(self, name: str, pause: float) -> bool:
        """Whether, at the end, something only waits for its channel to be free."""
        try:
            return pause > 0 and self._store.waiting(name, self._clock.now())[1] > 0
        except TocsinError:
            return False

    def _round(self, name: str) -> bool:
        """One step that never raises: a worker that ended would be missed by nobody until a page is."""
        worker = self._workers[name]
        try:
            busy = self.step(name)
        except Exception as error:  # noqa: BLE001  # logged, with its traceback unless it is one of ours
            known = isinstance(error, TocsinError)
            _log.error("%s: a round failed: %s", name, error, extra={"channel": name}, exc_info=not known)
            told = str(error) if known else f"{type(error).__name__}; the log says more"
            self._workers[name] = replace(worker, failed=worker.failed + 1, failing=worker.failing + 1, error=told)
            return False
        if worker.failing:
            self._workers[name] = replace(worker, failing=0, error="")
        return busy
