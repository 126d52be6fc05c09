"""When the outbox cannot be written, messages go out directly: a page that waits for a full disk is no page.

A message that was sent this way gets into the outbox as sent, for the record and for what follows it; one that was not
gets there to be sent. One that got no answer may have arrived: it says so, and is tried five times at most where the
receiver does not join copies, as from the outbox. Else only if the process ends before the store works again may a
message go out twice.

As from the outbox the most severe go first, a storm is put together, what waits in one conversation is told in one
message, and what a channel does not take goes to its fallback.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tocsin.adapters.outbox import folded, urgency
from tocsin.evaluate.memory import Fallback
from tocsin.notify.fallback import deadline, diverted
from tocsin.notify.storm import limit, together
from tocsin.ports import Channel, Clock, Delivery, Notification, Outcome
from tocsin.service.dispatch import repeated
from tocsin_notifiers.retry import GROWTH_UNKNOWN, LONGEST_DELAY, MOST_UNKNOWNS

log = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(seconds=15)
"""Least time between two attempts of one message."""


def again_after(unknown: int) -> timedelta:
    """The same for one that may have arrived so often: a receiver that hangs for ten minutes gets a copy later."""
    times: int = GROWTH_UNKNOWN ** max(unknown - 1, 0)
    return min(AGAIN_AFTER * times, LONGEST_DELAY)


Key = tuple[str, str, int]


def key_of(message: Notification) -> Key:
    """Channel, conversation, and which message of it."""
    return (message.channel, message.dedup_key, message.seq)


@dataclass(frozen=True, slots=True)
class Sorted:
    """What may be stored or sent now, what must wait for one that is under way, and what went out already."""

    free: tuple[Notification, ...]
    waiting: tuple[Notification, ...]
    sent: tuple[Notification, ...]


@dataclass(slots=True)
class Detour:
    """Sends what the store does not take, one thread per channel while there is something to send."""

    channels: Mapping[str, Channel]
    clock: Clock
    fallbacks: Mapping[str, Fallback] = field(default_factory=dict)
    _queues: dict[str, list[Notification]] = field(default_factory=dict)
    _sent: dict[Key, str] = field(default_factory=dict)
    """Receipts of what went out."""
    _tried: dict[Key, datetime] = field(default_factory=dict)
    _refused: set[Key] = field(default_factory=set)
    """What a channel does not take; a fallback gets it, if there is one."""
    _copies: dict[Key, Notification] = field(default_factory=dict)
    """What is still to be sent to fallbacks."""
    _unknown: Counter[Key] = field(default_factory=Counter)
    """How often each may have arrived, where the receiver does not join copies."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _idle: threading.Condition = field(init=False)

    def __post_init__(self) -> None:
        self._idle = threading.Condition(self._lock)

    def sort(self, messages: Iterable[Notification]) -> Sorted:
        """Split *messages*; one that is told to be sent is not remembered here any more."""
        free: list[Notification] = []
        waiting: list[Notification] = []
        sent: list[Notification] = []
        with self._lock:
            busy = {key_of(message)[:2] for queue in self._queues.values() for message in queue}
            for message in messages:
                if key_of(message) in self._sent:
                    sent.append(replace(message, receipt=self._sent.pop(key_of(message))))
                elif key_of(message)[:2] in busy:
                    waiting.append(message)
                else:
                    free.append(repeated(message) if self._unknown[key_of(message)] else message)
        return Sorted(tuple(free), tuple(waiting), tuple(sent))

    def send(self, messages: Iterable[Notification]) -> None:
        """Begin to send *messages*, in order; returns at once. What was tried a moment ago waits."""
        now = self.clock.now()
        with self._lock:
            held: set[tuple[str, str]] = set()
            elsewhere: set[tuple[str, str]] = set()
            under_way = [message for queue in self._queues.values() for message in queue]
            for message in (*messages, *(copy for copy in self._copies.values() if copy not in under_way)):
                key = key_of(message)
                channel, tried, talk = self.channels.get(message.channel), self._tried.get(key), key[:2]
                if channel is None or talk in held:
                    continue
                if key in self._refused:
                    elsewhere.add(talk)
                    continue
                if talk in elsewhere:
                    self._refused.add(key)
                    self._divert(message, f"told here, as {message.channel} did not take what came before")
                    continue
                early = tried is not None and timedelta() <= now - tried < again_after(self._unknown[key])
                if early or self._unknown[key] >= MOST_UNKNOWNS:
                    held.add(talk)  # later messages of a conversation never overtake earlier ones
                    continue
                self._put(channel, message)

    def end(self) -> None:
        """The store works again: what is left is sent from the outbox, also to fallbacks."""
        with self._lock:
            self._refused.clear()
            self._copies.clear()

    def clear(self) -> None:
        """Send nothing more, and forget all; nothing follows from what is under way."""
        with self._lock:
            for queue in self._queues.values():
                queue.clear()
            for known in (self._sent, self._tried, self._refused, self._copies, self._unknown):
                known.clear()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is under way; False when that takes longer."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._queues, seconds)

    def _put(self, channel: Channel, message: Notification) -> None:
        queue = self._queues.get(channel.name)
        if queue is not None:
            queue.append(message)
            return
        self._queues[channel.name] = [message]
        threading.Thread(target=self._work, args=(channel,), name=f"detour-{channel.name}", daemon=True).start()

    def _work(self, channel: Channel) -> None:
        while True:
            with self._lock:
                queue = self._queues[channel.name]
                if not queue:
                    del self._queues[channel.name]
                    self._idle.notify_all()
                    return
                talks = _next(queue, joins=channel.joins)
                told = [self._told(talk) for talk in talks]
            delivery = self._attempt(channel, told[0] if len(told) == 1 else together(told))
            if len(told) > 1:  # the receipt is of no conversation
                delivery = replace(delivery, receipt="")
            with self._lock:
                for talk, message in zip(talks, told, strict=True):
                    self._settle(channel, talk, message, delivery)

    def _told(self, talk: Sequence[Notification]) -> Notification:
        """What is left to be said in one conversation."""
        reached = any(self._unknown[key_of(message)] for message in talk) or talk[0].seq > 0
        message = folded(talk, reached=reached) if len(talk) > 1 else talk[0]
        return repeated(message) if any(self._unknown[key_of(each)] for each in talk) else message

    def _settle(self, channel: Channel, talk: Sequence[Notification], told: Notification, delivery: Delivery) -> None:
        """Note what became of one conversation, and leave it: what has failed is sent again from the outbox."""
        queue, now = self._queues[channel.name], self.clock.now()
        if any(message not in queue for message in talk):  # all was forgotten meanwhile
            return
        for message in talk:
            key = key_of(message)
            queue.remove(message)
            if delivery.outcome is Outcome.SENT:
                self._sent[key] = delivery.receipt
                self._tried.pop(key, None)
                self._copies.pop(key, None)
                del self._unknown[key]
                continue
            self._tried[key] = now
            if delivery.outcome is Outcome.UNKNOWN and not channel.idempotent:
                self._unknown[key] += 1
        if delivery.outcome is Outcome.SENT:
            return
        queue[:] = [message for message in queue if message.dedup_key != told.dedup_key]
        late = channel.name in self.fallbacks and now - talk[0].evaluated_at > deadline(_urgency(talk))
        if late or delivery.outcome is Outcome.REJECTED:
            self._refused |= {key_of(message) for message in talk}
            self._divert(told, f"not delivered to {channel.name}: {delivery.detail}")

    def _divert(self, message: Notification, why: str) -> None:
        """Send what a channel does not take to its fallback."""
        fallback = self.fallbacks.get(message.channel)
        channel = self.channels.get(fallback.to) if fallback is not None else None
        if fallback is not None and channel is not None:
            for copy in diverted(message, fallback, why):
                self._copies[key_of(copy)] = copy
                self._put(channel, copy)

    def _attempt(self, channel: Channel, message: Notification) -> Delivery:
        """Send once; a bug of the channel is as an answer that did not come."""
        try:
            delivery = channel.send(message, self.clock.now())
        except Exception as error:  # noqa: BLE001  (its text may hold a secret, and the thread must go on)
            log.warning("sent past the outbox: failed", extra={"channel": channel.name, "error": type(error).__name__})
            return Delivery(Outcome.UNKNOWN)
        extra = {"channel": channel.name, "outcome": delivery.outcome.value, "detail": delivery.detail}
        log.warning("sent past the outbox, which cannot be written", extra=extra)
        return delivery


def _next(queue: Iterable[Notification], *, joins: bool) -> list[list[Notification]]:
    """What to send now: the most urgent conversation, or many that are told together."""
    talks: dict[str, list[Notification]] = {}
    for message in queue:
        talks.setdefault(message.dedup_key, []).append(message)
    ordered = sorted(talks.values(), key=_urgency)
    critical = sum(_urgency(talk) == 0 for talk in ordered)
    return ordered[: limit(critical, len(ordered)) if joins else 1]


def _urgency(talk: Iterable[Notification]) -> int:
    return min(urgency(message) for message in talk)
