"""Factors, thresholds and closed forms against the published and recomputed numbers (vectors R1 to R8, D1 to D9)."""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tocsin.units import Duration
from tocsin.windows import (
    WORKBOOK,
    Tier,
    budget_spent,
    decimal_literal,
    detection_time,
    pyrra_tiers,
    reset_time,
    windows_of,
)

MONTH = Duration.of(days=30)
FAST, STEADY, SLOW, TRICKLE = WORKBOOK
THR = Fraction("0.0144")


def minutes(*texts: str | None) -> tuple[Fraction | None, ...]:
    """Exact minutes; None stands for never."""
    return tuple(None if text is None else Fraction(text) for text in texts)


def tier(share: str, long: str) -> Tier:
    """A tier of which only the factor matters."""
    return Tier("any", "page", Decimal(share), Duration.parse(long), Duration.of(minutes=5))


def test_burn_rate_at_the_threshold_is_exact() -> None:
    """R1: 0.0144 of errors at 99.9 % is a burn rate of exactly 14.4, which strict comparison does not fire."""
    assert FAST.threshold(MONTH, Decimal("0.999")) == Decimal("0.0144")


@pytest.mark.parametrize(
    ("days", "factor"), [(7, "3.36"), (28, "13.44"), (30, "14.4"), (31, "14.88"), (90, "43.2"), (365, "175.2")]
)
def test_factor_follows_from_share_and_period(days: int, factor: str) -> None:
    """R2: two percent of the budget in one hour."""
    assert tier("0.02", "1h").factor(Duration.of(days=days)) == Decimal(factor)


@pytest.mark.parametrize(
    ("days", "factors"), [(30, ("14.4", "6", "3", "1")), (28, ("13.44", "5.6", "2.8", "0.9333333333333333"))]
)
def test_workbook_factors(days: int, factors: tuple[str, ...]) -> None:
    """R3: the workbook's tiers; over 28 days the last one falls below 1."""
    assert factors == tuple(decimal_literal(one.factor(Duration.of(days=days))) for one in WORKBOOK)


@pytest.mark.parametrize(
    ("share", "long", "factor"), [("0.01", "1h", "21.6"), ("0.03", "6h", "10.8"), ("0.05", "1d", "4.5")]
)
def test_factors_of_a_quarter(share: str, long: str, factor: str) -> None:
    """R4: Datadog's documented tiers for 90 days."""
    assert tier(share, long).factor(Duration.of(days=90)) == Decimal(factor)


@pytest.mark.parametrize(("target", "feasible"), [("0.90", False), ("0.93", False), ("0.931", True)])
def test_loose_targets_cannot_fire(target: str, feasible: bool) -> None:
    """R5: at 93 % even a total outage burns less than 14.4 times the budget."""
    assert feasible == FAST.feasible(MONTH, Decimal(target))


@pytest.mark.parametrize(
    ("one", "expected"),
    [(FAST, "0.864"), (STEADY, "2.16"), (SLOW, "4.32"), (TRICKLE, "4.32")],
    ids=lambda v: str(v)[:12],
)
def test_detection_of_a_total_outage(one: Tier, expected: str) -> None:
    """D1: a total outage at 99.9 %, in minutes."""
    window = one.long.seconds / 60

    assert detection_time(window, one.threshold(MONTH, Decimal("0.999")), 1) == Decimal(expected)


def test_fifteen_percent_for_ten_minutes() -> None:
    """D2: fires at 5.76, clears 4.52 after the end; the long window alone would hold on for 54.24 minutes."""
    errors = Fraction("0.15")

    times = (detection_time(60, THR, errors), reset_time(5, THR, errors), reset_time(60, THR, errors))

    assert minutes("5.76", "4.52", "54.24") == times


def test_short_incidents_stay_silent() -> None:
    """D3: five minutes of 15 % are shorter than the 5.76 that it takes."""
    needed = detection_time(60, THR, Fraction("0.15"))

    assert needed is not None
    assert needed > 5


def test_below_the_threshold_nothing_fires() -> None:
    """D4: 1 % never reaches 1.44 %, and takes 216 minutes to reach 0.6 % over six hours."""
    errors = Fraction("0.01")

    assert minutes(None, "216") == (detection_time(60, THR, errors), detection_time(360, Fraction("0.006"), errors))


def test_two_percent_for_an_hour() -> None:
    """D5: from minute 43.2 to minute 61.4."""
    errors = Fraction("0.02")
    reset = reset_time(5, THR, errors)

    assert reset is not None
    assert minutes("43.2", "61.4") == (detection_time(60, THR, errors), 60 + reset)


def test_traffic_that_drops_delays_detection() -> None:
    """D6: a total outage that keeps a tenth of the traffic."""
    delay = detection_time(60, THR, 1, traffic=Fraction("0.1"))

    assert delay is not None
    assert float(delay) == pytest.approx(7.6487252125, abs=1e-9)


def test_errors_before_the_incident_hasten_detection() -> None:
    """D7: 0.05 % before, 2 % during."""
    delay = detection_time(60, THR, Fraction("0.02"), before=Fraction("0.0005"))

    assert delay is not None
    assert float(delay) == pytest.approx(42.7692307692, abs=1e-9)


@given(st.sampled_from(WORKBOOK), st.fractions(min_value=0, max_value=1, max_denominator=10_000))
def test_budget_spent_at_firing_is_the_share(one: Tier, errors: Fraction) -> None:
    """D8: whatever the error ratio, a tier fires when its share of the budget is gone."""
    target = Decimal("0.999")
    seconds = detection_time(one.long.seconds, one.threshold(MONTH, target), errors)
    assume(seconds is not None)
    assert seconds is not None

    assert one.budget_share == budget_spent(seconds, errors, target, MONTH.seconds)


def test_single_window() -> None:
    """D9: 36 times over one hour fires a total outage at 2.16 and takes 57.84 minutes to reset."""
    threshold = Fraction(36) / 1000

    assert minutes("2.16", "57.84") == (detection_time(60, threshold, 1), reset_time(60, threshold, 1))


def test_errors_before_above_the_threshold_have_fired_already() -> None:
    """Where the ratio was above the threshold before, there is nothing to wait for."""
    assert detection_time(60, THR, 1, before=Fraction("0.02")) == 0


@given(st.integers(1, 10**6), st.integers(0, 12))
def test_finite_decimals_are_printed_exactly(number: int, places: int) -> None:
    """A threshold in a rule file is the number that was meant, not its nearest float."""
    value = Fraction(number, 10**places)

    assert value == Fraction(decimal_literal(value))


@given(st.fractions(min_value=Fraction(1, 10**6), max_value=10**6))
def test_other_fractions_are_the_nearest_float(value: Fraction) -> None:
    """Prometheus reads the float nearest to what was meant."""
    assert float(value) == float(decimal_literal(value))


def test_windows_are_shared() -> None:
    """Six hours serve as a long and as a short window, and are recorded once."""
    assert [str(window) for window in windows_of(WORKBOOK)] == ["5m", "30m", "1h", "2h", "6h", "1d", "3d"]


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        (7, [(1, 15, 1, 14), (4, 90, 8, 7), (15, 360, 30, 2), (45, 1440, 90, 1)]),
        (30, [(2, 64, 5, 14), (16, 386, 32, 7), (64, 1543, 129, 2), (193, 6171, 386, 1)]),
    ],
    ids=["R7", "R8"],
)
def test_tiers_of_pyrra(days: int, expected: list[tuple[int, int, int, int]]) -> None:
    """What the neighbour generates, in minutes: `for`, long, short, and the factor that never changes."""
    tiers = [
        (*(d.milliseconds / 60_000 for d in (t.for_, t.long, t.short)), t.factor)
        for t in pyrra_tiers(Duration.of(days=days))
    ]

    assert tiers == expected
