"""Availability algebra: from what parts have to what the whole has (theory of reliability block diagrams).

Parts are independent unless a function says otherwise. Real ones seldom are: outages overlap, which makes a series
better and a parallel worse than the product says. Where slices of time are known, combine those
(`evaluate/algebra.py`); where only averages are, `correlated` and `bounds` say how far the truth may be away.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from math import prod, sqrt

from tocsin.budget.spending import Exact


def in_series(parts: Iterable[Exact]) -> Fraction:
    """All are needed: the product.

    >>> float(in_series([Fraction("0.999"), Fraction("0.9995"), Fraction("0.99")]))
    0.988515495
    """
    return Fraction(prod((Fraction(p) for p in parts), start=Fraction(1)))


def in_parallel(parts: Iterable[Exact]) -> Fraction:
    """One is enough.

    >>> float(in_parallel([Fraction("0.995"), Fraction("0.995")]))
    0.999975
    """
    return 1 - prod((1 - Fraction(p) for p in parts), start=Fraction(1))


def at_least(need: int, parts: Sequence[Exact]) -> Fraction:
    """At least *need* of the parts, which may differ: the Poisson binomial distribution by dynamic programming.

    >>> float(at_least(2, [Fraction("0.99"), Fraction("0.98"), Fraction("0.95")]))
    0.99832
    """
    chances = [Fraction(1)]
    for part in (Fraction(p) for p in parts):
        shifted = [Fraction(0), *chances, Fraction(0)]
        chances = [up * part + same * (1 - part) for up, same in pairwise(shifted)]
    return sum(chances[need:], start=Fraction(0))


def weighted(parts: Iterable[tuple[Exact, Exact]]) -> Fraction | None:
    """The mean of (weight, value) pairs; None when no weight is left.

    >>> float(weighted([(1, Fraction("0.99")), (4, Fraction("0.999")), (3, Fraction("0.95"))]))
    0.9795
    """
    pairs = [(Fraction(weight), Fraction(value)) for weight, value in parts]
    whole = sum((weight for weight, _ in pairs), start=Fraction(0))
    if not whole:
        return None
    return sum((weight * value for weight, value in pairs), start=Fraction(0)) / whole


# --- parts that depend on each other ---------------------------------------------------------------------------


def bounds(parts: Sequence[Exact], *, all_needed: bool) -> tuple[Fraction, Fraction]:
    """Between what the whole lies, however the parts depend on each other; all or one of them are needed.

    Fréchet's inequalities (1935): a series in `[max(0, sum(a) - n + 1), min(a)]`, a parallel in
    `[max(a), min(1, sum(a))]`. Both ends occur: where outages never overlap, and where they do as far as they can.

    >>> [tuple(map(float, bounds([Fraction("0.99"), Fraction("0.98")], all_needed=every))) for every in (True, False)]
    [(0.97, 0.98), (0.99, 1.0)]
    """
    known = [Fraction(part) for part in parts]
    if all_needed:
        return max(Fraction(0), added_shortfalls((1, part) for part in known)), min(known)
    return max(known), min(Fraction(1), sum(known, start=Fraction(0)))


def added_shortfalls(parts: Iterable[tuple[Exact, Exact]]) -> Fraction:
    """One less the sum of `weight * shortfall` over (weight, value) pairs: composites of OpenSLO.

    Weights are not normalised, they multiply what is missing. With weights of 1 this is the least that a series can
    have. It may be negative, like what is left of a budget: it says how fast several parts burn it together.
    https://github.com/OpenSLO/OpenSLO (RatioTimeslices of composites)

    >>> float(added_shortfalls([(1, Fraction("0.95")), (2, Fraction("0.98"))]))
    0.91
    """
    return 1 - sum((Fraction(weight) * (1 - Fraction(value)) for weight, value in parts), start=Fraction(0))


def correlated(one: Exact, other: Exact, correlation: float, *, all_needed: bool) -> float:
    """Two parts of which the outages have a *correlation* (Pearson's, of 0 and 1); both or one of them are needed.

    Both work for `a*b + rho * sqrt(a * (1-a) * b * (1-b))` of the time, one for `a + b` less that. Parts of different
    availability cannot be correlated at will; what is impossible is taken as far as `bounds` allow.

    >>> a = Fraction("0.99")
    >>> [round(correlated(a, a, 0.5, all_needed=every), 10) for every in (True, False)]
    [0.98505, 0.99495]
    """
    if not -1 <= correlation <= 1:
        raise ValueError(f"a correlation is between -1 and 1, not {correlation}")
    a, b = Fraction(one), Fraction(other)
    low, high = bounds([a, b], all_needed=True)
    both = float(a * b) + correlation * sqrt(a * (1 - a) * b * (1 - b))
    both = min(max(both, float(low)), float(high))
    return both if all_needed else float(a + b) - both
