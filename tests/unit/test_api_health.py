"""Health, readiness, metrics, the page, and everything else around the API."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests import snapshots
from tests.sites import Site, standing
from tests.snapshots import NOW

from tocsin.notify.limits import BreakerState
from tocsin.service.delivery import Worker


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A service in trouble, with two resolved alerts in its history."""
    with standing(tmp_path) as site:
        yield site


class TestHealth:
    """/healthz, /readyz, /metrics and everything around them."""

    def test_all_is_well(self, site: Site) -> None:
        """Alive, and ready with every reason empty."""
        ready = site.get("/readyz")

        assert site.get("/healthz") == {"status": "ok"}
        assert {
            "ready": True,
            "checks": {n: {"ok": True, "reason": ""} for n in ("tick", "store", "source", "delivery", "lease")},
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

    @pytest.mark.parametrize(("state", "number"), [(BreakerState.OPEN, "2.0"), (BreakerState.HALF_OPEN, "1.0")])
    def test_a_receiver_that_only_fails_is_named_and_no_fault_of_ours(
        self, site: Site, state: BreakerState, number: str
    ) -> None:
        """Ready all the same; the metric says which state the breaker has."""
        site.workers[:] = [Worker("slack", breaker=state)]
        check = site.get("/readyz")["checks"]["delivery"]

        assert check == {"ok": True, "reason": "slack only fails, and is tried now and then"}
        assert f'tocsin_delivery_breaker_state{{channel="slack"}} {number}' in site.ask("/metrics").text

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
        assert "/api/v1/deliveries" in paths

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
        [taken] = status["slas"][0]["exclusions"]
        assert (taken["reason"], taken["removed"], taken["forgiven"], taken["spared"]) == (
            "agreed maintenance",
            7200,
            0,
            1500,
        )
        assert datetime(2026, 11, 23, 14, 30, 15, tzinfo=UTC) == datetime.fromisoformat(status["at"])
