"""What every way of measuring a contract shares: intervals in, marks out, and the exact arithmetic over marks.

A *method* turns intervals (what was measured) into marks: how much of each interval counts as up. Everything after
that is the same for all methods: exclusions, uptime, credits, the audit trail. Each ratio is taken to 10^-12 (finer
than any counter) and the rest is whole numbers, so that an uptime of exactly 95 % is not below 95 %.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise

from tocsin.spec import Exclusion, Measure

UNIT = 10**12
NAMED = 10**10
"""Parts that contracts write of 1: eight digits of a percentage behind its point."""
EMPTY = {"good": UNIT, "bad": 0, "ignore": None}
MS = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Interval:
    """One interval of the measure; *good* is its good ratio, None without events.

    *events* is how many there were, None where nobody counted them; *deployed* whether the service was there at all;
    *seen* whether anybody can tell: an interval in which a counter stood still is empty, one without any is not known.
    """

    start: datetime
    end: datetime
    good: float | None
    events: float | None = None
    deployed: bool = True
    seen: bool = True

    @property
    def up(self) -> int | None:
        """The good ratio in units of 10^-12."""
        return None if self.good is None else round(self.good * UNIT)


@dataclass(frozen=True, slots=True)
class Mark:
    """What an interval counts as: *up* in units of 10^-12, None where it does not count; *empty* had no events.

    *dropped* says that it was down, and does not count as such: too short, or only a part of a minute.
    """

    start: datetime
    end: datetime
    up: int | None
    empty: bool = False
    dropped: bool = False

    @property
    def milliseconds(self) -> int:
        """Its length."""
        return (self.end - self.start) // MS


Marks = Callable[[Sequence[Interval], Measure, Sequence[Exclusion]], list[Mark]]
"""A method. One mark for each interval that can count, in their order; exclusions that touch it are not taken off."""


@dataclass(frozen=True, slots=True)
class Tally:
    """Whole numbers only: *up* of *weight* (milliseconds in units of 10^-12), over *counted* intervals."""

    weight: int
    up: int
    counted: int
    empty: int

    def uptime(self) -> Fraction | None:
        """The exact share; None where nothing counts.

        Where ratios were rounded the share is known to half a unit: the one that a contract could name is meant there.
        """
        if not self.weight:
            return None
        share = Fraction(self.up, self.weight * UNIT)
        if self.up % UNIT == 0:  # nothing was rounded
            return share
        named = Fraction(round(share * NAMED), NAMED)
        return named if abs(share - named) * 2 * UNIT <= 1 else share

    def down(self) -> Fraction:
        """Milliseconds of downtime that count."""
        return self.weight - Fraction(self.up, UNIT)


def coverage(intervals: Sequence[Interval], exclusions: Sequence[Exclusion] = ()) -> float | None:
    """The part of *intervals* that was seen; None where nothing of it ever was.

    What is excluded is no part of it: nobody needs to see a maintenance, or a time before the contract was in force.

    >>> times = [datetime(2026, 10, 1, hour) for hour in range(7)]
    >>> goods = (None, None, 1.0, None, 0.5, 1.0)
    >>> coverage([Interval(*each, good, seen=good is not None) for each, good in zip(pairwise(times), goods)])
    0.5
    """
    left = [((one.end - one.start) // MS - sum(excluded(one.start, one.end, exclusions)), one) for one in intervals]
    whole = sum(length for length, _ in left)
    if whole and not any(one.seen and one.deployed for length, one in left if length):
        return None
    return sum(length for length, one in left if one.seen) / whole if whole else 1.0


def tally(marks: Iterable[Mark], exclusions: Sequence[Exclusion] = ()) -> Tally:
    """Add up *marks*.

    An exclusion takes the part of an interval that it overlaps out (`remove`), or counts that part as up (`good`).
    Where two overlap, `remove` wins.
    """
    weight = up = counted = empties = 0
    for one in marks:
        removed, forgiven = excluded(one.start, one.end, exclusions) if exclusions else (0, 0)
        rest = one.milliseconds - removed - forgiven
        empties += one.empty
        weight, up = weight + forgiven, up + forgiven * UNIT
        if one.up is not None:
            weight, up = weight + rest, up + rest * one.up
        counted += one.up is not None or bool(forgiven)
    return Tally(weight, up, counted, empties)


def excluded(start: datetime, end: datetime, exclusions: Sequence[Exclusion]) -> tuple[int, int]:
    """How many milliseconds of [start, end) are removed, and how many are forgiven."""
    removed = forgiven = 0
    for length, one in shares(start, end, exclusions):
        if one.treat == "remove":
            removed += length
        else:
            forgiven += length
    return removed, forgiven


def shares(start: datetime, end: datetime, exclusions: Sequence[Exclusion]) -> list[tuple[int, Exclusion]]:
    """Milliseconds of [start, end) that each exclusion takes; each moment is taken once, by `remove` before `good`.

    Of two that treat it alike the first takes it.
    """
    touching = [e for e in exclusions if e.start < end and e.end > start]
    if not touching:
        return []
    cuts = sorted({start, end, *(min(max(t, start), end) for e in touching for t in (e.start, e.end))})
    found = []
    for left, right in pairwise(cuts):
        over = [e for e in touching if e.start <= left and e.end >= right]
        if over:
            taker = next((e for e in over if e.treat == "remove"), over[0])
            found.append(((right - left) // MS, taker))
    return found
