"""The three charts of a report as shapes in user units; the template draws them.

Uptime hangs from 100 %: how far a bar reaches down is what the day lost, so bars can be compared although the axis
does not begin at nought. The calendar has a row for each day, and the hours of the day across. The budget is a line
that only rises, against the straight line of even spending.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor, log10
from zoneinfo import ZoneInfo

from tocsin.evaluate.calendar import midnight
from tocsin.monthly.model import Month, Outage
from tocsin.monthly.words import length, share

_DAY = timedelta(days=1)
_USUAL = 24.0
_DEEP, _SOME = Fraction(1, 10), Fraction(1, 100)
WIDTH = 720
LEFT, RIGHT = 64, 12
INNER = WIDTH - LEFT - RIGHT
BARS_TOP, BARS_HEIGHT = 16, 150
ROW, CALENDAR_TOP = 13, 22
BUDGET_TOP, BUDGET_HEIGHT = 16, 170
LEAST_WIDTH = 1.6
"""Of an outage of a minute, which would be half a pixel."""
MOST_POINTS = 600


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of time."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with what a pointer on it says; *tone* is a class of the style sheet."""

    x: float
    y: float
    width: float
    height: float
    tone: str
    title: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line across or down with its words."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Boxes, ticks of both axes, lines as paths, and the height of it all."""

    height: float
    boxes: tuple[Box, ...]
    across: tuple[Tick, ...]
    down: tuple[Tick, ...]
    target: float | None = None
    path: str = ""
    area: str = ""
    even: str = ""


def uptime_by_day(month: Month) -> Chart:
    """A bar for each day of the month, from 100 % down to its uptime."""
    known = {day.date: day.tally.uptime() if day.seen else None for day in month.days}
    return hanging([(each, known.get(each)) for each in _dates(month)], month.sla.target)


def hanging(days: Sequence[tuple[date, Fraction | None]], target: Decimal) -> Chart:
    """Bars from 100 % down to what each of *days* had; None where that is not known."""
    promised = 1 - Fraction(target)
    worst = max([promised * 2, *(1 - uptime for _, uptime in days if uptime is not None)])
    top = min(Fraction(1), _above(worst))
    wide = INNER / len(days)
    boxes = []
    for place, (each, uptime) in enumerate(days):
        x = LEFT + place * wide
        if uptime is None:
            boxes.append(Box(x + 1, BARS_TOP, wide - 2, BARS_HEIGHT, "unknown", f"{each}: not measured"))
            continue
        height = max(1.5, float((1 - uptime) / top) * BARS_HEIGHT)
        tone = "bad" if 1 - uptime > promised else "good"
        boxes.append(Box(x + 1, BARS_TOP, wide - 2, height, tone, f"{each}: {share(uptime)}"))
    levels = [Tick(BARS_TOP + BARS_HEIGHT * step / 4, share(1 - top * step / 4)) for step in range(5)]
    return Chart(
        BARS_TOP + BARS_HEIGHT + 24,
        tuple(boxes),
        tuple(_numbers([each for each, _ in days])),
        tuple(levels),
        target=BARS_TOP + float(promised / top) * BARS_HEIGHT,
    )


def calendar(month: Month) -> Chart:
    """When it was bad, and what was excluded: a row for each day."""
    zone = ZoneInfo(month.sla.timezone)
    days = _dates(month)
    rows = {each: place for place, each in enumerate(days)}
    lengths = {each: (midnight(each + _DAY, zone) - midnight(each, zone)).total_seconds() / 3600 for each in days}
    hours = max(24.0, *lengths.values())
    boxes = [
        Box(LEFT, CALENDAR_TOP + row * ROW + 1, INNER * lengths[each] / hours, ROW - 2, "rail", _rail(each, lengths))
        for each, row in rows.items()
    ]
    marks = [
        *((one.start, one.end, "unknown", "not measured") for one in _unmeasured(month)),
        *((start, end, "unknown", "nobody saw it") for start, end in month.unseen),
        *((o.start, o.end, _tone(month, o), f"bad for {length(o.milliseconds)}") for o in month.outages),
        *((t.exclusion.start, t.exclusion.end, "excluded", f"excluded: {t.exclusion.reason}") for t in month.taken),
    ]
    for start, end, tone, words in marks:
        for piece in _by_day(max(start, month.start), min(end, month.end), zone):
            begins = piece.start.astimezone(zone)
            x = LEFT + _seconds_into(piece.start, zone) / 3600 / hours * INNER
            wide = max(LEAST_WIDTH, (piece.end - piece.start).total_seconds() / 3600 / hours * INNER)
            y = CALENDAR_TOP + rows[begins.date()] * ROW + 1
            boxes.append(Box(min(x, LEFT + INNER - wide), y, wide, ROW - 2, tone, f"{begins:%Y-%m-%d %H:%M}, {words}"))
    return Chart(
        CALENDAR_TOP + ROW * len(days) + 6,
        tuple(boxes),
        tuple(Tick(LEFT + hour / hours * INNER, f"{hour:02d}:00") for hour in range(0, 25, 6)),
        tuple(Tick(CALENDAR_TOP + (row + 0.5) * ROW, f"{each:%a} {each.day}") for each, row in rows.items()),
    )


def _rail(day: date, lengths: Mapping[date, float]) -> str:
    """The day, with its hours where they are not 24."""
    return f"{day}" if lengths[day] == _USUAL else f"{day}, a day of {lengths[day]:g} hours"


def odd_days(month: Month) -> str:
    """Days on which clocks change, in words; empty where there is none."""
    zone = ZoneInfo(month.sla.timezone)
    lengths = ((each, midnight(each + _DAY, zone) - midnight(each, zone)) for each in _dates(month))
    return ", ".join(
        f"{each:%a} {each.day} has {span.total_seconds() / 3600:g} hours" for each, span in lengths if span != _DAY
    )


def budget(month: Month) -> Chart:
    """How much of the allowed downtime was used by when."""
    spent = [(at, used / month.allowed if month.allowed else Fraction(0)) for at, used in month.curve]
    return rising(spent, month.start, month.end, _dates(month))


def rising(spent: Sequence[tuple[datetime, Fraction]], start: datetime, end: datetime, days: Sequence[date]) -> Chart:
    """Which part of a budget was *spent* by when, over [start, end), beside even spending."""
    whole = (end - start).total_seconds()
    most = max([Fraction(1), *(share_ for _, share_ in spent)])
    top, steps = (Fraction(ceil(most * 4), 4), ceil(most * 4)) if most <= 2 else (_above(most), 4)

    def place(at: datetime, used: Fraction) -> str:
        x = LEFT + (at - start).total_seconds() / whole * INNER
        return f"{x:.1f} {BUDGET_TOP + (1 - float(used / top)) * BUDGET_HEIGHT:.1f}"

    thin = spent[:: max(1, len(spent) // MOST_POINTS)]
    points = [place(at, used) for at, used in [*thin, *spent[-1:]]]
    bottom = BUDGET_TOP + BUDGET_HEIGHT
    path = "M" + "L".join(points)
    first, last = points[0].split()[0], points[-1].split()[0]
    return Chart(
        bottom + 24,
        (),
        tuple(_numbers(days)),
        tuple(Tick(bottom - BUDGET_HEIGHT * n / steps, share(top * n / steps, 1)) for n in range(steps + 1)),
        target=BUDGET_TOP + (1 - float(1 / top)) * BUDGET_HEIGHT,
        path=path,
        area=f"{path}L{last} {bottom}L{first} {bottom}Z",
        even=f"M{place(start, Fraction(0))}L{place(end, Fraction(1))}",
    )


def _numbers(days: Sequence[date]) -> Iterator[Tick]:
    """The numbers of days below the middle of each; every second one has room."""
    wide = INNER / len(days)
    return (Tick(LEFT + (n + 0.5) * wide, str(each.day)) for n, each in enumerate(days) if each.day % 2 == 1)


def _above(value: Fraction) -> Fraction:
    """The next of 1, 2, 4 and 8 times a power of ten: four steps of it are short numbers."""
    if value <= 0:
        return Fraction(1)
    size = Fraction(10) ** floor(log10(value))
    return next(size * factor for factor in (1, 2, 4, 8, 10, 20) if size * factor >= value)


def _tone(month: Month, outage: Outage) -> str:
    """What does not count is pale, and what is excluded of it is hatched.

    Where parts of intervals are bad, red is as deep as a tenth of the events, a hundredth, or less of them.
    """
    if month.sla.measure.by_minute:
        return "bad" if outage.counted else "pale"
    counts = outage.milliseconds - outage.excluded
    lost = outage.counted / counts if counts else Fraction(1)
    return "bad" if lost >= _DEEP else "part" if lost >= _SOME else "little"


def _dates(month: Month) -> list[date]:
    return dates(month.start, month.end, ZoneInfo(month.sla.timezone))


def dates(start: datetime, end: datetime, zone: ZoneInfo) -> list[date]:
    """The local days of [start, end), which are whole ones."""
    first, after = start.astimezone(zone).date(), end.astimezone(zone).date()
    return [first + _DAY * n for n in range((after - first).days)]


def _seconds_into(at: datetime, zone: ZoneInfo) -> float:
    """Seconds since the local midnight before *at*, as they passed."""
    return (at - midnight(at.astimezone(zone).date(), zone)).total_seconds()


def _by_day(start: datetime, end: datetime, zone: ZoneInfo) -> Iterator[Stretch]:
    """Cut at local midnights."""
    while start < end:
        following = midnight(start.astimezone(zone).date() + _DAY, zone)
        yield Stretch(start, min(end, following))
        start = following


def _unmeasured(month: Month) -> Iterator[Stretch]:
    """What is still to come."""
    if month.measured_to < month.end:
        yield Stretch(month.measured_to, month.end)
