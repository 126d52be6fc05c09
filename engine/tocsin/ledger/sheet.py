"""Running sums of objectives that count by slices of one length, for windows that end about now.

A sheet is ruled anew when the hour changes: where windows begin, and in the newest hours, its lines are as close as
slices, elsewhere an hour apart (`tocsin.ledger.series`). What is new about a line is right once the days around it were
stated again: `Sheet.rule` names them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple, Self

import numpy as np

from tocsin.ledger.arrays import Floats, Seconds
from tocsin.ledger.methods import Units
from tocsin.ledger.model import DAY, day_of
from tocsin.ledger.series import HOUR, Series, grid

FINE = 6 * HOUR
"""Seconds in which lines are close, behind the end of the sheet."""
_COLUMNS = 16
"""Columns that are there from the start; when they are full an eighth is added, as they are long."""


class Held(NamedTuple):
    """Units of one objective over a window, and how many seconds of it somebody looked at."""

    total: float
    bad: float
    seen: float


@dataclass(slots=True, eq=False)
class Sheet:
    """One column for each reference; *starts* are where windows begin, in unix seconds."""

    step: int
    series: Series
    hour: int
    columns: dict[str, int] = field(default_factory=dict)

    @classmethod
    def ruled(cls, now: int, starts: Iterable[int], step: int) -> Self:
        """Rule an empty one for windows from *starts* to now, and for those of the coming hour."""
        return cls(step, Series.empty(_edges(now, starts, step), _COLUMNS), now // HOUR)

    def rule(self, now: int, starts: Iterable[int]) -> tuple[date, ...]:
        """Rule it anew where the hour has changed; returns the days that have to be stated again."""
        if now // HOUR == self.hour:
            return ()
        starts = tuple(starts)
        self.series.regrid(_edges(now, starts, self.step))
        self.hour = now // HOUR
        top = _top(now)
        moments = [moment for start in starts for moment in (start // HOUR * HOUR, start // HOUR * HOUR + 2 * HOUR - 1)]
        numbers = {moment // DAY for moment in (*moments, top - FINE, now)}
        return tuple(day_of(number) for number in sorted(numbers))

    def state(self, ref: str, *days: Units) -> None:
        """Put days in place of what is held for them."""
        self.series.state(self._column(ref), *days)

    def between(self, ref: str, start: int, end: int) -> Held:
        """What is held of [start, end); nothing where the reference is not known."""
        if ref not in self.columns:
            return Held(0.0, 0.0, 0.0)
        before, until = self.series.column(self.columns[ref], np.array([start, end], dtype=np.int64))
        return Held(*(float(late - early) for late, early in zip(until, before, strict=True)))

    def first_seen(self, ref: str, start: int) -> int | None:
        """When anything is known, from *start* on, as far as lines tell; None where nothing ever is."""
        return self.series.first_known(self.columns[ref], start) if ref in self.columns else None

    def leaving(self, ref: str, start: int, end: int) -> Floats:
        """Bad units of each hour from *start* on: what leaves a rolling window in the hours to come."""
        if ref not in self.columns:
            return np.zeros(0)
        times = np.arange(start, end + 1, HOUR, dtype=np.int64)
        sums = self.series.before(times, np.array([self.columns[ref]]))[:, 0]
        return sums[1:] - sums[:-1]

    def _column(self, ref: str) -> int:
        if ref not in self.columns:
            place = len(self.columns)
            if place == self.series.total.shape[1]:
                self.series.widen(place + max(_COLUMNS, place // 8))
            self.columns[ref] = place
        return self.columns[ref]


def _top(now: int) -> int:
    """Where the lines end: an hour may pass until they are ruled again."""
    return (now // HOUR + 2) * HOUR


def _edges(now: int, starts: Iterable[int], step: int) -> Seconds:
    top = _top(now)
    windows = [top - start for start in starts]
    return grid(top, max(windows, default=FINE), step, fine=FINE, windows=windows)
