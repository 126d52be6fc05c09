"""When the level of a series changed for good: a disk that was extended or cleaned, a deployment with another level.

A line through both levels says nothing of either. A *change point* is told from noise, spikes, rhythms, gaps and bends
by medians (as Fried and Gather do, "On rank tests for shift detection in time series", 2007), on means of equal parts:

- What recurs each week, or each day where parts are shorter, is taken off, as medians of three periods or more.
- The value rises over two parts (one may have some of both levels) unlike it does around: by `CLEAR` times the usual
  difference from the running median, which an edge of the slope passes and an edge of the level does not.
- It lasts: the medians of up to `AROUND` parts before and behind it, less their common slope, differ by much of that,
  too, by more than each side's own noise, and by more than `CLEAR` parts' growth.

In the last part or two nobody can tell it from a spike. Both are told: the trend was left, and it is too early to say
for what. The newest points need no whole part where they lie as far outside of all that was in `AROUND` parts as that
is wide.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise, takewhile
from statistics import NormalDist, median

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

CLEAR = 5.0
"""In usual differences. With 4, three of 100 random walks have a change, with 5 one."""
AROUND = 7
LEAST_BEFORE = 3
"""What changes in the first parts of a history, the trend's medians leave alone."""
LEAST_PARTS = 7
FEW = 2 * AROUND
"""With fewer parts, the rise over two parts at a change is a quarter of all."""
PERIODS = 3
LASTS = 0.6
"""The part of a rise that has to be there still."""
Points = Sequence[tuple[float, float]]
"""Unix seconds and values."""
Numbers = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True, slots=True)
class ChangePoint:
    """From *at* on the level is *after*, and was *before* until then."""

    at: datetime
    before: float
    after: float


def change_points(parts: Points, points: Points, period: int, least: float) -> tuple[ChangePoint, ...]:
    """Changes of at least *least* in *parts*, placed at one of their *points*, oldest first.

    A rhythm recurs after *period* parts, which is 0 where there is none.
    """
    if len(parts) < LEAST_PARTS:
        return ()
    times, values = np.array(parts).T
    length = float(np.diff(times).min())
    x, y = times / length, _evened(times / length, values, period)
    runs: list[list[tuple[int, float]]] = []
    for edge, rise in _edges(x, y, least):
        if runs and edge - runs[-1][-1][0] == 1:
            runs[-1].append((edge, rise))
        else:
            runs.append([(edge, rise)])
    steepest = [max(run, key=lambda each: abs(each[1])) for run in runs]
    ends = [*times[:-1], np.inf]
    found = [_placed(points, times[edge], ends[min(edge + 2, len(ends) - 1)], rise) for edge, rise in steepest]
    if not runs or runs[-1][-1][0] < len(parts) - 3:
        found += _newest(points, times[-1] - length / 2, length * AROUND, least)
    return tuple(found)


def _edges(x: Numbers, y: Numbers, least: float) -> list[tuple[int, float]]:
    """Numbers of parts behind which the level is another one, and how much more the value rises there than around."""
    low = np.arange(len(y) - 1)
    high = np.minimum(low + 2, len(y) - 1)
    rise = y[high] - y[low] - np.median(np.diff(y) / np.diff(x)) * (x[high] - x[low])
    unlike = rise - _running_median(rise, AROUND)
    usual = _deviation(unlike, 0.5 if len(y) < FEW else 0.75)
    clear = CLEAR * max(usual, least / CLEAR, 1e-9 * float(np.abs(y).max()))
    found = []
    for edge in np.flatnonzero(np.abs(unlike) > clear):
        if edge + 1 < LEAST_BEFORE:
            continue
        before, behind = slice(max(0, edge + 1 - AROUND), edge + 1), slice(high[edge], high[edge] + AROUND)
        slopes = _slopes(x[before], y[before]), _slopes(x[behind], y[behind])
        slope = np.median(np.concatenate(slopes))
        one, other = y[before] - slope * x[before], y[behind] - slope * x[behind]
        height = float(np.median(other) - np.median(one))
        growth = max(abs(float(np.median(each))) for each in slopes if len(each))
        noise = max(_deviation(one - np.median(one)), _deviation(other - np.median(other)))
        lasts = LASTS * max(abs(float(unlike[edge])), clear)
        if (height > 0) == (unlike[edge] > 0) and abs(height) >= max(lasts, least, CLEAR * growth, CLEAR * noise):
            found.append((int(edge), float(unlike[edge])))
    return found


def _evened(x: Numbers, y: Numbers, period: int) -> Numbers:
    """Without what recurs each *period*, which medians of what is left of a running median tell."""
    half = period // 2
    if not period or len(y) < PERIODS * period:
        return y
    inner = slice(half, len(y) - half)
    place = np.round(x - x[0]).astype(int) % period
    rest = (y - _running_median(y, 2 * half + 1))[inner]
    recurring = np.array([np.median(rest[place[inner] == n]) if n in place[inner] else 0.0 for n in range(period)])
    evened: Numbers = y - (recurring - np.median(recurring))[place]
    return evened


def _running_median(values: Numbers, size: int) -> Numbers:
    """Of as many of *size* values around each as there are."""
    windows = sliding_window_view(np.pad(values, size // 2, constant_values=np.nan), size)
    medians: Numbers = np.nanmedian(windows, axis=1)
    return medians


def _slopes(x: Numbers, y: Numbers) -> Numbers:
    one, other = np.triu_indices(len(y), 1)
    slopes: Numbers = (y[other] - y[one]) / (x[other] - x[one])
    return slopes


def _deviation(rest: Numbers, share: float = 0.75) -> float:
    """The standard deviation by the size that a *share* does not exceed: the rest may be outliers."""
    return float(np.quantile(np.abs(rest), share)) / NormalDist().inv_cdf((1 + share) / 2)


def _placed(points: Points, start: float, end: float, rise: float) -> ChangePoint:
    """The change where the value rises most, or falls most if *rise* is negative, from one point to the next."""
    known = [time for time, _ in points]
    near = points[bisect_right(known, start) - 1 : bisect_left(known, end) + 1]
    rises = [(later[1] - earlier[1]) * rise for earlier, later in pairwise(near)]
    return _at(points, near[rises.index(max(rises)) + 1][0])


def _newest(points: Points, start: float, around: float, least: float) -> list[ChangePoint]:
    """The change that lies behind *start*, if one is far outside of what was *around* before, in one step."""
    usual = [value for time, value in points if start - around <= time < start]
    if not usual:
        return []
    low, high = min(usual), max(usual)
    far = max(high - low, least)
    newest = list(takewhile(lambda each: each[0] >= start and not low - far <= each[1] <= high + far, points[::-1]))
    if not newest or len(newest) == len(points):
        return []
    change = _at(points, newest[-1][0])
    step = newest[-1][1] - points[-len(newest) - 1][1]
    return [change] if abs(step) >= LASTS * abs(change.after - change.before) else []


def _at(points: Points, at: float) -> ChangePoint:
    before, after = [v for time, v in points if time < at][-3:], [v for time, v in points if time >= at][:3]
    return ChangePoint(datetime.fromtimestamp(at, UTC), median(before), median(after))
