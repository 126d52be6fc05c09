"""Budgets, burn rates and availability against published numbers (SRE Workbook, chapter 5; reliability algebra).

Vectors B1 to B5, R1, R6, C1 to C5 of the reference table.
"""

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.budget import (
    Exact,
    allowed_downtime,
    at_least,
    budget_ratio,
    burn_rate,
    exhaustion,
    in_parallel,
    in_series,
    spend,
    weighted,
)
from tocsin.units import Duration

D = Decimal
MONTH = Duration.of(days=30)


@pytest.mark.parametrize(
    ("target", "days", "seconds"),
    [("0.999", 30, "2592"), ("0.9995", 28, "1209.6"), ("0.99999", 30, "25.92"), ("0.9999", 90, "777.6")],
)
def test_downtime_of_a_period(target: str, days: int, seconds: str) -> None:
    """43.2 min for 99.9 % in 30 days; 20.16 min; 25.92 s; 12.96 min: exact."""
    assert allowed_downtime(D(target), Duration.of(days=days)) == Fraction(D(seconds))


def test_budget_in_events() -> None:
    """600 bad of a million use 60 % of a 99.9 % budget; 8 of 7,200 use 111 %."""
    healthy, spent = spend(D("0.999"), 1_000_000, 600), spend(D("0.999"), 7_200, 8)

    assert healthy is not None
    assert spent is not None
    assert (healthy.allowed, healthy.used, healthy.remaining) == (1000.0, 600, 0.4)
    assert pytest.approx(spent.remaining, abs=1e-9) == -0.1111111111
    assert pytest.approx(spent.used / spent.allowed, abs=1e-9) == 1.1111111111


@pytest.mark.parametrize(("total", "bad"), [(0, 0), (float("nan"), 0), (10, float("nan")), (float("inf"), 1), (10, -1)])
def test_nothing_is_known_without_events(total: float, bad: float) -> None:
    """No events is neither a full nor an empty budget, and what is no count gives none."""
    assert spend(D("0.999"), total, bad) is None


@pytest.mark.parametrize("target", ["1", "1.5", "0", "-1"])
def test_no_budget(target: str) -> None:
    """A target of 100 % has no budget to compute with."""
    with pytest.raises(ValueError, match="no error budget"):
        budget_ratio(D(target))


def test_burn_rate_is_exact() -> None:
    """1.44 % at 99.9 % is 14.4, not 14.400000000000013 as in floats, so a strict threshold of 14.4 does not fire."""
    assert burn_rate(D("0.0144"), D("0.999")) == Fraction(144, 10)


@pytest.mark.parametrize(("burn", "lasts"), [(1, "30d"), (2, "15d"), (10, "3d"), (1000, "43m12s")])
def test_time_to_exhaustion(burn: int, lasts: str) -> None:
    """The workbook's table 5-4."""
    assert exhaustion(1, burn, MONTH) == Duration.parse(lasts)


def test_exhaustion_of_what_is_left() -> None:
    """40 % left at burn 2 last 6 days; nothing burns for ever; an overspent budget is exhausted now."""
    assert exhaustion(D("0.4"), 2, MONTH) == Duration.of(days=6)
    assert exhaustion(1, 0, MONTH) is None
    assert exhaustion(-0.5, 3, MONTH) == Duration(0)


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        (in_series([D("0.999"), D("0.9995"), D("0.99")]), "0.988515495"),
        (in_parallel([D("0.995")] * 2), "0.999975"),
        (in_parallel([D("0.99"), D("0.95"), D("0.9")]), "0.99995"),
        (at_least(2, [D("0.99")] * 3), "0.999702"),
        (at_least(3, [D("0.99")] * 5), "0.9999901494"),
        (at_least(2, [D("0.99"), D("0.98"), D("0.95")]), "0.99832"),
        (in_series([D("0.9999"), at_least(2, [D("0.995")] * 3), D("0.9995")]), "0.9993253448"),
    ],
)
def test_availability(got: Fraction, expected: str) -> None:
    """Series, parallel, k of n, and a load balancer before 2 of 3 before a database."""
    assert float(expected) == pytest.approx(float(got), abs=5e-11)


@pytest.mark.parametrize(
    ("third", "expected"), [(D("0.95"), "0.9795"), (None, "0.9972"), (D(1), "0.99825"), (D(0), "0.62325")]
)
def test_weighted(third: Decimal | None, expected: str) -> None:
    """Weights 1, 4, 3; the third part known, left out, counted as good, counted as bad."""
    parts: list[tuple[Exact, Exact]] = [(1, D("0.99")), (4, D("0.999"))]
    got = weighted(parts + ([(3, third)] if third is not None else []))

    assert got == Fraction(D(expected))


@given(st.lists(st.fractions(0, 1), min_size=1, max_size=5))
def test_all_and_any_are_ends_of_at_least(parts: list[Fraction]) -> None:
    """Needing all is series, needing one is parallel, needing none is certain."""
    assert in_series(parts) == at_least(len(parts), parts)
    assert in_parallel(parts) == at_least(1, parts)
    assert at_least(0, parts) == 1


@given(st.decimals("0.5", "0.99999", places=5), st.integers(1, 10**9), st.integers(0, 10**9))
def test_spend_adds_up(target: Decimal, total: int, bad: int) -> None:
    """What is used and what remains are the whole budget."""
    got = spend(target, total, bad)

    assert got is not None
    assert got.used / got.allowed == pytest.approx(1 - got.remaining, rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("burn", [1e-300, 1e-9, 2.9e-8, 0.0099, float("nan"), float("inf")])
def test_a_residue_of_floats_exhausts_nothing(burn: float) -> None:
    """A burn rate that would need more than a hundred periods is no burn rate."""
    assert exhaustion(1.0, burn, MONTH) is None


@given(st.floats(), st.floats(), st.floats())
def test_budgets_of_any_floats(total: float, bad: float, burn: float) -> None:
    """No count that a source may answer breaks the arithmetic, and every end of a budget is a length of time."""
    spent = spend(D("0.99999"), total, bad)
    lasts = exhaustion(spent.remaining if spent else total, burn, Duration.of(days=365))

    assert lasts is None or lasts.timedelta.days <= 36_500


def test_a_count_that_cannot_be() -> None:
    """A thousand digits of overspending are noise."""
    assert spend(D("0.999"), 1e-300, 1e300) is None
