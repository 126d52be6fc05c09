"""When a resource is used up, and how sure that is: the forecast alerts of a workspace looked at over a longer history.

An alert asks a straight line once and says yes or no. A plan asks for a date with its uncertainty, and least squares
give neither a date that an outlier leaves alone nor one that a day's rhythm does not move. So the history is averaged
in equal parts (of whole days, where it is a week or longer, so that days and nights are no trend), and a robust line
is laid through them, with a band in which it lies (`trend.py`).

The bound is reached where the line meets it: earliest where the side of the band does that is nearer to the bound,
latest where the other one does, and never where that leads away from it.

Where the level changed for good (`change_points.py`), the line is that of what came behind the last change, if that is
a quarter of the history; else there is no line and no date. Three changes or more which all lead towards the bound are
how this value grows: the line is that of all.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import fsum, isfinite

from tocsin.evaluate.change_points import ChangePoint, Points, change_points
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
GROWTH = 3
"""Changes of the level that all lead towards the bound."""
MATERIAL = 0.01
"""A change by less of what is left changes no plan."""


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

    *found* is None where less than half of the history is there, or not enough of it came behind the *last* change of
    the level. *changes* are all of them; there need not be a last one, where they are how the value grows.
    """

    alert: str
    labels: Labels
    bound: float
    rising: bool
    parts: tuple[tuple[float, float], ...]
    found: Exhaustion | None
    changes: tuple[ChangePoint, ...] = ()
    last: ChangePoint | None = None
    beyond: datetime | None = None
    """Now, where the last change left it beyond its bound, and there is no trend yet."""

    @property
    def dates(self) -> tuple[datetime | None, datetime | None, datetime | None]:
        """The earliest, the likely and the latest."""
        found = self.found
        return (self.beyond,) * 3 if found is None else (found.earliest, found.likely, found.latest)


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


def needed(history: timedelta) -> timedelta:
    """How much of a history has to come behind a change of the level: a quarter, in whole parts, and five of them.

    >>> str(needed(timedelta(days=28))), str(needed(timedelta(hours=6)))
    ('7 days, 0:00:00', '1:30:00')
    """
    part = part_of(history)
    return part * max(LEAST_PARTS, -(-history // (4 * part)))


def exhaustion(
    parts: Points, bound: float, now: datetime, reach: timedelta, *, rising: bool, confidence: float = CONFIDENCE
) -> Exhaustion | None:
    """When *bound* is reached, from below where it is one that a *rising* value reaches; None with too short a history.

    One that does not go back to half of *reach* is too short, too.
    """
    end = now.timestamp()
    if len(parts) < LEAST_PARTS or end - parts[0][0] < reach.total_seconds() / 2:
        return None
    found = line([(time - end) / DAY.total_seconds() for time, _ in parts], [v for _, v in parts], confidence)
    near, far = ("high", "low") if rising else ("low", "high")
    return Exhaustion(found, *(_reached(found, side, bound, now, rising=rising) for side in (near, "likely", far)))


def watched(
    rows: Iterable[RangeRow], alert: AlertRule, forecast: Forecast, now: datetime, history: timedelta
) -> list[Watched]:
    """Every series of one alert, soonest used up first."""
    rising = forecast.above is not None
    bound = float((forecast.above if rising else forecast.below) or 0)
    found = [series(row, alert.ref, bound, now, history, rising=rising) for row in rows]
    found.sort(key=lambda one: (one.dates[1] is None, one.dates[1] or now, sorted(one.labels)))
    return found


def series(row: RangeRow, ref: str, bound: float, now: datetime, history: timedelta, *, rising: bool) -> Watched:
    """One series of the alert *ref*."""
    parts, part = averaged(row.points, now, history), part_of(history)
    labels = tuple((name, value) for name, value in row.labels if name != "__name__")
    found = exhaustion(parts, bound, now, history, rising=rising)
    if found is None:
        return Watched(ref, labels, bound, rising, tuple(parts), None)
    points = [point for point in row.points if isfinite(point[1]) and point[0] > (now - history).timestamp()]
    changes = change_points(parts, points, _period(part), MATERIAL * abs(bound - parts[-1][1]))
    grows = len(changes) >= GROWTH and all((each.after > each.before) == rising for each in changes)
    last, beyond = None if grows or not changes else changes[-1], None
    if last is not None:
        behind = [each for each in parts if each[0] - part.total_seconds() / 2 >= last.at.timestamp()]
        reach = now - last.at
        found = None if reach < needed(history) else exhaustion(behind, bound, now, reach, rising=rising)
        if found is None and (last.after >= bound if rising else last.after <= bound):
            beyond = now
    return Watched(ref, labels, bound, rising, tuple(parts), found, changes, last, beyond)


def _period(part: timedelta) -> int:
    """In how many parts a rhythm recurs: of days in a week of days, of hours in a day."""
    if part >= DAY:
        return WEEK // DAY
    return 0 if DAY % part else DAY // part


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
