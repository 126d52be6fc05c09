"""When a heartbeat is due: after an evaluation that saw the metric source, in the transaction that stores its state.

A stage that is broken stops it: no evaluation, a source that does not answer, a store that does not take the commit (a
heartbeat never goes past the outbox), workers that do not deliver. Then the watcher elsewhere tells people.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.ports import HEARTBEAT, Action, Notification


@dataclass(slots=True)
class Heart:
    """Beats once in *every*."""

    every: timedelta
    _last: datetime | None = None

    def beat(self, now: datetime) -> tuple[Notification, ...]:
        """A message for the outbox where one is due; a clock that is set back does not silence it."""
        if self._last is not None and timedelta() <= now - self._last < self.every:
            return ()
        self._last = now
        number = int(now.timestamp() * 1000)
        return (Notification(HEARTBEAT, "heartbeat", Action.REPEAT, (), now, seq=number),)
