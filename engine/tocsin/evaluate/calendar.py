"""Calendar periods in a time zone, as half-open stretches of UTC.

Period *n* reaches from `start + n units` to `start + (n + 1) units`, both computed on the local clock and then
converted: a month with a clock change is an hour longer or shorter than its days (743 h for March 2026 in Berlin), and
aware subtraction inside one zone would not show it. Periods follow each other without a gap or an overlap, and every
instant lies in one.

A local time that does not exist (clocks went forward over it) is as long after the change as it would have been
without one: in Berlin 02:30 on 2026-03-29 is 01:30 UTC, which the clock shows as 03:30. Of one that exists twice the
first is meant: 02:30 on 2026-10-25 is 00:30 UTC.
"""

from calendar import monthrange
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

Bounds = tuple[datetime, datetime]

DAYS = {"day": 1, "week": 7}
MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Periods of *count* *unit*s from *start*, a time on the local clock, on and before it.

    Months have no 31st: with *overflow* `normalise` the days too many are counted on (31 January and a month is
    3 March, as Go's `time.AddDate` and Nobl9 have it), with `clamp` the last day is meant (28 February).
    """

    start: datetime
    unit: str
    count: int = 1
    overflow: Literal["normalise", "clamp"] = "normalise"

    def __post_init__(self) -> None:
        if self.start.tzinfo is not None:
            raise ValueError("the start is a time on the local clock, and the zone is given when it is asked for")
        if self.unit not in DAYS | MONTHS or self.count < 1:
            raise ValueError(
                f"{self.count} {self.unit} is no period; it has at least one of {', '.join(DAYS | MONTHS)}"
            )

    def containing(self, at: datetime, zone: ZoneInfo) -> Bounds:
        """The period that *at* lies in.

        >>> quarters = Recurrence(datetime(2004, 1, 2, 12), "quarter")
        >>> at = datetime(2006, 1, 4, 15, 4, 5, tzinfo=UTC)
        >>> [f"{bound:%Y-%m-%dT%H:%MZ}" for bound in quarters.containing(at, ZoneInfo("America/New_York"))]
        ['2006-01-02T17:00Z', '2006-04-02T16:00Z']
        """
        number = self._near(at.replace(tzinfo=None))
        while at < self.bound(number, zone):
            number -= 1
        while at >= self.bound(number + 1, zone):
            number += 1
        return self.bound(number, zone), self.bound(number + 1, zone)

    def bound(self, number: int, zone: ZoneInfo) -> datetime:
        """The first instant of period *number*, in UTC; period 0 begins at the start."""
        return instant(self._local(number), zone)

    def _local(self, number: int) -> datetime:
        if self.unit in DAYS:
            return self.start + timedelta(days=number * self.count * DAYS[self.unit])
        month = self.start.month - 1 + number * self.count * MONTHS[self.unit]
        year, month = self.start.year + month // 12, month % 12 + 1
        last = monthrange(year, month)[1]
        excess = max(0, self.start.day - last)
        day = date(year, month, self.start.day - excess)
        return datetime.combine(day + timedelta(days=excess if self.overflow == "normalise" else 0), self.start.time())

    def _near(self, clock: datetime) -> int:
        """The number of the period on some clock: in the zone that is meant, it may be the one before or after it."""
        if self.unit in DAYS:
            return (clock - self.start) // timedelta(days=self.count * DAYS[self.unit])
        months = (clock.year - self.start.year) * 12 + clock.month - self.start.month
        return months // (self.count * MONTHS[self.unit])


def instant(local: datetime, zone: ZoneInfo) -> datetime:
    """A time on the local clock as one in UTC; see the module for those that are missing or there twice.

    >>> instant(datetime(2026, 3, 29, 2, 30), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-03-29T01:30:00+00:00'
    """
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a local day, in UTC; where midnight is skipped, the instant of the change.

    >>> midnight(date(2026, 3, 1), ZoneInfo("Europe/Berlin")).isoformat()
    '2026-02-28T23:00:00+00:00'
    """
    return instant(datetime.combine(day, time()), zone)


_NEW_YEAR = datetime(1970, 1, 1)  # noqa: DTZ001 - a time on every local clock
_MONDAY = datetime(1970, 1, 5)  # noqa: DTZ001 - the same


def day(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local day; 23 or 25 hours long where clocks change, in Lord Howe 23.5 or 24.5.

    >>> start, end = day(datetime(2026, 10, 4, 1, tzinfo=UTC), ZoneInfo("Australia/Lord_Howe"))
    >>> (end - start).total_seconds() / 3600
    23.5
    """
    return _DAYS.containing(at, zone)


def week(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local week, from Monday on."""
    return _WEEKS.containing(at, zone)


def month(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local calendar month that *at* lies in.

    >>> start, end = month(datetime(2026, 3, 15, tzinfo=UTC), ZoneInfo("Europe/Berlin"))
    >>> (end - start).total_seconds() / 3600
    743.0
    """
    return _MONTHS.containing(at, zone)


def quarter(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local quarter: January to March, and so on."""
    return _QUARTERS.containing(at, zone)


def year(at: datetime, zone: ZoneInfo) -> Bounds:
    """The local calendar year."""
    return _YEARS.containing(at, zone)


_DAYS = Recurrence(_NEW_YEAR, "day")
_WEEKS = Recurrence(_MONDAY, "week")
_MONTHS = Recurrence(_NEW_YEAR, "month")
_QUARTERS = Recurrence(_NEW_YEAR, "quarter")
_YEARS = Recurrence(_NEW_YEAR, "year")

PERIODS: Mapping[str, Callable[[datetime, ZoneInfo], Bounds]] = {
    "day": day,
    "week": week,
    "month": month,
    "quarter": quarter,
    "year": year,
}
