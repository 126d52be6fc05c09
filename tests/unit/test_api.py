"""The API: exact shapes, questions made from definitions only, one shape of errors, and honest nulls."""

import math
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests import snapshots
from tests.sites import Site, standing
from tests.snapshots import NOW

from tocsin.errors import SourceError
from tocsin.spec import Metric
from tocsin.units import Duration

JOBS = '{job=~"be-auth|be-camera"}'


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A service in trouble, with two resolved alerts in its history."""
    with standing(tmp_path) as site:
        yield site


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
