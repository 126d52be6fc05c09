"""After a change of hands that nobody gave notice of: what may be told for the second time says so; pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import AlertView
from tocsin.ports import Notification

OVERLAP = "another evaluator may have sent this, too: for a moment nobody could tell which of them leads"


@dataclass(frozen=True, slots=True)
class Overlap:
    """A time in which two may have led: *since* the last commit *until* the other one has noticed."""

    since: datetime | None
    until: datetime

    def noted(
        self, messages: Iterable[Notification], memory: Memory, views: Iterable[AlertView], now: datetime
    ) -> tuple[Notification, ...]:
        """The *messages*; each that another one may have sent says so."""
        episodes = ((key.channel, e) for key, state in memory.groups.items() for e in state.episodes)
        told = {(channel, e.text.dedup_key) for channel, e in episodes if e.announced}
        fired = {view.dedup_key for view in views if self._fell_in(view.fired_at)}

        def second(message: Notification) -> bool:
            keys = {text.dedup_key for text in message.alerts}
            return now <= self.until or any((message.channel, key) not in told for key in keys & fired)

        return tuple(replace(m, notes=(*m.notes, OVERLAP)) if second(m) else m for m in messages)

    def lasts(self, views: Iterable[AlertView], now: datetime) -> bool:
        """Whether anything that may be told twice is open still."""
        return now <= self.until or any(self._fell_in(view.fired_at) for view in views)

    def _fell_in(self, at: datetime | None) -> bool:
        return at is not None and at <= self.until and (self.since is None or at > self.since)
