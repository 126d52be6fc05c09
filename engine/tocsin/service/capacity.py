"""When resources are used up, for the API and reports: the series of forecast alerts over a longer history."""

from dataclasses import asdict
from datetime import UTC, datetime

from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.evaluate.capacity import CONFIDENCE, Watched, watched
from tocsin.monthly.capacity import Capacity, unknown
from tocsin.ports import MetricSource
from tocsin.service.shapes import LevelChange, Resource, Trend
from tocsin.spec import AlertRule, Forecast, Service
from tocsin.units import Duration

POINTS = 240
"""Of each series: ten days of hours."""
HISTORY = Duration.of(days=28)
"""Of a report: four whole weeks."""
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
    found = looked_at(source, alert, forecast, history=history, now=now)
    return [_told(one, history) for one in found]


def looked_at(
    source: MetricSource, alert: AlertRule, forecast: Forecast, *, history: Duration, now: datetime
) -> list[Watched]:
    """The same with their history."""
    step = history.timedelta / POINTS
    answer = source.range(f"({forecast.series.text}\n)", now - history.timedelta + step, now, step)
    if answer.partial:
        raise SourceError("the metric source gave a partial answer: " + "; ".join(answer.warnings))
    return watched(answer.rows, alert, forecast, now, history.timedelta)[:MOST_SERIES]


def capacity_of(source: MetricSource, service: Service, now: datetime) -> Capacity | None:
    """What the forecast alerts of a service watch; None where it has none.

    An alert of which the source does not tell is a fault of its own; one that does not answer is a SourceError.
    """
    alerts = forecasts((service,))
    if not alerts:
        return None
    found: list[Watched] = []
    faults: list[tuple[str, str]] = []
    for alert, forecast in alerts:
        try:
            some = looked_at(source, alert, forecast, history=HISTORY, now=now)
        except SourceUnreachableError:
            raise
        except SourceError as error:
            faults.append((alert.ref, str(error)))
            continue
        found += some
        if not some:
            faults.append((alert.ref, f"its series has no value in {HISTORY}"))
    return Capacity(now, HISTORY, tuple(found), tuple(faults))


def _told(one: Watched, history: Duration) -> Resource:
    found = one.found
    return Resource(
        alert=one.alert,
        labels=dict(one.labels),
        bound=one.bound,
        level=found.level if found else None,
        per_day=Trend(**asdict(found.per_day)) if found else None,
        confidence=CONFIDENCE if found else None,
        earliest=one.dates[0],
        exhausted_at=one.dates[1],
        latest=one.dates[2],
        changes=[LevelChange(**asdict(each)) for each in one.changes],
        since=one.last.at if one.last else None,
        reason="" if found else unknown(one, history, UTC),
    )
