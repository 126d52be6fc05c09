"""Who tells a budget tells the same one: `tocsin evaluate`, the page and API of the evaluator, the month's report."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tests import builders
from tests.days import day_of
from tests.fakes import FakeSource, Traffic, TrafficSli

from tocsin.evaluate.accounting import account, window_of
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.bookkeeping import Entry
from tocsin.evaluate.model import SloStatus
from tocsin.evaluate.slices import Slices
from tocsin.evaluate.slo import SloQuestion
from tocsin.evaluate.standing import Standing
from tocsin.ledger.model import Day, midnight
from tocsin.monthly.objectives import Bounds, Objective, objective
from tocsin.ports import Labels
from tocsin.service.sheets import Sheets
from tocsin.sli import SlicedSli
from tocsin.spec import Slo
from tocsin.spec.service import Calendar
from tocsin.units import Duration

FIRST = date(2026, 11, 1)
START = datetime(2026, 11, 1, tzinfo=UTC)
END = datetime(2026, 12, 1, tzinfo=UTC)
ALMOST = END - timedelta(minutes=1)
SLO = replace(builders.slo(sli=TrafficSli("shop"), target="0.99"), calendar=Calendar("month", "UTC"))


@dataclass
class Books:
    """A ledger that holds *days* as the service does."""

    days: Sequence[Day]
    floor: float = 0.9

    def standing(self, slo: Slo, group: Labels, at: datetime) -> Standing:
        """As of *at*."""
        entry, sheets = Entry(slo), Sheets()
        start, end = window_of(slo, at)
        sheets.open(60, int(at.timestamp()), lambda: [int(start.timestamp())])
        sheets.show(entry, self.days)
        looked = sheets.look(entry, slo.ref, int(start.timestamp()), int(at.timestamp()))
        assert looked is not None, group
        held, since = looked
        return Standing(start, at, end, start if since is None else datetime.fromtimestamp(since, UTC), *held)

    def leaving(self, slo: Slo, group: Labels, standing: Standing) -> Sequence[float]:
        """Nothing leaves the period of a calendar."""
        raise AssertionError(slo, group, standing)

    def fill(self, book: Slices, slo: Slo, since: datetime) -> None:
        """Nothing is asked for."""


def month(bad: float, *, gaps: Sequence[tuple[int, int]] = (), lost: bool = False, born: int = 0) -> list[Day]:
    """Ten events a minute, *bad* of them bad; minutes of the month in *gaps* were not looked at."""
    days = []
    for number in range(30):
        first = number * 1440
        seen = (min(max(born - first, 0), 1440), 1440)
        one = day_of(10.0, bad, ref=SLO.ref, day=FIRST + timedelta(days=number), seen=seen)
        for low, high in gaps:
            gap = slice(max(low - first, 0), max(high - first, 0))
            one.covered[gap] = False
            if lost:
                one.total[gap], one.bad[gap] = 0.0, 0.0
        days.append(one)
    return days


def served(days: Sequence[Day], at: datetime) -> SloStatus:
    """What page and API show."""
    source = FakeSource(traffic={"shop": Traffic(START)})
    return SloQuestion(SLO, timedelta(minutes=1), ledger=Books(days)).ask(Asker(source, at)).status


def reported(days: Sequence[Day], at: datetime) -> Objective:
    """What the report of the service says."""
    return objective(SLO.ref, SLO, days, Bounds(START, END, at, ZoneInfo("UTC")), 0.9)


@pytest.mark.parametrize("bad", [0.05, 0.2])
@pytest.mark.parametrize(
    ("gaps", "lost", "born"),
    [((), False, 0), ([(0, 90), (14_400, 16_000)], False, 0), ([(14_400, 16_000)], True, 0), ((), False, 28_800)],
)
@pytest.mark.parametrize("at", [START + timedelta(days=25), ALMOST])
def test_everybody_tells_the_same_budget(
    bad: float, gaps: Sequence[tuple[int, int]], lost: bool, born: int, at: datetime
) -> None:
    """With gaps, with counts that a gap lost, for a service born amid the month; while it runs, and at its end."""
    days = [each for each in month(bad, gaps=gaps, lost=lost, born=born) if each.day <= at.date()]
    if at.time() != ALMOST.time():
        days = days[:-1]
    told, shown, report = account(SLO, days, at, None), served(days, at), reported(days, at)

    assert told.remaining is not None
    assert report.kept is (told.remaining >= 0)
    assert (shown.state == "exhausted") is (told.remaining <= 0)
    assert told.remaining == pytest.approx(shown.remaining, abs=1e-6)
    assert told.allowed == pytest.approx(shown.allowed, rel=1e-6)
    assert told.remaining == pytest.approx(1 - float(report.spent or 0), abs=2e-6)
    assert told.allowed == pytest.approx(float(report.allowed), rel=1e-4)


@pytest.mark.parametrize("bad", [0.0999, 0.1001])
def test_the_budget_is_gone_where_the_target_is_missed(bad: float) -> None:
    """At the end of the month, with 4 % of it unseen: 99.001 % is kept, and 98.999 % is not."""
    days = month(bad, gaps=[(14_400, 16_000)])
    told, shown, report = account(SLO, days, ALMOST, None), served(days, ALMOST), reported(days, END)

    assert told.remaining is not None
    assert (told.remaining > 0) == (shown.state != "exhausted") == report.kept == (bad < 0.1)


def test_slices_are_counted_as_a_whole() -> None:
    """A window that begins amid a slice has those that begin in it: a part of one is neither good nor bad."""
    sli = SlicedSli(TrafficSli("shop"), Duration.of(minutes=5), Decimal("0.95"))
    slo = builders.slo(sli=sli, target="0.99", window="7d")
    days, at = month(0.2), START + timedelta(days=20, seconds=137)
    entry, sheets = Entry(slo), Sheets()
    start, until = int((at - timedelta(days=7)).timestamp()), midnight(at.date())
    sheets.open(300, int(at.timestamp()), lambda: [start])
    sheets.show(entry, days[:20])
    looked = sheets.look(entry, SLO.ref, start, until)
    told = account(slo, days[:20], at, None)

    assert looked is not None
    assert (looked[0].total, looked[1]) == (7 * 288 - 1, start)
    assert told.total == 7 * 288 - 1
