"""How much one channel is asked to take: so many messages in a time, and none while it fails; pure.

The window counts the messages of the last *per*: no stretch of that length ever has more than *count*, while a bucket
of tokens would let twice as many through where one minute meets the next.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from tocsin.ports import Rate

PATIENCE = 5
"""Attempts in a row that fail before the channel is left alone for a while."""


@dataclass(frozen=True, slots=True)
class Window:
    """The messages of the last *rate.per*, oldest first."""

    rate: Rate | None
    sent: tuple[datetime, ...] = ()

    def noted(self, now: datetime) -> "Window":
        """With one more message; what lies ahead was noted before the clock was set back."""
        if self.rate is None:
            return self
        recent = (at for at in self.sent if now - self.rate.per < at <= now)
        return replace(self, sent=(*recent, now)[-self.rate.count :])

    def free_at(self, now: datetime) -> datetime:
        """When one more may go."""
        if self.rate is None or len(self.sent) < self.rate.count or self.sent[0] > now:
            return now
        return self.sent[0] + self.rate.per

    def freed_at(self) -> datetime | None:
        """When the room was or will be free that one more needs; None where there always was some."""
        return self.sent[0] + self.rate.per if self.rate is not None and len(self.sent) >= self.rate.count else None


class BreakerState(StrEnum):
    """OPEN: nothing goes there; HALF_OPEN: the next message is the probe."""

    CLOSED = "closed"
    HALF_OPEN = "half-open"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Breaker:
    """Leaves a channel alone that fails, so that a thousand waiting messages are not a thousand attempts.

    *failures* are those in a row; from `PATIENCE` on nothing goes there before *until*, then one message is tried.
    """

    failures: int = 0
    until: datetime | None = None

    def worked(self) -> "Breaker":
        """The receiver answered, whatever it said of the message."""
        return Breaker() if self.failures else self

    def failed(self, now: datetime, wait: Callable[[int], timedelta]) -> "Breaker":
        """One more failure; *wait* gives how long to leave it alone after so many."""
        failures = self.failures + 1
        return Breaker(failures, now + wait(failures) if failures >= PATIENCE else None)

    def state(self, now: datetime) -> BreakerState:
        """How it stands."""
        if self.until is None:
            return BreakerState.CLOSED
        return BreakerState.OPEN if now < self.until else BreakerState.HALF_OPEN
