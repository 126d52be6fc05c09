"""The guards of burn-rate alerts, defined once for the compiled rules and for the evaluator (decisions 0006 and 0009).

Whoever asks gives the expression for all events per second over BASE: the rules give their recorded series, the
evaluator the raw expression. Both then decide by the same formulas. Every guard is on unless an objective switches it
off, with a reason.
"""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from math import sqrt
from statistics import NormalDist

from tocsin.units import Duration
from tocsin.windows import Tier, decimal_literal

BASE = Duration.of(minutes=5)
"""The window that tells whether there is traffic now."""
RAW_LIMIT = Duration.of(hours=6)
"""Windows up to here are cheap enough to be computed from raw counters each time; what is longer moves slowly."""
KEEP_FIRING_FOR = Duration.of(minutes=10)
"""The most by which an alert outlives its condition; a long short window bridges such a gap by itself."""
TRAFFIC_MEMORY = Duration.of(days=1)
"""Traffic within this time makes its absence an alert; after it the service counts as one without traffic."""
PAUSE = Duration.of(days=1)
"""After a longer pause of its counter a service is born again; a shorter one leaves its history as old as it was: a
service that is shut at night, a job that runs once an hour and a server that was away are not new afterwards."""
EXPECTED_EVENTS = 15
"""So many events must have been expected in the pause: with Poisson arrivals an empty pause of that length has the
probability exp(-15) = 3e-7, so a service with ten requests an hour is not called absent between two of them."""
MIN_BAD_EVENTS = 3
"""With one request a minute a single failure is 1.7 % of an hour: at 99.9 % ten requests an hour that fail at the very
rate that the objective allows page seven times a month, and with three failures demanded once in a thousand years."""
_MINUTE = Duration.of(minutes=1)


@dataclass(frozen=True, slots=True)
class Guards:
    """Which guards an objective has; *reasons* say why one is off, by its name."""

    cold_start: bool = True
    """Unknown history counts as clean."""
    missing_errors: bool = True
    """No series of bad events, where there are events, is none of them bad."""
    new_series: bool = True
    """A series that a known target did not have at the window's start counts from zero."""
    min_bad_events: int = MIN_BAD_EVENTS
    """So many bad events in the long window are the least evidence for an alert; 0: one is enough."""
    significance: Decimal | None = None
    """How probable such a number of bad events may be where the error ratio is no higher than the threshold."""
    flapping: bool = True
    """An alert outlives its condition."""
    keep_firing_for: Duration | None = None
    reasons: tuple[tuple[str, str], ...] = ()


EVERY_GUARD = Guards()


def keep_firing_for(tier: Tier, guards: Guards = EVERY_GUARD) -> Duration:
    """How long an alert stays open after its condition went, so that errors that come and go are one incident.

    >>> from tocsin.windows import QUICK_RESET, WORKBOOK
    >>> str(keep_firing_for(WORKBOOK[0])), str(keep_firing_for(QUICK_RESET[0]))
    ('10m', '30s')
    """
    if not guards.flapping:
        return Duration(0)
    if guards.keep_firing_for is not None:
        return guards.keep_firing_for
    return tier.keep if tier.keep is not None else min(Duration(2 * tier.short.milliseconds), KEEP_FIRING_FOR)


# --- evidence ------------------------------------------------------------------------------------------------


def least_bad(guards: Guards) -> float | None:
    """More bad events than this are evidence enough; None where one is. An increase is extrapolated, so three are 2.5.

    >>> least_bad(EVERY_GUARD)
    2.5
    """
    return guards.min_bad_events - 0.5 if guards.min_bad_events > 1 else None


def significant(significance: Decimal, threshold: Fraction, bad: str, total: str) -> str:
    """The condition that *bad* of *total* events are more than chance explains at an error ratio of *threshold*.

    It is compared as `L + z * sqrt(L) + (z^2 - 1) / 6` with `L = threshold * total`, within one event of the exact
    binomial test (Cornish and Fisher's expansion; see decision 0009).

    >>> significant(Decimal("0.001"), Fraction(144, 10000), "bad", "total")
    'bad >= 0.0144 * total + 3.0902 * sqrt(0.0144 * total) + 1.4249'
    """
    z, shift = _normal(significance)
    least = f"{decimal_literal(threshold)} * {total}"
    return f"{bad} >= {least} + {z} * sqrt({least}) {'-' if shift < 0 else '+'} {abs(shift)}"


def enough(guards: Guards, threshold: float, bad: float, total: float, seconds: float = 1.0) -> bool:
    """Whether the events of a long window are evidence enough; *bad* and *total* are per second of so many *seconds*.

    The operations are those of the compiled rules, in their order, so that both round alike.
    """
    least = least_bad(guards)
    if least is not None and not bad > least / seconds:
        return False
    if guards.significance is None:
        return True
    z, shift = _normal(guards.significance)
    expected = threshold * total * seconds
    return bad * seconds >= expected + z * sqrt(expected) + shift


@lru_cache(maxsize=64)
def _normal(significance: Decimal) -> tuple[float, float]:
    """The quantile z of the normal distribution, and `(z^2 - 1) / 6`.

    >>> _normal(Decimal("0.001"))
    (3.0902, 1.4249)
    """
    z = round(NormalDist().inv_cdf(1 - float(significance)), 4)
    return z, round((z * z - 1) / 6, 4)


# --- history -------------------------------------------------------------------------------------------------


def resolution(window: Duration) -> Duration:
    """How exactly the beginning of history is looked for: to a minute, or to a 288th of a window above six hours.

    >>> [str(resolution(Duration.of(hours=h))) for h in (1, 6, 24, 72)]
    ['1m', '1m', '5m', '15m']
    """
    if window <= RAW_LIMIT:
        return _MINUTE
    return Duration.of(minutes=max(1, -(-window.milliseconds // (288 * 60_000))))


def first_seen(total: str, window: Duration) -> str:
    """When (in unix seconds) *total* first had a value within *window*.

    The subquery looks one step further back than *window*, so that its grid never cuts off the oldest part.
    """
    step = resolution(window)
    return f"min_over_time(timestamp({total})[{Duration(window.milliseconds + step.milliseconds)}:{step}])"


def seen_before(total: str, ago: int, step: Duration) -> tuple[str, str]:
    """Whether *total* had a value in the PAUSE that ended *step* before the instant that was *ago* seconds ago.

    Two questions, the second for where the first finds nothing: hours of events are on a grid of five minutes, and who
    only had a few minutes of them is found minute by minute, as rules record. That is five times as dear where there
    are samples, and then the first one has found them as a rule.
    """
    offset = Duration.of(seconds=ago + step.milliseconds // 1000)
    coarse, fine = (f"max_over_time(timestamp({total})[{PAUSE}:{grid}] offset {offset})" for grid in (BASE, _MINUTE))
    return coarse, fine


# --- traffic -------------------------------------------------------------------------------------------------


def last_traffic(total: str) -> str:
    """When (in unix seconds) there was traffic for the last time in TRAFFIC_MEMORY."""
    return f"max_over_time(timestamp({total} > 0)[{TRAFFIC_MEMORY}:{BASE}])"
