"""The way back: from what a journey promises to what its members have to keep.

Members get a part of the budget by weight. `apportion_multiplied` gives targets whose product is the journey's: right
for a series of independent members. `apportion_added` gives targets whose shortfalls add up to the journey's: enough
however the members depend on each other (Boole's inequality), and hardly stricter. For three members of a journey of
99.9 % it is 0.9996666667 against 0.9996665555.

(Treynor, Dahlin, Rau and Beyer, "The Calculus of Service Availability", ACM Queue 2017.)
"""

from collections.abc import Iterable, Sequence
from decimal import ROUND_CEILING, Decimal, localcontext
from fractions import Fraction
from math import prod

from tocsin.budget.spending import Exact, budget_ratio

DIGITS = 30
"""Digits of a root: a target is written with a handful."""


def apportion_multiplied(target: Decimal, weights: Sequence[Exact]) -> tuple[Decimal, ...]:
    """Targets `T^(w / sum(w))`; rounded up in the last digit, so that their product is never below *target*.

    >>> round(float(apportion_multiplied(Decimal("0.999"), [1, 1, 1])[0]), 10)
    0.9996665555
    """
    budget_ratio(target)
    with localcontext() as context:
        context.prec = 2 * DIGITS
        logarithm = target.ln()
        roots = [(logarithm * share.numerator / share.denominator).exp() for share in _shares(weights)]
        context.prec = 2 * DIGITS - 10  # what the logarithm got wrong is not rounded up
        roots = [+root for root in roots]
        context.prec, context.rounding = DIGITS, ROUND_CEILING
        return tuple(+root for root in roots)


def apportion_added(target: Decimal, weights: Sequence[Exact]) -> tuple[Fraction, ...]:
    """Targets `1 - B * w / sum(w)`: exact, and their error budgets add up to that of *target*.

    >>> [float(one) for one in apportion_added(Decimal("0.999"), [1, 2, 7])]
    [0.9999, 0.9998, 0.9993]
    """
    budget = budget_ratio(target)
    return tuple(1 - budget * share for share in _shares(weights))


def _shares(weights: Sequence[Exact]) -> list[Fraction]:
    if not weights or any(weight <= 0 for weight in weights):
        raise ValueError("a budget is divided by weights above 0")
    whole = sum((Fraction(weight) for weight in weights), start=Fraction(0))
    return [Fraction(weight) / whole for weight in weights]


# --- journeys that call a member several times -------------------------------------------------------------------


def journeys_at_least(visits: Iterable[tuple[Exact, Exact]]) -> Fraction:
    """The fraction of journeys that succeed, at least: `1 - sum(v * q)` over (visits, failure ratio of a visit).

    However failures depend on each other, no more journeys fail than visits do; 0 where that says nothing any more.

    >>> visits = [(3, Decimal("0.0005")), (1, Decimal("0.001")), (1, Decimal("0.002"))]
    >>> float(journeys_at_least(visits))
    0.9955
    """
    failing = sum((Fraction(count) * Fraction(failure) for count, failure in visits), start=Fraction(0))
    return max(Fraction(0), 1 - failing)


def journeys_independent(visits: Iterable[tuple[Exact, Exact]]) -> float:
    """The fraction of journeys that succeed if visits fail independently: `prod((1 - q)^v)`; visits may be a mean.

    >>> round(journeys_independent([(3, Decimal("0.0005")), (1, Decimal("0.001")), (1, Decimal("0.002"))]), 10)
    0.9955072446
    """
    return float(prod((1 - Fraction(failure)) ** Fraction(count) for count, failure in visits))


def after_retries(failure: Exact, retries: int) -> Fraction:
    """The failure ratio of a visit that is tried again, if tries fail independently: `q^(r + 1)`."""
    return Fraction(failure) ** (retries + 1)
