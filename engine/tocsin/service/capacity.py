"""When resources are used up, for the API: the series of forecast alerts over a longer history."""

from collections.abc import Iterator
from datetime import datetime

from tocsin.errors import SourceError
from tocsin.evaluate.capacity import CONFIDENCE, exhaustion
from tocsin.ports import MetricSource, RangeRow
from tocsin.service.shapes import Resource, Trend
from tocsin.spec import AlertRule, Forecast, Service
from tocsin.units import Duration

POINTS = 240
"""Of each series: ten days of hours."""
MOST_SERIES = 200
"""Told of one alert."""


def forecasts(services: tuple[Service, ...]) -> tuple[tuple[AlertRule, Forecast], ...]:
    """The alerts that watch a resource."""
    alerts = [alert for service in services for alert in service.alerts]
    return tuple((alert, alert.condition) for alert in alerts if isinstance(alert.condition, Forecast))


def resources(
    source: MetricSource, alert: AlertRule, forecast: Forecast, *, history: Duration, now: datetime
) -> list[Resource]:
    """Every series of one alert, soonest used up first; raises SourceError where the source does not tell."""
    step = history.timedelta / POINTS
    answer = source.range(f"({forecast.series.text}\n)", now - history.timedelta + step, now, step)
    if answer.partial:
        raise SourceError("the metric source gave a partial answer: " + "; ".join(answer.warnings))
    found = list(_told(answer.rows, alert, forecast, history=history, now=now))
    found.sort(key=lambda one: (one.exhausted_at is None, one.exhausted_at or now, sorted(one.labels.items())))
    return found[:MOST_SERIES]


def _told(
    rows: tuple[RangeRow, ...], alert: AlertRule, forecast: Forecast, *, history: Duration, now: datetime
) -> Iterator[Resource]:
    rising = forecast.above is not None
    bound = float((forecast.above if rising else forecast.below) or 0)
    for row in rows:
        labels = {name: value for name, value in row.labels if name != "__name__"}
        found = exhaustion(row.points, bound, now, history.timedelta, rising=rising)
        if found is None:
            reason = f"fewer than half of {history} is there"
            yield Resource(alert=alert.ref, labels=labels, bound=bound, reason=reason)
            continue
        yield Resource(
            alert=alert.ref,
            labels=labels,
            bound=bound,
            level=found.level,
            per_day=Trend(low=found.per_day.low, likely=found.per_day.likely, high=found.per_day.high),
            confidence=CONFIDENCE,
            earliest=found.earliest,
            exhausted_at=found.likely,
            latest=found.latest,
        )
