"""Calendar periods in a time zone, as half-open stretches of UTC.

Bounds are computed as local midnights and then converted: a month with a clock change is an hour longer or shorter
than its days (743 h for March 2026 in Berlin), and aware subtraction inside one zone would not show it.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
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
    first = at.astimezone(zone).date().replace(day=1)
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    return midnight(first, zone), midnight(following, zone)


PERIODS: Mapping[str, Callable[[datetime, ZoneInfo], Bounds]] = {"month": month}
