"""What traffic is usual at this time of the day: what TrafficAbsent expects in a pause, for rules and evaluator alike.

The mean of a day says of a service with office hours that every night is an absence. So a pause is judged by the same
time a week ago: the least of the half hours that ended half an hour before it and began half an hour after it, so that
traffic may begin or end half an hour earlier or later than then. A service that was known then and had no series had no
traffic. More than the mean of the last day is never expected.

Where the week is not known yet, yesterday is asked, and that knows neither nights before the first nor weekends. So
nothing is missed in the first day, and later only what was there yesterday for the whole length of the pause: a service
that goes to sleep as it did yesterday may sleep on, over Saturday and Sunday.

Rules record what is usual every four minutes with the budget, so that the alert of each minute reads one sample more;
by that recording they also know whether traffic was usual ever since it stopped. The evaluator, which remembers
nothing, asks when it last began yesterday (`began`).
"""

from collections.abc import Sequence
from functools import lru_cache

from tocsin.guards import BASE, TRAFFIC_MEMORY
from tocsin.plan.series import HERE, HOUR, placed, rates
from tocsin.promql import then
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier

USUAL = "slo:traffic:usual_rate"
"""Events per second."""
LEEWAY = Duration.of(minutes=30)
"""By so much traffic may begin or end earlier or later than it did."""
WEEK, DAY = Duration.of(days=7), Duration.of(days=1)
KEPT = Duration.of(minutes=10)
"""What was usual is remembered over one look that a server missed."""
REACH = Duration(TRAFFIC_MEMORY.milliseconds + 4 * LEEWAY.milliseconds)
"""What `began` looks through: as long as the longest pause, with LEEWAY on both sides of it, and of that."""


def part_of(slo: Slo, tiers: Sequence[Tier]) -> Duration:
    """The window whose rate tells the traffic of then: half an hour, or an hour where that is all that is recorded."""
    recorded = {rate.window for rate in rates(slo, tuple(tiers)) if rate.kind == "total"}
    return LEEWAY if LEEWAY in recorded else HOUR


def usual(slo: Slo, part: Duration) -> str:
    """Events per second at this time of a former day; no row where nothing is missed."""
    return placed(_usual(part), slo)


def offsets(part: Duration, ago: Duration) -> tuple[Duration, Duration]:
    """How long ago the two windows ended: one before this time of the day, one after it.

    >>> tuple(map(str, offsets(LEEWAY, WEEK)))
    ('7d30m', '6d23h')
    """
    return (
        Duration(ago.milliseconds + LEEWAY.milliseconds),
        Duration(ago.milliseconds - LEEWAY.milliseconds - part.milliseconds),
    )


@lru_cache(maxsize=16)
def _usual(part: Duration) -> str:
    """No traffic is the least there is, so only where there was none before it matters that there was none."""
    known = f"slo:total:rate{TRAFFIC_MEMORY}{HERE} offset {WEEK}"
    before, after = (_recorded(part, ago) for ago in offsets(part, WEEK))
    week = f"(\n  ({before} or 0 * {known})\n  <= {after}\n  or {after}\n  or 0 * {known}\n)\nand {known}"
    before, after = (_recorded(part, ago) for ago in offsets(part, DAY))
    ever_since = f"(slo:total:rate{BASE}{HERE} > 0 or last_over_time({USUAL}{HERE}[{KEPT}]) > 0)"
    return f"{week}\nor\n(\n  {before}\n  <= {after}\n  or {after}\n)\nand {before}\nand {ever_since}"


def _recorded(part: Duration, ago: Duration) -> str:
    return f"slo:total:rate{part}{HERE} offset {ago}"


def expected(slo: Slo) -> str:
    """The least of what is usual now and of the mean of a day; no row where nothing is missed."""
    mean = f"slo:total:rate{TRAFFIC_MEMORY}{HERE}"
    return placed(f"(\n    {USUAL}{HERE} < {mean}\n    or\n    {mean} and {USUAL}{HERE}\n  )", slo)


# --- the same, from raw counters -----------------------------------------------------------------------------


def former(total: str, known: str, part: Duration) -> dict[str, str]:
    """What the evaluator asks of former days: *total* are the events per second over *part*, *known* those of a day."""
    named = {"week": WEEK, "day": DAY}
    found = {
        f"{side}-{name}": then(total, offset)
        for name, ago in named.items()
        for side, offset in zip(("before", "after"), offsets(part, ago), strict=True)
    }
    return {**found, "known-week": then(known, WEEK)}


def began(total: str, part: Duration) -> str:
    """When (in unix seconds) traffic last began yesterday, as windows of *part* see it, up to an hour from now."""
    flows = f"{total} > 0"
    begins = f"timestamp({flows} unless {then(total, BASE)} > 0)"
    return f"max_over_time({begins}[{REACH}:{BASE}] offset {offsets(part, DAY)[1]})"
