"""The budget of a calendar period is counted since its local start, against the budget of the whole period."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.evaluate.asking import Asker
from tocsin.evaluate.calendar import PERIODS
from tocsin.evaluate.slo import SloQuestion
from tocsin.spec.service import CALENDAR_UNITS, Calendar

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = 86_400


def remaining(at: float, *stretches: Stretch, timezone: str = "UTC") -> tuple[float | None, float | None]:
    """What is left of a month's budget *at* seconds after its start in UTC, and the events that were counted."""
    slo = replace(builders.slo(sli=TrafficSli("shop")), calendar=Calendar("month", timezone))
    source = FakeSource(traffic={"shop": Traffic(START, stretches)})
    status = SloQuestion(slo, timedelta(seconds=60)).ask(Asker(source, START + timedelta(seconds=at))).status
    return status.remaining, status.total


def test_errors_of_the_month_before_do_not_count() -> None:
    """At the boundary the budget is whole again."""
    before = (Stretch(-20 * DAY, 0, 10, 0.01), Stretch(0, 30 * DAY, 10))

    assert remaining(10 * DAY, *before) == (1.0, 10 * DAY * 10)


def test_the_budget_is_that_of_the_whole_period() -> None:
    """After a third of the month with errors at exactly the pace of the budget, two thirds of it are left."""
    left, _ = remaining(10 * DAY, Stretch(-40 * DAY, 30 * DAY, 10, 0.001))

    assert left == pytest.approx(2 / 3)


def test_the_local_midnight_counts() -> None:
    """In Saigon November begins seven hours before it does in UTC."""
    left, total = remaining(DAY, Stretch(-40 * DAY, 0, 10, 0.001), Stretch(0, DAY, 10), timezone="Asia/Ho_Chi_Minh")

    assert left == pytest.approx(1 - 7 / 720)
    assert total == 31 * 3600 * 10


@pytest.mark.parametrize(
    ("unit", "zone", "at", "expected"),
    [
        ("quarter", "America/New_York", datetime(2026, 1, 4, tzinfo=UTC), 2159),
        ("month", "Europe/Berlin", datetime(2026, 10, 9, tzinfo=UTC), 745),
        ("week", "Europe/Berlin", datetime(2026, 3, 29, 12, tzinfo=UTC), 167),
        ("day", "Australia/Lord_Howe", datetime(2026, 4, 5, 1, tzinfo=UTC), 24.5),
        ("year", "UTC", datetime(2028, 12, 31, 23, tzinfo=UTC), 366 * 24),
    ],
)
def test_periods_have_their_real_length(unit: str, zone: str, at: datetime, expected: float) -> None:
    """With the hour that a change of clocks adds or takes (rows K1 to K5)."""
    start, end = PERIODS[unit](at, ZoneInfo(zone))

    assert ((end - start).total_seconds() / 3600, start <= at < end) == (expected, True)


def test_every_unit_has_a_period() -> None:
    """The language and the evaluator know the same."""
    assert set(PERIODS) == set(CALENDAR_UNITS)


def test_alerts_name_the_calendar() -> None:
    """A month is no window of thirty days; the alert says what the budget is of."""
    slo = replace(builders.slo(sli=TrafficSli("shop")), calendar=Calendar("month", "UTC"))
    source = FakeSource(traffic={"shop": Traffic(START, (Stretch(-DAY, 0, 10), Stretch(0, DAY, 10, 0.5)))})
    seen = SloQuestion(slo, timedelta(seconds=60)).ask(Asker(source, START + timedelta(hours=2))).seen
    facts = {dict(sample.facts)["SLO"] for each in seen.values() for sample in each.rows.values() if sample.facts}

    assert facts == {"shop/uptime 99.9% over a calendar month"}
