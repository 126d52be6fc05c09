"""Periods on local clocks (rows K1 to K5): clock changes, times that are missing or there twice, short months."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Literal
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tocsin.evaluate.calendar import PERIODS, Bounds, Recurrence, instant

ZONES = {
    name: ZoneInfo(name)
    for name in (
        "UTC",
        "Europe/Berlin",
        "America/New_York",
        "America/Anchorage",
        "Australia/Lord_Howe",
        "Asia/Ho_Chi_Minh",
    )
}
HOUR = timedelta(hours=1)


def local(text: str) -> datetime:
    """A time on the clock."""
    return datetime.fromisoformat(text)


def utc(text: str) -> datetime:
    """An instant."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def hours(bounds: Bounds) -> float:
    """Real hours, not those of the clock."""
    return (bounds[1] - bounds[0]) / HOUR


# --- the reference table -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("unit", "at", "zone", "expected"),
    [
        ("month", "2026-03-15", "Europe/Berlin", 743),
        ("month", "2026-10-15", "Europe/Berlin", 745),
        ("month", "2026-03-15", "America/New_York", 743),
        ("month", "2026-11-15", "America/New_York", 721),
        ("month", "2026-04-15", "Australia/Lord_Howe", 720.5),
        ("month", "2026-10-15", "Australia/Lord_Howe", 743.5),
        ("month", "2026-03-15", "Asia/Ho_Chi_Minh", 744),
        ("month", "2027-02-15", "UTC", 672),
        ("month", "2028-02-15", "UTC", 696),
        ("quarter", "2026-02-15", "America/New_York", 2159),
        ("quarter", "2026-11-15", "Europe/Berlin", 2209),
        ("year", "2026-07-01", "Europe/Berlin", 8760),
        ("week", "2026-10-25T12:00", "Europe/Berlin", 169),
        ("week", "2026-03-08T12:00", "America/New_York", 167),
        ("day", "2026-03-29T12:00", "Europe/Berlin", 23),
        ("day", "2026-10-25T12:00", "Europe/Berlin", 25),
        ("day", "2026-03-08T12:00", "America/New_York", 23),
        ("day", "2026-11-01T12:00", "America/New_York", 25),
        ("day", "2026-10-03T20:00", "Australia/Lord_Howe", 23.5),
        ("day", "2026-04-04T20:00", "Australia/Lord_Howe", 24.5),
        ("day", "2026-03-29T12:00", "Asia/Ho_Chi_Minh", 24),
    ],
)
def test_real_length(unit: str, at: str, zone: str, expected: float) -> None:
    """K1, K5: both clock changes of a year, in zones that change by an hour, by half of one, and not at all."""
    assert expected == hours(PERIODS[unit](utc(at), ZONES[zone]))


def test_the_short_day_in_slices() -> None:
    """K5: 282 slices of five minutes, and 294 on the long day."""
    days = [PERIODS["day"](utc(at), ZONES["Australia/Lord_Howe"]) for at in ("2026-10-03T20:00", "2026-04-04T20:00")]

    assert [(end - start) // timedelta(minutes=5) for start, end in days] == [282, 294]


def test_quarters_from_a_noon_in_new_york() -> None:
    """K2: the second of January at noon, local; the end is an hour earlier in UTC."""
    bounds = Recurrence(local("2004-01-02T12:00"), "quarter").containing(
        utc("2006-01-04T15:04:05"), ZONES["America/New_York"]
    )

    assert bounds == (utc("2006-01-02T17:00"), utc("2006-04-02T16:00"))
    assert hours(bounds) == 2159


def test_three_days_before_their_start() -> None:
    """K3: periods reach back before the start, too."""
    periods = Recurrence(local("2022-01-03T22:00"), "day", 3)

    bounds = periods.containing(utc("2021-12-23T01:00"), ZONES["America/Anchorage"])
    assert bounds == (utc("2021-12-20T07:00"), utc("2021-12-23T07:00"))


@pytest.mark.parametrize(
    ("overflow", "start", "end"),
    [("normalise", "2025-01-31", "2025-03-03"), ("clamp", "2025-02-28", "2025-03-31")],
)
def test_months_without_a_31st(overflow: Literal["normalise", "clamp"], start: str, end: str) -> None:
    """K4: a month from 31 January on, asked for on 1 March."""
    months = Recurrence(local("2025-01-31"), "month", overflow=overflow)

    assert months.containing(utc("2025-03-01"), ZONES["UTC"]) == (utc(start), utc(end))


def test_years_from_a_leap_day() -> None:
    """29 February comes every four years; until then 1 March or 28 February stand for it."""
    starts = {
        overflow: [Recurrence(local("2024-02-29"), "year", overflow=overflow).bound(n, ZONES["UTC"]) for n in (0, 1, 4)]
        for overflow in ("normalise", "clamp")
    }

    assert starts["normalise"] == [utc("2024-02-29"), utc("2025-03-01"), utc("2028-02-29")]
    assert starts["clamp"] == [utc("2024-02-29"), utc("2025-02-28"), utc("2028-02-29")]


# --- times that are missing or there twice ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("clock", "zone", "expected"),
    [
        ("2026-03-29T02:30", "Europe/Berlin", "2026-03-29T01:30"),
        ("2026-03-08T02:30", "America/New_York", "2026-03-08T07:30"),
        ("2026-10-04T02:15", "Australia/Lord_Howe", "2026-10-03T15:45"),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30"),
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30"),
        ("2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45"),
        ("2026-03-29T02:30", "Asia/Ho_Chi_Minh", "2026-03-28T19:30"),
    ],
)
def test_clock_times(clock: str, zone: str, expected: str) -> None:
    """A missing time is counted on from before the change; of two the first is meant, whatever `fold` says."""
    assert instant(local(clock), ZONES[zone]) == utc(expected)
    assert instant(local(clock).replace(fold=1), ZONES[zone]) == utc(expected)


@pytest.mark.parametrize(
    ("clock", "zone", "days", "expected"),
    [
        ("02:30", "Europe/Berlin", "2026-03-27", [24, 24, 23, 24]),
        ("02:30", "Europe/Berlin", "2026-10-23", [24, 24, 25, 24]),
        ("02:30", "America/New_York", "2026-03-06", [24, 24, 23, 24]),
        ("01:30", "America/New_York", "2026-10-30", [24, 24, 25, 24]),
        ("02:15", "Australia/Lord_Howe", "2026-10-02", [24, 24, 23.5, 24]),
        ("01:45", "Australia/Lord_Howe", "2026-04-03", [24, 24, 24.5, 24]),
        ("02:30", "UTC", "2026-03-27", [24, 24, 24, 24]),
    ],
)
def test_days_that_begin_at_such_times(clock: str, zone: str, days: str, expected: list[float]) -> None:
    """The period with the change is the one after the boundary that it hides or doubles."""
    periods = Recurrence(local(f"{days}T{clock}"), "day")
    bounds = [periods.bound(number, ZONES[zone]) for number in range(5)]

    assert expected == [hours((start, end)) for start, end in pairwise(bounds)]


def test_a_midnight_that_is_skipped() -> None:
    """In Havana clocks go from midnight to one: the day begins with the change, and is an hour short."""
    bounds = PERIODS["day"](utc("2026-03-08T12:00"), ZoneInfo("America/Havana"))

    assert bounds == (utc("2026-03-08T05:00"), utc("2026-03-09T04:00"))


def test_an_evening_that_comes_back_after_midnight() -> None:
    """In St. John's clocks went back from 00:01 to 23:01 the day before: that hour is in the day that had begun."""
    again = utc("2010-11-07T03:00")  # 23:30 on the sixth, for the second time
    start, end = PERIODS["day"](again, ZoneInfo("America/St_Johns"))

    assert (start, end) == (utc("2010-11-07T02:30"), utc("2010-11-08T03:30"))


def test_a_day_that_never_was() -> None:
    """Samoa went over the date line and had no 30 December 2011: the 29th is followed by the 31st."""
    zone = ZoneInfo("Pacific/Apia")
    start, end = PERIODS["day"](utc("2011-12-29T20:00"), zone)

    assert (end - start, f"{end.astimezone(zone):%d}") == (24 * HOUR, "31")
    assert PERIODS["day"](end, zone) == (end, end + 24 * HOUR)


# --- properties ---------------------------------------------------------------------------------------------------

recurrences = st.builds(
    Recurrence,
    st.datetimes(local("1990-01-01"), local("2040-01-01")),
    st.sampled_from(sorted(PERIODS)),
    st.integers(1, 40),
    st.sampled_from(["normalise", "clamp"]),
)
instants = st.datetimes(local("1971-01-01"), local("2060-01-01"), timezones=st.just(UTC))
zones = st.sampled_from(sorted(available_timezones() - {"Factory", "localtime"})).map(ZoneInfo)


def assert_tiled(bounds: Bounds, at: datetime, neighbour: Recurrence, zone: ZoneInfo) -> None:
    """*at* is inside, and both neighbours touch."""
    start, end = bounds
    assert start <= at < end
    assert neighbour.containing(end, zone)[0] == end
    assert neighbour.containing(start - timedelta.resolution, zone)[1] == start
    assert neighbour.containing(end - timedelta.resolution, zone) == bounds


@given(recurrences, instants, zones)
@example(Recurrence(local("2000-01-01"), "day"), utc("2010-11-07T03:00"), ZoneInfo("America/St_Johns"))
@example(Recurrence(local("2000-01-01"), "day"), utc("2011-12-30T10:00"), ZoneInfo("Pacific/Apia"))
@example(Recurrence(local("2025-01-31"), "month"), utc("2025-03-02T23:00"), ZoneInfo("UTC"))
def test_periods_tile_time(periods: Recurrence, at: datetime, zone: ZoneInfo) -> None:
    """Every instant is in one period, in every zone: no gap, no overlap."""
    assert_tiled(periods.containing(at, zone), at, periods, zone)


@given(recurrences, st.integers(-50, 50), zones)
def test_bounds_ascend(periods: Recurrence, number: int, zone: ZoneInfo) -> None:
    """No period ends before it starts, however clocks change."""
    assert periods.bound(number, zone) <= periods.bound(number + 1, zone)


@given(st.sampled_from(sorted(PERIODS)), instants, st.sampled_from(sorted(ZONES)))
def test_calendar_units_begin_at_midnight(unit: str, at: datetime, zone: str) -> None:
    """In these zones no midnight is skipped, so every period begins and ends with one."""
    start, end = PERIODS[unit](at, ZONES[zone])

    assert start <= at < end
    for bound in (start.astimezone(ZONES[zone]), end.astimezone(ZONES[zone])):
        assert f"{bound:%H:%M:%S}" == "00:00:00"
        assert {"week": bound.weekday() == 0, "day": True}.get(unit, bound.day == 1)
        assert {"quarter": bound.month in {1, 4, 7, 10}, "year": bound.month == 1}.get(unit, True)


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_is_made_of_its_days(zone: str) -> None:
    """Two years of days, weeks and months in a row are as long as the years, with all changes of clocks."""
    for unit in ("day", "month", "quarter", "year"):
        at, total = instant(local("2026-01-01"), ZONES[zone]), timedelta()
        while at < instant(local("2028-01-01"), ZONES[zone]):
            start, end = PERIODS[unit](at, ZONES[zone])
            assert start == at
            at, total = end, total + (end - start)

        assert total == timedelta(days=730)


@pytest.mark.parametrize(
    ("start", "unit", "count"),
    [("2026-01-01T00:00+00:00", "day", 1), ("2026-01-01", "hour", 1), ("2026-01-01", "day", 0)],
)
def test_no_period(start: str, unit: str, count: int) -> None:
    """A start with a zone of its own, a unit that is not of the calendar, and a period of nothing are mistakes."""
    with pytest.raises(ValueError, match=r"local clock|no period"):
        Recurrence(local(start), unit, count)
