"""The guards of burn-rate alerts, defined once for the compiled rules and for the evaluator (decision 0006).

Whoever asks gives the expression for all events per second over BASE: the rules give their recorded series, the
evaluator the raw expression. Both then decide by the same formulas.
"""

from tocsin.units import Duration
from tocsin.windows import Tier

BASE = Duration.of(minutes=5)
"""The window that tells whether there is traffic now, and that longer ones are summed from in the rules."""
RAW_LIMIT = Duration.of(hours=6)
"""Windows up to here are cheap enough to be computed from raw counters each time; what is longer moves slowly."""
KEEP_FIRING_FOR = Duration.of(minutes=10)
"""The most by which an alert outlives its condition; a long short window bridges such a gap by itself."""
TRAFFIC_MEMORY = Duration.of(days=1)
"""Traffic within this time makes its absence an alert; after it the service counts as one without traffic."""
EXPECTED_EVENTS = 15
"""So many events must have been expected in the pause: with Poisson arrivals an empty pause of that length has the
probability exp(-15) = 3e-7, so a service with ten requests an hour is not called absent between two of them."""
_MINUTE = Duration.of(minutes=1)


def keep_firing_for(tier: Tier) -> Duration:
    """How long an alert stays open after its condition went, so that errors that come and go are one incident.

    >>> from tocsin.windows import QUICK_RESET, WORKBOOK
    >>> str(keep_firing_for(WORKBOOK[0])), str(keep_firing_for(QUICK_RESET[0]))
    ('10m', '30s')
    """
    return tier.keep if tier.keep is not None else min(Duration(2 * tier.short.milliseconds), KEEP_FIRING_FOR)


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


def usual_traffic(total: str, step: str = "") -> str:
    """Events per second in TRAFFIC_MEMORY, pauses included; *step* is `:5m` where *total* is no recorded series."""
    return f"avg_over_time({total}[{TRAFFIC_MEMORY}{step}])"


def last_traffic(total: str) -> str:
    """When (in unix seconds) there was traffic for the last time in TRAFFIC_MEMORY."""
    return f"max_over_time(timestamp({total} > 0)[{TRAFFIC_MEMORY}:{BASE}])"
