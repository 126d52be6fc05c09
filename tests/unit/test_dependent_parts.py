"""Parts that depend on each other, and from a journey back to its members (vectors C8 to C12)."""

from decimal import Decimal
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tocsin.budget import (
    Exact,
    added_shortfalls,
    after_retries,
    apportion_added,
    apportion_multiplied,
    bounds,
    budget_ratio,
    correlated,
    in_parallel,
    in_series,
    journeys_at_least,
    journeys_independent,
)

D = Decimal
ratios = st.fractions(0, 1, max_denominator=10_000)


@pytest.mark.parametrize(
    ("rho", "series", "parallel"), [(0, 0.9801, 0.9999), (0.5, 0.98505, 0.99495), (1, 0.99, 0.99)], ids=["0", "C8", "1"]
)
def test_correlated_outages(rho: float, series: float, parallel: float) -> None:
    """C8: two parts of 99 % that fail together more or less often."""
    got = [correlated(D("0.99"), D("0.99"), rho, all_needed=every) for every in (True, False)]

    assert [series, parallel] == pytest.approx(got, abs=1e-12)


def test_bounds_of_any_dependence() -> None:
    """C9: 99 % and 98 % in series are 97 to 98 %, in parallel 99 to 100 %, exactly."""
    assert bounds([D("0.99"), D("0.98")], all_needed=True) == (Fraction("0.97"), Fraction("0.98"))
    assert bounds([D("0.99"), D("0.98")], all_needed=False) == (Fraction("0.99"), Fraction(1))


@pytest.mark.parametrize(
    ("parts", "expected"),
    [([(1, "0.95"), (1, "0.95")], "0.90"), ([(1, "0.95"), (2, "0.98")], "0.91"), ([(2, "0.4")], "-0.2"), ([], "1")],
)
def test_composites_of_openslo(parts: list[tuple[int, str]], expected: str) -> None:
    """C10: what is missing is added up, by weights that are not normalised; together more may be missing than all."""
    assert added_shortfalls((weight, D(value)) for weight, value in parts) == D(expected)


@given(st.lists(ratios, min_size=1, max_size=6))
def test_bounds_contain_the_independent_value(parts: list[Fraction]) -> None:
    """Independence is one of the ways to depend, and so is every combination of outages that never meet."""
    for every, independent in ((True, in_series(parts)), (False, in_parallel(parts))):
        low, high = bounds(parts, all_needed=every)

        assert 0 <= low <= independent <= high <= 1
    assert bounds(parts, all_needed=True)[0] == max(0, added_shortfalls((1, part) for part in parts))


@given(st.integers(1, 40), st.data())
def test_bounds_contain_every_overlap(slices: int, data: st.DataObject) -> None:
    """Whatever slices of time two parts missed, the whole lies between the bounds of their averages."""
    one, other = (data.draw(st.lists(st.booleans(), min_size=slices, max_size=slices)) for _ in range(2))
    averages = [Fraction(sum(part), slices) for part in (one, other)]
    both = Fraction(sum(a and b for a, b in zip(one, other, strict=True)), slices)
    either = Fraction(sum(a or b for a, b in zip(one, other, strict=True)), slices)

    assert bounds(averages, all_needed=True)[0] <= both <= bounds(averages, all_needed=True)[1]
    assert bounds(averages, all_needed=False)[0] <= either <= bounds(averages, all_needed=False)[1]


@given(ratios, ratios, st.floats(-1, 1), st.booleans())
def test_correlation_stays_between_the_bounds(one: Fraction, other: Fraction, rho: float, every: bool) -> None:
    """No correlation makes more of two parts than any dependence can; none at all is independence."""
    low, high = bounds([one, other], all_needed=every)
    independent = in_series([one, other]) if every else in_parallel([one, other])

    assert float(low) - 1e-12 <= correlated(one, other, rho, all_needed=every) <= float(high) + 1e-12
    assert correlated(one, other, 0, all_needed=every) == pytest.approx(float(independent), abs=1e-12)


@given(ratios, ratios, st.floats(0, 1))
def test_outages_that_meet_help_a_series_and_hurt_a_parallel(one: Fraction, other: Fraction, rho: float) -> None:
    """The product of averages is wrong in both directions."""
    assert correlated(one, other, rho, all_needed=True) >= float(in_series([one, other])) - 1e-12
    assert correlated(one, other, rho, all_needed=False) <= float(in_parallel([one, other])) + 1e-12


@pytest.mark.parametrize("rho", [-1.01, 2, float("nan")])
def test_no_such_correlation(rho: float) -> None:
    """A correlation is between -1 and 1."""
    with pytest.raises(ValueError, match="a correlation is"):
        correlated(D("0.9"), D("0.9"), rho, all_needed=True)


# --- from a journey to its members -----------------------------------------------------------------------------

weights_of_members = st.lists(st.fractions(Fraction(1, 100), 100, max_denominator=100), min_size=1, max_size=8)
targets = st.decimals("0.5", "0.999999", places=6)


def test_apportioning() -> None:
    """C11: 99.9 % over three equal members are 0.9996665555 each; 1:2:7 divide the budget exactly."""
    assert pytest.approx([float(t) for t in apportion_multiplied(D("0.999"), [1] * 3)], abs=5e-11) == [0.9996665555] * 3
    assert [D("0.9999"), D("0.9998"), D("0.9993")] == list(apportion_added(D("0.999"), [1, 2, 7]))
    assert float(apportion_added(D("0.999"), [1] * 3)[0]) == pytest.approx(0.9996666667, abs=5e-11)


@given(targets, weights_of_members)
def test_apportioned_targets_make_the_whole(target: Decimal, weights: list[Fraction]) -> None:
    """Roots multiply to the target and never to less; budgets add up to the budget, exactly."""
    roots, parts = apportion_multiplied(target, weights), apportion_added(target, weights)

    assert 0 <= prod(map(Fraction, roots)) - Fraction(target) < Fraction(1, 10**27)
    assert sum(1 - part for part in parts) == budget_ratio(target)
    assert added_shortfalls((1, part) for part in parts) == target


@given(targets, weights_of_members)
def test_adding_is_enough_for_a_series_too(target: Decimal, weights: list[Fraction]) -> None:
    """Members that keep their part of the sum keep the journey, dependent or not; the roots ask for hardly less."""
    parts = apportion_added(target, weights)

    assert in_series(parts) >= target
    assert bounds(parts, all_needed=True)[0] == target


@given(targets, st.integers(1, 20))
def test_equal_members_have_equal_targets(target: Decimal, count: int) -> None:
    """One member has to keep it all; more of them share alike, whatever number stands for alike."""
    assert (
        len({*apportion_multiplied(target, [count] * count)}) == len({*apportion_added(target, [count] * count)}) == 1
    )
    assert apportion_multiplied(target, [count]) == (target,)


@pytest.mark.parametrize("weights", [[], [0], [1, -1]])
def test_nothing_to_divide_by(weights: list[int]) -> None:
    """A member without a weight could have no bad event at all."""
    for apportion in (apportion_multiplied, apportion_added):
        with pytest.raises(ValueError, match="weights above 0"):
            apportion(D("0.999"), weights)
        with pytest.raises(ValueError, match="no error budget"):
            apportion(D(1), [1])


VISITS: list[tuple[Exact, Exact]] = [(3, D("0.0005")), (1, D("0.001")), (1, D("0.002"))]


def test_journeys_that_visit_members() -> None:
    """C12: three visits, one and one, of different failure ratios."""
    assert journeys_at_least(VISITS) == D("0.9955")
    assert journeys_independent(VISITS) == pytest.approx(0.9955072446, abs=5e-11)


@given(st.lists(st.tuples(st.integers(0, 5), ratios), max_size=5))
def test_independent_journeys_succeed_at_least_as_often(visits: list[tuple[int, Fraction]]) -> None:
    """The sum is the worst case; once each is a series; a visit more never helps."""
    assert 0 <= float(journeys_at_least(visits)) <= journeys_independent(visits) + 1e-12 <= 1 + 1e-12
    once = [(1, failure) for _, failure in visits]
    assert journeys_independent(once) == pytest.approx(float(in_series([1 - failure for _, failure in visits])))
    assert journeys_independent([*visits, (1, Fraction(1, 3))]) <= journeys_independent(visits)


def test_visits_may_be_a_mean() -> None:
    """One and a half visits are between one and two."""
    one, more, two = (journeys_independent([(count, D("0.1"))]) for count in (1, D("1.5"), 2))

    assert (one, two) == pytest.approx((0.9, 0.81))
    assert one > more > two


def test_retries() -> None:
    """Two retries of 1 % make one in a million."""
    assert after_retries(D("0.01"), 2) == Fraction(1, 10**6)
    assert after_retries(D("0.01"), 0) == Fraction(1, 100)
