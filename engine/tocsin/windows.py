"""Burn-rate policies: which windows and factors watch an objective, as cited data.

A tier fires when the error ratio over its long *and* its short window exceeds `factor * (1 - target)`.
`factor = budget_share * period / long` (Google SRE Workbook, chapter 5, "Alerting on SLOs").
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tocsin.units import Duration


@dataclass(frozen=True, slots=True)
class Tier:
    """One pair of windows; *budget_share* of the period's budget is spent when it fires, for any error ratio."""

    name: str
    severity: str
    budget_share: Decimal
    long: Duration
    short: Duration

    def factor(self, period: Duration) -> Fraction:
        """The burn rate that spends *budget_share* within the long window.

        >>> float(WORKBOOK[0].factor(Duration.of(days=30)))
        14.4
        """
        return Fraction(self.budget_share) * period.milliseconds / self.long.milliseconds

    def threshold(self, period: Duration, target: Decimal) -> Fraction:
        """The error ratio above which the tier fires: `factor * (1 - target)`, exact."""
        return self.factor(period) * (1 - Fraction(target))

    def feasible(self, period: Duration, target: Decimal) -> bool:
        """Whether an error ratio of 1 would fire it at all."""
        return self.threshold(period, target) < 1


WORKBOOK: tuple[Tier, ...] = (
    Tier("fast", "page", Decimal("0.02"), Duration.of(hours=1), Duration.of(minutes=5)),
    Tier("steady", "page", Decimal("0.05"), Duration.of(hours=6), Duration.of(minutes=30)),
    Tier("slow", "ticket", Decimal("0.10"), Duration.of(days=1), Duration.of(hours=2)),
    Tier("trickle", "ticket", Decimal("0.10"), Duration.of(days=3), Duration.of(hours=6)),
)
"""SRE Workbook, table 5-8 and the sample rule beside it (which adds 24h/2h); for a period of 30 days the factors
are 14.4, 6, 3 and 1. https://sre.google/workbook/alerting-on-slos/#recommended_parameters_for_an_slo_based_a"""

POLICIES: dict[str, tuple[Tier, ...]] = {"workbook": WORKBOOK}


def windows_of(tiers: Iterable[Tier]) -> tuple[Duration, ...]:
    """Every window that the tiers need, shortest first, each once."""
    return tuple(sorted({w for tier in tiers for w in (tier.short, tier.long)}))


def decimal_literal(value: Fraction) -> str:
    """Print an exact PromQL number; where no finite decimal exists, 17 significant digits.

    >>> decimal_literal(Fraction(144, 10000)), decimal_literal(Fraction(1, 3))
    ('0.0144', '0.33333333333333333')
    """
    denominator = value.denominator
    for prime in (2, 5):
        while denominator % prime == 0:
            denominator //= prime
    if denominator == 1:
        digits = Decimal(value.numerator)
        scale = 0
        while value.denominator and (Fraction(10) ** scale * value).denominator != 1:
            scale += 1
        digits = Decimal(int(Fraction(10) ** scale * value)).scaleb(-scale)
        return format(digits, "f")
    return f"{float(value):.17f}".rstrip("0")
