"""The JSON API: status of services, metrics over time, alerts, and everything the last tick found."""

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_FLOOR, Decimal
from functools import partial
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Path, Query
from pydantic import AwareDatetime

from tocsin.adapters.ledger_trail import Line
from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.evaluate.memory import Store
from tocsin.ports import Clock, MetricSource
from tocsin.service import attributing, capacity, questions
from tocsin.service.askers import Askers, BusyError
from tocsin.service.board import Board, Standing
from tocsin.service.delivery import Workers, nobody
from tocsin.service.parameters import LONGEST_NAME, ApiError, StrictRoute, did_you_mean
from tocsin.service.shapes import (
    Alerts,
    AlertSeverity,
    AlertStatus,
    Attributions,
    Capacity,
    ErrorBody,
    Health,
    MetricData,
    Resource,
    ServiceHealth,
    Status,
)
from tocsin.service.shaping import alert_of, severity_of, status_of
from tocsin.spec import Service
from tocsin.units import Duration, UnitError

log = logging.getLogger(__name__)

Aggregation = Literal["avg", "sum", "min", "max", "count"]
LONGEST_RANGE = Duration.of(days=366)
MOST_POINTS = 10_000
"""Prometheus itself refuses more than 11,000."""
BUSY_SECONDS = 5
"""When to ask again after a refusal: by then every question under way has been answered or given up."""
T = TypeVar("T")


def _no_trail(_: str) -> Sequence[Line]:
    return ()


@dataclass(frozen=True, slots=True)
class Desk:
    """What the web side may see and ask; *source* is its own connection, so that no request delays a tick.

    *workers* tells how each channel's worker does, given the outbox.
    """

    board: Board
    store: Store
    source: MetricSource
    clock: Clock
    workers: Workers = nobody
    askers: Askers = field(default_factory=Askers)
    trail: Callable[[str], Sequence[Line]] = _no_trail
    """Every exclusion that an objective or a contract ever had."""


def _duration(name: str, text: str, longest: Duration = LONGEST_RANGE) -> Duration:
    try:
        value = Duration.parse(text.strip())
    except UnitError as error:
        raise ApiError(422, "invalid-parameter", f"{name}: {error}") from error
    if not 1000 <= value.milliseconds <= longest.milliseconds:
        raise ApiError(422, "invalid-parameter", f"{name}: {text!r} is outside 1s to {longest}")
    return value


ERRORS: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such service, objective or metric."},
    422: {"model": ErrorBody, "description": "A parameter that cannot mean anything."},
    503: {"model": ErrorBody, "description": "No answer of the metric source or the store, or too many ask."},
}


def health_of(service: Service, standing: Standing) -> Health:
    """How a service stands now: its open alerts, its objectives, and whether anybody can see it."""
    snapshot = standing.snapshot
    severities = {severity_of(view) for view in standing.open_alerts() if view.service == service.name}
    states = {slo.state for slo in snapshot.slos if slo.service == service.name} if snapshot else set()
    if "critical" in severities or "exhausted" in states:
        return "critical"
    seen = snapshot is not None and snapshot.source.ok
    return "warning" if "warning" in severities or states - {"healthy"} or not seen else "healthy"


def _percent(share: float) -> float:
    """In percent with six decimals, cut off: 99.9999999 % is not 100 %."""
    return float((Decimal(repr(share)) * 100).quantize(Decimal("1E-6"), rounding=ROUND_FLOOR))


def _health_over(service: Service, ratios: questions.Ratios, standing: Standing) -> ServiceHealth:
    uptime, response = None if ratios.uptime is None else _percent(ratios.uptime), ratios.response_time
    return ServiceHealth(
        service=service.name,
        uptime=uptime,
        response_time=None if response is None else round(1000 * response, 3),
        error_rate=None if uptime is None else round(100 - uptime, 6),
        status=health_of(service, standing),
    )


class Api:
    """The answers of the JSON API."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def sla_status(
        self,
        service: Annotated[str | None, Query(description="One service; without it, a list of all.")] = None,
        time_range: Annotated[str, Query(alias="timeRange", description="How far back, such as 1h or 30d.")] = "24h",
    ) -> ServiceHealth | list[ServiceHealth]:
        """How services did over a time range, and how they stand now.

        Uptime and error rate come from the service's ratio SLI (else its probe), the response time is the mean of its
        latency histogram; `status` is the state of this moment. What nobody could tell within ten seconds is null.
        """
        window = _duration("timeRange", time_range)
        standing, now = self._desk.board.read(), self._desk.clock.now()
        services = {s.name: s for s in standing.workspace.services}
        if service is None:
            return await self._judge(services.values(), standing, window, now)
        if service not in services:
            hint = did_you_mean(service, services, "no service is defined")
            raise ApiError(404, "unknown-service", f"there is no service {service[:LONGEST_NAME]!r}", hint)
        return (await self._judge([services[service]], standing, window, now))[0]

    async def _judge(
        self, services: Iterable[Service], standing: Standing, window: Duration, now: datetime
    ) -> list[ServiceHealth]:
        """Judge each; where the source does not answer at all, the rest of it is not asked."""
        wanted = [(service, questions.ratio_queries(service, window)) for service in services]
        every = (query for _, one in wanted for query in (one.bad, one.total, one.mean) if query is not None)
        queries = list(dict.fromkeys(every))
        gone = threading.Event()

        def ask(query: str) -> float | None:
            if gone.is_set():
                return None
            try:
                return questions.number(self._desk.source, query, now)
            except SourceUnreachableError:
                gone.set()
                return None

        numbers = dict(zip(queries, await self._asked([partial(ask, query) for query in queries]), strict=True))
        return [_health_over(service, one.ratios(numbers), standing) for service, one in wanted]

    async def _asked(self, asked: list[Callable[[], T]]) -> list[T | None]:
        try:
            return await self._desk.askers.ask(asked)
        except BusyError:
            message = "too many requests ask the metric source at the moment"
            headers = {"Retry-After": str(BUSY_SECONDS)}
            raise ApiError(503, "busy", message, f"ask again in {BUSY_SECONDS} s", headers) from None

    async def metrics(
        self,
        metric: Annotated[str, Query(description="A name from the `metrics:` of a service.")],
        time_range: Annotated[str, Query(alias="timeRange", description="How far back, such as 1h or 30d.")] = "1h",
        aggregation: Annotated[Aggregation, Query(description="How its series become one.")] = "avg",
        interval: Annotated[str | None, Query(description="Distance of two points; default about 60 points.")] = None,
    ) -> MetricData:
        """One metric over time.

        Gauges as they are, counters as per-second rates, histograms and summaries as the mean of what they observed
        (`sum` and `count`: observed per second). A point without a value is null.
        """
        window = _duration("timeRange", time_range)
        step = questions.default_step(window) if interval is None else _duration("interval", interval)
        if step > window:
            raise ApiError(422, "invalid-parameter", f"interval: {step} is longer than the time range {window}")
        points = window.milliseconds // step.milliseconds + 1
        if points > MOST_POINTS:
            message = f"interval: {step} over {window} would be {points} points; at most {MOST_POINTS} are given"
            raise ApiError(422, "invalid-parameter", message, "take a longer interval or a shorter time range")
        known = questions.catalogue(self._desk.board.read().workspace)
        if metric not in known:
            hint = did_you_mean(metric, known, "no service lists metrics")
            raise ApiError(404, "unknown-metric", f"no service lists a metric {metric[:LONGEST_NAME]!r}", hint)
        query = questions.expression(*known[metric], aggregation, step)
        now = self._desk.clock.now().replace(microsecond=0)
        source = self._desk.source
        return await self._answer(
            partial(questions.ask_metric, source, metric, query, window=window, step=step, now=now)
        )

    async def attribution(
        self,
        service: Annotated[str, Path(description="A service.")],
        slo: Annotated[str, Path(description="One of its objectives.")],
        *,
        time_range: Annotated[str, Query(alias="timeRange", description="How far back, such as 1h or 30d.")] = "1h",
        label: Annotated[str | None, Query(description="Labels, with commas; default: those that tell most.")] = None,
        top: Annotated[int, Query(ge=1, le=100, description="Values of each label; the others are the rest.")] = 5,
        at: Annotated[AwareDatetime | None, Query(description="Where the time range ends; default: now.")] = None,
    ) -> Attributions:
        """Which label values spent the error budget of an objective.

        Bad events by route, status, pod or whatever labels the SLI's series have, with their exact shares. Of an
        objective over slices, the events in the slices.
        """
        window, labels = _duration("timeRange", time_range), attributing.labels_of(label)
        now = self._desk.clock.now()
        end = (now if at is None else min(at, now)).replace(microsecond=0)
        defined = {one.ref: one for each in self._desk.board.read().workspace.services for one in each.slos}
        if (ref := f"{service}/{slo}") not in defined:
            hint = did_you_mean(ref, defined, "no objective is defined")
            raise ApiError(404, "unknown-slo", f"there is no objective {ref[:LONGEST_NAME]!r}", hint)
        ask = partial(
            attributing.attributions, self._desk.source, defined[ref], labels, window=window, most=top, now=end
        )
        return await self._answer(ask)

    async def capacity(
        self,
        service: Annotated[str | None, Query(description="One service; without it, all.")] = None,
        history: Annotated[str, Query(description="How far back the trend looks, such as 28d.")] = "28d",
    ) -> Capacity:
        """When resources are used up, with the earliest and the latest date.

        The series of all `forecast:` alerts over a longer history: the median of the slopes of all pairs of days (Theil
        and Sen), and the band of nine in ten around the line.
        """
        window, now = _duration("history", history), self._desk.clock.now().replace(microsecond=0)
        services = self._desk.board.read().workspace.services
        chosen = tuple(one for one in services if service is None or one.name == service)
        if service is not None and not chosen:
            hint = did_you_mean(service, [one.name for one in services], "no service is defined")
            raise ApiError(404, "unknown-service", f"there is no service {service[:LONGEST_NAME]!r}", hint)
        source = self._desk.source

        def ask() -> list[Resource]:
            alerts = capacity.forecasts(chosen)
            found = [capacity.resources(source, *alert, history=window, now=now) for alert in alerts]
            return [one for each in found for one in each]

        return Capacity(history=str(window), resources=await self._answer(ask))

    async def _answer(self, ask: Callable[[], T]) -> T:
        """Ask one thing; nothing in time, and no answer at all, are a 503."""
        why = f"nothing within {self._desk.askers.patience:g} s"
        try:
            (answer,) = await self._asked([ask])
        except SourceError as error:
            answer, why = None, str(error)
        if answer is None:
            raise ApiError(503, "source-unavailable", f"the metric source did not answer: {why}")
        return answer

    def alerts(
        self,
        severity: Annotated[AlertSeverity | None, Query(description="Only this severity.")] = None,
        status: Annotated[AlertStatus | None, Query(description="Only open or only resolved alerts.")] = None,
        limit: Annotated[int, Query(ge=1, le=1000, description="At most so many resolved alerts.")] = 200,
    ) -> Alerts:
        """Open and past alerts, newest first.

        Episodes that fired; an alert that is pending is none yet. An alert that nobody can look at stays active, and
        its description says since when it is blind.
        """
        found = []
        if status != "resolved":
            shown = self._desk.board.read().open_alerts()
            found += [alert_of(view) for view in shown if severity is None or severity_of(view) == severity]
        if status != "active":
            try:
                past = self._desk.store.history(severity=severity, status="resolved", limit=limit)
            except Exception as error:
                log.exception("the history could not be read")
                raise ApiError(503, "store-unavailable", "the history of alerts could not be read") from error
            found += [alert_of(view) for view in past]
        found.sort(key=lambda alert: (alert.created_at, alert.id), reverse=True)
        return Alerts(alerts=found)

    def status(self) -> Status:
        """Everything that the last tick found.

        Objectives with budgets and burn rates, journeys, contracts, open alerts, and the source's health.
        """
        return status_of(self._desk.board.read())


def create_router(desk: Desk) -> APIRouter:
    """All routes under `/api/v1`."""
    api, get = Api(desk), ["GET"]
    router = APIRouter(prefix="/api/v1", responses={422: ERRORS[422]}, route_class=StrictRoute)
    router.add_api_route("/sla/status", api.sla_status, methods=get, responses=ERRORS)
    router.add_api_route("/metrics", api.metrics, methods=get, responses=ERRORS)
    router.add_api_route("/capacity", api.capacity, methods=get, responses=ERRORS)
    router.add_api_route("/slos/{service}/{slo}/attribution", api.attribution, methods=get, responses=ERRORS)
    router.add_api_route(
        "/alerts", api.alerts, methods=get, responses={503: ERRORS[503]}, response_model_exclude_none=True
    )
    router.add_api_route("/status", api.status, methods=get)
    return router
