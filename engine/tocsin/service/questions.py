"""What the API asks the metric source: only expressions made from definitions, never text from a request."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.ports import MetricSource
from tocsin.service.shapes import MetricData, Point, Summary
from tocsin.sli import Sli
from tocsin.spec import Metric, Service
from tocsin.units import Duration
from tocsin.workspace import Workspace

SHORTEST_RATE = Duration.of(minutes=1)
"""A rate needs two samples, so its window spans four scrapes of 15 s."""


@dataclass(frozen=True, slots=True)
class Ratios:
    """Shares of all events over a range, as fractions, and the mean response time in seconds."""

    uptime: float | None
    response_time: float | None


@dataclass(frozen=True, slots=True)
class RatioQueries:
    """What to ask for the Ratios of one service; None where no SLI tells."""

    bad: str | None
    total: str | None
    mean: str | None

    def ratios(self, numbers: Mapping[str, float | None]) -> Ratios:
        """Put the answers together, by query."""
        bad, total, mean = (
            None if query is None else numbers.get(query) for query in (self.bad, self.total, self.mean)
        )
        if bad is None or total is None or total <= 0:
            return Ratios(None, mean)
        return Ratios(min(1.0, max(0.0, (total - bad) / total)), mean)


def _chosen(service: Service, kind: str) -> Sli | None:
    """The SLI of *kind* that an objective uses, else the first one defined."""
    used = [service.slis[slo.sli_name] for slo in service.slos if slo.sli.kind == kind]  # whole, not by groups
    return next(iter([*used, *(sli for sli in service.slis.values() if sli.kind == kind)]), None)


def ratio_queries(service: Service, window: Duration) -> RatioQueries:
    """Uptime (ratio SLI, else probe SLI) and mean response time (latency SLI) over *window*."""
    counted, measured = _chosen(service, "ratio") or _chosen(service, "probe"), _chosen(service, "latency")
    return RatioQueries(
        bad=counted.bad(str(window), "increase") if counted is not None else None,
        total=counted.total(str(window), "increase") if counted is not None else None,
        mean=measured.mean(str(window)) if measured is not None else None,
    )


def number(source: MetricSource, query: str, now: datetime) -> float | None:
    """The value of a query with one row; None without a row, for NaN, and where only this query is not answered."""
    try:
        answer = source.instant(query, now)
    except SourceUnreachableError:
        raise
    except SourceError:
        return None
    if answer.partial or len(answer.rows) != 1:
        return None
    value = answer.rows[0].value
    return value if math.isfinite(value) else None


# --- metrics over time -------------------------------------------------------------------------------------

_GAUGE: Mapping[str, str] = {
    "avg": "avg(avg_over_time({series}[{window}]))",
    "sum": "sum(avg_over_time({series}[{window}]))",
    "min": "min(min_over_time({series}[{window}]))",
    "max": "max(max_over_time({series}[{window}]))",
    "count": "count(last_over_time({series}[{window}]))",
}
_COUNTER: Mapping[str, str] = {
    name: f"{name}(rate({{series}}[{{window}}]))" for name in ("avg", "sum", "min", "max", "count")
}
_OBSERVED: Mapping[str, str] = {
    "avg": "sum(rate({sum}[{window}])) / sum(rate({count}[{window}]))",
    "sum": "sum(rate({sum}[{window}]))",
    "min": "min(rate({sum}[{window}]) / rate({count}[{window}]))",
    "max": "max(rate({sum}[{window}]) / rate({count}[{window}]))",
    "count": "sum(rate({count}[{window}]))",
}


def catalogue(workspace: Workspace) -> Mapping[str, tuple[Metric, tuple[str, ...]]]:
    """Every metric by name, with the jobs that export it; no jobs means that it is not told apart by job."""
    found: dict[str, tuple[Metric, tuple[str, ...]]] = {}
    for service in workspace.services:
        jobs = (service.scrape.job,) if service.scrape is not None else ()
        for name, metric in service.metrics.items():
            first, before = found.get(name, (metric, jobs))
            both = tuple(sorted({*before, *jobs})) if before and jobs else ()
            found[name] = (first, both)
    return found


def expression(metric: Metric, jobs: tuple[str, ...], aggregation: str, window: Duration) -> str:
    """PromQL for one *aggregation* of *metric* over all its series.

    Gauges are averaged over *window* in time (min and max take the extreme), counters are per-second rates;
    histograms and summaries are means of their observations, weighted by how many there were, and `sum` and `count`
    are what they observed per second.
    """
    matcher = f'{{job=~"{"|".join(_escaped(job) for job in jobs)}"}}' if jobs else ""
    window = max(window, SHORTEST_RATE)
    if metric.type in {"histogram", "summary"}:
        return _OBSERVED[aggregation].format(
            sum=f"{metric.name}_sum{matcher}", count=f"{metric.name}_count{matcher}", window=window
        )
    table = _COUNTER if metric.type == "counter" else _GAUGE
    return table[aggregation].format(series=f"{metric.name}{matcher}", window=window)


def _escaped(job: str) -> str:
    """A job name as a literal inside a quoted regular expression."""
    return re.escape(job).replace("\\-", "-").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def ask_metric(
    source: MetricSource, name: str, query: str, *, window: Duration, step: Duration, now: datetime
) -> MetricData:
    """Ask for *query* at every *step* of the last *window*; a point that is missing or no number is null."""
    count = window.milliseconds // step.milliseconds
    start = now - count * step.timedelta
    answer = source.range(query, start, now, step.timedelta)
    if answer.partial:
        raise SourceError("the metric source gave a partial answer: " + "; ".join(answer.warnings))
    found: dict[int, float] = {}
    for row in answer.rows[:1]:
        found = {round((stamp - start.timestamp()) / float(step.seconds)): value for stamp, value in row.points}
    points = [
        Point(timestamp=start + i * step.timedelta, value=value if math.isfinite(value) else None)
        for i, value in ((i, found.get(i, math.nan)) for i in range(count + 1))
    ]
    values = [point.value for point in points if point.value is not None]
    return MetricData(
        metric=name,
        data=points,
        summary=Summary(
            min=min(values, default=None),
            max=max(values, default=None),
            avg=math.fsum(values) / len(values) if values else None,
        ),
    )


def default_step(window: Duration) -> Duration:
    """About 60 points, on whole seconds, not closer than a usual scrape.

    >>> str(default_step(Duration.parse("1h"))), str(default_step(Duration.parse("5m")))
    ('1m', '15s')
    """
    return max(Duration.of(seconds=15), Duration.of(seconds=math.ceil(window.milliseconds / 60_000)))
