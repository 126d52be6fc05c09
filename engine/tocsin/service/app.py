"""The web application: the API, the page, health, and Tocsin's own metrics."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta
from functools import partial
from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from pydantic import Field
from starlette.exceptions import HTTPException

from tocsin.evaluate.memory import OutboxDepth
from tocsin.notify.limits import BreakerState
from tocsin.service import alertmanager, exclusions, incident
from tocsin.service.alertmanager import Office, RefusedError
from tocsin.service.api import Desk, create_router
from tocsin.service.board import FRESH_INTERVALS, Standing
from tocsin.service.deliveries import DeliveriesApi
from tocsin.service.objective import render_objective
from tocsin.service.origins import own_site
from tocsin.service.page import PAGE_HEADERS, render_page
from tocsin.service.parameters import ApiError
from tocsin.service.shapes import ErrorBody, Fault, Shape
from tocsin.service.silencing import Silencing
from tocsin.service.silencing import create_router as create_silencing
from tocsin.service.story import Story, told
from tocsin.service.taken import Taken
from tocsin.service.telemetry import Telemetry

log = logging.getLogger(__name__)

OVERDUE = timedelta(minutes=5)
"""A message that nobody took for this long, although it was due, means that delivery does not work."""
MOST_FAILING = 3
"""Rounds of one worker that may fail in a row."""

_CODES = {404: "not-found", 405: "method-not-allowed"}


class Alive(Shape):
    """The process answers."""

    status: str = "ok"


class Check(Shape):
    """One condition of being ready; *reason* says why it does not hold, or what is amiss all the same."""

    ok: bool
    reason: str


class Ready(Shape):
    """Whether this evaluator can be relied on now."""

    ready: bool
    checks: dict[str, Check] = Field(description="`tick`, `store`, `source`, `delivery` and `lease`.")


def readiness(desk: Desk) -> Ready:
    """Ready: a fresh tick, its state stored, a complete answer of the metric source, and workers that deliver."""
    standing, now = desk.board.read(), desk.clock.now()
    store, depths = _store_check(desk, standing)
    checks = {"tick": _tick_check(standing, fresh=standing.fresh(now)), "store": store}
    source = standing.snapshot.source if standing.snapshot is not None else None
    if source is None:
        checks["source"] = Check(ok=False, reason="not asked yet")
    else:
        reason = "" if source.ok else f"no complete answer since {source.since:%Y-%m-%d %H:%M:%S} UTC: {source.detail}"
        checks["source"] = Check(ok=source.ok, reason=reason)
    checks["delivery"] = _delivery_check(desk, depths)
    checks["lease"] = Check(ok=not (standing.role.leads and standing.role.reason), reason=standing.role.reason)
    return Ready(ready=all(check.ok for check in checks.values()), checks=checks)


def _tick_check(standing: Standing, *, fresh: bool) -> Check:
    if standing.ticked_at is None:
        return Check(ok=False, reason=standing.tick_error or "waiting for the first evaluation")
    if fresh:
        return Check(ok=True, reason="")
    last = f"the last tick was at {standing.ticked_at:%Y-%m-%d %H:%M:%S} UTC, over {FRESH_INTERVALS} intervals ago"
    return Check(ok=False, reason=f"{last}: {standing.tick_error}" if standing.tick_error else last)


def _store_check(desk: Desk, standing: Standing) -> tuple[Check, tuple[OutboxDepth, ...]]:
    try:
        depths = desk.store.depths()
    except Exception as error:  # noqa: BLE001  (whatever it is, the store does not work)
        return Check(ok=False, reason=f"the state cannot be read: {type(error).__name__}"), ()
    return Check(ok=not standing.commit_error, reason=standing.commit_error), depths


def _delivery_check(desk: Desk, depths: Iterable[OutboxDepth]) -> Check:
    """A receiver that refuses is no fault of ours; a worker that has ended, that only fails or lies idle is."""
    faults, notes = [], []
    for worker in desk.workers(depths):
        why = f": {worker.error}" if worker.error else ""
        if not worker.alive:
            faults.append(f"the worker of {worker.name} has ended{why}")
        elif worker.failing >= MOST_FAILING:
            faults.append(f"the worker of {worker.name} fails{why}")
        elif worker.overdue >= OVERDUE:
            faults.append(f"a message for {worker.name} is overdue by {worker.overdue.total_seconds():.0f} s{why}")
        elif worker.breaker is not BreakerState.CLOSED:
            notes.append(f"{worker.name} only fails, and is tried now and then")
    return Check(ok=not faults, reason="; ".join(faults or notes))


def _fault(status: int, code: str, message: str, hint: str | None = None) -> JSONResponse:
    body = ErrorBody(error=Fault(code=code, message=message, hint=hint))
    return JSONResponse(body.model_dump(by_alias=True), status_code=status)


def _handle_errors(app: FastAPI) -> None:
    @app.exception_handler(ApiError)
    def api_error(_request: Request, error: ApiError) -> JSONResponse:
        answer = _fault(error.status, error.code, str(error), error.hint)
        answer.headers.update(error.headers)
        return answer

    @app.exception_handler(RefusedError)
    def refused(_request: Request, error: RefusedError) -> JSONResponse:
        return JSONResponse(str(error), error.status)

    @app.exception_handler(RequestValidationError)
    def invalid(_request: Request, error: RequestValidationError) -> JSONResponse:
        return _fault(422, "invalid-parameter", "; ".join(_sentence(fault) for fault in error.errors()))

    @app.exception_handler(HTTPException)
    def other(_request: Request, error: HTTPException) -> JSONResponse:
        answer = _fault(error.status_code, _CODES.get(error.status_code, "http-error"), str(error.detail).lower())
        answer.headers.update(error.headers or {})
        return answer

    @app.exception_handler(Exception)
    def crashed(_request: Request, _error: Exception) -> JSONResponse:
        return _fault(500, "internal-error", "tocsin failed to answer; its log says why")


def _sentence(fault: Mapping[str, Any]) -> str:
    """One fault in words: the parameter, what is allowed, what was seen.

    >>> _sentence({"loc": ("query", "metric"), "type": "missing", "msg": "Field required"})
    'metric: this parameter is required'
    """
    name = str(fault["loc"][-1])
    if fault["type"] == "missing":
        return f"{name}: this parameter is required"
    seen = fault.get("input")
    if fault["type"] == "literal_error":
        return f"{name}: {seen!r} is not one of {fault['ctx']['expected'].replace(' or ', ', ')}"
    text = str(fault["msg"])
    return f"{name}: {text[:1].lower()}{text[1:]}, not {seen!r}"


def _routers(
    desk: Desk, office: Office | None, taken: Taken | None, silencing: Silencing | None
) -> Iterator[APIRouter]:
    """Every path but those of the process itself."""
    router = create_router(desk)
    answer_deliveries = DeliveriesApi(desk).deliveries
    router.add_api_route("/deliveries", answer_deliveries, methods=["GET"], responses={503: {"model": ErrorBody}})
    router.add_api_route(
        "/alerts/{name}/story",
        partial(told, desk),
        methods=["GET"],
        response_model=Story,
        responses={404: {"model": ErrorBody}, 503: {"model": ErrorBody}},
        summary="Why an alert did or did not notify",
    )
    yield router
    yield exclusions.create_router(desk)
    if taken is not None:
        yield incident.create_router(desk, taken)
    if silencing is not None:
        yield create_silencing(silencing)
    if office is not None:
        yield alertmanager.create_router(office)


def create_app(
    desk: Desk,
    telemetry: Telemetry,
    *,
    version: str,
    office: Office | None = None,
    taken: Taken | None = None,
    silencing: Silencing | None = None,
) -> FastAPI:
    """Assemble the application; without *office*, *taken* and *silencing* it only reads."""
    app = FastAPI(
        title="Tocsin",
        version=version,
        description="Alerting and SLAs as code: status, metrics and alerts of the evaluator.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
        openapi_url="/openapi.json",
        dependencies=[Depends(own_site)],
    )
    _handle_errors(app)
    for router in _routers(desk, office, taken, silencing):
        app.include_router(router)

    @app.get("/healthz", summary="Whether the process answers")
    async def healthz() -> Alive:
        """Answer as long as the process lives; use /readyz to know whether it can see."""
        return Alive()

    @app.get("/readyz", responses={503: {"model": Ready}}, summary="Whether the evaluator can be relied on")
    def readyz(response: Response) -> Ready:
        """The last tick is fresh, its state was stored, the metric source answered completely, and delivery works."""
        ready = readiness(desk)
        response.status_code = 200 if ready.ready else 503
        return ready

    @app.get("/metrics", response_class=Response, summary="Tocsin's own metrics, for Prometheus")
    def metrics() -> Response:
        """Ticks, the source, alerts, the outbox and deliveries."""
        return Response(generate_latest(telemetry.registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    @app.get("/", response_class=Response, include_in_schema=False)
    def page() -> Response:
        return Response(render_page(desk), media_type="text/html", headers=PAGE_HEADERS)

    @app.get("/slos/{service}/{slo}", response_class=Response, include_in_schema=False)
    async def objective(service: str, slo: str) -> Response:
        found = await render_objective(desk, f"{service}/{slo}")
        if found is None:
            raise ApiError(404, "unknown-slo", "there is no such objective")
        return Response(found, media_type="text/html", headers=PAGE_HEADERS)

    for path, answer in (("/", page), ("/healthz", healthz), ("/readyz", readyz), ("/metrics", metrics)):
        app.head(path, include_in_schema=False)(answer)  # the server leaves the body out
    return app
