"""How far the ledger of each objective is."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from tocsin.evaluate.bookkeeping import Entry, Running
from tocsin.evaluate.cadence import Cadence
from tocsin.ledger.model import DAY, midnight


@dataclass(slots=True)
class Kept:
    """How far one objective is.

    *closed* are the days that were counted for good; *whole* those that were at least counted to their end, by this
    process. *mark* is the watermark in unix seconds, None until the days that run were counted.
    """

    entry: Entry
    closed: set[date] = field(default_factory=set)
    whole: set[date] = field(default_factory=set)
    running: Running | None = None
    mark: int | None = None
    stated_at: datetime | None = None
    read: bool = False
    """Whether what the store holds of it is on the sheet."""
    trouble: Cadence = field(default_factory=Cadence)
    _held: tuple[date, date] | None = None
    """From which day to which one nothing is missing."""

    def waits(self, now: datetime, every: timedelta) -> bool:
        """Whether its last question failed a short while ago."""
        return bool(self.trouble.failures) and not self.trouble.due(now, every)

    def holds(self, start: date) -> bool:
        """Whether nothing is missing since *start*."""
        if self.running is None:
            return False
        stretch = start, self.running.since
        if self._held != stretch:  # days are never opened again
            days = range((self.running.since - start).days)
            if not all((day := start + timedelta(n)) in self.closed or day in self.whole for n in days):
                return False
            self._held = stretch
        return True

    def run(self, since: date) -> Running:
        """What counts the days that run since *since*; a day that it had counted to its end stays known as such."""
        before = self.running
        if before is not None and before.since == since:
            return before
        if before is not None and self.mark is not None:
            over = (before.since + timedelta(n) for n in range((since - before.since).days))
            self.whole |= {day for day in over if self.mark >= midnight(day) + DAY}
        return Running(self.entry, since)


def taken_over(before: Kept | None, entry: Entry) -> Kept:
    """What is known of an objective that is still counted as it was, to be read again; else nothing."""
    if before is None or before.entry.sli != entry.sli or before.entry.samples != entry.samples:
        return Kept(entry)
    before.read = False
    before.entry = entry
    if before.running is not None:
        before.running.entry = entry
    return before
