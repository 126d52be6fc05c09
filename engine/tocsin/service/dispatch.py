"""The turn of a channel, or of one recipient: which message goes next, whether it may, what came of it, where else."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tocsin.adapters.outbox import urgency
from tocsin.errors import FencedError, UnavailableError
from tocsin.evaluate.memory import Fallback, Parcel, Settled, Store, Waiting, receiver
from tocsin.notify.fallback import deadline, late
from tocsin.notify.limits import Breaker, BreakerState, Window
from tocsin.notify.storm import limit, together
from tocsin.ports import Channel, Clock, Delivery, Notification, Outcome
from tocsin_notifiers.retry import LONGEST_RETRY_AFTER, MOST_UNKNOWNS, backoff, patience, retry_at

REPEATED = "this may be a repeat: an earlier attempt got no answer"
SLOWEST = 6
"""Failures after which the waits of the breaker grow no more: half a minute, for a new page waits as long."""
MOST_DIVERTED = 20
"""Messages that are sent to the fallback in one round."""

log = logging.getLogger("tocsin.service.delivery")


@dataclass(slots=True)
class Dispatch:
    """Delivers for one channel; *fallback* is where messages go that it does not take.

    With a *recipient* it delivers to this one of *recipients*, whose messages and limits are his own. It keeps within
    the channel's rate, leaves it alone while it fails or has asked for a pause, and puts a storm together. *jitter*
    returns numbers in [0, 1) for the backoff.
    """

    channel: Channel
    store: Store
    clock: Clock
    jitter: Callable[[], float]
    lease: timedelta
    fallback: Fallback | None = None
    recipient: str = ""
    recipients: Sequence[str] = ("",)
    breaker: Breaker = field(default_factory=Breaker)
    busy_at: datetime | None = None
    """When it last did something."""
    _window: Window = field(init=False)
    _stepped: datetime | None = None
    _held: datetime | None = None
    """Until when the receiver asked not to be asked."""
    _unsettled: list[Settled] = field(default_factory=list)
    """What became of messages while the store was away: else they would be sent again when their lease ends."""

    def __post_init__(self) -> None:
        self._window = Window(self.channel.rate)

    def step(self) -> bool:
        """Deliver at most one message, or one storm; False when there was nothing to do."""
        now, name = self.clock.now(), self.channel.name
        self._set_back(now)
        self._record((), now)
        self.store.fan_out(name, self.recipients, now)
        if self.free_at(now) > now:
            return self._divert_late(now)
        most = limit(*self.waiting(now)) if self.channel.joins else 1
        parcels = self.store.lease(name, now, now + self.lease, most, recipient=self.recipient)
        if parcels:
            self.busy_at = now
            self._window = self._window.noted(now)
            self._deliver(parcels)
        return bool(parcels)

    def _set_back(self, now: datetime) -> None:
        """After the wall clock was set back to *now* nothing is waited for any longer than before."""
        back = max(self._stepped - now, timedelta()) if self._stepped is not None else timedelta()
        self._stepped = now
        self._held = self._held and self._held - back
        self.breaker = replace(self.breaker, until=self.breaker.until and self.breaker.until - back)

    @property
    def name(self) -> str:
        """Who is written to, for people."""
        return receiver(self.channel.name, self.recipient)

    def waiting(self, now: datetime) -> tuple[int, int]:
        """How many conversations have something to say that is due: critical ones, and all."""
        return self.store.waiting(self.channel.name, now, self.recipient)

    def overdue(self, waits: Iterable[Waiting], now: datetime) -> timedelta:
        """How long the message that waits longest should have been taken already.

        Nothing should while it must not be sent. What was tried before may wait for others, what never was may not.
        """
        free = [at for at in (self.held_until(now), self._window.freed_at()) if at is not None]
        busy = [self.busy_at] if self.busy_at is not None else []
        since = [now]
        for each in (each for each in waits if each.recipient in {self.recipient, ""}):
            since.append(max((each.due, *free, *busy)))
            if each.untried is not None:
                since.append(max((each.untried, *free)))
        return now - min(since)

    def free_at(self, now: datetime) -> datetime:
        """When something may go there; what lies too far ahead was said before the clock was set back."""
        times = (self.held_until(now) or now, self._window.free_at(now))
        return max((now, *(at for at in times if at <= now + LONGEST_RETRY_AFTER)))

    def held_until(self, now: datetime) -> datetime | None:
        """Until when the channel is left alone, or was: at its own wish, or because it fails."""
        times = [at for at in (self._held, self.breaker.until) if at and at <= now + LONGEST_RETRY_AFTER]
        return max(times, default=None)

    def _deliver(self, parcels: Sequence[Parcel]) -> None:
        """Send one message, or many put together; what may have arrived too often already is given up."""
        worn = [p for p in parcels if p.unknowns >= MOST_UNKNOWNS and not self.channel.idempotent]
        self._settle(worn, Delivery(Outcome.REJECTED, "given up: it may have arrived several times already"))
        fit = [parcel for parcel in parcels if parcel not in worn]
        if not fit:
            return
        message = fit[0].notification if len(fit) == 1 else together([parcel.notification for parcel in fit])
        if any(parcel.unknowns for parcel in fit) and not self.channel.idempotent:
            message = repeated(message)
        delivery = self._attempt(message)
        self._learn(delivery)
        if len(fit) > 1:  # it is nobody's own message that a later one could change
            delivery = replace(delivery, receipt="", detail=delivery.detail or f"in a storm of {len(fit)} messages")
        self._settle(fit, delivery)

    def _attempt(self, notification: Notification) -> Delivery:
        try:
            return self.channel.send(notification, self.clock.now())
        except Exception as error:  # noqa: BLE001  # a bug of one channel must not end its worker
            # The text of the error may hold a secret, so only its type is told.
            return Delivery(Outcome.UNKNOWN, f"the channel failed: {type(error).__name__}")

    def _learn(self, delivery: Delivery) -> None:
        """What an attempt says of the receiver."""
        now = self.clock.now()
        before = self.breaker.state(now)
        if delivery.outcome in {Outcome.SENT, Outcome.REJECTED}:
            self.breaker = self.breaker.worked()
        else:
            self.breaker = self.breaker.failed(now, lambda failures: backoff(min(failures, SLOWEST), self.jitter))
        if before is BreakerState.CLOSED and self.breaker.until is not None:
            extra = {"channel": self.channel.name, "failures": self.breaker.failures, "detail": delivery.detail}
            log.error("%s: left alone for a while, it only fails", self.name, extra=extra)

    def _settle(self, parcels: Sequence[Parcel], delivery: Delivery) -> None:
        now = self.clock.now()
        # One time for all of a storm: what was put together once is tried again together.
        attempts, drawn = max((parcel.attempts for parcel in parcels), default=0), self.jitter()
        again = [self._again(parcel, delivery, now, attempts, drawn) for parcel in parcels]
        if delivery.retry_after is not None and delivery.outcome is Outcome.RETRY and any(again):
            # about the receiver, not this message: nothing goes there before
            self._held = min(at for at in again if at is not None)
        self._record([Settled(parcel, delivery, at) for parcel, at in zip(parcels, again, strict=True)], now)

    def _again(self, parcel: Parcel, delivery: Delivery, now: datetime, attempts: int, drawn: float) -> datetime | None:
        return retry_at(
            delivery,
            attempts=attempts,
            unknowns=parcel.unknowns,
            until=parcel.first_due + self._patience(parcel.notification),
            idempotent=self.channel.idempotent,
            now=now,
            random=lambda: drawn,
        )

    def _record(self, settled: Sequence[Settled], now: datetime) -> None:
        """Store what became of messages, also of those before; while the store is away it is kept."""
        whole, self._unsettled = [*self._unsettled, *settled], []
        if not whole:
            return
        try:
            self.store.settle_all(whole, now, self.fallback)
        except FencedError:
            raise
        except UnavailableError:
            self._unsettled = whole
            raise
        for each in whole:
            dead = each.retry_at is None and each.delivery.outcome is not Outcome.SENT
            _tell(self.name, each.parcel.notification, each.delivery, dead=dead)

    def _patience(self, notification: Notification) -> timedelta:
        whole = patience(notification)
        return whole if self.fallback is None else min(whole, deadline(urgency(notification)))

    def _divert_late(self, now: datetime) -> bool:
        """While nothing may go there, what has waited too long goes to the fallback."""
        if self.fallback is None:
            return False
        until = now + self.lease
        parcels = self.store.lease(self.channel.name, now, until, MOST_DIVERTED, late(now), recipient=self.recipient)
        self._record([Settled(parcel, _too_late(parcel.notification)) for parcel in parcels], now)
        return bool(parcels)


def repeated(message: Notification) -> Notification:
    """The *message*, which says that it may be a repeat."""
    return message if REPEATED in message.notes else replace(message, notes=(REPEATED, *message.notes))


def _too_late(notification: Notification) -> Delivery:
    minutes = int(deadline(urgency(notification)).total_seconds() // 60)
    return Delivery(Outcome.RETRY, f"it could not be sent for {minutes} minutes")


def _tell(name: str, notification: Notification, delivery: Delivery, *, dead: bool) -> None:
    outcome = delivery.outcome
    words = {
        "channel": notification.channel,
        "key": notification.dedup_key,
        "seq": notification.seq,
        "detail": delivery.detail,
    }
    level = logging.ERROR if dead else logging.INFO if outcome is Outcome.SENT else logging.WARNING
    what = "given up" if dead else outcome.value
    log.log(level, "%s: %s %s: %s", name, notification.action.value, what, delivery.detail or "ok", extra=words)
