"""What the ledger says of a budget, and whoever says it: all that questions know of the ledger."""

from collections.abc import Iterable
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
        whole = self.whole(at)
        return min(1.0, self._counted(max(self.start, self.since), at) / whole) if whole else 1.0

    def whole(self, at: datetime) -> timedelta:
        """The time that the budget is of: the window, of a period what counts in it from the first look on."""
        first = max(self.start, self.since)
        if self.end > at:
            return self._counted(first, at) + self._counted(at, self.end)
        return self.end - self.start - self._removed(first, at)

    def _counted(self, start: datetime, end: datetime) -> timedelta:
        return end - start - self._removed(start, end)

    def _removed(self, start: datetime, end: datetime) -> timedelta:
        """How much of it exclusions remove."""
        return timedelta(seconds=removed_seconds([one.exclusion for one in self.excluded], start, end))


class Ledger(Protocol):
    """Who knows what is held."""

    @property
    def floor(self) -> float:
        """The least coverage at which a budget is told."""
        ...

    def standing(self, slo: Slo, group: Labels, at: datetime) -> Standing | None:
        """What is held of the period around *at*; None where the ledger does not hold all of it (yet)."""
        ...

    def groups(self, slo: Slo, at: datetime, *, lately: timedelta | None = None) -> Iterable[Labels]:
        """The groups of which anything is held in the period around *at*, or *lately*; first those with most errors."""
        ...

    def leaving(self, slo: Slo, group: Labels, standing: Standing) -> Floats:
        """What was bad in each hour since the window of *standing* began."""
        ...

    def fill(self, book: Slices, slo: Slo, since: datetime) -> None:
        """Put into *book* what is held of its slices from *since* on."""
        ...
