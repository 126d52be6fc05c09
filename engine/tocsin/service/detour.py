"""When the outbox cannot be written, messages go out directly: a page that waits for a full disk is no page.

A message that was sent this way gets into the outbox as sent, for the record and for what follows it; one that was not
gets there to be sent. One that got no answer may have arrived: it says so, and is tried five times at most where the
receiver does not join copies, as from the outbox. Else only if the process ends before the store works again may a
message go out twice.
"""

import logging
import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tocsin.ports import Channel, Clock, Delivery, Notification, Outcome
from tocsin.service.dispatch import repeated
from tocsin_notifiers.retry import MOST_UNKNOWNS

log = logging.getLogger(__name__)

AGAIN_AFTER = timedelta(seconds=15)
"""Least time between two attempts of one message."""

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
    _queues: dict[str, list[Notification]] = field(default_factory=dict)
    _sent: dict[Key, str] = field(default_factory=dict)
    """Receipts of what went out."""
    _tried: dict[Key, datetime] = field(default_factory=dict)
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
            for message in messages:
                channel = self.channels.get(message.channel)
                tried = self._tried.get(key_of(message))
                if channel is None or key_of(message)[:2] in held:
                    continue
                early = tried is not None and timedelta() <= now - tried < AGAIN_AFTER
                if early or self._unknown[key_of(message)] >= MOST_UNKNOWNS:
                    held.add(key_of(message)[:2])  # later messages of a conversation never overtake earlier ones
                    continue
                queue = self._queues.get(message.channel)
                if queue is not None:
                    queue.append(message)
                    continue
                self._queues[message.channel] = [message]
                threading.Thread(target=self._work, args=(channel,), name=f"detour-{channel.name}", daemon=True).start()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is under way; False when that takes longer."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._queues, seconds)

    def _work(self, channel: Channel) -> None:
        while True:
            with self._lock:
                queue = self._queues[channel.name]
                if not queue:
                    del self._queues[channel.name]
                    self._idle.notify_all()
                    return
                message = queue[0]
            delivery, key = self._attempt(channel, message), key_of(message)
            with self._lock:
                queue.pop(0)
                self._tried[key] = self.clock.now()
                if delivery.outcome is Outcome.SENT:
                    self._sent[key] = delivery.receipt
                    del self._tried[key], self._unknown[key]
                else:
                    if delivery.outcome is Outcome.UNKNOWN and not channel.idempotent:
                        self._unknown[key] += 1
                    queue[:] = [m for m in queue if m.dedup_key != message.dedup_key]

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
