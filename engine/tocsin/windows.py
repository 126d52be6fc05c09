"""Burn-rate policies: which windows and factors watch an objective, as cited data, and what follows from them.

A tier fires when the error ratio over its long *and* its short window exceeds `factor * (1 - target)`.
`factor = budget_share * period / long` (Google SRE Workbook, chapter 5, "Alerting on SLOs"). Everything is exact.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from itertools import count

from tocsin.units import Duration

Exact = Fraction | Decimal | int


@dataclass(frozen=True, slots=True)
class Tier:
    """One pair of windows; *budget_share* of the period's budget is spent when it fires, for any error ratio."""

    name: str
    severity: str
    budget_share: Decimal
    long: Duration
    short: Duration
    keep: Duration | None = None
    """How long its alert stays open after the condition went; None leaves that to the guards."""
    notify: tuple[str, ...] = ()
    """Channels of this tier alone; empty: those of its severity."""

    def __hash__(self) -> int:
        # Texts are kept by tier, and every objective asks for each of its tiers some ten times: seven fields take long.
        return hash((self.name, self.long.milliseconds, self.short.milliseconds))

    def factor(self, period: Duration) -> Fraction:
        """The burn rate that spends *budget_share* within the long window.

        >>> float(WORKBOOK[0].factor(Duration.of(days=30)))
        14.4
        """
        return _factor(self, period)

    def threshold(self, period: Duration, target: Decimal) -> Fraction:
        """The error ratio above which the tier fires: `factor * (1 - target)`, exact."""
        return _threshold(self, period, target)

    def feasible(self, period: Duration, target: Decimal) -> bool:
        """Whether an error ratio of 1 would fire it at all."""
        return self.threshold(period, target) < 1


@lru_cache(maxsize=1024)
def _factor(tier: Tier, period: Duration) -> Fraction:
    """A workspace has a few tiers, periods and targets, and asks for each thousands of times."""
    return Fraction(tier.budget_share) * period.milliseconds / tier.long.milliseconds


@lru_cache(maxsize=1024)
def _threshold(tier: Tier, period: Duration, target: Decimal) -> Fraction:
    return _factor(tier, period) * (1 - Fraction(target))


ALERT_SEVERITY = {"page": "critical", "ticket": "warning"}
"""What a tier's severity is called on an alert, in the rules and in the evaluator."""


def _tiers(*shares: str) -> tuple[Tier, ...]:
    """The workbook's windows with other shares of the budget."""
    pairs = (("fast", "page", 60, 5), ("steady", "page", 360, 30), ("slow", "ticket", 1440, 120))
    windows = (*pairs, ("trickle", "ticket", 4320, 360))
    return tuple(
        Tier(name, severity, Decimal(share), Duration.of(minutes=long), Duration.of(minutes=short))
        for (name, severity, long, short), share in zip(windows, shares, strict=False)
    )


WORKBOOK: tuple[Tier, ...] = _tiers("0.02", "0.05", "0.10", "0.10")
"""SRE Workbook, table 5-8 and the sample rule beside it (which adds 24h/2h); for a period of 30 days the factors
are 14.4, 6, 3 and 1. https://sre.google/workbook/alerting-on-slos/#recommended_parameters_for_an_slo_based_a"""

CATALOGUE: dict[Duration, tuple[Tier, ...]] = {
    Duration.of(days=7): _tiers("0.10", "0.20", "0.40"),
    Duration.of(days=28): _tiers("0.02", "0.05", "0.10", "0.11"),
    Duration.of(days=30): WORKBOOK,
    Duration.of(days=90): _tiers("0.01", "0.03", "0.05", "0.10"),
}
"""Shares of the budget for a period. 30 days: the workbook's. 28 days: the same, but 11 % in three days, because 10 %
are 0.93 times the budget's pace, and would alert on a service that keeps its objective. 7 and 90 days: Datadog's
recommendations (16.8, 5.6, 2.8 and 21.6, 10.8, 4.5 times the pace;
https://docs.datadoghq.com/service_management/service_level_objectives/burn_rate/), and for 90 days the workbook's 10 %
in three days below them, so that a burn of 3 to 4.5 times the pace is not missed."""


@dataclass(frozen=True, slots=True, eq=False)
class Policy:
    """Tiers by the period that they are meant for, and where the numbers come from; two are compared by identity."""

    source: str
    catalogue: Mapping[Duration, tuple[Tier, ...]]

    def tiers(self, period: Duration) -> tuple[Tier, ...]:
        """The tiers of the nearest period; without those that would alert below the budget's own pace.

        A policy that was written for one period is taken as it is: its author is told what is wrong with it.
        """
        return _nearest(self, period)

    @property
    def names(self) -> tuple[str, ...]:
        """All tiers that it has for some period."""
        return tuple(dict.fromkeys(tier.name for tiers in self.catalogue.values() for tier in tiers))


@lru_cache(maxsize=1024)
def _nearest(policy: Policy, period: Duration) -> tuple[Tier, ...]:
    catalogue = tuple(policy.catalogue.items())
    if len(catalogue) == 1:
        return catalogue[0][1]

    def distance(entry: tuple[Duration, tuple[Tier, ...]]) -> tuple[int, Fraction]:
        ratio = Fraction(entry[0].milliseconds, period.milliseconds)
        loose = sum(tier.factor(period) < 1 for tier in entry[1])
        return loose, max(ratio, 1 / ratio)

    return tuple(tier for tier in min(catalogue, key=distance)[1] if tier.factor(period) >= 1)


def quick(tiers: tuple[Tier, ...]) -> tuple[Tier, ...]:
    """The same long windows, shares and factors, so that alerts fire at the same moment; every short one is a minute.

    So their condition is over within a minute of the last error (`short * (1 - threshold / errors)`) rather than within
    up to six hours, and the alert half a minute later. It wants at least four scrapes a minute, and an incident that
    pauses for a minute and a half becomes two.
    """
    return tuple(replace(tier, short=Duration.of(minutes=1), keep=Duration.of(seconds=30)) for tier in tiers)


QUICK_RESET = quick(WORKBOOK)

POLICIES: dict[str, Policy] = {
    "workbook": Policy("Google SRE Workbook, chapter 5; for 7 and 90 days Datadog's recommendations", CATALOGUE),
    "quick-reset": Policy(
        "the windows and shares of `workbook`, with short windows of a minute",
        {period: quick(tiers) for period, tiers in CATALOGUE.items()},
    ),
}


@dataclass(frozen=True, slots=True)
class ScaledTier:
    """A tier of Pyrra: the windows grow with the period and the factor stays, so the share of the budget does too."""

    for_: Duration
    long: Duration
    short: Duration
    factor: int


_PYRRA = ((20_160, 672, 8_064, 14), (2_688, 112, 1_344, 7), (672, 28, 336, 2), (224, 7, 112, 1))
"""Divisors of the period for `for`, the long and the short window, and the factor."""


def pyrra_tiers(period: Duration) -> tuple[ScaledTier, ...]:
    """The tiers that Pyrra generates for *period*, to be compared with ours: 28-day windows, scaled, in whole minutes.

    https://github.com/pyrra-dev/pyrra, `slo/rules.go`, `Windows`

    >>> [(str(t.for_), str(t.long), str(t.short), t.factor) for t in pyrra_tiers(Duration.of(days=7))[:2]]
    [('1m', '15m', '1m', 14), ('4m', '1h30m', '8m', 7)]
    """

    def part(divisor: int) -> Duration:
        return Duration.of(minutes=(2 * period.milliseconds + 60_000 * divisor) // (2 * 60_000 * divisor))

    return tuple(ScaledTier(part(wait), part(long), part(short), factor) for wait, long, short, factor in _PYRRA)


def windows_of(tiers: Iterable[Tier]) -> tuple[Duration, ...]:
    """Every window that the tiers need, shortest first, each once."""
    return tuple(sorted({w for tier in tiers for w in (tier.short, tier.long)}))


@lru_cache(maxsize=1024)
def decimal_literal(value: Fraction) -> str:
    """Print an exact PromQL number; where no finite decimal exists, the shortest one that is read as the nearest float.

    >>> decimal_literal(Fraction(144, 10000)), decimal_literal(Fraction(1, 3)), decimal_literal(Fraction(7, 7500))
    ('0.0144', '0.3333333333333333', '0.0009333333333333333')
    """
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return format(Decimal(repr(float(value))), "f")
    places = next(n for n in count() if 10**n % value.denominator == 0)
    return format(Decimal(value.numerator * (10**places // value.denominator)).scaleb(-places), "f")


def detection_time(
    window: Exact, threshold: Exact, errors: Exact, *, before: Exact = 0, traffic: Exact = 1
) -> Fraction | None:
    """How long a step of the error ratio to *errors* lasts until the mean over *window* exceeds *threshold*.

    `W * (thr - e0) / (k * (e - thr) + (thr - e0))`, with the error ratio *before* the step and traffic changing by the
    factor *traffic* at it; for constant traffic and no errors before it is the workbook's `W * thr / e`. In the unit
    of *window*; None: never.

    >>> float(detection_time(60, Fraction("0.0144"), 1))
    0.864
    """
    thr, e, e0 = Fraction(threshold), Fraction(errors), Fraction(before)
    if e <= thr:
        return None
    if e0 >= thr:
        return Fraction(0)
    return Fraction(window) * (thr - e0) / (Fraction(traffic) * (e - thr) + (thr - e0))


def reset_time(
    window: Exact, threshold: Exact, errors: Exact, *, before: Exact = 0, traffic: Exact = 1
) -> Fraction | None:
    """How long after the end of an incident the mean over *window* stays above *threshold*.

    `w * k * (e - thr) / (k * (e - thr) + (thr - e0))`, with the error ratio *before* it and after it, and traffic in it
    by the factor *traffic*; for constant traffic and no other errors it is `w * (1 - thr / e)`. The same for every
    incident that was long enough to fire; the short window of a pair always clears first. None: never, or it never was.

    >>> float(reset_time(5, Fraction("0.0144"), Fraction("0.15")))
    4.52
    """
    thr, e, e0 = Fraction(threshold), Fraction(errors), Fraction(before)
    if e <= thr or e0 >= thr:
        return None
    above = Fraction(traffic) * (e - thr)
    return Fraction(window) * above / (above + (thr - e0))


def budget_spent(duration: Exact, errors: Exact, target: Exact, period: Exact) -> Fraction:
    """The share of the period's budget that *errors* spend in *duration* at average traffic: `e * d / (B * P)`.

    >>> float(budget_spent(60, 1, Decimal("0.999"), 43200))
    1.3888888888888888
    """
    return Fraction(errors) * Fraction(duration) / ((1 - Fraction(target)) * Fraction(period))
