"""When a resource is used up, and how sure that is: the forecast alerts of a workspace looked at over a longer history.

An alert asks a straight line once and says yes or no. A plan asks for a date with its uncertainty, and least squares
give neither a date that an outlier leaves alone nor one that a day's rhythm does not move. So the history is averaged
in equal parts (of whole days, where it is a week or longer, so that days and nights are no trend), and a robust line
is laid through them, with a band in which it lies (`trend.py`).

The bound is reached where the line meets it: earliest where the side of the band does that is nearer to the bound,
latest where the other one does, and never where that leads away from it. The band takes parts for independent, which
days nearly are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum, isfinite

from tocsin.evaluate.trend import Line, Span, line
from tocsin.ports import Labels, RangeRow
from tocsin.spec import AlertRule, Forecast

CONFIDENCE = 0.9
LEAST_PARTS = 5
"""With fewer no interval of Kendall's test exists at 90 %."""
MOST_PARTS = 60
DAY = timedelta(days=1)
WEEK = timedelta(days=7)
FARTHEST = timedelta(days=3650)
"""Beyond ten years nobody knows."""
Points = Sequence[tuple[float, float]]
"""Unix seconds and values."""


@dataclass(frozen=True, slots=True)
class Exhaustion:
    """The *line*, in days from now, and when the bound is reached, None where that is not to be expected."""

    line: Line
    earliest: datetime | None
    likely: datetime | None
    latest: datetime | None

    @property
    def level(self) -> float:
        """The value of the line now."""
        return self.line.at(0).likely

    @property
    def per_day(self) -> Span:
        """The slope of the line."""
        return self.line.slope


@dataclass(frozen=True, slots=True)
class Watched:
    """One series of a forecast alert: means of the *parts* of its history, and when it is at its *bound*.

    *found* is None where less than half of the history is there.
    """

    alert: str
    labels: Labels
    bound: float
    rising: bool
    parts: tuple[tuple[float, float], ...]
    found: Exhaustion | None


def part_of(history: timedelta) -> timedelta:
    """The length of the parts that *history* is averaged in: whole days from a week on.

    >>> part_of(timedelta(days=30)), part_of(timedelta(hours=6))
    (datetime.timedelta(days=1), datetime.timedelta(seconds=360))
    """
    if history >= WEEK:
        return DAY * max(1, -(-history // (DAY * MOST_PARTS)))
    return history / MOST_PARTS


def averaged(points: Points, now: datetime, history: timedelta) -> list[tuple[float, float]]:
    """The middle and the mean of each part of the history that ends *now* and has any points, oldest first."""
    length, end = part_of(history).total_seconds(), now.timestamp()
    parts: dict[int, list[float]] = {}
    for time, value in points:
        if isfinite(value) and end - history.total_seconds() < time <= end:
            parts.setdefault(int((end - time) // length), []).append(value)
    return [
        (end - (number + 0.5) * length, fsum(values) / len(values)) for number, values in sorted(parts.items())[::-1]
    ]


def exhaustion(
    points: Points, bound: float, now: datetime, history: timedelta, *, rising: bool, confidence: float = CONFIDENCE
) -> Exhaustion | None:
    """When *bound* is reached, from below where it is one that a *rising* value reaches; None with too short a history.

    A history that does not reach back to half of what was asked for is too short, too.
    """
    parts = averaged(points, now, history)
    if len(parts) < LEAST_PARTS or now.timestamp() - parts[0][0] < history.total_seconds() / 2:
        return None
    end = now.timestamp()
    found = line([(time - end) / DAY.total_seconds() for time, _ in parts], [v for _, v in parts], confidence)
    near, far = ("high", "low") if rising else ("low", "high")
    return Exhaustion(found, *(_reached(found, side, bound, now, rising=rising) for side in (near, "likely", far)))


def watched(
    rows: Iterable[RangeRow], alert: AlertRule, forecast: Forecast, now: datetime, history: timedelta
) -> list[Watched]:
    """Every series of one alert, soonest used up first."""
    rising = forecast.above is not None
    bound = float((forecast.above if rising else forecast.below) or 0)
    found = [
        Watched(
            alert.ref,
            tuple((name, value) for name, value in row.labels if name != "__name__"),
            bound,
            rising,
            tuple(averaged(row.points, now, history)),
            exhaustion(row.points, bound, now, history, rising=rising),
        )
        for row in rows
    ]
    ends = {id(one): one.found.likely if one.found else None for one in found}
    found.sort(key=lambda one: (ends[id(one)] is None, ends[id(one)] or now, sorted(one.labels)))
    return found


def _reached(found: Line, side: str, bound: float, now: datetime, *, rising: bool) -> datetime | None:
    """When one *side* of a line is at *bound*: at once where it is beyond it already."""
    from scipy.optimize import brentq  # noqa: PLC0415  # as in trend.py

    def beyond(day: float) -> float:
        value: float = getattr(found.at(day), side)
        return value - bound if rising else bound - value

    if beyond(0) >= 0:
        return now
    if beyond(FARTHEST / DAY) < 0:
        return None
    return now + float(brentq(beyond, 0, FARTHEST / DAY)) * DAY
