"""When the level of a resource changed for good, and what is none of that."""

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests import builders

from tocsin.evaluate.capacity import Watched, series
from tocsin.monthly.capacity import Capacity, unknown
from tocsin.monthly.html import service_as_html
from tocsin.monthly.objectives import Bounds, ServiceMonth
from tocsin.monthly.texts import capacity_as_csv, service_as_json
from tocsin.ports import RangeRow
from tocsin.units import Duration

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MONTH = Duration.of(days=28)
COUNT = 240
"""Points that the API asks for."""
Values = np.ndarray[tuple[int], np.dtype[np.float64]]
Ago = Callable[[Values], Values]


def looked(value: Ago, *, bound: float = 0.0, rising: bool = False, history: Duration = MONTH) -> Watched:
    """What had *value* so many days ago; NaN is no sample."""
    ago = np.arange(COUNT)[::-1] * (history.timedelta / DAY) / COUNT
    times = NOW.timestamp() - ago * DAY.total_seconds()
    points = tuple((float(time), float(v)) for time, v in zip(times, value(ago), strict=True) if math.isfinite(v))
    row = RangeRow((("disk", "/e"),), points)
    return series(row, "node/DiskFull", bound, NOW, history.timedelta, rising=rising)


def days(at: datetime | None) -> float | None:
    """From now until then."""
    return None if at is None else (at - NOW) / DAY


class TestWhatFollows:
    """A disk that fills by 2 a day, with a bound of 20."""

    def test_extended_a_while_ago(self) -> None:
        """The trend is that since then: 60 more are 30 days more, and not what a line through both says."""
        one = looked(lambda ago: 24 + 2 * ago + np.where(ago < 10, 60, 0), bound=20)

        assert one.found is not None
        assert one.last is not None
        assert [days(at) for at in (one.found.earliest, one.found.likely, one.found.latest)] == pytest.approx(
            [32] * 3, abs=0.5
        )
        assert days(one.last.at) == pytest.approx(-10, abs=0.12)
        assert (one.last.before, one.last.after) == pytest.approx((44.4, 103.8), abs=0.3)

    def test_extended_just_now(self) -> None:
        """78 are left, two days ago it was 26: no date, and in words why."""
        one = looked(lambda ago: 18 + 2 * ago + np.where(ago < 2, 60, 0), bound=20)

        assert one.found is None
        assert unknown(one, MONTH, UTC) == (
            "the level changed at 2026-11-18 12:24 UTC from 22.4 to 81.7; a trend takes 7d from there"
        )

    @pytest.mark.parametrize("hours", [1, 5, 10, 20, 30])
    def test_extended_some_hours_ago(self, hours: int) -> None:
        """The mean of the day is still of both sizes."""
        one = looked(
            lambda ago: 18 + 2 * ago + noise(0.3) + np.sin(2 * math.pi * ago) + np.where(ago < hours / 24, 60, 0),
            bound=20,
        )

        assert (one.found, one.dates) == (None, (None, None, None))
        assert days(one.last.at if one.last else None) == pytest.approx(-hours / 24, abs=0.12)

    def test_beyond_the_bound(self) -> None:
        """It says that, too: there is nothing to wait for."""
        one = looked(lambda ago: 50 + 2 * ago - np.where(ago < 2, 45, 0), bound=20)

        assert "to 8.73, which is beyond the bound; a trend takes 7d" in unknown(one, MONTH, UTC)
        assert (one.found, one.dates) == (None, (NOW, NOW, NOW))

    def test_another_slope_behind_it(self) -> None:
        """A deployment that needs more, and more each day."""
        one = looked(lambda ago: np.where(ago < 14, 80 - 3 * ago, 10 - 0.1 * ago), bound=110, rising=True)

        assert one.found is not None
        assert one.found.per_day.likely == pytest.approx(3, abs=0.05)
        assert days(one.found.likely) == pytest.approx(10, abs=0.2)

    def test_the_last_one_counts(self) -> None:
        """Of two, oldest first."""
        one = looked(lambda ago: 50 + ago + np.where(ago < 20, 60, 0) - np.where(ago < 9, 30, 0))

        assert [round(days(each.at) or 0) for each in one.changes] == [-20, -9]
        assert one.last == one.changes[-1]
        assert one.found is not None
        assert days(one.found.likely) == pytest.approx(80, abs=1)

    def test_many_towards_the_bound_are_how_it_grows(self) -> None:
        """A release a week that leaves 10 more: its trend is not the calm since the last one."""
        one = looked(lambda ago: 100 + 10 * np.floor((28 - ago) / 9), bound=200, rising=True)

        assert len(one.changes) == 3
        assert one.last is None
        assert one.found is not None
        assert 0.7 < one.found.per_day.likely < 1.5

    def test_a_short_history(self) -> None:
        """A disk that was cleaned ten hours ago, by the history of two days."""
        one = looked(
            lambda ago: np.where(ago < 10 / 24, 26.7 + 8 * ago, 2.7 + 8 * ago),
            bound=10.7,
            history=Duration.of(days=2),
        )

        assert one.found is None
        assert unknown(one, Duration.of(days=2), UTC) == (
            "the level changed at 2026-11-20 02:12 UTC from 6.1 to 29.9; a trend takes 12h from there"
        )


CHANCE = np.random.default_rng()
RUNS = 50


@pytest.fixture(autouse=True)
def _seeded() -> None:
    """Each test sees the same histories, whatever ran before."""
    CHANCE.bit_generator.state = np.random.default_rng(11).bit_generator.state


def noise(size: float) -> Values:
    """Independent from point to point."""
    return CHANCE.normal(0, size, COUNT)


def each_day(size: float) -> Ago:
    """Independent from day to day."""
    levels = CHANCE.normal(0, size, 29)
    return lambda ago: levels[np.floor(ago).astype(int)]


def spiked(ago: Values) -> Values:
    """Samples, a day and a day and a half that are far off."""
    values = 2 * ago + noise(3)
    values[CHANCE.integers(0, COUNT - 20, 3)] += 200
    start = CHANCE.uniform(4, 20)
    return values + np.where((ago > start) & (ago < start + CHANCE.choice([1, 1.5])), 100, 0)


def unseen(ago: Values) -> Values:
    """Five days without samples."""
    start = CHANCE.uniform(2, 20)
    return np.where((ago > start) & (ago < start + 5), np.nan, 2 * ago + noise(3))


NONE: dict[str, tuple[Ago, int]] = {
    "noise": (lambda ago: 2 * ago + noise(3), 1),
    "noise of days": (lambda ago: 2 * ago + each_day(3)(ago), 1),
    "heavy tails": (lambda ago: 2 * ago + 3 * CHANCE.standard_t(3, COUNT), 1),
    "a random walk": (lambda ago: np.cumsum(CHANCE.normal(0.2, 1, COUNT)), 1),
    "a curve of the day": (lambda ago: 2 * ago + 20 * np.sin(2 * math.pi * ago) + noise(1), 1),
    "a job of the night": (lambda ago: 2 * ago + 30 * ((ago + CHANCE.random()) % 1 < 0.3) + noise(1), 1),
    "weekends": (lambda ago: 2 * ago + 40 * ((ago + 7 * CHANCE.random()) % 7 < 2) + noise(3), 1),
    "spikes": (spiked, 1),
    "a gap": (unseen, 1),
    "a counter that saturates": (lambda ago: 5 * np.minimum(-ago, -CHANCE.uniform(2, 26)) + noise(1), 1),
    "saturated exactly": (lambda ago: 5 * np.minimum(-ago, -CHANCE.uniform(2, 26)), 1),
    "growth that begins": (lambda ago: 5 * np.maximum(-ago, -CHANCE.uniform(2, 26)), 1),
    "a flat line": (lambda ago: 50 + 0 * ago, 0),
    "a straight line": (lambda ago: 2 * ago, 0),
    "whole numbers": (lambda ago: np.round(50 + 0.3 * ago + noise(0.05)), 1),
    "few events": (lambda ago: CHANCE.poisson(0.05, COUNT).astype(float), 1),
    "a file of a day": (lambda ago: 2 * ago + 24 * (ago % 3 > 1.5), 1),
}


class TestWhatIsNone:
    """Made-up histories without a change of the level."""

    @pytest.mark.parametrize("kind", NONE)
    def test_hardly_ever_told(self, kind: str) -> None:
        """Each kind says in how many of fifty histories one may be seen."""
        value, most = NONE[kind]

        assert sum(bool(looked(value, bound=-1e3).changes) for _ in range(RUNS)) <= most

    def test_too_little_to_matter(self) -> None:
        """A file of 4 kB on a flat line moves no date by a day, though nothing else ever changed."""
        one = looked(lambda ago: 50e9 - np.where(ago < 9, 4096, 0.0), bound=10e9)

        assert one.changes == ()
        assert one.found is not None

    def test_too_few_points(self) -> None:
        """A young series has no history to tell a change from."""
        one = looked(lambda ago: np.where(ago < 4, np.where(ago < 2, 100, 0), np.nan))

        assert (one.changes, one.found) == ((), None)
        assert unknown(one, MONTH, UTC) == "fewer than half of 28d is there"


@pytest.mark.parametrize("base", ["noise", "noise of days", "a random walk", "a curve of the day", "weekends", "a gap"])
def test_large_changes_are_found(base: str) -> None:
    """Nineteen in twenty, from a day ago on, and where they are, or at the end of the gap in which they were."""
    value, _ = NONE[base]
    found = 0
    for _ in range(RUNS):
        when = CHANCE.uniform(1, 20)
        one = looked(lambda ago, when=when: value(ago) + np.where(ago < when, 120, 0), bound=-1e3)  # type: ignore[misc]
        found += any(abs((days(each.at) or 0) + when) < (5.2 if base == "a gap" else 1.5) for each in one.changes)

    assert found >= 0.95 * RUNS


def test_the_report_tells_it() -> None:
    """In the table, in a table of changes, in JSON and in CSV."""
    since = looked(lambda ago: 24 + 2 * ago + np.where(ago < 10, 60, 0), bound=20)
    late = looked(lambda ago: 18 + 2 * ago + np.where(ago < 2, 60, 0), bound=20)
    zone = ZoneInfo("Asia/Ho_Chi_Minh")
    capacity = Capacity(NOW, MONTH, (since, late))
    month = ServiceMonth(builders.service(), Bounds(NOW - 20 * DAY, NOW + 10 * DAY, NOW, zone), (), capacity)
    page, told = service_as_html(month), json.loads(service_as_json(month))["capacity"]["resources"]

    assert "by the trend since 2026-11-10 21:00</td>" in page
    assert "not known: the level changed at 2026-11-18 19:24 +07 from 22.4 to 81.7; a trend takes 7d from there" in page
    assert '<td class="when">2026-11-18 19:24</td><td class="num">22.4</td><td class="num">81.7</td>' in page
    assert [(each["since"], len(each["changes"]), bool(each["reason"])) for each in told] == [
        ("2026-11-10T14:00:00Z", 1, False),
        ("2026-11-18T12:24:00Z", 1, True),
    ]
    assert (
        capacity_as_csv(capacity).splitlines()[2].startswith("node/DiskFull,disk=/e,20,,,,,,,,2026-11-18T12:24:00Z,22.")
    )
