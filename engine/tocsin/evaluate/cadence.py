"""When a question that moves slowly is due again."""

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_AGAIN = 4
"""After one failure a question is repeated after a quarter of its cadence, for most failures are short."""
LAST_AGAIN = 16
"""A question that a server refuses for good costs one attempt in so many of its cadences."""


@dataclass(slots=True)
class Cadence:
    """Remembers when a question was asked last; each failure in a row doubles the time until the next attempt."""

    asked: datetime | None = None
    failures: int = 0
    reason: str = ""
    """Why the last attempt failed; empty if it did not."""

    def due(self, at: datetime, every: timedelta) -> bool:
        """Whether to ask at *at*; a clock that ran backward makes everything due."""
        if self.asked is None:
            return True
        wait = min(every / FIRST_AGAIN * 2.0 ** (self.failures - 1), every * LAST_AGAIN) if self.failures else every
        return not timedelta() <= at - self.asked < wait

    def answered(self, at: datetime, phase: timedelta = timedelta()) -> None:
        """Begin to wait for the usual time; after the first answer for less by the *phase*."""
        self.asked, self.failures, self.reason = at if self.asked is not None else at - phase, 0, ""

    def failed(self, at: datetime, reason: str) -> None:
        """Begin to wait for twice as long as after the failure before."""
        self.asked, self.failures, self.reason = at, min(self.failures + 1, 16), reason
