"""When the resources of a service are used up, as a report tells and draws it: the trend, and how sure it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from math import ceil, floor, log10
from zoneinfo import ZoneInfo

from tocsin.evaluate.capacity import Exhaustion, Watched, needed
from tocsin.evaluate.words import number
from tocsin.monthly.charts import LEFT, RIGHT, WIDTH, Chart, Tick
from tocsin.units import Duration

MOST_CHARTS = 6
TOP, HEIGHT = 16, 150
_DAY = timedelta(days=1)
STROKES = 12
"""Of each side of a band, which is no straight line."""
_HALF = 20
"""Pixels of half a date."""
_INNER = WIDTH - LEFT - RIGHT
_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e4, "k"))


@dataclass(frozen=True, slots=True)
class Capacity:
    """What forecast alerts watch, by the trend of *history* up to *at*; *faults* are alerts of which nobody can tell.

    Resources are those of each alert, soonest used up first.
    """

    at: datetime
    history: Duration
    resources: tuple[Watched, ...] = ()
    faults: tuple[tuple[str, str], ...] = ()

    @property
    def drawn(self) -> tuple[Watched, ...]:
        """Those that have a trend, soonest used up first, no more than people look at."""
        known = [one for one in self.resources if one.found is not None]
        far = datetime.max.replace(tzinfo=self.at.tzinfo)
        known.sort(key=lambda one: one.found.likely or far if one.found else far)
        return tuple(known[:MOST_CHARTS])


def quantity(value: float) -> str:
    """Three digits, and a prefix where there would be many noughts.

    >>> quantity(0.7312), quantity(151.0), quantity(2147483648.0), quantity(-52_000)
    ('0.731', '151', '2.15G', '-52k')
    """
    size, prefix = next(((size, prefix) for size, prefix in _PREFIXES if abs(value) >= size), (1.0, ""))
    if prefix == "k":
        size = 1e3
    return f"{number(value / size)}{prefix}"


def unknown(one: Watched, history: Duration, zone: tzinfo) -> str:
    """Why a resource has no trend, in words."""
    if (change := one.last) is None:
        return f"fewer than half of {history} is there"
    after = f"{quantity(change.after)}, which is beyond the bound" if one.beyond else quantity(change.after)
    at = f"{change.at.astimezone(zone):%Y-%m-%d %H:%M %Z}"
    takes = Duration(needed(history.timedelta) // timedelta(milliseconds=1))
    return f"the level changed at {at} from {quantity(change.before)} to {after}; a trend takes {takes} from there"


def outlook(found: Exhaustion, at: datetime, zone: ZoneInfo) -> tuple[str, str]:
    """When the bound is likely to be reached, and how sure that is, in words."""
    if found.likely == at:
        return "now", ""
    first, likely, last = (
        None if each is None else f"{each.astimezone(zone):%Y-%m-%d}"
        for each in (found.earliest, found.likely, found.latest)
    )
    if first is None:
        return "not by this trend", ""
    if last is None:
        return likely or "not by this trend", f"{first} at the earliest, or never"
    return likely or "", f"{first} and {last}"


def chart(one: Watched, capacity: Capacity, zone: ZoneInfo) -> Chart:
    """The history, the trend on from now with its interval, and the bound."""
    if one.found is None:
        raise ValueError(f"{one.alert} has no trend")
    at, history, found = capacity.at, capacity.history.timedelta, one.found
    ahead = history / 2
    if found.likely is not None:
        ahead = min(max(ahead, (found.likely - at) * 1.25), 2 * history)
    begin = at - history
    values = [one.bound, found.level, *(value for _, value in one.parts)]
    low, high, step = _levels(min(values), max(values))

    def place(time: float, value: float) -> str:
        x = LEFT + (time - begin.timestamp()) / (history + ahead).total_seconds() * _INNER
        return f"{x:.1f} {_down(value, low, high):.1f}"

    def side(name: str, days: Sequence[float]) -> str:
        ends = [(at.timestamp() + day * _DAY.total_seconds(), getattr(found.line.at(day), name)) for day in days]
        return "L".join(place(*end) for end in ends)

    days = [ahead / _DAY * n / STROKES for n in range(STROKES + 1)]
    weeks = [at + timedelta(weeks=n) for n in range(-(history // timedelta(weeks=1)), ahead // timedelta(weeks=1) + 1)]
    ticks = [Tick(float(place(each.timestamp(), low).split()[0]), _date(each, at, zone)) for each in weeks]
    across = [tick for tick in ticks if LEFT <= tick.at <= WIDTH - RIGHT - _HALF]
    levels = [low + n * step for n in range(round((high - low) / step) + 1)]
    down = [Tick(_down(level, low, high), quantity(level)) for level in levels]
    return Chart(
        TOP + HEIGHT + 24,
        (),
        tuple(across),
        tuple(down),
        target=_down(one.bound, low, high),
        path="M" + "L".join(place(time, value) for time, value in one.parts),
        area=f"M{side('low', days)}L{side('high', days[::-1])}Z",
        even="M" + side("likely", (days[0], days[-1])),
    )


def _down(value: float, low: float, high: float) -> float:
    return TOP + (high - value) / (high - low) * HEIGHT


def _date(each: datetime, at: datetime, zone: ZoneInfo) -> str:
    local = each.astimezone(zone)
    return "now" if each == at else f"{local:%b} {local.day}"


def _levels(low: float, high: float) -> tuple[float, float, float]:
    """Round bounds around [low, high] and round steps between them, four or five.

    >>> _levels(41.0, 151.0), _levels(0.52, 1.0)
    ((0.0, 200.0, 50.0), (0.4, 1.0, 0.2))
    """
    wide = (high - low) or abs(high) or 1.0
    size = 10.0 ** floor(log10(wide / 4))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor * 4 >= wide)
    first, last = floor(low / step), ceil(high / step)
    return first * step, max(last, first + 1) * step, step


def named(one: Watched) -> str:
    """A resource as people tell it from others: its labels, or its alert where it has none."""
    return ", ".join(value for _, value in one.labels) or one.alert.partition("/")[2]
