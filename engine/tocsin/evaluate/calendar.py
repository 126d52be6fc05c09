"""Calendar periods in a time zone, as half-open stretches of UTC.

Bounds are computed as local midnights and then converted: a month with a clock change is an hour longer or shorter
than its days (743 h for March 2026 in Berlin), and aware subtraction inside one zone would not show it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

Bounds = tuple[datetime, datetime]


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC; where midnight is skipped, the instant of the change.

    >>> midnight(date(2026, 3, 1), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-02-28T23:00:00+00:00'
    """
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def month(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local calendar month that *at* lies in.

    >>> start, end = month(datetime(2026, 3, 15, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    >>> (end - start).total_seconds() / 3600
    743.0
    """
    return _months(at, zone, 1)


def quarter(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local quarter: January to March, and so on."""
    return _months(at, zone, 3)


def year(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local calendar year."""
    return _months(at, zone, 12)


def day(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local day; 23 or 25 hours long where clocks change, in Lord Howe 23.5 or 24.5.

    >>> start, end = day(datetime(2026, 10, 4, 1, tzinfo=UTC), ZoneInfo("Australia/Lord_Howe"))
    >>> (end - start).total_seconds() / 3600
    23.5
    """
    today = at.astimezone(zone).date()
    return midnight(today, zone), midnight(today + timedelta(days=1), zone)


def week(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local week, from Monday on."""
    today = at.astimezone(zone).date()
    monday = today - timedelta(days=today.weekday())
    return midnight(monday, zone), midnight(monday + timedelta(days=7), zone)


def _months(at: datetime, zone: ZoneInfo, count: int) -> Bounds:
    """The stretch of *count* months, counted from January, that *at* lies in."""
    today = at.astimezone(zone).date()
    first = date(today.year, (today.month - 1) // count * count + 1, 1)
    following = date(first.year + (first.month + count > 12), (first.month + count - 1) % 12 + 1, 1)
    return midnight(first, zone), midnight(following, zone)


PERIODS: Mapping[str, Callable[[datetime, ZoneInfo], Bounds]] = {
    "day": day,
    "week": week,
    "month": month,
    "quarter": quarter,
    "year": year,
}
