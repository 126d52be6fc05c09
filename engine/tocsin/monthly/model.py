"""What a month's report says; all figures are exact, and cut off (never rounded up) only where they are shown."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from tocsin.evaluate.measures import Taken, Tally
from tocsin.evaluate.measures.base import MS
from tocsin.monthly.words import digits_for, share
from tocsin.spec import Sla


@dataclass(frozen=True, slots=True)
class Day:
    """One local day of the period, as far as it was measured; *removed*, *forgiven* and *unseen* are milliseconds."""

    date: date
    start: datetime
    end: datetime
    tally: Tally
    removed: int
    forgiven: int
    unseen: int = 0

    @property
    def seen(self) -> bool:
        """Whether anybody saw any of it."""
        return self.unseen < (self.end - self.start) // MS


@dataclass(frozen=True, slots=True)
class Outage:
    """Bad intervals that follow each other.

    *counted* is how much of it is downtime of the contract, *excluded* how much an exclusion took (milliseconds);
    *worst* is the lowest good ratio, None without events. *note* says why it counts for less than it lasted.
    """

    start: datetime
    end: datetime
    counted: Fraction
    excluded: int
    worst: Fraction | None
    note: str

    @property
    def milliseconds(self) -> int:
        """How long it lasted."""
        return round((self.end - self.start).total_seconds() * 1000)


@dataclass(frozen=True, slots=True)
class Seen:
    """Who counted a month: which *share* of it the ledger did (the rest was asked of Prometheus), and its *coverage*.

    *coverage* is the part of the month so far that was seen, less what is excluded; None before anything was measured.
    Below *floor* little is concluded.
    """

    share: float = 0.0
    coverage: float | None = None
    floor: float = 0.0

    @property
    def enough(self) -> bool:
        """Whether anything can be concluded."""
        return self.coverage is None or 0 < self.coverage >= self.floor


@dataclass(frozen=True, slots=True)
class Month:
    """One contract over one month.

    *measured_to* is the end of the last interval. *allowed* and *used* are milliseconds of downtime; *curve* is when
    how much had been used, one point for each change. *bare* is the uptime without any exclusion. *breached* and
    *credit* are None where nobody can tell.
    """

    sla: Sla
    name: str
    start: datetime
    end: datetime
    measured_to: datetime
    uptime: Fraction | None
    bare: Fraction | None
    breached: bool | None
    credit: Decimal | None
    verdict: str
    tally: Tally
    events: float | None
    allowed: Fraction
    used: Fraction
    curve: tuple[tuple[datetime, Fraction], ...]
    days: tuple[Day, ...]
    outages: tuple[Outage, ...]
    taken: tuple[Taken, ...]
    seen: Seen = Seen()
    unseen: tuple[tuple[datetime, datetime], ...] = ()
    """What of the time nobody saw, from and to: it counts as intervals without events do."""

    @property
    def unseen_for(self) -> int:
        """Its milliseconds."""
        return sum((end - start) // MS for start, end in self.unseen)

    @property
    def complete(self) -> bool:
        """Whether the whole period was measured."""
        return self.measured_to >= self.end and self.seen.enough

    @property
    def told(self) -> str:
        """Its uptime, cut off no coarser than what it is compared with."""
        return share(self.uptime, digits_for([self.sla.target, *(tier.below for tier in self.sla.credits)]))

    @property
    def runs(self) -> bool:
        """Whether the month is not over, or not measured to its end: what is owed is owed if it ended now."""
        return self.measured_to < self.end

    @property
    def word(self) -> str:
        """What became of it; while it runs it is missed once a perfect rest could not save it."""
        if self.breached is None:
            return "Not known"
        if self.breached:
            return "Below the promise so far" if self.runs and self.used <= self.allowed else "Missed"
        return "Kept" if self.complete else "Kept so far"

    @property
    def elsewhere(self) -> Fraction:
        """Milliseconds lost in intervals that were not bad: single errors among many events."""
        return self.used - sum((one.counted for one in self.outages), Fraction(0))
