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
from datetime import datetime, timedelta

from tocsin.errors import TocsinError
from tocsin.evaluate.memory import OutboxDepth, Parcel, Store
from tocsin.ports import Channel, Clock, Delivery, Notification, Outcome
from tocsin_notifiers.retry import LONGEST_RETRY_AFTER, MOST_UNKNOWNS, retry_at

LEASE = timedelta(seconds=60)
"""Longer than any channel's deadline; a message is taken again when it has passed, or at the next start (`reclaim`)."""

POLL = timedelta(seconds=1)
LONGEST_PAUSE = 30.0
"""Seconds between two rounds that fail, at most."""

REPEATED = "this may be a repeat: an earlier attempt got no answer"

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Worker:
    """How the worker of one channel does.

    *failed* counts its rounds that failed, *failing* those in a row up to now, the last one with *error*; *overdue* is
    how long the message that waits longest should have been taken already.
    """

    channel: str
    alive: bool = True
    failed: int = 0
    failing: int = 0
    error: str = ""
    overdue: timedelta = timedelta()


Workers = Callable[[Iterable[OutboxDepth]], tuple[Worker, ...]]
"""How each channel's worker does, given what waits in the outbox."""


def nobody(_depths: Iterable[OutboxDepth]) -> tuple[Worker, ...]:
    """No channels, no workers."""
    return ()


class Courier:
    """Delivers for all *channels*; `step` does one round of one channel, `start` runs them in threads.

    *jitter* returns numbers in [0, 1) for the backoff.
    """

    def __init__(
        self,
        store: Store,
        channels: Mapping[str, Channel],
        clock: Clock,
        *,
        jitter: Callable[[], float] = random.random,
        poll: timedelta = POLL,
        lease: timedelta = LEASE,
    ) -> None:
        self._store = store
        self._channels = dict(channels)
        self._clock = clock
        self._jitter = jitter
        self._poll = poll.total_seconds()
        self._lease = lease
        self._held: dict[str, datetime] = {}
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
        """Send what is due, for *deadline* at most; False when something was still under way then."""
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
            thread, since = self._threads.get(name), due.get(name)
            overdue = timedelta() if since is None else now - max(since, self._held.get(name, since))
            alive = thread is None or thread.is_alive()
            found.append(replace(worker, alive=alive, overdue=max(overdue, timedelta())))
        return tuple(found)

    def step(self, name: str) -> bool:
        """Deliver at most one message of the channel; False when none was due."""
        now = self._clock.now()
        held = self._held.get(name)
        if held is not None and now < held <= now + LONGEST_RETRY_AFTER:  # further ahead: the clock was set back
            return False
        parcels = self._store.lease(name, now, now + self._lease, 1)
        for parcel in parcels:
            self._deliver(self._channels[name], parcel)
        return bool(parcels)

    def _deliver(self, channel: Channel, parcel: Parcel) -> None:
        delivery = self._attempt(channel, parcel)
        now = self._clock.now()
        again = retry_at(
            delivery,
            parcel.notification,
            attempts=parcel.attempts,
            unknowns=parcel.unknowns,
            first_due=parcel.first_due,
            idempotent=channel.idempotent,
            now=now,
            random=self._jitter,
        )
        if delivery.retry_after is not None and delivery.outcome is Outcome.RETRY and again is not None:
            self._held[channel.name] = again  # about the receiver, not this message: nothing goes there before
        self._store.settle(parcel, delivery, now, again)
        dead = again is None and delivery.outcome is not Outcome.SENT
        _tell(channel.name, parcel.notification, delivery, dead=dead)

    def _attempt(self, channel: Channel, parcel: Parcel) -> Delivery:
        notification = parcel.notification
        if parcel.unknowns and not channel.idempotent:
            if parcel.unknowns >= MOST_UNKNOWNS:
                return Delivery(Outcome.REJECTED, "given up: it may have arrived several times already")
            notification = replace(notification, notes=(REPEATED, *notification.notes))
        try:
            return channel.send(notification, self._clock.now())
        except Exception as error:  # noqa: BLE001  # a bug of one channel must not end its worker
            # The text of the error may hold a secret, so only its type is told.
            return Delivery(Outcome.UNKNOWN, f"the channel failed: {type(error).__name__}")

    def _work(self, name: str) -> None:
        bell, pace = self._bells[name], self._channels[name].pace.total_seconds()
        while True:
            busy = self._round(name)
            if self._stopping.is_set() and (not busy or time.monotonic() >= self._drain_until):
                return
            failing = self._workers[name].failing
            if failing:
                self._stopping.wait(min(self._poll * 2 ** min(failing, 20), LONGEST_PAUSE))
            elif busy:
                self._stopping.wait(pace) if not self._stopping.is_set() else time.sleep(pace)
            else:
                bell.wait(self._poll)
                bell.clear()

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


def _tell(name: str, notification: Notification, delivery: Delivery, *, dead: bool) -> None:
    outcome = delivery.outcome
    words = {"channel": name, "key": notification.dedup_key, "seq": notification.seq, "detail": delivery.detail}
    level = logging.ERROR if dead else logging.INFO if outcome is Outcome.SENT else logging.WARNING
    what = "given up" if dead else outcome.value
    _log.log(level, "%s: %s %s: %s", name, notification.action.value, what, delivery.detail or "ok", extra=words)
