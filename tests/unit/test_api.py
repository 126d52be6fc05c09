"""The API: exact shapes, questions made from definitions only, one shape of errors, and honest nulls."""

import asyncio
import math
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families
from tests import snapshots
from tests.snapshots import NOW

from tocsin.adapters.store import SqlStore
from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.evaluate.memory import Commit
from tocsin.ports import Answer, RangeAnswer, RangeRow, Row
from tocsin.service.api import Desk
from tocsin.service.app import create_app
from tocsin.service.askers import MOST, SHARE, Askers
from tocsin.service.board import Board
from tocsin.service.delivery import Worker
from tocsin.service.telemetry import Telemetry
from tocsin.spec import Metric
from tocsin.units import Duration

T = TypeVar("T")
JOBS = '{job=~"be-auth|be-camera"}'
SLA_KEYS = {"service", "uptime", "responseTime", "errorRate", "status"}


@dataclass
class FixedClock:
    """Stands still."""

    at: datetime = NOW

    def now(self) -> datetime:
        """Return *at*."""
        return self.at


@dataclass
class Source:
    """Answers each query with the number whose key is part of it, and remembers what it was asked."""

    numbers: dict[str, float] = field(default_factory=dict)
    points: tuple[tuple[float, float], ...] = ()
    error: SourceError | None = None
    partial: bool = False
    asked: list[str] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    inside: int = 0
    peak: int = 0
    delay: float = 0.0

    def __post_init__(self) -> None:
        """Answer at once; a closed gate holds every question up."""
        self.gate.set()

    def instant(self, query: str, at: datetime) -> Answer:
        """Give the number, or no row."""
        self._pass(query)
        if self.error is not None:
            raise self.error
        rows = tuple(Row((), number) for key, number in self.numbers.items() if key in query)
        return Answer(rows[:1], at, partial=self.partial)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Give the points."""
        self._pass(query)
        if self.error is not None:
            raise self.error
        return RangeAnswer((RangeRow((), self.points),) if self.points else (), partial=self.partial)

    def _pass(self, query: str) -> None:
        with self.lock:
            self.asked.append(query)
            self.inside += 1
            self.peak = max(self.peak, self.inside)
        time.sleep(self.delay)
        self.gate.wait(30)
        with self.lock:
            self.inside -= 1


@dataclass
class Site:
    """A client of the application, and what stands behind it."""

    app: FastAPI
    board: Board
    store: SqlStore
    source: Source
    clock: FixedClock
    telemetry: Telemetry
    workers: list[Worker]

    def together(self, script: Callable[[httpx.AsyncClient], Awaitable[T]]) -> T:
        """Run *script* with a client: several requests at a time."""

        async def run() -> T:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://tocsin.test") as client:
                return await script(client)

        return asyncio.run(run())

    def ask(self, path: str, params: Mapping[str, str] | None = None, method: str = "GET") -> httpx.Response:
        """Send one request to the application."""
        return self.together(lambda client: client.request(method, path, params=params))

    def get(self, path: str, expected: int = 200, **params: str) -> Any:
        """Parse the JSON answer to *path*."""
        answer = self.ask(path, params)

        assert expected == answer.status_code, answer.text
        return answer.json()


@pytest.fixture
def patience() -> float:
    """Seconds that a request may take."""
    return 10.0


@pytest.fixture
def site(tmp_path: Path, patience: float) -> Iterator[Site]:
    """A service in trouble, with two resolved alerts in its history."""
    source, clock, telemetry = Source(), FixedClock(), Telemetry("0.1.0")
    with ExitStack() as stack:
        store = stack.enter_context(closing(SqlStore(str(tmp_path / "state.db"))))
        store.commit(Commit(NOW, views=snapshots.resolved()))
        board = Board(snapshots.standing(snapshots.troubled()))
        workers: list[Worker] = []
        telemetry.watch(board, store, clock, lambda _: tuple(workers))
        askers = stack.enter_context(closing(Askers(patience=patience)))
        desk = Desk(board, store, source, clock, lambda _: tuple(workers), askers)
        app = create_app(desk, telemetry, version="0.1.0")
        stack.callback(source.gate.set)
        yield Site(app, board, store, source, clock, telemetry, workers)


class TestSlaStatus:
    """GET /api/v1/sla/status."""

    def test_one_service_is_one_object(self, site: Site) -> None:
        """Percent for ratios, milliseconds for time."""
        site.source.numbers = {"500": 5.0, "requests_total": 1000.0, "request_seconds": 0.25}

        assert site.get("/api/v1/sla/status", service="be-camera", timeRange="1h") == {
            "service": "be-camera",
            "uptime": 99.5,
            "responseTime": 250.0,
            "errorRate": 0.5,
            "status": "critical",
        }

    def test_questions_cover_the_range(self, site: Site) -> None:
        """Ratios count events of the range; the mean is the sum of durations over their number."""
        site.source.numbers = {"total": 1.0}
        site.get("/api/v1/sla/status", service="be-camera", timeRange="6h")

        assert len(site.source.asked) == 3
        assert [query for query in site.source.asked if "[6h]" not in query] == []
        durations, number = (f'sum(rate(request_seconds_{part}{{job="be-camera"}}[6h]))' for part in ("sum", "count"))
        assert f"{durations} / {number}" == site.source.asked[-1]

    def test_without_a_service_all_are_listed(self, site: Site) -> None:
        """In the order of their names."""
        answer = site.get("/api/v1/sla/status")

        assert [each["service"] for each in answer] == ["be-camera", "be-auth"]
        assert [each.keys() for each in answer] == [SLA_KEYS, SLA_KEYS]

    @pytest.mark.parametrize("numbers", [{}, {"requests_total": 0.0}, {"requests_total": math.nan}])
    def test_what_nobody_can_tell_is_null(self, site: Site, numbers: dict[str, float]) -> None:
        """No traffic is neither 0 % nor 100 %."""
        site.source.numbers = numbers
        answer = site.get("/api/v1/sla/status", service="be-camera")

        assert (answer["uptime"], answer["errorRate"], answer["responseTime"]) == (None, None, None)

    def test_a_dead_source_is_not_asked_again(self, site: Site) -> None:
        """Each further question would cost one more deadline."""
        many = tuple(snapshots.service(f"s{i}") for i in range(50))
        site.board.update(workspace=replace(site.board.read().workspace, services=many))
        site.source.error = SourceUnreachableError("connection refused")
        answer = site.get("/api/v1/sla/status")

        assert [each["uptime"] for each in answer] == [None] * 50
        assert len(site.source.asked) <= SHARE

    def test_a_partial_answer_gives_no_number(self, site: Site) -> None:
        """Half of the replicas would be half of the errors."""
        site.source.numbers, site.source.partial = {"requests_total": 10.0}, True

        assert site.get("/api/v1/sla/status", service="be-camera")["uptime"] is None

    def test_a_service_that_cannot_be_seen_is_not_healthy(self, site: Site) -> None:
        """Blind is a warning at least."""
        site.board.update(snapshot=None)

        assert site.get("/api/v1/sla/status", service="be-auth")["status"] == "warning"

    def test_a_service_without_trouble_is_healthy(self, site: Site) -> None:
        """Other services' alerts are not its own."""
        assert site.get("/api/v1/sla/status", service="be-auth")["status"] == "healthy"

    def test_an_unknown_service_gets_a_suggestion(self, site: Site) -> None:
        """Errors have one shape everywhere."""
        assert site.get("/api/v1/sla/status", 404, service="be-camra") == {
            "error": {
                "code": "unknown-service",
                "message": "there is no service 'be-camra'",
                "hint": "did you mean 'be-camera'?",
            }
        }

    def test_a_very_long_name_costs_nothing(self, site: Site) -> None:
        """Looking for a name that is meant takes time with the square of its length."""
        error = site.get("/api/v1/sla/status", 404, service="x" * 60_000)["error"]

        assert len(error["message"]) < 300

    @pytest.mark.parametrize("text", ["soon", " ", "-1h", "0s", "999ms", "367d", "1h]) or vector(1", "24"])
    def test_a_range_is_a_duration(self, site: Site, text: str) -> None:
        """Nothing of a request gets into a query but a parsed duration."""
        error = site.get("/api/v1/sla/status", 422, service="be-camera", timeRange=text)["error"]

        assert (error["code"], error["message"].startswith("timeRange: ")) == ("invalid-parameter", True)
        assert site.source.asked == []


class TestSlowSource:
    """A source that answers late costs only those who ask it, and those not for long."""

    def test_health_readiness_page_and_metrics_never_wait(self, site: Site) -> None:
        """A probe that times out would restart the evaluator; too many questions are refused at once."""

        async def script(client: httpx.AsyncClient) -> tuple[list[int], list[httpx.Response]]:
            site.source.gate.clear()
            asking = [asyncio.create_task(client.get("/api/v1/sla/status")) for _ in range(60)]
            try:
                done, _ = await asyncio.wait(asking, timeout=5, return_when=asyncio.FIRST_COMPLETED)
                others = [client.get(path) for path in ("/healthz", "/readyz", "/", "/metrics", "/api/v1/alerts")]
                codes = [answer.status_code for answer in await asyncio.wait_for(asyncio.gather(*others), 10)]
            finally:
                site.source.gate.set()
            assert done
            return codes, list(await asyncio.gather(*asking))

        codes, answers = site.together(script)
        refused = [answer for answer in answers if answer.status_code != 200]

        assert codes == [200] * 5
        assert (len(answers) - len(refused), len(refused)) == (MOST, 60 - MOST)
        assert {(503, "busy", "5")} == {
            (answer.status_code, answer.json()["error"]["code"], answer.headers["retry-after"]) for answer in refused
        }

    @pytest.mark.parametrize("patience", [0.3])
    def test_an_answer_that_is_late_is_null(self, site: Site) -> None:
        """The whole request has one deadline, however many services there are."""
        site.source.gate.clear()
        site.source.numbers = {"total": 1.0}
        answer = site.get("/api/v1/sla/status")
        metric = site.get("/api/v1/metrics", 503, metric="user_count")["error"]

        assert [(each["uptime"], each["status"]) for each in answer] == [(None, "critical"), (None, "healthy")]
        assert "nothing within 0.3 s" in metric["message"]

    def test_services_are_asked_about_side_by_side(self, site: Site) -> None:
        """One list does not take all threads, either."""
        many = tuple(snapshots.service(f"s{i}") for i in range(20))
        site.board.update(workspace=replace(site.board.read().workspace, services=many))
        site.source.numbers, site.source.delay = {"total": 1.0}, 0.02
        answer = site.get("/api/v1/sla/status")

        assert [each["uptime"] for each in answer] == [0.0] * 20
        assert site.source.peak == SHARE


class TestMetrics:
    """GET /api/v1/metrics."""

    def test_the_shape_is_exact(self, site: Site) -> None:
        """Points at every step, null where there is none or no number."""
        start = NOW - timedelta(minutes=2)
        site.source.points = tuple(
            (start.timestamp() + seconds, value) for seconds, value in [(0, 2.0), (30, math.nan), (120, 6.0)]
        )

        assert site.get("/api/v1/metrics", metric="user_count", timeRange="2m", interval="30s") == {
            "metric": "user_count",
            "data": [
                {"timestamp": "2026-11-23T14:28:15Z", "value": 2.0},
                {"timestamp": "2026-11-23T14:28:45Z", "value": None},
                {"timestamp": "2026-11-23T14:29:15Z", "value": None},
                {"timestamp": "2026-11-23T14:29:45Z", "value": None},
                {"timestamp": "2026-11-23T14:30:15Z", "value": 6.0},
            ],
            "summary": {"min": 2.0, "max": 6.0, "avg": 4.0},
        }

    def test_without_points_the_summary_is_null(self, site: Site) -> None:
        """Not zero: nothing was seen."""
        answer = site.get("/api/v1/metrics", metric="user_count", timeRange="5m")

        assert answer["summary"] == {"min": None, "max": None, "avg": None}
        assert {None} == {point["value"] for point in answer["data"]}

    @pytest.mark.parametrize(
        ("metric", "aggregation", "query"),
        [
            ("user_count", "avg", 'avg(avg_over_time(user_count{job=~"be-auth|be-camera"}[5m]))'),
            ("user_count", "max", 'max(max_over_time(user_count{job=~"be-auth|be-camera"}[5m]))'),
            ("requests_total", "sum", 'sum(rate(requests_total{job=~"be-auth|be-camera"}[5m]))'),
            (
                "request_seconds",
                "avg",
                f"sum(rate(request_seconds_sum{JOBS}[5m])) / sum(rate(request_seconds_count{JOBS}[5m]))",
            ),
        ],
    )
    def test_each_type_is_asked_for_in_its_own_way(self, site: Site, metric: str, aggregation: str, query: str) -> None:
        """Counters as rates, histograms as the weighted mean of their observations."""
        site.get("/api/v1/metrics", metric=metric, timeRange="1h", aggregation=aggregation, interval="5m")

        assert [query] == site.source.asked

    @pytest.mark.parametrize(
        ("metric", "hint"),
        [
            ("user_cuont", "did you mean 'user_count'?"),
            ('user_count{a="b"} or vector(1)', None),
            ("up", "there are request_seconds, requests_total, user_count"),
        ],
    )
    def test_only_listed_metrics_can_be_asked_for(self, site: Site, metric: str, hint: str | None) -> None:
        """A name is looked up in the definitions; its text never gets into a query."""
        error = site.get("/api/v1/metrics", 404, metric=metric)["error"]

        assert (error["code"], site.source.asked) == ("unknown-metric", [])
        assert hint is None or hint == error["hint"]

    @pytest.mark.parametrize(
        ("params", "words"),
        [
            ({}, "metric: this parameter is required"),
            ({"metric": "user_count", "aggregation": "p99"}, "aggregation: 'p99' is not one of 'avg', 'sum'"),
            ({"metric": "user_count", "interval": "2h"}, "interval: 2h is longer than the time range 1h"),
            ({"metric": "user_count", "interval": "1s", "timeRange": "1d"}, "86401 points; at most 10000"),
            ({"metric": "user_count", "interval": "x"}, "interval: 'x' is not a duration"),
        ],
    )
    def test_parameters_that_mean_nothing_are_explained(self, site: Site, params: dict[str, str], words: str) -> None:
        """With the parameter's name and what is allowed."""
        assert words in site.get("/api/v1/metrics", 422, **params)["error"]["message"]

    def test_a_source_that_fails_is_a_503(self, site: Site) -> None:
        """An empty list would look like an answer."""
        site.source.error = SourceError("HTTP 422: query too long")

        assert site.get("/api/v1/metrics", 503, metric="user_count")["error"]["code"] == "source-unavailable"

    def test_a_partial_answer_is_a_503(self, site: Site) -> None:
        """A sum over half of the replicas is a wrong number."""
        site.source.partial = True

        assert site.get("/api/v1/metrics", 503, metric="user_count")["error"]["code"] == "source-unavailable"

    def test_job_names_are_quoted(self, site: Site) -> None:
        """A job is free text; inside a regular expression inside quotes it must mean itself."""
        from tocsin.service.questions import expression

        metric = Metric("m", "gauge", None, (), "", snapshots.NOWHERE)

        assert (
            expression(metric, ('a.b"c|d-e',), "sum", Duration.of(seconds=1))
            == r'sum(avg_over_time(m{job=~"a\\.b\"c\\|d-e"}[1m]))'
        )


class TestAlerts:
    """GET /api/v1/alerts."""

    def test_active_alerts_have_exactly_these_keys(self, site: Site) -> None:
        """`resolvedAt` is absent, not null, while an alert is active."""
        alerts = site.get("/api/v1/alerts", status="active")["alerts"]

        assert [{"id", "title", "description", "severity", "status", "createdAt"}] * 2 == [a.keys() for a in alerts]
        assert {("critical", "active"), ("warning", "active")} == {(a["severity"], a["status"]) for a in alerts}

    def test_resolved_alerts_come_from_the_history(self, site: Site) -> None:
        """Newest first, with the time of their end."""
        alerts = site.get("/api/v1/alerts", status="resolved")["alerts"]

        assert [alert["title"] for alert in alerts] == ["HighErrorRate on be-auth", "OldAlert on redis"]
        assert alerts[0]["resolvedAt"] == "2026-11-23T12:12:15Z"

    def test_without_a_filter_all_are_listed(self, site: Site) -> None:
        """Open ones and past ones, newest first."""
        alerts = site.get("/api/v1/alerts")["alerts"]

        assert len(alerts) == 4
        assert sorted((a["createdAt"] for a in alerts), reverse=True) == [a["createdAt"] for a in alerts]

    def test_severity_filters_both(self, site: Site) -> None:
        """Open and past."""
        alerts = site.get("/api/v1/alerts", severity="warning")["alerts"]

        assert [alert["title"] for alert in alerts] == ["HighCpuUsage on be-camera", "OldAlert on redis"]

    def test_what_is_pending_is_no_alert_yet(self, site: Site) -> None:
        """Nobody was told of it."""
        titles = [alert["title"] for alert in site.get("/api/v1/alerts")["alerts"]]

        assert "CameraBacklog on be-camera" not in titles

    def test_a_blind_alert_says_so(self, site: Site) -> None:
        """It is active because nobody saw it end."""
        site.board.update(snapshot=snapshots.blind())
        alert = site.get("/api/v1/alerts", status="active")["alerts"][0]

        assert "blind since 2026-11-23 14:26:15 UTC: nobody could look, so it stays open" in alert["description"]

    def test_alerts_of_the_last_run_are_shown_before_the_first_tick(self, site: Site) -> None:
        """A restart must not look like a recovery."""
        site.board.update(snapshot=None, remembered=(snapshots.alert(),))

        assert len(site.get("/api/v1/alerts", status="active")["alerts"]) == 1

    @pytest.mark.parametrize("params", [{"severity": "page"}, {"status": "open"}, {"limit": "0"}])
    def test_other_words_are_refused(self, site: Site, params: dict[str, str]) -> None:
        """A filter that is ignored would be taken for an empty answer."""
        assert site.get("/api/v1/alerts", 422, **params)["error"]["code"] == "invalid-parameter"


class TestParameters:
    """What all routes of the API do with their parameters."""

    def test_an_empty_parameter_is_not_given(self, site: Site) -> None:
        """Clients are written `?service=&timeRange=` and fill in what they have."""
        assert len(site.get("/api/v1/sla/status", service="", timeRange="")) == 2
        assert len(site.get("/api/v1/alerts", severity="", status="", limit="")["alerts"]) == 4
        assert len(site.get("/api/v1/metrics", metric="user_count", aggregation="", interval="", timeRange="")["data"])
        assert "this parameter is required" in site.get("/api/v1/metrics", 422, metric="")["error"]["message"]

    @pytest.mark.parametrize(
        ("path", "params", "hint"),
        [
            ("/api/v1/sla/status", {"timerange": "1h"}, "did you mean 'timeRange'?"),
            ("/api/v1/alerts", {"state": "active"}, "did you mean 'status'?"),
            ("/api/v1/alerts", {"x": ""}, "there are limit, severity, status"),
            ("/api/v1/status", {"service": "be-auth"}, "it takes no parameters"),
        ],
    )
    def test_an_unknown_parameter_is_refused(self, site: Site, path: str, params: dict[str, str], hint: str) -> None:
        """A filter that is ignored would be taken for an answer."""
        error = site.get(path, 422, **params)["error"]

        assert ("unknown-parameter", hint) == (error["code"], error["hint"])

    def test_a_parameter_given_twice_is_refused(self, site: Site) -> None:
        """Nobody could know which one counts."""
        answer = site.ask("/api/v1/sla/status?service=be-auth&service=be-camera")

        assert (answer.status_code, answer.json()["error"]["message"]) == (422, "service: given 2 times")


class TestHealth:
    """/healthz, /readyz, /metrics and everything around them."""

    def test_all_is_well(self, site: Site) -> None:
        """Alive, and ready with every reason empty."""
        ready = site.get("/readyz")

        assert site.get("/healthz") == {"status": "ok"}
        assert {
            "ready": True,
            "checks": {n: {"ok": True, "reason": ""} for n in ("tick", "store", "source", "delivery")},
        } == ready

    @pytest.mark.parametrize(
        ("check", "changes", "words"),
        [
            ("tick", {"ticked_at": NOW - timedelta(minutes=1)}, "over 3 intervals ago"),
            ("tick", {"ticked_at": None}, "waiting for the first evaluation"),
            ("store", {"commit_error": "the state could not be stored"}, "could not be stored"),
            ("source", {"snapshot": snapshots.blind()}, "connection refused"),
            ("source", {"snapshot": None}, "not asked yet"),
        ],
    )
    def test_each_part_can_fail_alone(self, site: Site, check: str, changes: dict[str, Any], words: str) -> None:
        """The answer names the part and the reason."""
        site.board.update(**changes)
        ready = site.get("/readyz", 503)

        assert [check] == [name for name, each in ready["checks"].items() if not each["ok"]]
        assert words in ready["checks"][check]["reason"]

    @pytest.mark.parametrize(
        ("worker", "words"),
        [
            (Worker("slack", alive=False, error="MemoryError"), "the worker of slack has ended: MemoryError"),
            (Worker("slack", failing=3, error="ValueError"), "the worker of slack fails: ValueError"),
            (Worker("slack", overdue=timedelta(minutes=5)), "a message for slack is overdue by 300 s"),
        ],
    )
    def test_delivery_can_fail_alone(self, site: Site, worker: Worker, words: str) -> None:
        """A page that nobody sends must show somewhere."""
        site.workers[:] = [Worker("email", failing=2, overdue=timedelta(minutes=4)), worker]
        ready = site.get("/readyz", 503)

        assert [("delivery", words)] == [(n, each["reason"]) for n, each in ready["checks"].items() if not each["ok"]]

    def test_metrics_tell_of_every_worker(self, site: Site) -> None:
        """Also while the store fails."""
        site.workers[:] = [Worker("slack", alive=False, failed=7, overdue=timedelta(seconds=90))]
        before = site.ask("/metrics").text
        site.store.close()
        (Path(site.store._engine.url.database or "")).write_bytes(b"this is no database" * 100)
        lines = (
            'tocsin_delivery_worker_up{channel="slack"} 0.0',
            'tocsin_delivery_rounds_failed_total{channel="slack"} 7.0',
            'tocsin_outbox_overdue_seconds{channel="slack"} 90.0',
        )

        assert [line for line in lines if line not in before or line not in site.ask("/metrics").text] == []

    def test_metrics_parse_and_tell_how_things_stand(self, site: Site) -> None:
        """Prometheus can scrape them."""
        families = {f.name: f for f in text_string_to_metric_families(site.ask("/metrics").text)}
        alerts = {(s.labels["severity"], s.labels["phase"]): s.value for s in families["tocsin_alerts"].samples}

        assert alerts["critical", "firing"] == 1.0
        assert families["tocsin_store_up"].samples[0].value == 1.0
        assert families["tocsin_build_info"].samples[0].labels["version"] == "0.1.0"

    def test_metrics_survive_a_store_that_fails(self, site: Site) -> None:
        """The metric that tells of it is the one that is needed then."""
        site.store.close()
        (Path(site.store._engine.url.database or "")).write_bytes(b"this is no database" * 100)

        assert "tocsin_store_up 0.0" in site.ask("/metrics").text

    @pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/metrics"])
    def test_head_is_answered(self, site: Site, path: str) -> None:
        """Load balancers and link checkers ask so."""
        assert site.ask(path, method="HEAD").status_code == 200

    def test_other_paths_answer_in_the_shape_of_errors(self, site: Site) -> None:
        """Also a method that is not allowed."""
        assert site.get("/api/v1/nothing", 404)["error"]["code"] == "not-found"
        assert site.ask("/api/v1/alerts", method="POST").json()["error"]["code"] == "method-not-allowed"

    def test_the_page_is_served_with_its_policy(self, site: Site) -> None:
        """The browser refuses what the page does not need."""
        answer = site.ask("/")

        assert answer.status_code == 200
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert "HighErrorRate on be-auth" in answer.text

    def test_the_openapi_document_names_every_route(self, site: Site) -> None:
        """Clients are generated from it."""
        paths = site.get("/openapi.json")["paths"]

        assert {"/api/v1/sla/status", "/api/v1/metrics", "/api/v1/alerts", "/api/v1/status"} <= paths.keys()

    def test_status_holds_everything(self, site: Site) -> None:
        """What the page shows, for programs."""
        status = site.get("/api/v1/status")

        assert (
            status["overall"],
            len(status["slos"]),
            len(status["journeys"]),
            len(status["slas"]),
            len(status["alerts"]),
        ) == ("critical", 5, 1, 1, 2)
        assert datetime(2026, 11, 23, 14, 30, 15, tzinfo=UTC) == datetime.fromisoformat(status["at"])
