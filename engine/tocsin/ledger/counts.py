"""Counts of one objective while they are put together; they become days of the ledger when they are stated."""

from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from tocsin.ledger.arrays import Bools, Floats
from tocsin.ledger.grain import settle
from tocsin.ledger.model import DAY, MINUTE, Across, Day, day_of

COVERED = 0.5
"""The part of a slice that somebody must have looked at to call it covered."""


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Events of consecutive slices; slice i covers `[(first + i) * step, (first + i + 1) * step)` of unix time.

    They add up: what is counted of one stretch of samples and of the next is the sum of both, wherever it falls. So
    nothing is mended before the end: *bad* may be below 0 or above *total* where good and all events are counted by
    different targets.
    """

    first: int
    step: int
    total: Floats
    bad: Floats
    looked: Floats  # seconds of each slice between samples that are close together
    total_across: Floats  # those of *total* that were counted over the start of their slice (`model.Across`)
    bad_across: Floats

    @classmethod
    def none(cls, first: int, count: int, step: int = MINUTE) -> Self:
        """Nothing was seen of *count* slices."""
        return cls(first, step, *(np.zeros(count) for _ in _ARRAYS))

    @classmethod
    def apart(cls, first: int, step: int, total: Floats, bad: Floats, looked: Floats) -> Self:
        """Of slices over whose starts nothing came."""
        return cls(first, step, total, bad, looked, np.zeros(len(total)), np.zeros(len(total)))

    @property
    def last(self) -> int:
        """The number of the slice behind the last one."""
        return self.first + len(self.total)

    def within(self, first: int, last: int) -> "Counts":
        """The slices [first, last), with empty ones where nothing is known."""
        low, high = max(first, self.first), min(last, self.last)
        cut = Counts.none(first, max(last - first, 0), self.step)
        if low < high:
            here, there = slice(low - first, high - first), slice(low - self.first, high - self.first)
            for name in _ARRAYS:
                getattr(cut, name)[here] = getattr(self, name)[there]
        return cut

    def __add__(self, other: "Counts") -> "Counts":
        """Count both."""
        first, last = min(self.first, other.first), max(self.last, other.last)
        one, two = self.within(first, last), other.within(first, last)
        return Counts(first, self.step, *(getattr(one, name) + getattr(two, name) for name in _ARRAYS))

    def stated(self) -> tuple[Floats, Floats, Bools]:
        """Total, bad and covered, as a ledger holds them: a bad event is an event, and none are fewer than 0."""
        bad = np.maximum(self.bad, 0.0)
        return np.maximum(self.total, bad), bad, self.looked >= COVERED * self.step

    def days(self, ref: str, version: int = 1) -> tuple[Day, ...]:
        """Whole days of UTC, in order, in grains; slices of which nothing is known are empty and not covered."""
        per_day = DAY // self.step
        days = []
        for number in range(self.first // per_day, -(-self.last // per_day)):
            part = self.within(number * per_day, (number + 1) * per_day)
            total, bad, covered = part.stated()
            total, bad = settle(total, bad)
            across = part.across(total, bad)
            days.append(Day(ref, day_of(number), self.step, total, bad, covered, version, across))
        return tuple(days)

    def across(self, total: Floats, bad: Floats) -> Across:
        """Those of the stated *total* and *bad* that came over the start of their slice; no more of either."""
        fails = np.clip(self.bad_across, 0.0, None)
        all_of, fails = settle(np.maximum(self.total_across, fails), fails)
        some_bad = np.minimum(fails, bad)
        return Across(some_bad + np.clip(all_of - fails, 0.0, total - bad), some_bad)


_ARRAYS = tuple(one.name for one in fields(Counts) if one.name not in {"first", "step"})
