"""What the ledger says of a budget, and whoever says it: all that questions know of the ledger."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from tocsin.evaluate.excluding import removed_seconds
from tocsin.evaluate.measures import Excluded
from tocsin.evaluate.slices import Slices
from tocsin.ledger.arrays import Floats
from tocsin.ports import Labels
from tocsin.spec import Slo


@dataclass(frozen=True, slots=True)
class Standing:
    """What the ledger holds of one budget: what counts in [start, until) of a period, all that is known up to *until*.

    *since* is when anybody first looked, *seen* how many seconds since then somebody did. *excluded* is what exclusions
    of the period took out of *total* and *bad*.
    """

    start: datetime
    until: datetime
    end: datetime
    since: datetime
    total: float
    bad: float
    seen: float
    excluded: tuple[Excluded, ...] = ()

    @property
    def coverage(self) -> float:
        """The part of the time since the first look that was looked at; all of it where it has just begun."""
        elapsed = (self.until - max(self.start, self.since)).total_seconds()
        return min(1.0, self.seen / elapsed) if elapsed > 0 else 1.0

    def observed(self, at: datetime) -> float:
        """The part of what the budget is of that lies behind since the first look, as `ledger.budgets` has it."""
        passed = at - max(self.start, self.since)
        whole = passed + (self.end - at) if self.end > at else self.end - self.start
        gone, coming = self.removed(at)
        passed, whole = passed - gone, whole - gone - coming
        return min(1.0, passed / whole) if whole else 1.0

    def removed(self, at: datetime) -> tuple[timedelta, timedelta]:
        """How much is removed by exclusions since the first look, and of what is yet to come of a period."""
        agreed = [one.exclusion for one in self.excluded]
        gone = removed_seconds(agreed, max(self.start, self.since), at)
        return timedelta(seconds=gone), timedelta(seconds=removed_seconds(agreed, at, self.end))


class Ledger(Protocol):
    """Who knows what is held."""

    @property
    def floor(self) -> float:
        """The least coverage at which a budget is told."""
        ...

    def standing(self, slo: Slo, group: Labels, at: datetime) -> Standing | None:
        """What is held of the period around *at*; None where the ledger does not hold all of it (yet)."""
        ...

    def leaving(self, slo: Slo, group: Labels, standing: Standing) -> Floats:
        """What was bad in each hour since the window of *standing* began."""
        ...

    def fill(self, book: Slices, slo: Slo, since: datetime) -> None:
        """Put into *book* what is held of its slices from *since* on."""
        ...
