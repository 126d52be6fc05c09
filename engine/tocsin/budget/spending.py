"""What a budget is, and what was spent of it: exact where the inputs are.

Notation of the Google SRE Workbook, chapter 5: target T, budget ratio B = 1 - T, burn rate b = e / B. Pass Decimal or
Fraction for exact results; floats (counts from a metric source) give floats. Targets are always exact.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import isfinite

from tocsin.units import Duration

Exact = int | Decimal | Fraction
NO_COUNT = 10**30
"""Budgets that no events can have used up: such a count is noise."""


@dataclass(frozen=True, slots=True)
class Spend:
    """What became of a budget: *allowed* and *used* in events, *remaining* as a fraction of it (< 0: overspent)."""

    total: float
    allowed: float
    used: float
    remaining: float


@lru_cache(maxsize=1024)
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
