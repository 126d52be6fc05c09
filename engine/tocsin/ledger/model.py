"""What the ledger holds: the events of one objective on one day."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from tocsin.ledger.arrays import Bools, Floats

DAY = 86_400
"""Seconds in a day of UTC, which knows no clock changes."""
_EPOCH = date(1970, 1, 1).toordinal()
MINUTE = 60
"""Seconds of a slice until it is compacted."""
ROUNDING = 1e-9
"""How much more than all events may be bad, in parts of them: sums of floats that were divided among slices."""


def number_of(day: date) -> int:
    """Days of UTC since 1970."""
    return day.toordinal() - _EPOCH


def day_of(number: int) -> date:
    """The day of a number.

    >>> str(day_of(number_of(date(2026, 3, 1))))
    '2026-03-01'
    """
    return date.fromordinal(_EPOCH + number)


def midnight(day: date) -> int:
    """Unix time of its start."""
    return number_of(day) * DAY


@dataclass(frozen=True, slots=True, eq=False)
class Across:
    """Those events of each slice that were counted over its start: between a sample before it and one in it.

    They happened in the slice or before it, nobody knows. Budgets count them; whether *all* of a slice failed is told
    by the others. In shares of increments that reach over whole slices, too.
    """

    total: Floats
    bad: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Day:
    """Good and bad events of one objective in each slice of one UTC day.

    Slice k is the stretch `[k * step, (k + 1) * step)` seconds from midnight on. An event belongs to the slice in which
    a scrape saw it first; what was counted over whole slices belongs to them in proportion to time, so counts need not
    be whole numbers (decision 0018). A slice that is
    not *covered* was looked at by nobody; one that is covered and has no events was idle.

    Raises ValueError for what cannot be a count: it would spoil every sum over the day without a trace.
    """

    ref: str  # service/slo; for a divided objective with the labels of the group
    day: date  # UTC
    step: int  # seconds per slice; divides DAY
    total: Floats  # events per slice, shape (DAY // step,); 0 where none
    bad: Floats  # bad events per slice, same shape
    covered: Bools  # same shape
    version: int = 1  # 1 for the first statement; a restatement (late data, back-fill) is one more
    across: Across | None = None  # None where nobody noted them: statements of before

    def __post_init__(self) -> None:
        fault = self._fault()
        if fault:
            raise ValueError(f"{self.ref} on {self.day}: {fault}")

    @property
    def start(self) -> int:
        """Unix time of midnight.

        >>> empty("a/b", date(1970, 1, 2)).start
        86400
        """
        return midnight(self.day)

    def first_known(self, start: int = 0) -> int | None:
        """When the first slice from *start* on begins of which anything is known, whatever is excluded of it."""
        low = min(max(-((self.start - start) // self.step), 0), len(self.total))
        some = np.flatnonzero(self.covered[low:] | (self.total[low:] > 0))
        return self.start + (low + int(some[0])) * self.step if len(some) else None

    def _fault(self) -> str | None:
        if self.step < 1 or DAY % self.step:
            return f"slices of {self.step} s do not tile a day"
        if self.version < 1:
            return f"versions count from 1, not from {self.version}"
        shape = (DAY // self.step,)
        across = self.across or Across(self.total, self.bad)
        for name, array, kind in (
            ("total", self.total, np.float64),
            ("bad", self.bad, np.float64),
            ("covered", self.covered, np.bool_),
            ("total across", across.total, np.float64),
            ("bad across", across.bad, np.float64),
        ):
            if array.shape != shape or array.dtype != kind:
                return f"{name} is {array.dtype} of shape {array.shape}, not {np.dtype(kind)} of shape {shape}"
        counted = (("total", self.total), ("bad", self.bad), ("across", across.total), ("across", across.bad))
        for name, counts in counted:
            if not np.isfinite(counts).all() or (counts < 0).any():
                return f"{name} has a slice that is no count: negative, infinite or NaN"
        if (self.bad > self.total * (1 + ROUNDING)).any():
            return "a slice has more bad events than events"
        if (across.total > self.total).any() or (across.bad > self.bad).any():
            return "more events came over the start of a slice than it has"
        return None


def empty(ref: str, day: date, step: int = MINUTE) -> Day:
    """A day that nobody looked at yet.

    >>> empty("be-camera/uptime", date(2026, 3, 1)).covered.any()
    np.False_
    """
    count = DAY // step
    return Day(ref, day, step, np.zeros(count), np.zeros(count), np.zeros(count, dtype=np.bool_))
