"""What the objectives of a service came to in a month, counted from days of the ledger.

A month is no window of a rolling objective: its budget here is the month's own, `(1 - target) * total` of what came in
it; while it is not over, what is yet to come of it is taken to have as much traffic, as everywhere
(`tocsin.ledger.budgets`). Figures are exact, and cut off only where they are shown.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import NamedTuple
from zoneinfo import ZoneInfo

import numpy as np

from tocsin.evaluate.calendar import midnight
from tocsin.evaluate.excluding import audited, removed_seconds, stretches
from tocsin.evaluate.measures import Excluded
from tocsin.evaluate.slices import instant, milliseconds
from tocsin.evaluate.words import percent
from tocsin.ledger.auditing import takes
from tocsin.ledger.methods import Units, method_of
from tocsin.ledger.model import Day
from tocsin.monthly.capacity import Capacity
from tocsin.monthly.charts import dates
from tocsin.monthly.words import clock
from tocsin.sli.slices import SlicedSli
from tocsin.spec import Service, Slo


class Bounds(NamedTuple):
    """[start, end) are local days of *zone*; of what is behind *now* nothing is known."""

    start: datetime
    end: datetime
    now: datetime
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Counted:
    """One local day: bad and all events (or slices), and which part of the day so far was looked at."""

    date: date
    total: Fraction
    bad: Fraction
    coverage: float

    @property
    def sli(self) -> Fraction | None:
        """The share of good events; None without any."""
        return 1 - self.bad / self.total if self.total else None


@dataclass(frozen=True, slots=True)
class Objective:
    """One objective, or one group of a divided one; *curve* is which part of the budget was spent by when.

    *coverage* is the part of the time since the first look that was looked at; below a *floor* of it nothing is
    concluded.
    """

    ref: str
    slo: Slo
    days: tuple[Counted, ...]
    curve: tuple[tuple[datetime, Fraction], ...]
    coverage: float
    floor: float = 0.0
    observed: Fraction = Fraction(1)
    """Which part of the month since the first look is over; what is taken out of it is no part."""
    excluded: tuple[Excluded, ...] = ()
    """What exclusions took out of the month so far; it is not in *days*."""
    since: datetime | None = None
    """The first look, where too much of the month lies before it for the rest to be called the month."""

    @property
    def total(self) -> Fraction:
        """All events, or slices."""
        return sum((day.total for day in self.days), Fraction(0))

    @property
    def bad(self) -> Fraction:
        """Those that were bad."""
        return sum((day.bad for day in self.days), Fraction(0))

    @property
    def sli(self) -> Fraction | None:
        """The share of good ones; None without any."""
        return 1 - self.bad / self.total if self.total else None

    @property
    def bare(self) -> Fraction | None:
        """The share of good ones with all that is excluded; None without any."""
        total = self.total + sum((Fraction(one.removed) for one in self.excluded), Fraction(0))
        bad = self.bad + sum((Fraction(one.spared) for one in self.excluded), Fraction(0))
        return 1 - bad / total if total else None

    @property
    def slices(self) -> bool:
        """Whether slices are counted, and not events."""
        return isinstance(self.slo.sli, SlicedSli)

    @property
    def allowed(self) -> Fraction:
        """How many might have been bad."""
        return (1 - Fraction(self.slo.target)) * self.total / self.observed

    @property
    def spent(self) -> Fraction | None:
        """The part of the budget that was used; more than 1 where the target was missed."""
        return self.bad / self.allowed if self.total else None

    @property
    def kept(self) -> bool | None:
        """Whether the target was kept, or still can be with the traffic so far; None where nobody can tell."""
        if self.sli is None or self.coverage < self.floor:
            return None
        return self.bad <= self.allowed


@dataclass(frozen=True, slots=True)
class ServiceMonth:
    """A service over a month."""

    service: Service
    bounds: Bounds
    objectives: tuple[Objective, ...]
    capacity: Capacity | None = None
    """When its resources are used up, as of the end of the month; None where no alert watches one."""

    @property
    def name(self) -> str:
        """Such as 2026-10."""
        return f"{self.bounds.start.astimezone(self.bounds.zone):%Y-%m}"

    @property
    def measured_to(self) -> datetime:
        """Up to when there is anything to know."""
        return min(self.bounds.end, self.bounds.now)

    @property
    def complete(self) -> bool:
        """Whether the month is over."""
        return self.measured_to >= self.bounds.end

    @property
    def verdict(self) -> str:
        """What came of the month, in words."""
        missed = [one.ref for one in self.objectives if one.kept is False]
        unknown = [one.ref for one in self.objectives if one.sli is None]
        few = [
            f"only {percent(one.coverage, 1)} of the time of {one.ref} was seen"
            for one in self.objectives
            if one.kept is None and one.sli is not None
        ]
        late = [
            f"{one.ref} is seen only since {clock(one.since, self.bounds.zone)}"
            for one in self.objectives
            if one.since is not None and one.kept is not None
        ]
        count = len(self.objectives)
        kept = count - len(missed) - len(unknown) - len(few)
        of = f"{count} objectives" if count > 1 else "1 objective"
        words = [f"{kept} of {of} kept{'' if self.complete else ' so far'}"] if kept or missed else []
        words += [f"missed: {', '.join(missed)}"] if missed else []
        words += [f"nothing known of {', '.join(unknown)}"] if unknown else []
        words += few + late
        return "; ".join(words) or "no objectives"


def objective(ref: str, slo: Slo, days: Sequence[Day], bounds: Bounds, floor: float = 0.0) -> Objective:
    """Count *days* of the ledger by local day of *bounds*; a slice belongs to the day in which it begins."""
    start, end, now, zone = bounds
    local = dates(start, end, zone)
    edges = np.array([_seconds(midnight(each, zone)) for each in (*local, local[-1] + timedelta(days=1))])
    method, agreed = method_of(slo.sli), stretches(slo.exclusions)
    units = [method.units(day, agreed) for day in days]
    totals, bads, seen = (np.zeros(len(local)) for _ in range(3))
    over = min(_seconds(end), _seconds(now))
    looked = (day.first_known(_seconds(start)) for day in days)
    known = min((at for at in looked if at is not None and at < over), default=_seconds(end))
    for each in units:
        place = np.searchsorted(edges, _starts(each), side="right") - 1
        within = (place >= 0) & (place < len(local)) & (_starts(each) < _seconds(now))
        within &= _starts(each) + each.step > known
        for sums, values in ((totals, each.total), (bads, each.bad), (seen, each.seen)):
            np.add.at(sums, place[within], values[within])
    long = np.clip(np.minimum(edges[1:], _seconds(now)) - edges[:-1], 0, None)
    counted = tuple(
        Counted(each, Fraction(float(total)), Fraction(float(bad)), min(1.0, float(looked / span)) if span else 0.0)
        for each, total, bad, looked, span in zip(local, totals, bads, seen, long, strict=True)
    )
    coverage = float(seen.sum() / (over - known)) if known < over else 0.0
    gone, coming = (
        Fraction(removed_seconds(slo.exclusions, low, high))
        for low, high in ((instant(known * 1000), instant(over * 1000)), (instant(over * 1000), end))
    )
    passed, whole = over - known - gone, _seconds(end) - known - gone - coming
    observed = Fraction(passed) / whole if known < over and passed > 0 else Fraction(1)
    took = [take for day in days for take in takes(method, day, agreed)] if agreed else []
    excluded = audited(slo.exclusions, took, (start, end), min(end, now))
    late = known < over and over - known < floor * (over - _seconds(start))
    since = instant(known * 1000) if late else None
    found = Objective(ref, slo, counted, (), min(1.0, coverage), floor, observed, excluded, since)
    return replace(found, curve=tuple(_curve(units, start, min(end, now), found.allowed)))


def _curve(
    units: Sequence[Units], start: datetime, end: datetime, allowed: Fraction
) -> Iterator[tuple[datetime, Fraction]]:
    """A point at each slice in which something was bad, before and behind it."""
    yield start, Fraction(0)
    spent = Fraction(0)
    for each in units if allowed else ():
        begins = _starts(each)
        for number in np.flatnonzero((each.bad > 0) & (begins >= _seconds(start)) & (begins < _seconds(end))):
            at = start + timedelta(seconds=float(begins[number]) - _seconds(start))
            yield at, spent / allowed
            spent += Fraction(float(each.bad[number]))
            yield min(at + timedelta(seconds=each.step), end), spent / allowed
    yield end, spent / allowed if allowed else Fraction(0)


def _starts(units: Units) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return units.start + units.step * np.arange(len(units.total), dtype=np.int64)


def _seconds(at: datetime) -> int:
    return milliseconds(at) // 1000


def service_month(
    service: Service,
    held: Mapping[str, tuple[Slo, Sequence[Day]]],
    bounds: Bounds,
    floor: float = 0.0,
    capacity: Capacity | None = None,
) -> ServiceMonth:
    """The month of *service*: *held* are the days of each objective, or of each of its groups, by reference."""
    found = tuple(objective(ref, slo, days, bounds, floor) for ref, (slo, days) in held.items())
    return ServiceMonth(service, bounds, found, capacity)
