"""The 58 rows of the reference table, by id: each number that the product must reproduce, from the product's functions.

Periods of 30 days have 43,200 minutes. Numbers are exact to 1e-9 where nothing else is said. ELSEWHERE says which tests
assert the rows that need more than a call: a promtool, traffic, or a whole contract.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests import builders

from tocsin.backtest.detection import Alert, Incident, detection
from tocsin.budget import (
    Spend,
    added_shortfalls,
    allowed_downtime,
    apportion_added,
    apportion_multiplied,
    at_least,
    bounds,
    budget_ratio,
    burn_rate,
    correlated,
    exhaustion,
    in_parallel,
    in_series,
    journeys_at_least,
    journeys_independent,
    spend,
    weighted,
)
from tocsin.confidence import Interval, chance, exact, expected_alerts, jeffreys, least_bad, wilson
from tocsin.evaluate.calendar import PERIODS, Bounds, Recurrence
from tocsin.evaluate.journey import over
from tocsin.spec.journey import Combine, Member
from tocsin.units import Duration
from tocsin.windows import (
    CATALOGUE,
    POLICIES,
    WORKBOOK,
    budget_spent,
    detection_time,
    pyrra_tiers,
    reset_time,
)

IDS = {
    f"{letter}{number}"
    for letter, count in {"B": 5, "R": 8, "D": 11, "C": 12, "T": 5, "K": 5, "L": 6, "N": 4, "F": 2}.items()
    for number in range(1, count + 1)
}

ELSEWHERE = (
    ("B3", "unit/test_ledger_budgets.py", "test_budgets_of_events"),
    ("B4", "unit/test_ledger_budgets.py", "test_budgets_of_events"),
    ("B5", "unit/test_ledger_budgets.py", "test_no_budget_and_no_events"),
    ("R1", "unit/test_ledger_budgets.py", "test_a_burn_rate_that_ties_does_not_fire"),
    ("D2", "unit/test_tick.py", "test_page_in_the_exact_minute"),
    ("D5", "unit/test_tick.py", "test_page_in_the_exact_minute"),
    ("D10", "e2e/test_burn_rate_rules.py", "test_page_fires_and_clears_in_the_minutes_of_the_model"),
    ("D10", "unit/test_extrapolation.py", "test_first_and_last_minute"),
    ("D11", "unit/test_extrapolation.py", "test_errors_that_a_series_is_born_with"),
    ("D11", "unit/test_extrapolation.py", "test_cold_start"),
    ("C6", "unit/test_journey_rules.py", "test_vectors_per_slice"),
    ("C7", "unit/test_journey_rules.py", "test_vectors_per_slice"),
    ("T1", "e2e/test_tiles_and_guards.py", "test_slices_of_time"),
    ("T1", "unit/test_ledger_budgets.py", "test_three_methods_on_the_same_slices"),
    ("T2", "e2e/test_slices.py", "test_the_budget_of_days"),
    ("T2", "unit/test_ledger_budgets.py", "test_slices_that_may_be_bad"),
    ("T3", "unit/test_ledger_budgets.py", "test_half_a_day_of_slices_of_five_minutes"),
    ("T4", "e2e/test_slices.py", "test_empty_slices"),
    ("T4", "unit/test_ledger_budgets.py", "test_empty_slices"),
    ("T5", "e2e/test_slices.py", "test_exactly_the_target_is_good"),
    ("T5", "unit/test_ledger_budgets.py", "test_exactly_the_slice_target_is_good"),
    ("K1", "unit/test_ledger_budgets.py", "test_periods_with_a_change_of_clocks"),
    ("K5", "unit/test_ledger_budgets.py", "test_a_day_of_23_and_a_half_hours"),
    ("L1", "unit/test_contract_vectors.py", "test_l1_ec2_minutes"),
    ("L2", "unit/test_contract_vectors.py", "test_l2_s3_interval_mean"),
    ("L3", "unit/test_contract_vectors.py", "test_l3_s3_empty_intervals"),
    ("L4", "unit/test_contract_vectors.py", "test_l4_azure_deployed_minutes"),
    ("L5", "unit/test_contract_vectors.py", "test_l5_datastore_downtime_periods"),
    ("L6", "unit/test_contract_vectors.py", "test_l6_exclusions"),
)
"""Tests that assert a row which is not in ROWS, or assert it through the ledger, compiled rules or traffic as well."""

D, F = Decimal, Fraction
TARGET = D("0.999")
MONTH = Duration.of(days=30)
FAST, STEADY, SLOW, TRICKLE = WORKBOOK
THRESHOLDS = [tier.threshold(MONTH, TARGET) for tier in WORKBOOK]
HOURS = [tier.long.seconds / 60 for tier in WORKBOOK]
"""The long windows, in minutes."""
START = datetime(2026, 11, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """One statement of a row: what the product says, and what it must be; exactly so where *within* is 0."""

    id: str
    got: Callable[[], object]
    expected: object
    within: float = 1e-9


def days(count: int) -> Duration:
    """A period."""
    return Duration.of(days=count)


def floats(values: Iterable[Fraction | Decimal | float | None]) -> list[float | None]:
    """Numbers to compare with a tolerance."""
    return [None if value is None else float(value) for value in values]


def spent(total: float, bad: float, target: str = "0.999") -> list[float | None]:
    """Budget used, and left."""
    found = spend(D(target), total, bad)
    assert isinstance(found, Spend)
    return [found.used / found.allowed, found.remaining]


def minutes(bounds: Bounds) -> float:
    """How long."""
    return (bounds[1] - bounds[0]) / timedelta(minutes=1)


def budget(bounds: Bounds) -> Fraction:
    """Minutes that may be lost in a period at 99.9 %."""
    return allowed_downtime(TARGET, Duration(int((bounds[1] - bounds[0]) / timedelta(milliseconds=1)))) / 60


def period(unit: str, at: str, zone: str) -> Bounds:
    """The calendar period at noon of a day, in UTC."""
    return PERIODS[unit](datetime.fromisoformat(f"{at}T12:00+00:00"), ZoneInfo(zone))


def utc(bounds: Bounds) -> list[str]:
    """Both ends."""
    return [f"{bound:%Y-%m-%dT%H:%MZ}" for bound in bounds]


def containing(periods: Recurrence, at: str, zone: str) -> list[str]:
    """The period around an instant."""
    return utc(periods.containing(datetime.fromisoformat(at), ZoneInfo(zone)))


def ends(interval: Interval | None) -> list[float]:
    """Low and high."""
    assert interval is not None
    return [interval.low, interval.high]


def mean(journey: str, *members: Sequence[float]) -> float:
    """The mean of a journey over slices."""
    refs = [f"{number}/up" for number in range(len(members))]
    node = Combine(journey, tuple(Member(ref, builders.SPAN) for ref in refs), (), builders.SPAN)
    values = over(node, [dict(zip(refs, ratios, strict=True)) for ratios in zip(*members, strict=True)])
    return sum(value or 0.0 for value in values) / len(values)


def pyrra(period: Duration) -> list[tuple[float, ...]]:
    """`for`, long, short in minutes, and the factor."""
    return [(*(float(part.seconds) / 60 for part in (t.for_, t.long, t.short)), t.factor) for t in pyrra_tiers(period)]


def back_test() -> list[float | None]:
    """Precision, recall and both detection times in minutes, of the worked example."""

    def at(minute: float) -> datetime:
        return START + timedelta(minutes=minute)

    incidents = [Incident(at(a), at(b), cost) for a, b, cost in ((0, 60, 0.3), (200, 210, 0.08), (400, 401, 0.01))]
    alerts = [Alert(at(a), at(b)) for a, b in ((5, 65), (100, 105), (205, 215))]
    got = detection(incidents, alerts, timedelta(days=1))
    times = [None if f.after is None else f.after / timedelta(minutes=1) for f in got.incidents]
    return [got.precision, got.recall, *times]


NEW_YORK = Recurrence(datetime.fromisoformat("2004-01-02T12:00"), "quarter")
ANCHORAGE = Recurrence(datetime.fromisoformat("2022-01-03T22:00"), "day", 3)
THE_31ST = datetime.fromisoformat("2025-01-31")
GOODS, TOTALS = (2, 10, 12, 13, 13, 12, 13, 13, 12, 11), (4, 10, 12, 13, 14, 15, 14, 13, 12, 11)
ONE_BAD = [0.0] + [1.0] * 143
ANOTHER_BAD = [1.0] + [0.0] + [1.0] * 142
C5 = [(1, D("0.99")), (4, TARGET)]

ROWS = [
    Row("B1", lambda: allowed_downtime(TARGET, MONTH), 2592, 0),
    Row("B2", lambda: allowed_downtime(D("0.9995"), days(28)) / 60, F("20.16"), 0),
    Row("B2", lambda: allowed_downtime(D("0.99999"), MONTH), F("25.92"), 0),
    Row("B2", lambda: allowed_downtime(D("0.9999"), days(90)) / 60, F("12.96"), 0),
    Row("B3", lambda: spent(1_000_000, 600), [0.6, 0.4]),
    Row("B4", lambda: spent(7_200, 8), [1.1111111111, -0.1111111111]),
    Row("B5", lambda: spend(TARGET, 0, 0), None, 0),
    Row("R1", lambda: burn_rate(D("0.0144"), TARGET), F("14.4"), 0),
    Row("R1", lambda: detection_time(60, THRESHOLDS[0], D("0.0144")), None, 0),
    Row(
        "R2",
        lambda: [FAST.factor(days(n)) for n in (7, 28, 30, 31, 90)],
        [F("3.36"), F("13.44"), F("14.4"), F("14.88"), F("43.2")],
        0,
    ),
    Row("R3", lambda: [t.factor(MONTH) for t in (STEADY, SLOW, TRICKLE)], [6, 3, 1], 0),
    Row("R3", lambda: floats(t.factor(days(28)) for t in (STEADY, SLOW, TRICKLE)), [5.6, 2.8, 14 / 15]),
    Row("R3", lambda: min(t.factor(days(28)) for t in POLICIES["workbook"].tiers(days(28))) >= 1, True, 0),
    Row("R4", lambda: [t.factor(days(90)) for t in CATALOGUE[days(90)][:3]], [F("21.6"), F("10.8"), F("4.5")], 0),
    Row("R5", lambda: [FAST.feasible(MONTH, D(t)) for t in ("0.90", "0.93", "0.931")], [False, False, True], 0),
    Row("R6", lambda: [str(exhaustion(1, b, MONTH)) for b in (1, 2, 10, 1000)], ["30d", "15d", "3d", "43m12s"], 0),
    Row("R7", lambda: pyrra(days(7)), [(1, 15, 1, 14), (4, 90, 8, 7), (15, 360, 30, 2), (45, 1440, 90, 1)], 0),
    Row("R8", lambda: pyrra(MONTH), [(2, 64, 5, 14), (16, 386, 32, 7), (64, 1543, 129, 2), (193, 6171, 386, 1)], 0),
    Row(
        "D1",
        lambda: [detection_time(window, thr, 1) for window, thr in zip(HOURS, THRESHOLDS, strict=True)],
        [F("0.864"), F("2.16"), F("4.32"), F("4.32")],
        0,
    ),
    Row("D2", lambda: detection_time(60, THRESHOLDS[0], D("0.15")), F("5.76"), 0),
    Row(
        "D2",
        lambda: [10 + (reset_time(w, THRESHOLDS[0], D("0.15")) or 0) for w in (5, 60)],
        [F("14.52"), F("64.24")],
        0,
    ),
    Row("D3", lambda: (detection_time(60, THRESHOLDS[0], D("0.15")) or 0) > 5, True, 0),
    Row("D4", lambda: [detection_time(HOURS[n], THRESHOLDS[n], D("0.01")) for n in (0, 1)], [None, 216], 0),
    Row("D5", lambda: detection_time(60, THRESHOLDS[0], D("0.02")), F("43.2"), 0),
    Row("D5", lambda: 60 + (reset_time(5, THRESHOLDS[0], D("0.02")) or 0), F("61.4"), 0),
    Row("D6", lambda: floats([detection_time(60, THRESHOLDS[0], 1, traffic=D("0.1"))]), [7.6487252125]),
    Row("D7", lambda: floats([detection_time(60, THRESHOLDS[0], D("0.02"), before=D("0.0005"))]), [42.7692307692]),
    Row(
        "D8",
        lambda: [
            budget_spent(detection_time(window, thr, errors) or 0, errors, TARGET, 43_200)
            for window, thr in zip(HOURS, THRESHOLDS, strict=True)
            for errors in (1, D("0.5"), D("0.0145"))
        ],
        [D(share) for share in ("0.02", "0.05", "0.10", "0.10") for _ in range(3)],
        0,
    ),
    Row("D9", lambda: [detection_time(60, F("0.036"), 1), reset_time(60, F("0.036"), 1)], [F("2.16"), F("57.84")], 0),
    Row("C1", lambda: in_series([TARGET, D("0.9995"), D("0.99")]), F("0.988515495"), 0),
    Row("C2", lambda: in_parallel([D("0.995")] * 2), F("0.999975"), 0),
    Row("C2", lambda: in_parallel([D("0.99"), D("0.95"), D("0.9")]), F("0.99995"), 0),
    Row("C3", lambda: at_least(2, [D("0.99")] * 3), F("0.999702"), 0),
    Row("C3", lambda: at_least(3, [D("0.99")] * 5), F("0.9999901494"), 0),
    Row("C3", lambda: at_least(2, [D("0.99"), D("0.98"), D("0.95")]), F("0.99832"), 0),
    Row(
        "C4",
        lambda: floats([in_series([D("0.9999"), at_least(2, [D("0.995")] * 3), D("0.9995")])]),
        [0.9993253448],
    ),
    Row("C5", lambda: weighted([*C5, (3, D("0.95"))]), F("0.9795"), 0),
    Row(
        "C5",
        lambda: [weighted(C5), weighted([*C5, (3, 1)]), weighted([*C5, (3, 0)])],
        [F("0.9972"), F("0.99825"), F("0.62325")],
        0,
    ),
    Row("C8", lambda: [correlated(D("0.99"), D("0.99"), 0.5, all_needed=n) for n in (True, False)], [0.98505, 0.99495]),
    Row("C9", lambda: bounds([D("0.99"), D("0.98")], all_needed=True), (F("0.97"), F("0.98")), 0),
    Row("C9", lambda: bounds([D("0.99"), D("0.98")], all_needed=False), (F("0.99"), 1), 0),
    Row("C10", lambda: added_shortfalls([(1, D("0.95")), (1, D("0.95"))]), F("0.90"), 0),
    Row("C10", lambda: added_shortfalls([(1, D("0.95")), (2, D("0.98"))]), F("0.91"), 0),
    Row("C11", lambda: floats(apportion_multiplied(TARGET, [1, 1, 1])), [0.9996665555] * 3),
    Row("C11", lambda: apportion_added(TARGET, [1, 2, 7]), (F("0.9999"), F("0.9998"), F("0.9993")), 0),
    Row("C12", lambda: journeys_at_least([(3, D("0.0005")), (1, D("0.001")), (1, D("0.002"))]), F("0.9955"), 0),
    Row("C12", lambda: journeys_independent([(3, D("0.0005")), (1, D("0.001")), (1, D("0.002"))]), 0.9955072446),
    Row("T1", lambda: spent(sum(TOTALS), sum(TOTALS) - sum(GOODS), "0.95"), [1.1864406780, -0.1864406780]),
    Row(
        "T2",
        lambda: [allowed_downtime(D("0.95"), days(14)) / 60, allowed_downtime(D("0.9995"), days(7)) / 60],
        [1008, F("5.04")],
        0,
    ),
    Row("T3", lambda: [mean("series", ONE_BAD), mean("series", ONE_BAD, ANOTHER_BAD)], [0.9930555556, 0.9861111111]),
    Row(
        "K1",
        lambda: [minutes(period("month", f"2026-{m}-15", "Europe/Berlin")) / 60 for m in ("03", "10")],
        [743, 745],
        0,
    ),
    Row(
        "K1",
        lambda: [budget(period("month", f"2026-{m}-15", "Europe/Berlin")) for m in ("03", "10")],
        [F("44.58"), F("44.7")],
        0,
    ),
    Row(
        "K2",
        lambda: containing(NEW_YORK, "2006-01-04T15:04:05Z", "America/New_York"),
        ["2006-01-02T17:00Z", "2006-04-02T16:00Z"],
        0,
    ),
    Row(
        "K3",
        lambda: containing(ANCHORAGE, "2021-12-23T01:00Z", "America/Anchorage"),
        ["2021-12-20T07:00Z", "2021-12-23T07:00Z"],
        0,
    ),
    Row(
        "K4",
        lambda: containing(Recurrence(THE_31ST, "month"), "2025-03-01T00:00Z", "UTC"),
        ["2025-01-31T00:00Z", "2025-03-03T00:00Z"],
        0,
    ),
    Row(
        "K4",
        lambda: containing(Recurrence(THE_31ST, "month", overflow="clamp"), "2025-03-01T00:00Z", "UTC"),
        ["2025-02-28T00:00Z", "2025-03-31T00:00Z"],
        0,
    ),
    Row("K5", lambda: minutes(period("day", "2026-10-04", "Australia/Lord_Howe")) / 5, 282, 0),
    Row("N1", lambda: ends(wilson(1, 10)), [0.01787621, 0.40415003], 1e-8),
    Row("N1", lambda: ends(wilson(0, 10)), [0, 0.27753280], 1e-8),
    Row("N1", lambda: ends(wilson(15, 1000)), [0.00911098, 0.02460098], 1e-8),
    Row("N2", lambda: ends(jeffreys(1, 10)), [0.01101167, 0.38131477], 1e-8),
    Row("N2", lambda: ends(exact(1, 10)), [0.00252858, 0.44501612], 1e-8),
    Row("N3", lambda: [least_bad(n, 0.0144, 0.001) for n in (10, 100, 1000)], [3, 7, 28], 0),
    Row("N4", lambda: [chance(1, 10, 0.001)], [0.0099551198]),
    Row("N4", lambda: [expected_alerts(10, 0.001, 1, 720)], [7.1676862], 1e-7),
    Row("F1", lambda: str(exhaustion(D("0.4"), 2, MONTH)), "6d", 0),
    Row(
        "F1",
        lambda: [
            str(exhaustion(D("0.1"), 3, MONTH)),
            str(exhaustion(0.1, 3, MONTH, leaving=[0] * 11 + [0.3])),
        ],
        ["1d", "4d"],
        0,
    ),
    Row("F2", back_test, [0.6666666667, 1.0, 5, 5]),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_row(row: Row) -> None:
    """The product's number is that of the table."""
    assert row.got() == (pytest.approx(row.expected, abs=row.within, rel=0) if row.within else row.expected)


def test_a_target_of_everything_has_no_budget() -> None:
    """B5: at 100 % nothing may fail, so there is nothing to compute with."""
    with pytest.raises(ValueError, match="no error budget"):
        budget_ratio(D(1))


@pytest.mark.parametrize(("file", "function"), sorted({(file, function) for _, file, function in ELSEWHERE}))
def test_the_other_tests_exist(file: str, function: str) -> None:
    """A row whose test was renamed or dropped is asserted nowhere."""
    text = (Path(__file__).parents[1] / file).read_text()

    assert re.search(rf"^ *def {function}\(", text, re.MULTILINE)


def test_every_row_is_asserted() -> None:
    """58 rows, each here or in a test that is named."""
    assert len(IDS) == 58
    assert {row.id for row in ROWS} | {name for name, _, _ in ELSEWHERE} == IDS
