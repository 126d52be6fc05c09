"""Error budgets and availability: closed arithmetic, exact where its inputs are.

Notation of the Google SRE Workbook, chapter 5: target T, budget ratio B = 1 - T, burn rate b = e / B. Pass Decimal or
Fraction for exact results; floats (counts from a metric source) give floats. Targets are always exact.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from math import isfinite, prod

from tocsin.units import Duration

Exact = int | Decimal | Fraction
PATIENCE = 100
"""Periods after which nobody waits for the end of a budget any more."""
NO_COUNT = 10**30
"""Budgets that no events can have used up: such a count is noise."""


@dataclass(frozen=True, slots=True)
class Spend:
    """What became of a budget: *allowed* and *used* in events, *remaining* as a fraction of it (< 0: overspent)."""

    total: float
    allowed: float
    used: float
    remaining: float


def budget_ratio(target: Decimal) -> Fraction:
    """The fraction of events that may be bad.

    >>> budget_ratio(Decimal("0.999"))
    Fraction(1, 1000)
    """
    if not 0 < target < 1:
        raise ValueError(f"a target of {target} leaves no error budget or asks for nothing")
    return 1 - Fraction(target)


def allowed_downtime(target: Decimal, period: Duration) -> Fraction:
    """Seconds of a full outage that the budget of one *period* pays for.

    >>> float(allowed_downtime(Decimal("0.999"), Duration.of(days=30)))
    2592.0
    """
    return budget_ratio(target) * period.seconds


def spend(target: Decimal, total: float, bad: float, observed: Exact | float = 1) -> Spend | None:
    """Count *bad* of *total* events against the budget; None without events, for nothing can be said then.

    The budget is that of the whole window. Where only a part of it was *observed* (a young service, a source that
    remembers less), traffic is assumed to go on as it was, and the rest to be clean: `B * total / observed`.

    >>> spend(Decimal("0.999"), 1_000_000, 600)
    Spend(total=1000000, allowed=1000.0, used=600, remaining=0.4)
    >>> spend(Decimal("0.999"), 1_000_000, 600, observed=Fraction(1, 4))
    Spend(total=1000000, allowed=4000.0, used=600, remaining=0.85)
    """
    if not (isfinite(total) and isfinite(bad)) or total <= 0 or bad < 0:
        return None
    allowed = budget_ratio(target) * Fraction(total) / Fraction(observed)
    remaining = 1 - Fraction(bad) / allowed
    if max(abs(remaining), allowed) > NO_COUNT:
        return None
    return Spend(total, float(allowed), bad, float(remaining))


def burn_rate(errors: Exact, target: Decimal) -> Fraction:
    """How many times faster than sustainable an error ratio of *errors* spends the budget.

    >>> float(burn_rate(Decimal("0.0144"), Decimal("0.999")))
    14.4
    """
    return Fraction(errors) / budget_ratio(target)


def exhaustion(remaining: Exact | float, burn: Exact | float, period: Duration) -> Duration | None:
    """How long *remaining* (a fraction of the budget) lasts at a constant burn rate; None if nothing burns.

    What lasts longer than PATIENCE periods lasts for ever: a burn rate so small is the rounding of floats.

    >>> str(exhaustion(Fraction(1), 10, Duration.of(days=30)))
    '3d'
    """
    if any(isinstance(given, float) and not isfinite(given) for given in (burn, remaining)) or burn <= 0:
        return None
    periods = max(Fraction(remaining), Fraction(0)) / Fraction(burn)
    return Duration(round(periods * period.milliseconds)) if periods <= PATIENCE else None


# --- availability algebra: independent components (theory of reliability block diagrams) ---------------------


def in_series(parts: Iterable[Exact]) -> Fraction:
    """All are needed: the product.

    >>> float(in_series([Decimal("0.999"), Decimal("0.9995"), Decimal("0.99")]))
    0.988515495
    """
    return Fraction(prod((Fraction(p) for p in parts), start=Fraction(1)))


def in_parallel(parts: Iterable[Exact]) -> Fraction:
    """One is enough.

    >>> float(in_parallel([Decimal("0.995"), Decimal("0.995")]))
    0.999975
    """
    return 1 - prod((1 - Fraction(p) for p in parts), start=Fraction(1))


def at_least(need: int, parts: Sequence[Exact]) -> Fraction:
    """At least *need* of the parts, which may differ: the Poisson binomial distribution by dynamic programming.

    >>> float(at_least(2, [Decimal("0.99"), Decimal("0.98"), Decimal("0.95")]))
    0.99832
    """
    chances = [Fraction(1)]
    for part in (Fraction(p) for p in parts):
        shifted = [Fraction(0), *chances, Fraction(0)]
        chances = [up * part + same * (1 - part) for up, same in pairwise(shifted)]
    return sum(chances[need:], start=Fraction(0))


def weighted(parts: Iterable[tuple[Exact, Exact]]) -> Fraction | None:
    """The mean of (weight, value) pairs; None when no weight is left.

    >>> float(weighted([(1, Decimal("0.99")), (4, Decimal("0.999")), (3, Decimal("0.95"))]))
    0.9795
    """
    pairs = [(Fraction(weight), Fraction(value)) for weight, value in parts]
    whole = sum((weight for weight, _ in pairs), start=Fraction(0))
    if not whole:
        return None
    return sum((weight * value for weight, value in pairs), start=Fraction(0)) / whole
