"""When a resource is used up, with its uncertainty."""

import csv
import json
import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from tests import builders, snapshots
from tests.fakes import FakeSource
from tests.sites import Site, standing

from tocsin.errors import SourceUnreachableError
from tocsin.evaluate.capacity import Exhaustion, Watched, exhaustion, series
from tocsin.monthly.capacity import Capacity, chart, outlook
from tocsin.monthly.html import service_as_html
from tocsin.monthly.objectives import Bounds, ServiceMonth
from tocsin.monthly.texts import capacity_as_csv, service_as_json
from tocsin.ports import RangeRow, Row
from tocsin.service.capacity import capacity_of
from tocsin.spec import Forecast
from tocsin.spec.service import PromQl
from tocsin.units import Duration

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HISTORY = 28 * DAY


def disk(free: Callable[[float], float], days: float = 28, bound: float = 0) -> Exhaustion | None:
    """The forecast for a value that is *free* so many days ago, looked at each hour."""
    points = [((NOW - timedelta(hours=h)).timestamp(), free(h / 24)) for h in range(int(24 * days))]
    return looked(points, bound, rising=False).found


def looked(points: Iterable[tuple[float, float]], bound: float, *, rising: bool) -> Watched:
    """One series at noon."""
    return series(RangeRow((), tuple(points)), "shop/DiskFull", bound, NOW, HISTORY, rising=rising)


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


@pytest.mark.parametrize("days", [0.5, 3, 7, 14, 30, 90])
def test_the_interval_holds_what_it_promises(days: float) -> None:
    """In about nine of ten histories the true day lies between the earliest and the latest, however near it is.

    Those that miss it are as often too early as too late.
    """
    chance, runs = np.random.default_rng(int(days * 2)), 400
    noise = chance.normal(0, 2, (runs, 28))
    ago = np.arange(28)[::-1] + 0.5
    times = NOW.timestamp() - ago * DAY.total_seconds()
    early = late = 0
    for values in 100 - ago + noise:
        found = exhaustion(list(zip(times, values, strict=True)), 100 + days, NOW, HISTORY, rising=True)
        assert found is not None
        early += left(found.latest or NOW + 1_000 * DAY) < days  # type: ignore[operator]
        late += left(found.earliest or NOW + 1_000 * DAY) > days  # type: ignore[operator]

    assert 0.87 * runs <= runs - early - late <= 0.96 * runs
    assert max(early, late) <= 0.08 * runs


@pytest.mark.parametrize("alike", [0.3, 0.6])
def test_days_that_resemble_the_ones_before(alike: float) -> None:
    """They tell less, and the interval is wider: it holds in more than four of five histories, not in three."""
    chance, runs = np.random.default_rng(5), 200
    noise = chance.normal(0, 2, (runs, 60))
    for day in range(1, 60):
        noise[:, day] += alike * noise[:, day - 1]
    ago = np.arange(28)[::-1] + 0.5
    times = NOW.timestamp() - ago * DAY.total_seconds()
    held = 0
    for values in 100 - ago + noise[:, 32:]:
        found = exhaustion(list(zip(times, values, strict=True)), 114, NOW, HISTORY, rising=True)
        assert found is not None
        ends = left(found.earliest), left(found.latest)
        held += ends[0] is not None and ends[0] <= 14 and (ends[1] is None or ends[1] >= 14)

    assert 0.82 * runs <= held <= 0.97 * runs


def test_short_histories_and_bounds_that_are_passed() -> None:
    """A tenth of the history is not enough to say anything; what is beyond the bound is so now."""
    assert disk(lambda ago: 100 + ago, days=3) is None
    found = disk(lambda ago: -1 + ago * 0.0, bound=0)
    assert found is not None
    assert found.likely == NOW


def test_rising_values() -> None:
    """A queue that grows to its limit."""
    points = [((NOW - timedelta(hours=h)).timestamp(), 100 - h / 24) for h in range(24 * 28)]
    found = looked(points, 130, rising=True).found

    assert found is not None
    assert left(found.likely) == pytest.approx(30, abs=0.1)


AS_OF = datetime(2026, 11, 1, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


def grown(
    name: str, value: Callable[[float], float], *, bound: float = 0.0, rising: bool = False, days: float = 28
) -> Watched:
    """A resource that had *value* so many days before the end of October."""
    points = [((AS_OF - timedelta(hours=h)).timestamp(), value(h / 24)) for h in range(int(24 * days))]
    row = RangeRow((("disk", name),), tuple(points))
    return series(row, "shop/DiskFull", bound, AS_OF, HISTORY, rising=rising)


def report(*resources: Watched, faults: tuple[tuple[str, str], ...] = ()) -> ServiceMonth:
    """October of a service without objectives."""
    start = datetime(2026, 9, 30, 17, tzinfo=UTC)
    capacity = Capacity(AS_OF, Duration.of(days=28), resources, faults)
    bounds = Bounds(start, start + timedelta(days=31), NOW, ZONE)
    return ServiceMonth(builders.service(), bounds, (), capacity)


class TestReport:
    """The section of a service's month."""

    def test_dates_with_their_uncertainty(self) -> None:
        """What is left, how fast it goes, when it is gone, and between which days, in the zone of the report."""
        chance = random.Random(3)
        noise = [chance.gauss(0, 6) for _ in range(29)]
        month = report(grown("a", lambda ago: 100 + 5 * ago + noise[int(ago)]))
        (one,) = month.capacity.resources if month.capacity else ()
        assert one.found is not None
        assert one.found.earliest is not None
        assert one.found.latest is not None
        page = service_as_html(month)
        told = json.loads(service_as_json(month))["capacity"]

        likely, between = outlook(one.found, AS_OF, ZONE)
        first, last = one.found.earliest.astimezone(ZONE), one.found.latest.astimezone(ZONE)
        assert between == f"{first:%Y-%m-%d} and {last:%Y-%m-%d}"
        assert f'<td class="when">{likely}</td><td class="reason">{between}</td>' in page
        assert abs((datetime.fromisoformat(likely).replace(tzinfo=ZONE) - AS_OF) / DAY - 20) < 3
        assert [(each["labels"], each["bound"]) for each in told["resources"]] == [({"disk": "a"}, 0.0)]
        assert told["resources"][0]["per_day"]["low"] < -5 < told["resources"][0]["per_day"]["high"]
        assert (told["at"], told["history"], told["confidence"]) == ("2026-11-01T00:00:00Z", "28d", 0.9)
        assert "<h2>No objectives</h2>" in page

    def test_what_is_drawn(self) -> None:
        """The line ends now at the trend, the trend goes on from there to the bound, and the bound is on the chart."""
        one = grown("a", lambda ago: 0.9 - 0.01 * ago, bound=1.0, rising=True)
        assert one.found is not None
        drawn = chart(one, Capacity(AS_OF, Duration.of(days=28), (one,)), ZONE)
        x, y = map(float, drawn.even.removeprefix("M").split("L")[0].split())
        end = list(map(float, drawn.even.split("L")[1].split()))

        assert [tick.text for tick in drawn.down] == ["0.6", "0.7", "0.8", "0.9", "1"]
        assert next(tick.at for tick in drawn.across if tick.text == "now") == pytest.approx(x, abs=0.1)
        assert drawn.target == drawn.down[-1].at
        assert len(drawn.area.split("L")) == 26
        assert y == pytest.approx(drawn.down[3].at, abs=1)
        assert x + (end[0] - x) * (y - (drawn.target or 0)) / (y - end[1]) == pytest.approx(
            x + (end[0] - x) * 10 / 14, abs=1.5
        )  # at the bound in ten days, of the fourteen that are drawn

    @pytest.mark.parametrize(
        ("value", "said"),
        [
            (lambda ago: 100.0, ("not by this trend", "")),
            (lambda ago: 100.0 - ago, ("not by this trend", "")),
            (lambda ago: -1.0, ("now", "")),
        ],
    )
    def test_what_is_not_used_up_has_no_date(self, value: Callable[[float], float], said: tuple[str, str]) -> None:
        """What stays, what grows away from the bound, and what is beyond it."""
        one = grown("a", value)
        assert one.found is not None

        assert outlook(one.found, AS_OF, ZONE) == said
        assert "NaN" not in service_as_html(report(one))

    def test_what_nobody_can_tell_is_said(self) -> None:
        """A short history, and an alert of which the source does not tell: rows of their own, no chart."""
        month = report(grown("new", lambda ago: 100 + ago, days=3), faults=(("shop/Odd", "too many samples"),))
        page, rows = service_as_html(month), list(csv.reader(capacity_as_csv(month.capacity).splitlines()))  # type: ignore[arg-type]

        assert "not known: fewer than half of 28d is there" in page
        assert "not known: too many samples" in page
        assert "<svg" not in page
        assert rows[1] == ["shop/DiskFull", "disk=new", "0.0", *[""] * 10]
        assert json.loads(service_as_json(month))["capacity"]["unknown"] == [
            {"alert": "shop/Odd", "reason": "too many samples"}
        ]

    def test_a_service_is_asked_for_all_that_it_watches(self) -> None:
        """A question that is refused is a fault of its alert; a source that is gone is one of the whole report."""
        source = FakeSource()
        source.scripts["(free\n)"] = lambda at: (Row((("disk", "a"),), (NOW - at) / DAY),)
        source.scripts["(no\n)"] = lambda _: ()
        source.refuses["odd"] = "too many samples"
        names = ("free", "odd", "no")
        alerts = tuple(replace(builders.alert(name, expr="x"), condition=watches(name)) for name in names)
        found = capacity_of(source, builders.service(alerts=alerts), NOW)
        source.down = "refused"

        assert capacity_of(source, builders.service(), NOW) is None
        assert found is not None
        assert [one.labels for one in found.resources] == [(("disk", "a"),)]
        assert found.faults == (
            ("shop/odd", "too many samples"),
            ("shop/no", "its series has no value in 28d"),
        )
        with pytest.raises(SourceUnreachableError):
            capacity_of(source, builders.service(alerts=alerts), NOW)


def watches(series: str) -> Forecast:
    """A resource that is used up at 0."""
    text = PromQl(series, builders.SPAN)
    return Forecast(text, None, Decimal(0), Duration.of(hours=4), Duration.of(hours=6), None)


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

    def test_a_disk_that_was_extended(self, site: Site) -> None:
        """Two days ago: no date, since when, and why."""
        *early, _ = old = site.source.points
        site.source.points = (*old[:-48], *((time, value + 500) for time, value in old[-48:]))

        [found] = site.get("/api/v1/capacity")["resources"]
        [change] = found["changes"]
        since = datetime.fromtimestamp(early[-47][0], UTC)
        assert (found["exhaustedAt"], found["level"], found["confidence"]) == (None, None, None)
        assert abs(datetime.fromisoformat(found["since"]) - since) <= timedelta(hours=3)
        assert (change["at"], round(change["before"]), round(change["after"])) == (found["since"], 110, 610)
        assert found["reason"].endswith("; a trend takes 7d from there")

    def test_a_short_history(self, site: Site) -> None:
        """It says so."""
        site.source.points = site.source.points[-48:]

        [found] = site.get("/api/v1/capacity", service="shop")["resources"]
        assert (found["exhaustedAt"], found["reason"]) == (None, "fewer than half of 28d is there")

    def test_no_such_service(self, site: Site) -> None:
        """A 404."""
        assert site.get("/api/v1/capacity", 404, service="shp")["error"]["hint"] == "did you mean 'shop'?"
