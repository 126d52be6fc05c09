"""The three budgeting methods: what one day of an objective adds to both sides of its ratio.

Occurrences count events; Timeslices count slices, each good or bad as a whole; RatioTimeslices count slices, each bad
by its error ratio (OpenSLO's definitions). After this, all budgets are the same arithmetic over units: whatever the
method, an SLI is `1 - bad / total`, and the budget is `(1 - target) * total`.

A slice without events counts as the objective says (*empty*) where it was covered as a whole: an idle hour is known,
a gap of the source is not. A slice with a gap is judged by what was counted while it was looked at, and one that nobody
looked at counts nowhere: what a counter rose by over a gap says nothing of any slice in it. An event lies in one slice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

import numpy as np

from tocsin.ledger.arrays import Floats
from tocsin.ledger.exact import Ratios
from tocsin.ledger.exclusions import Exclusion, Excused, excuse
from tocsin.ledger.model import DAY, MINUTE, Across, Day
from tocsin.ledger.verdicts import Within
from tocsin.sli import Sli
from tocsin.sli.slices import SlicedSli

_FINE = 2.0**-32
"""What error ratios of slices are rounded to: sums of 2^20 slices, two years of minutes, are exact."""
IGNORE, GOOD, BAD = "ignore", "good", "bad"


@dataclass(frozen=True, slots=True, eq=False)
class Units:
    """What counts in each slice of a day: [start + k * step, start + (k + 1) * step) of unix seconds.

    *seen* is how many seconds of the slice somebody could look at; excluded time needs no looking at, and is seen.
    """

    start: int
    step: int
    total: Floats
    bad: Floats
    seen: Floats
    across: Across | None = None
    """Events that were counted over the starts of slices, where units are events and that was noted."""


class Method(Protocol):
    """How an objective counts."""

    @property
    def slice(self) -> int:
        """Seconds; a grid for it is no finer."""

    def units(self, day: Day, exclusions: Sequence[Exclusion] = ()) -> Units:
        """What a day comes to; raises ValueError where it is held in slices too long to tell."""


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Each event counts once."""

    slice: int = MINUTE

    def units(self, day: Day, exclusions: Sequence[Exclusion] = ()) -> Units:
        """Events as they are."""
        excused = excuse(day, exclusions)
        return Units(day.start, day.step, excused.day.total, excused.day.bad, _seen(excused), excused.day.across)


@dataclass(frozen=True, slots=True)
class Timeslices:
    """A slice is bad when fewer than *target* of its events were good; exactly the target is good.

    What came over its start counts in it, for else an error between two scrapes would be in no slice; unless the slice
    before was bad without it: an outage that ends with a slice does not make the next one bad.
    """

    slice: int
    target: Decimal
    empty: str = IGNORE

    def units(self, day: Day, exclusions: Sequence[Exclusion] = ()) -> Units:
        """Bad slices of all."""
        excused = excuse(day, exclusions)
        events, bar = _events(excused, self.slice), Ratios.of([1 - self.target])
        by_itself = bar.exceeded(events.inner_bad, events.inner)
        failed = by_itself | (bar.exceeded(events.bad, events.total) & ~np.concatenate(([False], by_itself[:-1])))
        return _judged(excused, self.slice, self.empty, events.total, failed.astype(np.float64))


@dataclass(frozen=True, slots=True)
class RatioTimeslices:
    """A slice is bad by its error ratio, whatever its traffic."""

    slice: int
    empty: str = IGNORE

    def units(self, day: Day, exclusions: Sequence[Exclusion] = ()) -> Units:
        """Error ratios of all slices."""
        excused = excuse(day, exclusions)
        events = _events(excused, self.slice)
        ratios = np.divide(events.bad, events.total, out=np.zeros(len(events.bad)), where=events.total > 0)
        return _judged(excused, self.slice, self.empty, events.total, np.minimum(ratios, 1.0))


def method_of(sli: Sli) -> Method:
    """The method that an SLI is counted by."""
    if not isinstance(sli, SlicedSli):
        return Occurrences()
    seconds = sli.slice.milliseconds // 1000
    if sli.target is None:
        return RatioTimeslices(seconds, sli.empty)
    return Timeslices(seconds, sli.target, sli.empty)


def events_of(sli: Sli) -> Sli:
    """What is counted for an SLI; slices are judged by what was counted in them."""
    return sli.inner if isinstance(sli, SlicedSli) else sli


def _judged(excused: Excused, length: int, empty: str, events: Floats, badness: Floats) -> Units:
    """One unit for each slice that counts, less what is removed of it."""
    day = excused.day
    seen = _longer(_seen(excused), day, length)
    removed, forgiven = (
        _longer(share, day, length) * day.step / length for share in (excused.removed, excused.forgiven)
    )
    idle = (events == 0) & (seen >= length)
    counts = (events > 0) | (idle & (empty != IGNORE))
    lost = np.where(idle & (empty == BAD), 1 - forgiven / np.maximum(1 - removed, _FINE), badness)
    total = _fine(np.where(counts, 1 - removed, 0.0))
    bad = np.minimum(_fine(np.where(counts, lost, 0.0) * (1 - removed)), total)
    return Units(day.start, length, total, bad, seen)


def _events(excused: Excused, length: int) -> Within:
    """Events of slices of *length* seconds."""
    day = excused.day
    return Within.of(day.total, day.bad, day.across, _seen(excused) > 0, _width(day, length))


def _seen(excused: Excused) -> Floats:
    share = np.where(excused.day.covered, 1.0, excused.removed + excused.forgiven)
    return np.asarray(share * excused.day.step)


def _longer(values: Floats, day: Day, length: int) -> Floats:
    """Sums over slices of *length* seconds."""
    return np.asarray(values.reshape(-1, _width(day, length)).sum(axis=1))


def _width(day: Day, length: int) -> int:
    if length % day.step or DAY % length:
        raise ValueError(f"{day.ref} on {day.day} is held in slices of {day.step} s, its budget counts {length} s")
    return length // day.step


def _fine(values: Floats) -> Floats:
    return np.asarray(np.rint(values / _FINE) * _FINE)
