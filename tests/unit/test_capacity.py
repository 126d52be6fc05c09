"""When a resource is used up, with its uncertainty."""

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests import builders, snapshots
from tests.sites import Site, standing

from tocsin.evaluate.capacity import Exhaustion, exhaustion
from tocsin.spec import Forecast
from tocsin.spec.service import PromQl
from tocsin.units import Duration

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HISTORY = 28 * DAY


def disk(free: Callable[[float], float], days: float = 28, bound: float = 0) -> Exhaustion | None:
    """The forecast for a value that is *free* so many days ago, looked at each hour."""
    points = [((NOW - timedelta(hours=h)).timestamp(), free(h / 24)) for h in range(int(24 * days))]
    return exhaustion(points, bound, NOW, HISTORY, rising=False)


def left(at: datetime | None) -> float | None:
    """Days until then."""
    return None if at is None else (at - NOW) / DAY


def test_a_straight_line() -> None:
    """Without noise all three are the day at which the line is at the bound."""
    found = disk(lambda ago: 100 + 5 * ago)

    assert found is not None
    assert [left(at) for at in (found.earliest, found.likely, found.latest)] == pytest.approx([20] * 3, abs=0.2)
    assert found.per_day.likely == pytest.approx(-5)
    assert found.level == pytest.approx(100, abs=1)


def test_days_and_nights_are_no_trend() -> None:
    """A rhythm of a day as high as ten days of the trend moves nothing."""
    found = disk(lambda ago: 100 + 5 * ago + 50 * math.sin(2 * math.pi * ago))

    assert found is not None
    assert left(found.likely) == pytest.approx(20, abs=0.3)


def test_an_outlier_is_left_alone() -> None:
    """A day on which somebody cleaned up by mistake and took it back."""
    found = disk(lambda ago: 1_000 if 5 <= ago < 6 else 100 + 5 * ago)

    assert found is not None
    assert left(found.likely) == pytest.approx(20, abs=0.5)


def test_no_trend_has_no_date() -> None:
    """Noise around a level: the likely end is far, or none, and the latest none."""
    chance = random.Random(1)
    found = disk(lambda _: 100 + chance.gauss(0, 5))

    assert found is not None
    assert found.latest is None
    assert found.per_day.low < 0 < found.per_day.high


def test_the_interval_holds_what_it_promises() -> None:
    """In about nine of ten histories with noise the true day lies between the earliest and the latest."""
    chance, held = random.Random(7), 0
    for _ in range(60):
        days = {day: chance.gauss(0, 8) for day in range(29)}
        found = disk(lambda ago, days=days: 100 + 5 * ago + days[int(ago)], bound=0)  # type: ignore[misc]
        assert found is not None
        assert found.per_day.low <= found.per_day.likely <= found.per_day.high
        held += found.per_day.low <= -5 <= found.per_day.high

    assert 48 <= held <= 60


def test_short_histories_and_bounds_that_are_passed() -> None:
    """A tenth of the history is not enough to say anything; what is beyond the bound is so now."""
    assert disk(lambda ago: 100 + ago, days=3) is None
    found = disk(lambda ago: -1 + ago * 0.0, bound=0)
    assert found is not None
    assert found.likely == NOW


def test_rising_values() -> None:
    """A queue that grows to its limit."""
    points = [((NOW - timedelta(hours=h)).timestamp(), 100 - h / 24) for h in range(24 * 28)]
    found = exhaustion(points, 130, NOW, HISTORY, rising=True)

    assert found is not None
    assert left(found.likely) == pytest.approx(30, abs=0.1)


class TestApi:
    """GET /api/v1/capacity."""

    @pytest.fixture
    def site(self, tmp_path: Path) -> Iterator[Site]:
        """A service that watches its disk."""
        with standing(tmp_path) as site:
            forecast = Forecast(
                PromQl("disk_free_bytes", builders.SPAN),
                None,
                Decimal(0),
                Duration.of(hours=4),
                Duration.of(hours=6),
                None,
            )
            alert = replace(builders.alert("DiskFull", expr="x"), condition=forecast)
            site.board.update(workspace=builders.workspace(builders.service(alerts=(alert,))))
            start, now = snapshots.NOW - HISTORY, snapshots.NOW
            site.source.points = tuple(
                ((start + hours * timedelta(hours=1)).timestamp(), 240.0 - 5 * hours / 24)
                for hours in range(28 * 24 + 1)
            )
            assert now.timestamp() == site.source.points[-1][0]
            yield site

    def test_the_day(self, site: Site) -> None:
        """100 left, and five less each day."""
        [found] = site.get("/api/v1/capacity")["resources"]

        assert (found["alert"], found["bound"], found["confidence"]) == ("shop/DiskFull", 0.0, 0.9)
        assert found["perDay"]["likely"] == pytest.approx(-5)
        days = (datetime.fromisoformat(found["exhaustedAt"]) - snapshots.NOW) / DAY
        assert days == pytest.approx(20, abs=0.1)

    def test_a_short_history(self, site: Site) -> None:
        """It says so."""
        site.source.points = site.source.points[-48:]

        [found] = site.get("/api/v1/capacity", service="shop")["resources"]
        assert (found["exhaustedAt"], found["reason"]) == (None, "fewer than half of 28d is there")

    def test_no_such_service(self, site: Site) -> None:
        """A 404."""
        assert site.get("/api/v1/capacity", 404, service="shp")["error"]["hint"] == "did you mean 'shop'?"
