"""Running sums of many objectives at the edges of one grid, so that any window costs two look-ups.

The grid is common to all columns and need not be even: hours for what is old, minutes for the newest hours and for
those in which windows begin. An edge of a window that lies between two edges of the grid takes what lies there in
proportion; `cut` says how much that could be. 10,000 objectives with minutes throughout a month would be 8.6 GB.
Objectives that count by longer slices belong in a series of their own, whose grid is no finer than these.

Sums are exact, as units are multiples of powers of two (`tocsin.ledger.grain`): it does not matter in which order days
come in, how often, or what was held before, and windows that tile another add up to it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tocsin.ledger.arrays import Floats, Seconds
from tocsin.ledger.methods import Units

HOUR = 3_600


class Sums(NamedTuple):
    """Units and seen seconds of each objective over a window, shape (objectives,)."""

    total: Floats
    bad: Floats
    seen: Floats


def grid(now: int, back: int, step: int, *, fine: int = 6 * HOUR, windows: Iterable[int] = ()) -> Seconds:
    """Edges from *back* seconds ago up to *now*: hours; slices in the last *fine* seconds, and where *windows* begin.

    The hour that a window begins in and the next are in slices, so that the grid serves for the coming hour.

    >>> len(grid(30 * 86_400, 30 * 86_400, 60, windows=[30 * 86_400]))
    1193
    """
    first, hour = (now - back) // HOUR * HOUR, now // HOUR * HOUR
    parts = [np.arange(first, now + 1, HOUR), np.arange(max(first, hour - fine), now + 1, step)]
    for window in windows:
        start = (now - window) // HOUR * HOUR
        parts.append(np.arange(max(first, start), min(start + 2 * HOUR, now) + 1, step))
    return np.unique(np.concatenate(parts)).astype(np.int64)


@dataclass(slots=True, eq=False)
class Series:
    """Row i holds what came before edge i, a column is an objective: shapes (room, objectives), *used* rows of room."""

    edges: Seconds
    total: Floats
    bad: Floats
    seen: NDArray[np.int32]
    used: int

    @classmethod
    def empty(cls, edges: Seconds, columns: int, *, room: int = 0) -> "Series":
        """Nothing yet, on a grid, with *room* for so many more edges."""
        size = len(edges) + room
        held = np.zeros(size, dtype=np.int64)
        held[: len(edges)] = edges
        shape = (size, columns)
        return cls(held, np.zeros(shape), np.zeros(shape), np.zeros(shape, dtype=np.int32), len(edges))

    def state(self, column: int, *days: Units) -> None:
        """Put days in place of what is held for them; what is before the grid or after it is left out.

        The grid has to have an edge at both ends of a day, unless it begins or ends within it.
        """
        arrays: tuple[NDArray[Any], ...] = (self.total, self.bad, self.seen)
        held = [array[: self.used, column].copy() for array in arrays]
        edges = self.edges[: self.used]
        for units in days:
            low, high = edges.searchsorted((units.start, units.start + units.step * len(units.total)))
            high = min(high, self.used - 1)
            if low < high:
                at = (edges[low : high + 1] - units.start) / units.step
                for sums, counts in zip(held, (units.total, units.bad, units.seen), strict=True):
                    _restate(sums, low, high, _running(counts, at))
        for array, sums in zip(arrays, held, strict=True):
            array[: self.used, column] = sums

    def extend(self, edge: int, total: Floats, bad: Floats, seen: Floats) -> None:
        """One slice more, up to *edge*, for all objectives at once."""
        if self.used == len(self.edges):
            raise ValueError(f"the series has no room behind its {self.used} edges")
        if edge <= self.edges[self.used - 1]:
            raise ValueError(f"an edge at {edge} is not behind the last one, {self.edges[self.used - 1]}")
        last, self.edges[self.used] = self.used - 1, edge
        for held, counts in ((self.total, total), (self.bad, bad), (self.seen, seen)):
            held[self.used] = held[last] + counts.astype(held.dtype)
        self.used += 1

    def regrid(self, edges: Seconds, *, room: int = 0) -> None:
        """Change to other edges; where they are new, in proportion, until days are stated (again).

        What came before the first of them is forgotten. One array at a time, as they are large.
        """
        rows, share = self._rows(edges)
        new = Series.empty(edges, 0, room=room)
        for name in ("total", "bad", "seen"):
            held = getattr(self, name)
            values = np.zeros((len(new.edges), held.shape[1]), dtype=held.dtype)
            for row, (at, part) in enumerate(zip(rows, share, strict=True)):
                following = held[min(at + 1, self.used - 1)]
                values[row] = held[at] if not part else held[at] + (following - held[at]) * part
            values[: len(edges)] -= values[0].copy()
            setattr(self, name, values)
        self.edges, self.used = new.edges, new.used

    def between(self, start: Seconds | int, end: Seconds | int) -> Sums:
        """Sums over [start, end), one window for all or one for each; of slices that are cut, in proportion."""
        before, until = self._at(start), self._at(end)
        return Sums(*(late - early for late, early in zip(until, before, strict=True)))

    def column(self, column: int, times: Seconds) -> tuple[tuple[float, float, float], ...]:
        """Total, bad and seen of one objective before each of *times*."""
        rows, share = self._rows(times)
        following = np.minimum(rows + 1, self.used - 1)
        held = [array[:, column] for array in (self.total, self.bad, self.seen)]
        return tuple(
            tuple(float(values[row] + (values[after] - values[row]) * part) for values in held)  # type: ignore[misc]
            for row, after, part in zip(rows, following, share, strict=True)
        )

    def first_known(self, column: int, start: int) -> int | None:
        """When anything is known of an objective, from *start* on, as far as edges tell; None where nothing ever is.

        What a counter counted in a gap is known, though nobody looked.
        """
        low = max(int(self.edges[: self.used].searchsorted(start, side="right")) - 1, 0)
        both = self.seen, self.total
        if low + 1 < self.used and any(sums[low + 1, column] > sums[low, column] for sums in both):  # most often
            return max(start, int(self.edges[low]))
        known = [np.diff(sums[low : self.used, column]) > 0 for sums in both]
        rises = np.flatnonzero(known[0] | known[1])
        return max(start, int(self.edges[low + rises[0]])) if len(rises) else None

    def widen(self, columns: int) -> None:
        """Make room for so many objectives in all."""
        for name in ("total", "bad", "seen"):
            held = getattr(self, name)
            values = np.zeros((held.shape[0], columns), dtype=held.dtype)
            values[:, : held.shape[1]] = held
            setattr(self, name, values)

    def before(self, times: Seconds, columns: Seconds) -> Floats:
        """Bad units before each of *times* in some of the columns, shape (times, columns)."""
        rows, share = self._rows(times)
        following = np.minimum(rows + 1, self.used - 1)
        values: Floats = self.bad[rows[:, None], columns]
        partly = np.flatnonzero(share > 0)
        values[partly] += (self.bad[following[partly, None], columns] - values[partly]) * share[partly, None]
        return values

    def cut(self, at: Seconds | int, step: int) -> Floats:
        """How many bad units lie between the edges around *at* where these are more than a slice apart.

        The most that a window with an end there can be wrong by; 0 where the grid is fine enough to be exact.
        """
        times = np.broadcast_to(np.asarray(at, dtype=np.int64), (self.bad.shape[1],))
        rows, share = self._rows(times)
        following, columns = np.minimum(rows + 1, self.used - 1), np.arange(self.bad.shape[1])
        wide = (self.edges[following] - self.edges[rows] > step) & (share > 0)
        return np.where(wide, self.bad[following, columns] - self.bad[rows, columns], 0.0)

    def _at(self, at: Seconds | int) -> Sums:
        columns = np.arange(self.total.shape[1])
        rows, share = self._rows(np.broadcast_to(np.asarray(at, dtype=np.int64), columns.shape))
        following, inside = np.minimum(rows + 1, self.used - 1), bool((share > 0).any())
        found = []
        for held in (self.total, self.bad, self.seen):
            values = held[rows, columns].astype(np.float64)
            if inside:
                values += (held[following, columns] - values) * share
            found.append(values)
        return Sums(*found)

    def _rows(self, times: Seconds) -> tuple[NDArray[np.intp], Floats]:
        """The edge at or before each time, and how far on the way to the next it lies; outside the grid, its ends."""
        edges = self.edges[: self.used]
        inside = np.clip(times, edges[0], edges[-1])
        rows = np.searchsorted(edges, inside, side="right") - 1
        following = edges[np.minimum(rows + 1, self.used - 1)]
        width = np.maximum(following - edges[rows], 1)
        return rows, (inside - edges[rows]) / width


def load(series: Series, days: Iterable[tuple[int, Units]]) -> Series:
    """State many days, each with its column; those of one column in a row are cheaper by far."""
    for column, some in groupby(days, key=itemgetter(0)):
        series.state(column, *(units for _, units in some))
    return series


def _running(counts: Floats, at: Floats) -> Floats:
    """Sums of what comes before places *at*, counted in slices."""
    sums = np.zeros(len(counts) + 1)
    np.cumsum(counts, out=sums[1:])
    whole = np.minimum(at, len(counts)).astype(np.intp)
    found: Floats = sums[whole]
    share = at - whole
    if share.any():
        found += share * (sums[np.minimum(whole + 1, len(counts))] - found)
    return found


def _restate(column: NDArray[Any], low: int, high: int, running: Floats) -> None:
    """Replace what is held between two edges, and shift what is behind by the difference."""
    inside = running - running[0]
    if column.dtype != np.float64:
        inside = np.rint(inside)
    before = column[high].copy()
    column[low : high + 1] = (column[low] + inside).astype(column.dtype)
    column[high + 1 :] += column[high] - before
