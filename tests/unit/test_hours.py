"""When routes are quiet and maintenance runs: what clocks show, also on the two days on which they are changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.builders import SPAN

from tocsin.notify.hours import Rest, contains, running
from tocsin.spec import Hours, Maintenance, Once, Stretch, Weekly
from tocsin.spec.hours import Range
from tocsin.units import Duration

BERLIN = "Europe/Berlin"
SPRING, AUTUMN = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)
"""When clocks in Berlin go from 02:00 to 03:00, and from 03:00 to 02:00."""


def hours(*stretches: Stretch, name: str = "h") -> Hours:
    """A time interval."""
    return Hours(name, stretches, SPAN)


def daily(start: str, end: str, zone: str = BERLIN) -> Hours:
    """From one time to another, every day."""
    minutes: Range = (_minute(start), _minute(end))
    return hours(Stretch(times=(minutes,), location=zone))


def _minute(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


SATURDAY, SUNDAY = hours(Stretch(weekdays=((6, 6),))), hours(Stretch(weekdays=((0, 0),)))


def at(text: str, zone: str = "UTC") -> datetime:
    """An instant by a local time."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


@pytest.mark.parametrize(
    ("stretch", "inside", "outside"),
    [
        (Stretch(weekdays=((1, 5),)), ["2026-11-27T23:59"], ["2026-11-28T00:00", "2026-11-29T12:00"]),
        (Stretch(weekdays=((0, 0),)), ["2026-11-29T12:00"], ["2026-11-28T12:00"]),
        (Stretch(times=((540, 1020),)), ["2026-11-27T09:00", "2026-11-27T16:59"], ["2026-11-27T08:59"]),
        (Stretch(times=((0, 1440),)), ["2026-11-27T00:00", "2026-11-27T23:59"], []),
        (Stretch(days_of_month=((-1, -1),)), ["2026-02-28T12:00", "2028-02-29T00:00"], ["2028-02-28T23:59"]),
        (Stretch(days_of_month=((30, 31),)), ["2026-01-30T12:00", "2026-04-30T12:00"], ["2026-02-28T12:00"]),
        (Stretch(days_of_month=((-31, -30),)), ["2026-01-01T00:00", "2026-04-01T00:00"], ["2026-02-01T00:00"]),
        (Stretch(months=((12, 12),), years=((2026, 2027),)), ["2027-12-01T00:00"], ["2028-12-01T00:00"]),
        (Stretch(location="Asia/Tokyo", weekdays=((6, 6),)), ["2026-11-27T15:00"], ["2026-11-28T15:00"]),
    ],
)  # fmt: skip
def test_a_stretch_is_what_alertmanager_makes_of_it(stretch: Stretch, inside: list[str], outside: list[str]) -> None:
    """All that is given has to hold, on the clock of its zone; the table of Alertmanager's own tests."""
    assert [contains(hours(stretch), at(text)) for text in (*inside, *outside)] == [True] * len(inside) + [False] * len(
        outside
    )


@pytest.mark.parametrize(
    ("start", "end", "change", "length"),
    [
        ("02:00", "03:00", SPRING, 0),
        ("01:30", "02:30", SPRING, 30),
        ("02:30", "03:30", SPRING, 30),
        ("01:00", "04:00", SPRING, 120),
        ("02:00", "03:00", AUTUMN, 120),
        ("01:30", "02:30", AUTUMN, 30 + 30 + 30),
        ("02:30", "03:30", AUTUMN, 30 + 30 + 30),
        ("01:00", "04:00", AUTUMN, 240),
    ],
)
def test_an_interval_holds_while_clocks_show_it(start: str, end: str, change: datetime, length: int) -> None:
    """The hour that does not exist is never in it, the one that comes twice is in it twice."""
    day = [change + timedelta(minutes=n) for n in range(-300, 300)]

    assert sum(contains(daily(start, end), minute) for minute in day) == length


@pytest.mark.parametrize(
    ("rest", "now", "end"),
    [
        (Rest(mute=(daily("01:30", "02:30"),)), "2026-03-29T00:45", SPRING.isoformat()),
        (Rest(mute=(daily("01:30", "02:30"),)), "2026-10-25T00:15", "2026-10-25T00:30:00+00:00"),
        (Rest(mute=(daily("01:30", "02:30"),)), "2026-10-25T01:15", "2026-10-25T01:30:00+00:00"),
        (Rest(active=(daily("09:00", "17:00"),)), "2026-10-24T20:00", "2026-10-25T08:00:00+00:00"),
        (Rest(mute=(SATURDAY, SUNDAY)), "2026-11-28T12:00", "2026-11-30T00:00:00+00:00"),
        (Rest(mute=(hours(Stretch(months=((1, 12),))),)), "2026-11-28T12:00", None),
    ],
)  # fmt: skip
def test_it_is_known_when_a_route_tells_again(rest: Rest, now: str, end: str | None) -> None:
    """Intervals that follow each other are one, and a change of clocks may be the end; far away is not told."""
    found = rest.until(at(now))

    assert rest.why(at(now))
    assert (found.isoformat() if found else None) == end


ZONES = st.sampled_from([BERLIN, "America/St_Johns", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kathmandu"])
TIMES = st.tuples(st.integers(0, 1439), st.integers(1, 1440)).filter(lambda pair: pair[0] < pair[1])
CHANGES = st.sampled_from(
    [SPRING, AUTUMN, at("2026-04-05T02:00", "Australia/Lord_Howe"), at("2026-10-04T02:00", "Australia/Lord_Howe")]
)


@given(
    st.lists(
        st.builds(lambda zone, times: Stretch(times=(times,), location=zone), ZONES, TIMES), min_size=1, max_size=2
    ),
    CHANGES,
    st.integers(-1000, 1000),
    st.booleans(),
)
def test_the_end_is_the_first_minute_that_is_not_quiet(
    stretches: list[Stretch], change: datetime, minutes: int, muted: bool
) -> None:
    """As found by looking at each minute, around changes of clocks of an hour and of half an hour."""
    rest = Rest(mute=(hours(*stretches),)) if muted else Rest(active=(hours(*stretches),))
    now = change + timedelta(minutes=minutes)
    if not rest.why(now):
        return
    looked = (now + timedelta(minutes=n) for n in range(1, 3 * 24 * 60))
    first = next((minute for minute in looked if not rest.why(minute)), None)

    assert first is None or rest.until(now) == first


def window(when: Once | Weekly) -> Maintenance:
    """A maintenance window."""
    return Maintenance("m", (), when, "new disks", "ops", SPAN)


@pytest.mark.parametrize(
    ("clock", "day", "start"),
    [
        ("02:30", "2026-03-29", "2026-03-29T01:30:00+00:00"),
        ("02:30", "2026-10-25", "2026-10-25T00:30:00+00:00"),
        ("01:30", "2026-03-29", "2026-03-29T00:30:00+00:00"),
        ("23:30", "2026-10-24", "2026-10-24T21:30:00+00:00"),
    ],
)
def test_maintenance_begins_once_and_lasts_as_long_as_it_says(clock: str, day: str, start: str) -> None:
    """Of a time that comes twice the first is meant, one that is skipped is as long after the change."""
    weekday = datetime.fromisoformat(day).isoweekday() % 7
    weekly = window(Weekly((weekday,), _minute(clock), Duration.of(hours=2), BERLIN))
    begin = datetime.fromisoformat(start)
    end = begin + timedelta(hours=2)

    assert [running(weekly, begin + timedelta(minutes=n)) for n in (-1, 0, 119, 120)] == [None, end, end, None]
    assert sum(running(weekly, begin + timedelta(minutes=n)) is not None for n in range(-1440, 1440)) == 120


def test_windows_that_touch_are_one() -> None:
    """Two nights in a row end when the second one does."""
    weekly = window(Weekly((5, 6), 22 * 60, Duration.of(hours=24), "UTC"))

    assert running(weekly, at("2026-11-27T23:00")) == at("2026-11-29T22:00")


def test_a_single_window_is_half_open() -> None:
    """Its end is not part of it."""
    once = window(Once(at("2026-11-27T22:00"), at("2026-11-28T02:00")))
    found = [running(once, at(text)) for text in ("2026-11-27T21:59", "2026-11-27T22:00", "2026-11-28T02:00")]

    assert found == [None, at("2026-11-28T02:00"), None]
