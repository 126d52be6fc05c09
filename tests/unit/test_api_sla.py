"""The state of the SLAs over HTTP: exact shapes, honest nulls, and sources that answer late or never."""

import asyncio
import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from tests import snapshots
from tests.sites import Site, standing

from tocsin.errors import SourceUnreachableError
from tocsin.service.askers import MOST, SHARE

SLA_KEYS = {"service", "uptime", "responseTime", "errorRate", "status"}


@pytest.fixture
def patience() -> float:
    """Seconds that a request may take."""
    return 10.0


@pytest.fixture
def site(tmp_path: Path, patience: float) -> Iterator[Site]:
    """A service in trouble, with two resolved alerts in its history."""
    with standing(tmp_path, patience) as site:
        yield site


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
