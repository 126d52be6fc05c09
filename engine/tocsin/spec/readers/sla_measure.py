"""`measure` of an SLA: the method and the settings that it reads."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from itertools import pairwise, product
from math import gcd
from zoneinfo import ZoneInfo

from tocsin.spec.measure import METHODS, MINUTE, Measure
from tocsin.spec.readers.node import Node
from tocsin.units import Duration

_YEARS = range(2020, 2041)
_ALL = frozenset().union(*(method.settings for method in METHODS.values()))


def read_measure(node: Node, zone: ZoneInfo | None) -> Measure:
    """How uptime is measured in months of *zone*; what a setting gets wrong is found, and its default taken."""
    name = node["method"].text("interval-mean")
    method = METHODS.get(name, METHODS["interval-mean"])  # the schema tells about any other
    for key in sorted(_ALL - method.settings):
        if key in node:
            readers = ", ".join(other for other, one in METHODS.items() if key in one.settings)
            node[key].report(
                "sla/measure",
                f"{key} means nothing to the method {name}",
                f"leave it out; {readers} read it",
                span=node[key].key_span,
            )
    interval = node["interval"].duration(method.interval)
    if method.by_minute and interval > MINUTE:
        node["interval"].report(
            "sla/measure",
            f"intervals of {interval} are too long to see a minute",
            "write interval: 1m, or leave it out",
        )
    if method.by_minute and MINUTE.milliseconds % interval.milliseconds and interval < MINUTE:
        node["interval"].report(
            "sla/measure", f"a minute is not a whole number of intervals of {interval}", "30s, 20s, 15s and 10s are"
        )
    if zone is not None and (longest := _tiles(zone.key)) % (interval.milliseconds or 1):
        node["interval"].report(
            "sla/measure",
            f"months in {zone.key} are no whole numbers of intervals of {interval}: what is left would not be measured",
            f"5m, 10m, 15m and 30m fit; all months there are made of {Duration(longest)}",
        )
    return Measure(
        method=name if name in METHODS else "interval-mean",
        interval=interval,
        empty=node["empty"].text("good"),
        errors_above=_errors(node["errors_above"]),
        at_least=_at_least(node["at_least"]),
        partial_minute=node["partial_minute"].text("continuous"),
        deployed=node["deployed"].promql(),
        minimum_events=node["minimum_events"].whole(0),
    )


@cache
def _tiles(zone: str) -> int:
    """The longest interval that every month of a zone is made of, in milliseconds; shorter where clocks change."""
    months = product(_YEARS, range(1, 13))
    bounds = [datetime(year, month, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) for year, month in months]
    return gcd(*(round((end - start).total_seconds()) for start, end in pairwise(bounds))) * 1000


def _errors(node: Node) -> Decimal | None:
    share = node.ratio()
    if share is not None and not 0 <= share < 1:
        node.report(
            "sla/measure",
            f"errors_above is {node.value}, but has to be at least 0% and below 100%",
            "leave it out for minutes in which all attempts fail",
        )
        return None
    return share


def _at_least(node: Node) -> Duration | None:
    length = node.duration_or_none()
    if length is not None and length.milliseconds % MINUTE.milliseconds:
        node.report(
            "sla/measure", f"at_least is {length}, but downtime periods are whole minutes", "write 1m, 5m or 10m"
        )
        return None
    return length
