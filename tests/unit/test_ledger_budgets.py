"""Budgets over the ledger: methods, empty slices, calendars, exclusions (vectors T1-T5, K1, K5, L6, B3-B5, R1)."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from numpy.typing import NDArray
from tests.days import day_of

from tocsin.budget import budget_ratio
from tocsin.evaluate import calendar
from tocsin.ledger.budgets import BURNING, EXHAUSTED, HEALTHY, UNKNOWN, Budgets, Windows, budgets, rolling
from tocsin.ledger.burning import Watch, burns
from tocsin.ledger.exact import Ratios
from tocsin.ledger.exclusions import GOOD, REMOVE, Exclusion
from tocsin.ledger.methods import Method, Occurrences, RatioTimeslices, Timeslices, method_of
from tocsin.ledger.model import DAY, Day
from tocsin.ledger.series import HOUR, Series
from tocsin.sli.slices import SlicedSli
from tocsin.units import Duration
from tocsin.windows import WORKBOOK

MIDNIGHT = int(datetime(2026, 3, 1, tzinfo=UTC).timestamp())
MINUTE = 60


def counted(
    days: Sequence[Day],
    method: Method | None = None,
    target: str = "0.999",
    *,
    window: tuple[int, int] | None = None,
    now: int | None = None,
    exclusions: Sequence[Exclusion] = (),
    floor: float = 0.5,
) -> Budgets:
    """The budget of one objective over its days, or over the window [from, to) in unix seconds."""
    first, last = days[0].start, days[-1].start + DAY
    series = Series.empty(np.arange(first, last + 1, MINUTE), 1)
    for day in days:
        series.state(0, (method or Occurrences()).units(day, exclusions))
    start, end = window or (first, last)
    windows = Windows(np.array([start]), np.array([end]))
    return budgets(series, windows, now or last, Ratios.of([budget_ratio(Decimal(target))]), floor)


def one(numbers: NDArray[Any]) -> float:
    """That of the only objective."""
    (number,) = numbers
    return float(number)


def month(count: int = 30, bad: Sequence[int] = (), total: float = 1.0) -> list[Day]:
    """Even traffic in minutes; the minutes *bad*, counted from the start, fail as a whole."""
    fails = np.zeros(count * 1440)
    fails[list(bad)] = total
    start = date(2026, 3, 1)
    return [day_of(total, fails[k * 1440 : (k + 1) * 1440], day=start + timedelta(days=k)) for k in range(count)]


GOODS = (2, 10, 12, 13, 13, 12, 13, 13, 12, 11)
TOTALS = (4, 10, 12, 13, 14, 15, 14, 13, 12, 11)


@pytest.mark.parametrize(
    ("method", "sli", "used"),
    [
        (Occurrences(), 0.9406779661, 1.1864406780),
        (Timeslices(60, Decimal("0.95")), 0.6, 8.0),
        (RatioTimeslices(60), 0.9157142857, 1.6857142857),
    ],
)
def test_three_methods_on_the_same_slices(method: Method, sli: float, used: float) -> None:
    """T1: the data of Nobl9's example, at 95 % with slices of 95 %."""
    total, bad = np.zeros(1440), np.zeros(1440)
    total[:10], bad[:10] = TOTALS, np.subtract(TOTALS, GOODS)
    found = counted([day_of(total, bad)], method, "0.95", window=(MIDNIGHT, MIDNIGHT + 10 * MINUTE))

    assert one(found.sli) == pytest.approx(sli, abs=1e-9)
    assert 1 - one(found.remaining) == pytest.approx(used, abs=1e-8)
    assert one(found.observed) == 1


@pytest.mark.parametrize(("days", "target", "allowed"), [(14, "0.95", 1008), (7, "0.9995", 5.04)])
def test_slices_that_may_be_bad(days: int, target: str, allowed: float) -> None:
    """T2: two weeks at 95 %, and a week at 99.95 %, in minutes."""
    found = counted(month(days), Timeslices(60, Decimal("0.95")), target)

    assert one(found.allowed) == pytest.approx(allowed, abs=1e-9)


@pytest.mark.parametrize(("bad", "sli"), [([7], 0.9930555556), ([7, 50], 0.9861111111)])
def test_half_a_day_of_slices_of_five_minutes(bad: list[int], sli: float) -> None:
    """T3: 144 slices, one of them bad; or one bad in each of two groups, not at the same time, which both count."""
    fails = np.zeros(1440)
    for number in bad:
        fails[number * 5 : number * 5 + 5] = 1.0
    window = (MIDNIGHT, MIDNIGHT + 12 * HOUR)
    found = counted([day_of(1, fails)], Timeslices(300, Decimal("0.95")), window=window)

    assert one(found.sli) == pytest.approx(sli, abs=1e-9)


@pytest.mark.parametrize(("empty", "sli"), [("good", 0.9995039683), ("ignore", 0.9995009980), ("bad", 0.9935515873)])
@pytest.mark.parametrize("whole", [True, False])
def test_empty_slices(empty: str, sli: float, whole: bool) -> None:
    """T4: a week of minutes, 5 bad, 60 idle; the same by ratios, where the bad ones fail as a whole."""
    days = month(7, range(100, 105))
    days[1].total[300:360] = 0.0
    method = Timeslices(60, Decimal("0.95"), empty) if whole else RatioTimeslices(60, empty)
    found = counted(days, method)

    assert one(found.sli) == pytest.approx(sli, abs=1e-9)
    assert one(found.coverage) == 1


def test_what_nobody_saw_is_no_empty_slice() -> None:
    """A gap of the source is not judged, whatever the policy; it takes from the coverage."""
    days = month(1)
    days[0].total[300:660], days[0].covered[300:660] = 0.0, False
    found = counted(days, Timeslices(60, Decimal("0.95"), "bad"), "0.99")

    assert (one(found.sli), one(found.total), one(found.coverage)) == (1.0, 1080.0, 0.75)


@pytest.mark.parametrize("target", ["0.95", "0.07", "0.9", "0.999"])
def test_exactly_the_slice_target_is_good(target: str) -> None:
    """T5: also where floats would have it otherwise; one event less is bad."""
    share = 1 - Fraction(target)
    total = np.full(1440, float(share.denominator * 7))
    bad = np.full(1440, float(share.numerator * 7))
    bad[::2] += 1
    found = counted([day_of(total, bad)], Timeslices(60, Decimal(target)))

    assert (one(found.total), one(found.bad)) == (1440, 720)


@pytest.mark.parametrize(
    ("unit", "at", "zone", "minutes", "hours"),
    [
        ("month", "2026-03-15", "Europe/Berlin", 44.58, 743),
        ("month", "2026-10-15", "Europe/Berlin", 44.70, 745),
        ("month", "2026-03-15", "America/New_York", 44.58, 743),
        ("month", "2026-11-15", "America/New_York", 43.26, 721),
        ("month", "2026-03-15", "UTC", 44.64, 744),
        ("month", "2027-02-15", "UTC", 40.32, 672),
        ("month", "2028-02-15", "UTC", 41.76, 696),
        ("month", "2026-03-15", "Asia/Kathmandu", 44.64, 744),
        ("quarter", "2026-02-15", "America/New_York", 129.54, 2159),
        ("week", "2026-10-25", "Europe/Berlin", 10.14, 169),
    ],
)
def test_periods_with_a_change_of_clocks(unit: str, at: str, zone: str, minutes: float, hours: int) -> None:
    """K1 and others: the budget of a period is that of the hours it has, whether or not midnight is on the hour."""
    start, end = calendar.PERIODS[unit](datetime.fromisoformat(at).replace(tzinfo=UTC), ZoneInfo(zone))
    first = start.date()
    days = [day_of(1, day=first + timedelta(days=k)) for k in range((end.date() - first).days + 1)]
    window = (int(start.timestamp()), int(end.timestamp()))
    found = counted(days, RatioTimeslices(60, "good"), window=window)

    assert window[1] - window[0] == hours * HOUR
    assert one(found.allowed) == pytest.approx(minutes, abs=1e-9)
    assert one(found.observed) == 1


@pytest.mark.parametrize(("day", "slices"), [(date(2026, 10, 4), 282), (date(2026, 4, 5), 294)])
def test_a_day_of_23_and_a_half_hours(day: date, slices: int) -> None:
    """K5: Lord Howe moves its clocks by half an hour; slices of five minutes."""
    zone = ZoneInfo("Australia/Lord_Howe")
    start, end = calendar.day(datetime(day.year, day.month, day.day, 12, tzinfo=zone), zone)
    days = [day_of(1, day=day + timedelta(days=k)) for k in (-1, 0, 1)]
    window = (int(start.timestamp()), int(end.timestamp()))
    found = counted(days, Timeslices(300, Decimal("0.95")), window=window)

    assert one(found.total) == slices


@pytest.mark.parametrize(("treat", "sli"), [(None, 0.9986111111), (GOOD, 0.9995370370), (REMOVE, 0.9995357474)])
@pytest.mark.parametrize("method", [Occurrences(), Timeslices(60, Decimal("0.95")), RatioTimeslices(60)])
def test_both_conventions_of_exclusions(treat: str | None, sli: float, method: Method) -> None:
    """L6: 30 days, an hour down, 40 minutes of it within two hours of agreed maintenance."""
    days = month(30, range(10_000, 10_060))
    start = MIDNIGHT + (10_020 * MINUTE)
    agreed = [] if treat is None else [Exclusion(start, start + 120 * MINUTE, treat)]
    found = counted(days, method, exclusions=agreed)

    assert one(found.sli) == pytest.approx(sli, abs=1e-9)
    assert one(found.coverage) == 1


@pytest.mark.parametrize(
    ("total", "bad", "used", "left"),
    [(1_000_000, 600, 0.6, 0.4), (7_200, 8, 1.1111111111, -0.1111111111), (1_000, 1, 1.0, 0.0)],
)
def test_budgets_of_events(total: int, bad: int, used: float, left: float) -> None:
    """B3, B4, and one that is spent exactly: the objective is met, and nothing is left."""
    totals, bads = np.zeros(1440), np.zeros(1440)
    totals[5], bads[5] = total, bad
    found = counted([day_of(totals, bads)])

    assert 1 - one(found.remaining) == pytest.approx(used, abs=1e-9)
    assert one(found.remaining) == pytest.approx(left, abs=1e-9)
    assert (one(found.met), one(found.remaining) == 0) == (left >= 0, left == 0)
    assert found.states(np.array([False])).tolist() == [HEALTHY if left > 0 else EXHAUSTED]


def test_no_budget_and_no_events() -> None:
    """B5: a target of 1 is an error; without events nothing is known, which is neither 0 nor 1."""
    found = counted([day_of(0)])

    with pytest.raises(ValueError, match="no error budget"):
        counted([day_of()], target="1")
    assert np.isnan([one(found.sli), one(found.remaining), one(found.allowed)]).all()
    assert found.states(np.array([False])).tolist() == [UNKNOWN]
    assert not found.met.any()


@pytest.mark.parametrize("sign", [-1, 1])
def test_nothing_is_rounded_to_a_budget_that_is_kept(sign: int) -> None:
    """One event of 2^40 more than the budget is overspent, one less is not, though floats say 0 for what is left."""
    total = 1000 * 2.0**32
    found = counted([day_of(np.r_[total, np.zeros(1439)], np.r_[2.0**32 + sign / 1024, np.zeros(1439)])])

    assert (np.sign(one(found.remaining)), bool(one(found.met))) == (-sign, sign < 0)


def test_coverage_is_not_the_sli() -> None:
    """With 40 % of the window looked at, below the floor, the state is unknown; the numbers are told all the same."""
    found = counted([day_of(10, 0.001, seen=(0, 576))], floor=0.5)

    assert (one(found.coverage), found.states(np.array([True])).tolist()) == (0.4, [UNKNOWN])
    assert one(found.sli) == pytest.approx(0.9999, abs=1e-6)
    assert one(found.allowed) == pytest.approx(5.76, abs=1e-9)


def test_a_gap_makes_no_budget_larger() -> None:
    """What counters counted in a gap is counted, so nothing is made up for it; what is over says how much is left."""
    day = day_of(10, 0.0101)
    day.covered[600:1200] = False
    found = counted([day])

    assert (one(found.coverage), one(found.observed)) == pytest.approx((840 / 1440, 1.0))
    assert one(found.allowed) == pytest.approx(14.4)
    assert one(found.remaining) == pytest.approx(-0.01)
    assert not found.met.any()


def test_what_a_gap_lost_is_taken_to_be_like_the_rest() -> None:
    """A process that was restarted in the gap took its counts along: the ratio of what is known is the ratio of all."""
    day = day_of(10, 0.012)
    day.total[600:1200], day.bad[600:1200], day.covered[600:1200] = 0.0, 0.0, False
    found = counted([day])

    assert one(found.remaining) == pytest.approx(-0.2)
    assert not found.met.any()


@pytest.mark.parametrize("target", ["0.999", "0.9"])
@pytest.mark.parametrize("bad", [0.005, 0.01, 0.02])
@pytest.mark.parametrize("gap", [(0, 0), (100, 200), (0, 700), (900, 1440)])
def test_an_objective_that_is_missed_has_no_budget_left(target: str, bad: float, gap: tuple[int, int]) -> None:
    """Over a window that is over, one says what the other says, wherever its gaps are."""
    day = day_of(10, bad)
    day.covered[slice(*gap)] = False
    found = counted([day], target=target)

    assert bool(found.met[0]) == (one(found.remaining) >= 0)


def test_a_period_that_is_not_over() -> None:
    """The budget is that of the whole period, coverage that of what has passed of it."""
    now = MIDNIGHT + 6 * HOUR
    found = counted([day_of(10, seen=(0, 360))], now=now)

    assert (one(found.coverage), one(found.observed), one(found.total)) == (1.0, 0.25, 3600.0)
    assert one(found.allowed) == pytest.approx(14.4)


def test_what_was_not_there_yet_is_not_missing() -> None:
    """A service of six hours is covered since it began, if one says when that was."""
    series = Series.empty(np.arange(MIDNIGHT, MIDNIGHT + DAY + 1, HOUR), 1)
    series.state(0, Occurrences().units(day_of(10, seen=(1080, 1440))))
    now = MIDNIGHT + DAY
    young = Windows(np.array([MIDNIGHT]), np.array([now]), np.array([now - 6 * HOUR]))
    ratios = Ratios.of([Fraction(1, 1000)])

    assert one(budgets(series, young, now, ratios, 0.5).coverage) == 1.0
    assert one(budgets(series, young, now, ratios, 0.5).allowed) == pytest.approx(14.4)  # of a whole day
    assert one(budgets(series, rolling(now, DAY, 1), now, ratios, 0.5).coverage) == 0.25


def test_what_is_older_than_the_ledger_is_not_covered() -> None:
    """A window that begins before all that is held counts what there is, and says how much of it that is."""
    found = counted([day_of(10)], window=(MIDNIGHT - 3 * DAY, MIDNIGHT + DAY))

    assert (one(found.total), one(found.coverage), one(found.allowed)) == pytest.approx((14_400.0, 0.25, 14.4))
    assert found.states(np.array([False])).tolist() == [UNKNOWN]


def test_a_tier_that_fires_is_told_unless_the_budget_is_spent() -> None:
    """The words of the evaluator, in its order."""
    calm, spent = counted([day_of(1000, 0.5)]), counted([day_of(1000, 2)])

    assert [str(each.states(np.array([True]))[0]) for each in (calm, spent)] == [BURNING, EXHAUSTED]
    assert [str(each.states(np.array([False]))[0]) for each in (calm, spent)] == [HEALTHY, EXHAUSTED]


def test_a_burn_rate_that_ties_does_not_fire() -> None:
    """R1: 1.44 % at 99.9 % burns 14.4 times too fast, exactly, and that is not more than 14.4."""
    period, target = Duration.of(days=30), Decimal("0.999")
    tier = WORKBOOK[0]
    thresholds = Ratios.of([tier.threshold(period, target)] * 2)
    series = Series.empty(np.arange(MIDNIGHT, MIDNIGHT + DAY + 1, MINUTE), 2)
    series.state(0, Occurrences().units(day_of(10_000, 144)))
    series.state(1, Occurrences().units(day_of(10_000, 144 + 1 / 1024)))
    watch = Watch(int(tier.long.seconds), int(tier.short.seconds), thresholds)
    (found,) = burns(series, MIDNIGHT + DAY, [watch], Ratios.of([budget_ratio(target)] * 2))

    assert found.long[0] == found.short[0] == 14.4
    assert (found.firing.tolist(), found.seen.tolist()) == ([False, True], [1.0, 1.0])


def test_a_service_that_is_idle_does_not_burn() -> None:
    """No events: no rate, and nothing fires."""
    series = Series.empty(np.arange(MIDNIGHT, MIDNIGHT + DAY + 1, MINUTE), 1)
    watch = Watch(HOUR, np.array([300]), Ratios.of([Fraction(1, 100)]))
    (found,) = burns(series, MIDNIGHT + DAY, [watch], Ratios.of([Fraction(1, 1000)]))

    assert np.isnan([one(found.long), one(found.short)]).all()
    assert (found.firing.tolist(), one(found.seen)) == ([False], 0.0)


def test_the_method_is_that_of_the_sli() -> None:
    """As it is written in the definitions."""
    from tests.fakes import TrafficSli

    minutes = Duration.of(minutes=5)
    events = TrafficSli("requests")

    assert method_of(events) == Occurrences()
    assert method_of(SlicedSli(events, minutes, Decimal("0.9"), "bad")) == Timeslices(300, Decimal("0.9"), "bad")
    assert method_of(SlicedSli(events, minutes)) == RatioTimeslices(300, "ignore")


def test_a_day_in_longer_slices_than_the_budgets_is_refused() -> None:
    """It would be judged by means of slices, which hides the bad ones."""
    with pytest.raises(ValueError, match="is held in slices of 3600 s, its budget counts 300 s"):
        Timeslices(300, Decimal("0.9")).units(day_of(1, step=3600))
