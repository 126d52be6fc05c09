"""What traffic is usual at this time of the day: what TrafficAbsent expects in a pause where a day is known.

The mean of a day says of a service with office hours that every night is an absence. So a pause is judged by the same
time a week ago: the least of the half hours that ended half an hour before it and began half an hour after it, so that
traffic may begin or end half an hour earlier or later than then. Where the week is not known yet, yesterday is asked;
where that is not, there is no row, and the mean of the day decides. A service that was known then and had no series
had no traffic.

It is recorded every four minutes with the budget, so that the alert of each minute reads one sample more.
"""

from collections.abc import Sequence
from functools import lru_cache

from tocsin.guards import TRAFFIC_MEMORY
from tocsin.plan.series import HERE, HOUR, placed, rates
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier

USUAL = "slo:traffic:usual_rate"
"""Events per second."""
LEEWAY = Duration.of(minutes=30)
"""By so much traffic may begin or end earlier or later than it did."""
AGO = (Duration.of(days=7), Duration.of(days=1))
"""The first of them that is known is compared with."""


def part_of(slo: Slo, tiers: Sequence[Tier]) -> Duration | None:
    """The window whose recorded rate tells the traffic of then: half an hour, or an hour, where one is recorded."""
    recorded = {rate.window for rate in rates(slo, tuple(tiers)) if rate.kind == "total"}
    return next((window for window in (LEEWAY, HOUR) if window in recorded), None) if slo.no_traffic.alert else None


def usual(slo: Slo, part: Duration) -> str:
    """Events per second at this time of a former day."""
    return placed(_usual(part), slo)


def offsets(part: Duration, ago: Duration) -> tuple[Duration, Duration]:
    """How long ago the two windows ended: one before this time of the day, one after it.

    >>> tuple(map(str, offsets(LEEWAY, AGO[0])))
    ('7d30m', '6d23h')
    """
    return (
        Duration(ago.milliseconds + LEEWAY.milliseconds),
        Duration(ago.milliseconds - LEEWAY.milliseconds - part.milliseconds),
    )


@lru_cache(maxsize=16)
def _usual(part: Duration) -> str:
    return "\nor\n".join(_least(part, ago) for ago in AGO)


def _least(part: Duration, ago: Duration) -> str:
    """No traffic is the least there is, so only where there was none before it matters that there was none."""
    known = f"0 * slo:total:rate{TRAFFIC_MEMORY}{HERE} offset {ago}"
    before, after = (f"slo:total:rate{part}{HERE} offset {each}" for each in offsets(part, ago))
    return f"(\n  ({before} or {known})\n  <= {after}\n  or {after}\n  or {known}\n)"


def expected(slo: Slo, tiers: tuple[Tier, ...]) -> str:
    """The least of what is usual now and of the mean of a day."""
    mean = f"slo:total:rate{TRAFFIC_MEMORY}{HERE}"
    return placed(mean if part_of(slo, tiers) is None else f"(\n    {USUAL}{HERE} < {mean}\n    or {mean}\n  )", slo)
