"""Who tells a budget tells the same one: `tocsin evaluate`, the page and API of the evaluator, the month's report."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from tests import builders
from tests.days import day_of
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.evaluate.accounting import account, window_of
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.bookkeeping import Entry
from tocsin.evaluate.excluding import told
from tocsin.evaluate.model import SloStatus
from tocsin.evaluate.slices import Slices
from tocsin.evaluate.slo import SloQuestion
from tocsin.evaluate.standing import Standing
from tocsin.ledger.arrays import Floats
from tocsin.ledger.model import Day, midnight
from tocsin.monthly.objectives import Bounds, Objective, objective
from tocsin.ports import Labels
from tocsin.service.sheets import Sheets
from tocsin.sli import SlicedSli
from tocsin.spec import Exclusion, Slo
from tocsin.spec.service import Calendar
from tocsin.units import Duration

FIRST = date(2026, 11, 1)
CLOSE = timedelta(minutes=2)
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
        since_at = start if since is None else datetime.fromtimestamp(since, UTC)
        took = sheets.taken(entry, slo.ref, int(start.timestamp()), int(at.timestamp()))
        return Standing(start, at, end, since_at, *held, told(slo.exclusions, took, (start, end)))

    def groups(self, _slo: Slo, _at: datetime, *, lately: timedelta | None = None) -> Iterable[Labels]:
        """Nothing is divided."""
        assert lately is None
        return ()

    def leaving(self, slo: Slo, group: Labels, standing: Standing) -> Floats:
        """From a window; nothing leaves the period of a calendar."""
        assert slo.calendar is None, group
        entry, sheets = Entry(slo), Sheets()
        start, until = int(standing.start.timestamp()), int(standing.until.timestamp())
        sheets.open(60, until, lambda: [start])
        sheets.show(entry, self.days)
        return sheets.leaving(entry, slo.ref, start, until)

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


def served(days: Sequence[Day], at: datetime, slo: Slo = SLO, *, errors: float | None = None) -> SloStatus:
    """What page and API show; there is traffic now if a share *errors* of it is bad."""
    now = () if errors is None else (Stretch(0, math.inf, 1 / 6, errors),)
    source = FakeSource(traffic={"shop": Traffic(START - timedelta(days=40), now)})
    return SloQuestion(slo, timedelta(minutes=1), ledger=Books(days)).ask(Asker(source, at)).status


def reported(days: Sequence[Day], at: datetime, slo: Slo = SLO) -> Objective:
    """What the report of the service says."""
    return objective(slo.ref, slo, days, Bounds(START, END, at, ZoneInfo("UTC")), 0.9)


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
    found, shown, report = account(SLO, days, at, None), served(days, at), reported(days, at)

    assert found.remaining is not None
    assert report.kept is (found.remaining >= 0)
    assert (shown.state == "exhausted") is (found.remaining <= 0)
    assert found.remaining == pytest.approx(shown.remaining, abs=1e-6)
    assert found.allowed == pytest.approx(shown.allowed, rel=1e-6)
    assert found.remaining == pytest.approx(1 - float(report.spent or 0), abs=2e-6)
    assert found.allowed == pytest.approx(float(report.allowed), rel=1e-4)


WEEK = replace(SLO, calendar=None, window=Duration.of(days=7))
AT = START + timedelta(days=20)


@pytest.mark.parametrize(
    ("slo", "bad", "errors", "days"),
    [
        (SLO, 0.05, 0.019, None),  # two thirds are left, which last for 10.5 days, and the month for 10
        (SLO, 0.05, 0.03, (20 / 3, "burns at 3x")),
        (SLO, 0.2, 0.0, (0, "is overspent")),
        (SLO, 0.2, None, (0, "is overspent, and nobody knows what burns")),
        (WEEK, 0.05, 0.004, None),  # half of it is left, which lasts for 8.75 days
        (WEEK, 0.05, 0.009, None),  # in 3.9 days it would be spent, but as much leaves as it is
        (WEEK, 0.05, 0.02, (7 / 3, "spends 2, and gets back 0.5")),
        (WEEK, 0.11, 0.0, (0, "is overspent")),
        (WEEK, 0.05, None, None),
    ],
)
def test_everybody_tells_the_same_end(
    slo: Slo, bad: float, errors: float | None, days: tuple[float, str] | None
) -> None:
    """Of what is left of a month, and of a window that old errors leave; what is spent is spent."""
    known = [one for one in month(bad) if one.day < AT.date()]
    shown = served(known, AT, slo, errors=errors)
    found = account(slo, known, AT, shown.burns[0].rate_long)

    assert found.exhaustion == (None if shown.exhaustion is None else pytest.approx(shown.exhaustion, abs=CLOSE))
    assert shown.exhaustion == (None if days is None else pytest.approx(timedelta(days=days[0]), abs=CLOSE))


@pytest.mark.parametrize(("errors", "days"), [(0.012, None), (0.03, 5.0)])
def test_a_budget_of_what_is_left_of_the_month(errors: float, days: float | None) -> None:
    """A service that is five days old on the 20th has a budget of fifteen: it lasts for a third of that at 3x."""
    known = [one for one in month(0.0, born=15 * 1440) if one.day < AT.date()]
    shown = served(known, AT, errors=errors)
    found = account(SLO, known, AT, shown.burns[0].rate_long)

    assert found.exhaustion == (None if shown.exhaustion is None else pytest.approx(shown.exhaustion, abs=CLOSE))
    assert shown.exhaustion == (None if days is None else pytest.approx(timedelta(days=days), abs=CLOSE))


@pytest.mark.parametrize(("calendar", "errors", "days"), [(True, 0.005, None), (True, 0.2, 1.5), (False, 0.005, None)])
def test_the_source_tells_no_end_that_never_comes(calendar: bool, errors: float, days: float | None) -> None:
    """Without a ledger, too: the budget of a month whose last ten days begin is not spent in 40 days."""
    slo = SLO if calendar else WEEK
    source = FakeSource(traffic={"shop": Traffic(START, [Stretch(-math.inf, math.inf, 1.0, 0.0)])})
    source.traffic["shop"].stretches = [
        Stretch(-40 * 86_400.0, 20 * 86_400 - 3_600, 1.0, 0.0),
        Stretch(20 * 86_400 - 3_600, math.inf, 1.0, errors),
    ]
    status = SloQuestion(slo, timedelta(minutes=1)).ask(Asker(source, AT)).status

    assert status.exhaustion == (None if days is None else pytest.approx(timedelta(days=days), abs=timedelta(hours=2)))


@pytest.mark.parametrize(
    ("bad", "hours", "line"),
    [
        (0.0, 30, ("budget exhausted in", "23h 59m at 30x")),
        (0.0, 20, ("budget exhausted", "not within the rest of the month at 30x")),
        (0.2, 20, ("budget exhausted", "yes")),
    ],
)
def test_a_page_tells_the_same_end(bad: float, hours: int, line: tuple[str, str]) -> None:
    """Close to the end of a month, whose budget at 30x lasts for a day, of which a minute is spent."""
    at = END - timedelta(hours=hours)
    known = [one for one in month(bad) if one.day <= at.date()]
    known[-1].total[at.hour * 60 :], known[-1].bad[at.hour * 60 :], known[-1].covered[at.hour * 60 :] = 0.0, 0.0, False
    source = FakeSource(traffic={"shop": Traffic(START, [Stretch(0, math.inf, 1 / 6, 0.3)])})
    sight = SloQuestion(SLO, timedelta(minutes=1), ledger=Books(known)).ask(Asker(source, at))
    facts = sight.seen["shop/uptime:fast"].rows[()].facts

    assert line in facts


NOON = START + timedelta(days=10, hours=12)
PAST = (START + timedelta(days=3), START + timedelta(days=4))
NOW = (NOON - timedelta(hours=6), NOON + timedelta(days=1))
TO_COME = (START + timedelta(days=20), START + timedelta(days=23))


@pytest.mark.parametrize(
    ("stretches", "treat", "total", "bad", "allowed"),
    [
        ([PAST], "remove", 136_800, 273.6, 136_800 / 9.5 * 29 / 100),
        ([PAST], "good", 151_200, 273.6, 151_200 / 10.5 * 30 / 100),
        ([NOW], "remove", 147_600, 295.2, 147_600 / 10.25 * 28.75 / 100),
        ([TO_COME], "remove", 151_200, 302.4, 151_200 / 10.5 * 27 / 100),
        ([TO_COME], "good", 151_200, 302.4, 151_200 / 10.5 * 30 / 100),
        ([PAST, NOW, TO_COME], "remove", 133_200, 266.4, 133_200 / 9.25 * 24.75 / 100),
    ],
)
def test_everybody_excludes_the_same(
    stretches: Sequence[tuple[datetime, datetime]], treat: str, total: float, bad: float, allowed: float
) -> None:
    """After the fact, now, and before it: what is removed is in no budget, what counts as good leaves it as it is.

    Ten and a half days of ten events a minute, 0.2 % of them bad, in a month of 30 days with a target of 99 %.
    """
    agreed = tuple(Exclusion(start, end, "agreed", treat, builders.SPAN) for start, end in stretches)
    slo = replace(SLO, exclusions=agreed)
    days = [each for each in month(0.02) if each.day <= NOON.date()]
    days[-1].total[720:], days[-1].bad[720:], days[-1].covered[720:] = 0.0, 0.0, False
    found, shown, report = account(slo, days, NOON, None), served(days, NOON, slo), reported(days, NOON, slo)

    assert [found.total, shown.total, float(report.total)] == [pytest.approx(total)] * 3
    assert [found.used, shown.used, float(report.bad)] == [pytest.approx(bad)] * 3
    assert [found.allowed, shown.allowed, float(report.allowed)] == [pytest.approx(allowed, rel=1e-6)] * 3
    assert found.excluded == shown.excluded == report.excluded
    assert [one.exclusion for one in found.excluded] == list(agreed)
    assert (found.total or 0) + sum(one.removed for one in found.excluded) == pytest.approx(151_200)
    assert (found.used or 0) + sum(one.spared for one in found.excluded) == pytest.approx(302.4)
    assert (report.coverage, found.coverage, shown.coverage) == (1, 1, 1)


def test_an_exclusion_of_before_anybody_looked_is_no_look() -> None:
    """A service that is twenty days old is no older because something was agreed before: all of it was seen."""
    slo = replace(SLO, exclusions=(Exclusion(*PAST, "agreed", "remove", builders.SPAN),))
    days = month(0.02, born=10 * 1440)
    found, shown, report = account(slo, days, ALMOST, None), served(days, ALMOST, slo), reported(days, ALMOST, slo)

    assert (found.looked, shown.coverage, report.coverage) == (1, 1, 1)
    assert found.allowed == pytest.approx(shown.allowed, rel=1e-6)
    assert found.allowed == pytest.approx(float(report.allowed), rel=1e-3)
    assert shown.remaining == pytest.approx(found.remaining)


def test_the_source_knows_of_no_exclusion() -> None:
    """Where the ledger does not hold the period yet, the status says that its exclusions are not applied."""
    slo = replace(SLO, exclusions=(Exclusion(*PAST, "agreed", "remove", builders.SPAN),))
    source = FakeSource(traffic={"shop": Traffic(START, [Stretch(0, math.inf, 1.0, 0.001)])})
    status = SloQuestion(slo, timedelta(minutes=1)).ask(Asker(source, NOON)).status
    before = SloQuestion(slo, timedelta(minutes=1)).ask(Asker(source, START + timedelta(days=1))).status

    assert status.excluded == ()
    assert "its exclusions are not applied: the ledger does not hold the period" in status.reason
    assert "exclusions" not in before.reason


@pytest.mark.parametrize("bad", [0.0999, 0.1001])
def test_the_budget_is_gone_where_the_target_is_missed(bad: float) -> None:
    """At the end of the month, with 4 % of it unseen: 99.001 % is kept, and 98.999 % is not."""
    days = month(bad, gaps=[(14_400, 16_000)])
    found, shown, report = account(SLO, days, ALMOST, None), served(days, ALMOST), reported(days, END)

    assert found.remaining is not None
    assert (found.remaining > 0) == (shown.state != "exhausted") == report.kept == (bad < 0.1)


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
    found = account(slo, days[:20], at, None)

    assert looked is not None
    assert (looked[0].total, looked[1]) == (7 * 288 - 1, start)
    assert found.total == 7 * 288 - 1


@pytest.mark.parametrize("minutes", [70, 10 * 60 + 5])
def test_a_slice_that_has_just_begun_is_no_gap(minutes: int) -> None:
    """Ten minutes into the second hour of a month all of it was looked at, and what is spent is spent."""
    at = START + timedelta(minutes=minutes)
    slo = replace(SLO, sli=SlicedSli(SLO.sli, Duration.of(hours=1), Decimal("0.99")))
    found = account(slo, [day_of(10.0, 1.0, ref=SLO.ref, day=FIRST, seen=(0, minutes))], at, None)

    assert (found.used, found.coverage, found.looked) == (-(-minutes // 60), 1.0, 1.0)
