"""When a budget will be spent: within its horizon, with old errors that leave the window (vector F1)."""

from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tocsin.budget import exhaustion
from tocsin.units import Duration

MONTH = Duration.of(days=30)
HOUR = Duration.of(hours=1)


def test_old_errors_that_leave() -> None:
    """F1: 10 % left, 10 % spent a day, and 30 % leave after half a day: four days rather than one."""
    assert exhaustion(0.1, 3, MONTH) == Duration.of(days=1)
    assert exhaustion(0.1, 3, MONTH, leaving=[0] * 11 + [0.3]) == Duration.of(days=4)


def test_what_leaves_too_late_does_not_help() -> None:
    """An incident that would leave a day after the end of the budget changes nothing."""
    assert exhaustion(0.1, 3, MONTH, leaving=[0] * 47 + [0.3]) == Duration.of(days=1)


def test_the_budget_may_end_although_the_pace_is_sustainable() -> None:
    """At burn rate 0.5 with 10 % left the budget is spent in 6 days, unless enough leaves before."""
    assert exhaustion(0.1, 0.5, MONTH) == Duration.of(days=6)
    assert exhaustion(0.1, 0.5, MONTH, leaving=[0] * 24 + [0.5]) is None


@pytest.mark.parametrize(
    ("remaining", "burn", "expected"),
    [(-0.5, 0, Duration(0)), (0.5, 0, None), (0.5, -1, None), (float("nan"), 1, None), (0.5, float("inf"), None)],
)
def test_ends_of_rolling_budgets(remaining: float, burn: float, expected: Duration | None) -> None:
    """Overspent is spent now, nothing burns for ever, and what is no number says nothing."""
    assert exhaustion(remaining, burn, MONTH, leaving=[0.1]) == expected


def test_the_window_ends_with_the_period() -> None:
    """More slices than the window has, or slices of no length, are a mistake."""
    for count, step in ((721, HOUR), (1, Duration(0))):
        with pytest.raises(ValueError, match="do not fit in 30d"):
            exhaustion(1, 1, MONTH, leaving=[0.0] * count, step=step)


@given(st.floats(0.001, 1), st.floats(1.001, 1000))
def test_without_roll_off_it_is_the_straight_line(remaining: float, burn: float) -> None:
    """Where nothing leaves, both forecasts agree."""
    assert exhaustion(remaining, burn, MONTH, leaving=[0.0] * 700) == exhaustion(remaining, burn, MONTH)


def test_a_period_that_ends() -> None:
    """Half a budget at burn rate 1 lasts for 15 days: of a month with 16 days left it is spent, with 14 left never."""
    for days, expected in ((16, Duration.of(days=15)), (15, Duration.of(days=15)), (14, None)):
        assert exhaustion(0.5, 1.0, MONTH, horizon=Duration.of(days=days)) == expected


@pytest.mark.parametrize("remaining", [0, 0.0, -0.0, -3.2, Fraction(-1, 3), float("-inf")])
@pytest.mark.parametrize("burn", [0.0, -1.0, 14.4, float("nan"), float("inf")])
def test_nothing_is_left(remaining: float, burn: float) -> None:
    """What is spent is spent now, whatever burns, and whether anybody knows that."""
    assert exhaustion(remaining, burn, MONTH) == exhaustion(remaining, burn, MONTH, leaving=[0.5]) == Duration(0)


@given(st.lists(st.integers(0, 50), max_size=60), st.integers(1, 100), st.integers(1, 60))
def test_roll_off_by_counting(leaving: list[int], left: int, burn: int) -> None:
    """Minute by minute: at the moment that is told the budget is spent, and at no full slice before."""
    period, step = Duration.of(minutes=60), Duration.of(minutes=1)
    found = exhaustion(left / 1000, burn * 60 / 1000, period, leaving=[one / 1000 for one in leaving], step=step)
    known = [*leaving, *[0] * (60 - len(leaving))]
    after = [left + sum(known[: minute + 1]) - burn * (minute + 1) for minute in range(60)]
    assume(0 not in after)
    first = next((minute for minute, rest in enumerate(after) if rest < 0), None)

    if first is None:
        assert found is None
    else:
        assert found is not None
        assert first <= found.seconds / 60 <= first + 1
        before = after[first - 1] if first else left
        assert float(found.seconds / 60 - first) == pytest.approx(before / (before - after[first]), abs=1e-4)


def test_an_end_by_a_rounding() -> None:
    """Where as much leaves as is spent, floats may still find the end in that slice: no division by zero."""
    assert exhaustion(0.23333333333333336, 100.8, MONTH, leaving=[0.14 / 3, 0, 0.14]) in {
        Duration.of(hours=2),
        Duration.of(hours=3),
    }


amounts = st.floats(0, 1)


@given(amounts, st.floats(-10, 1e6), st.lists(amounts, max_size=50))
def test_any_end_lies_within_the_period(remaining: float, burn: float, leaving: list[float]) -> None:
    """Whatever the counts, there is an answer, and none before the straight line; what lasts for a period lasts."""
    lasts = exhaustion(remaining, burn, MONTH, leaving=leaving)

    straight = exhaustion(remaining, burn, MONTH)

    assert lasts is None or (straight is not None and straight.milliseconds - 1 <= lasts.milliseconds)
    assert lasts is None or Duration(0) <= lasts <= MONTH
