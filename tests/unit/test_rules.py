"""The platform's own definitions: what its requirement asks for stands in them, and every alert is proved."""

import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from tocsin.plan import plan
from tocsin.spec import AlertRule, Service, Threshold
from tocsin.units import Duration
from tocsin.workspace import Source, Workspace, read_workspace

RULES = Path(__file__).parents[2] / "rules"
SOURCES = [Source(f"rules/{path.name}", path.read_text(encoding="utf-8")) for path in sorted(RULES.glob("*.yaml"))]
WORKSPACE, FINDINGS = read_workspace(SOURCES)
SERVICES = {service.name: service for service in WORKSPACE.services}
EVERYBODY = ("email", "slack", "pagerduty")


def alert(service: str, name: str) -> AlertRule:
    """The alert of that name."""
    return next(rule for rule in SERVICES[service].alerts if rule.name == name)


def threshold(rule: AlertRule) -> Threshold:
    """Its condition, which has to be a threshold."""
    assert isinstance(rule.condition, Threshold)
    return rule.condition


class TestDefinitions:
    """They are complete, clean and proved."""

    def test_nothing_is_wrong_with_them(self) -> None:
        """The definitions have no finding, not even a warning."""
        _, unplanned = plan(WORKSPACE)

        assert (*FINDINGS, *unplanned) == ()

    def test_the_workspace_holds_the_platform(self) -> None:
        """Five services, one journey, one SLA, one set of channels and three dashboards."""
        assert list(SERVICES) == ["ai-inference", "be-auth", "be-camera", "mysql", "redis"]
        assert [journey.name for journey in WORKSPACE.journeys] == ["people-counting"]
        assert [sla.name for sla in WORKSPACE.slas] == ["counting-uptime"]
        assert [notifications.name for notifications in WORKSPACE.notifications] == ["platform"]
        assert [d.name for d in WORKSPACE.dashboards] == ["ai-performance", "business-metrics", "system-overview"]

    @pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.name)
    def test_every_alert_is_proved_to_fire_and_to_be_silent(self, service: Service) -> None:
        """Each threshold alert has an expectation where it fires and one where it does not."""
        names = {rule.name for rule in service.alerts}
        expectations = [expectation for test in service.tests for expectation in test.expect]

        assert names == {e.alert for e in expectations if e.firing and ":" not in e.alert}
        assert names == {e.alert for e in expectations if not e.firing and ":" not in e.alert}

    @pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.name)
    def test_every_objective_is_proved_to_page(self, service: Service) -> None:
        """Each SLO has an expectation where its fast tier pages and one where it does not."""
        pages = {f"{slo.name}:fast" for slo in service.slos}
        expectations = [expectation for test in service.tests for expectation in test.expect]

        assert pages <= {e.alert for e in expectations if e.firing}
        assert pages <= {e.alert for e in expectations if not e.firing}

    @pytest.mark.parametrize("service", SERVICES.values(), ids=lambda service: service.name)
    def test_every_alert_says_what_to_do(self, service: Service) -> None:
        """Each alert has a summary and a runbook, and somebody who is told."""
        for rule in service.alerts:
            assert rule.summary, rule.name
            assert rule.runbook, rule.name
            assert rule.notify, rule.name
        for slo in service.slos:
            assert slo.page, slo.name
            assert slo.ticket, slo.name
            assert slo.runbook, slo.name


@pytest.mark.parametrize("service", ["be-camera", "be-auth"])
class TestTableOfAlerts:
    """Threshold, duration, severity and channels are the requirement's own."""

    @pytest.mark.parametrize(
        ("name", "above", "below", "for_", "severity", "channels"),
        [
            ("HighResponseTime", "2", None, "5m", "warning", ("email", "slack")),  # 2000 ms
            ("HighErrorRate", "0.05", None, "2m", "critical", EVERYBODY),  # 5 %
            ("HighCpuUsage", "0.8", None, "10m", "warning", ("email", "slack")),  # 80 %
            ("HighMemoryUsage", "0.85", None, "10m", "warning", ("email", "slack")),  # 85 %
            ("SlaUptime", None, "0.999", "1h", "critical", EVERYBODY),  # 99.9 %
            ("SlaResponseTime", "1", None, "5m", "warning", ("email", "slack")),  # 1000 ms
        ],
    )
    def test_alert(
        self,
        service: str,
        name: str,
        above: str | None,
        below: str | None,
        for_: str,
        severity: str,
        channels: tuple[str, ...],
    ) -> None:
        """Each row of the table is an alert of both backends."""
        rule = alert(service, name)

        limits = threshold(rule)
        assert (above and Decimal(above), below and Decimal(below)) == (limits.above, limits.below)
        assert (Duration.parse(for_), severity, channels) == (rule.for_, rule.severity, rule.notify)

    def test_success_criteria_are_objectives(self, service: str) -> None:
        """99.9 % uptime and responses within one second are SLOs over 30 days."""
        slos = {slo.name: slo for slo in SERVICES[service].slos}

        assert (Decimal("0.999"), Duration.of(days=30)) == (slos["uptime"].target, slos["uptime"].window)
        assert Decimal(1) == slos["responses"].sli.within  # type: ignore[attr-defined]


class TestPlatform:
    """Settings of collection, storage and dashboards are the requirement's own."""

    def test_prometheus(self) -> None:
        """Port, interval, retention and storage are the requirement's own."""
        assert WORKSPACE.platform is not None
        settings = WORKSPACE.platform.prometheus

        assert (9090, Duration.of(seconds=15), Duration.of(days=15), "/prometheus/data") == (
            settings.port,
            settings.scrape_interval,
            settings.retention,
            settings.storage_path,
        )

    def test_targets(self) -> None:
        """The four scrape targets are the requirement's own."""
        targets = {s.name: (s.scrape.targets, s.scrape.path) for s in WORKSPACE.services if s.scrape}

        assert targets == {
            "be-camera": (("beCamera-service:8080",), "/metrics"),
            "be-auth": (("beAuth-service:8080",), "/metrics"),
            "mysql": (("mysql-exporter:9104",), "/metrics"),
            "redis": (("redis-exporter:9121",), "/metrics"),
        }

    def test_statsd(self) -> None:
        """StatsD is there and off."""
        assert WORKSPACE.platform is not None
        statsd = WORKSPACE.platform.statsd

        assert statsd is not None
        assert (False, "statsd-server", 8125, "beCamera", Duration.of(seconds=10)) == (
            statsd.enabled,
            statsd.host,
            statsd.port,
            statsd.prefix,
            statsd.flush_interval,
        )

    def test_influxdb(self) -> None:
        """The long-term store and its retention policies are the requirement's own."""
        assert WORKSPACE.platform is not None
        influxdb = WORKSPACE.platform.influxdb

        assert influxdb is not None
        assert (True, "http://influxdb:8086", "beCamera_metrics", Duration.of(days=1), 1) == (
            influxdb.enabled,
            influxdb.url,
            influxdb.database,
            influxdb.shard_duration,
            influxdb.replication_factor,
        )
        assert {"default": Duration.of(days=30), "short": Duration.of(days=7), "long": Duration.of(days=365)} == dict(
            influxdb.retention
        )

    def test_grafana(self) -> None:
        """Dashboards are shown where the requirement says."""
        assert WORKSPACE.platform is not None

        assert WORKSPACE.platform.grafana_url == "http://grafana:3000"

    def test_panels(self) -> None:
        """Every panel of the requirement is there."""
        panels = {dashboard.title: {panel.title for panel in dashboard.panels} for dashboard in WORKSPACE.dashboards}

        assert {"Response Time", "Error Rate", "CPU Usage", "Memory Usage"} <= panels["System Overview"]
        assert {"Inference Time", "Throughput", "Accuracy"} == panels["AI Performance"]
        assert {"Active Users", "Transaction Volume", "Revenue"} == panels["Business Metrics"]

    def test_custom_metrics(self) -> None:
        """Business and AI metrics are in the catalogue with the types of the requirement."""
        types = {name: m.type for s in ("be-camera", "ai-inference") for name, m in SERVICES[s].metrics.items()}

        assert {
            "user_count": "gauge",
            "transaction_total": "counter",
            "revenue_per_hour": "gauge",
            "ai_inference_duration_seconds": "histogram",
            "ai_model_accuracy": "gauge",
            "ai_predictions_total": "counter",
        }.items() <= types.items()

    def test_no_secret_stands_in_the_file(self) -> None:
        """Webhook, key and password come from the environment, without a default that would look like one."""
        channels = WORKSPACE.notifications[0].channels

        assert channels["slack"].settings["webhook"].default is None  # type: ignore[union-attr]
        assert channels["pagerduty"].settings["integration_key"].default is None  # type: ignore[union-attr]
        assert channels["email"].settings["password"].default == ""  # type: ignore[union-attr]


def passes(folder: Path, series: dict[str, str], expr: str, at: str, samples: list[dict[str, object]]) -> str:
    """What promtool says against *expr* giving *samples*; empty where it agrees."""
    (folder / "none.yml").write_text("groups: []\n", encoding="utf-8")
    case = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": at, "exp_samples": samples}],
    }
    path = folder / "test.yml"
    path.write_text(yaml.safe_dump({"rule_files": ["none.yml"], "tests": [case]}), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "test", "rules", str(path)], capture_output=True, text=True, timeout=60, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


SLOW = {
    'http_request_duration_seconds_bucket{job="be-camera",le="1"}': "0x20",
    'http_request_duration_seconds_bucket{job="be-camera",le="5"}': "0+600x20",
    'http_request_duration_seconds_bucket{job="be-camera",le="+Inf"}': "0+600x20",
    'http_request_duration_seconds_count{job="be-camera"}': "0+600x20",
    'http_request_duration_seconds_sum{job="be-camera"}': "0+1800x20",
}
"""Every request takes three seconds."""

TOPPED = {name.replace('"5"', '"2"'): values for name, values in SLOW.items()} | {
    'http_request_duration_seconds_bucket{job="be-camera",le="2"}': "0x20"
}
"""The same with 2 s as the highest bound."""


@pytest.mark.real
class TestSketch:
    """What the sketched PromQL of the requirement really says, by promtool; `rules/README.md` tells it in words."""

    def test_a_histogram_compared_with_a_number_never_fires(self, tmp_path: Path) -> None:
        """`http_request_duration_seconds > 2` is empty although every request takes three seconds."""
        assert passes(tmp_path, SLOW, "http_request_duration_seconds > 2", "20m", []) == ""

    def test_an_average_of_a_histogram_is_empty(self, tmp_path: Path) -> None:
        """`avg(http_request_duration_seconds)` draws nothing."""
        assert passes(tmp_path, SLOW, "avg(http_request_duration_seconds)", "20m", []) == ""

    def test_the_quantile_stands_instead(self, tmp_path: Path) -> None:
        """The alert's own expression sees the three seconds (between the buckets 1 and 5)."""
        value = threshold(alert("be-camera", "HighResponseTime")).value.text

        assert passes(tmp_path, SLOW, value, "20m", [{"labels": "{}", "value": 4.8}]) == ""

    def test_a_quantile_never_exceeds_the_highest_bound(self, tmp_path: Path) -> None:
        """With 2 s as the highest bucket bound an alert above 2000 ms can never fire."""
        value = threshold(alert("be-camera", "HighResponseTime")).value.text

        assert passes(tmp_path, TOPPED, value, "20m", [{"labels": "{}", "value": 2}]) == ""

    def test_an_error_rate_is_no_ratio(self, tmp_path: Path) -> None:
        """`rate(errors) > 0.1` fires at 0.2 % of errors of a busy service, not when a quiet one fails fully."""
        errors = 'rate(http_requests_total{status=~"5.."}[5m]) > 0.1'
        busy = {'http_requests_total{status="200"}': "0+5988x20", 'http_requests_total{status="500"}': "0+12x20"}
        quiet = {'http_requests_total{status="500"}': "0+3x20"}

        assert passes(tmp_path, busy, errors, "20m", [{"labels": '{status="500"}', "value": 0.2}]) == ""
        assert passes(tmp_path, quiet, errors, "20m", []) == ""

    def test_a_rate_per_series_misses_what_is_spread(self, tmp_path: Path) -> None:
        """Ten routes with 0.05 errors a second each are half an error a second, and none exceeds 0.1."""
        spread = {f'http_requests_total{{route="/{n}",status="500"}}': "0+3x20" for n in range(10)}

        assert passes(tmp_path, spread, 'rate(http_requests_total{status=~"5.."}[5m]) > 0.1', "20m", []) == ""

    def test_an_error_rate_without_errors_is_empty(self, tmp_path: Path) -> None:
        """Where no request ever failed there is no error series: nothing is drawn; the alert's expression is 0."""
        value = threshold(alert("be-camera", "HighErrorRate")).value.text
        healthy = {'http_requests_total{job="be-camera",status="200"}': "0+600x20"}

        assert passes(tmp_path, healthy, 'rate(http_requests_total{status=~"5.."}[5m])', "20m", []) == ""
        assert passes(tmp_path, healthy, value, "20m", [{"labels": "{}", "value": 0}]) == ""

    def test_an_average_of_cores_hides_the_full_container(self, tmp_path: Path) -> None:
        """One container at 100 % of its CPU and three idle ones are 0.25 on average."""
        cpu = {
            f'container_cpu_usage_seconds_total{{instance="{n}"}}': "0+60x20" if n == 0 else "0x20" for n in range(4)
        }

        samples: list[dict[str, object]] = [{"labels": "{}", "value": 0.25}]
        assert passes(tmp_path, cpu, "avg(rate(container_cpu_usage_seconds_total[5m]))", "20m", samples) == ""

    def test_a_quantile_needs_buckets_and_a_rate(self, tmp_path: Path) -> None:
        """`histogram_quantile(0.95, ai_inference_duration_seconds)` is empty: the series with `le` is `_bucket`."""
        buckets = {
            'ai_inference_duration_seconds_bucket{le="0.5"}': "0+600x20",
            'ai_inference_duration_seconds_bucket{le="+Inf"}': "0+600x20",
        }

        assert passes(tmp_path, buckets, "histogram_quantile(0.95, ai_inference_duration_seconds)", "20m", []) == ""

    def test_a_quantile_without_a_rate_remembers_for_ever(self, tmp_path: Path) -> None:
        """Without `rate` an hour of slow inferences is still seen after an hour of quick ones; with it, it is not."""
        buckets = {
            'ai_inference_duration_seconds_bucket{le="0.5"}': "0x60 0+600x60",
            'ai_inference_duration_seconds_bucket{le="1"}': "0+600x121",
            'ai_inference_duration_seconds_bucket{le="+Inf"}': "0+600x121",
        }
        raw = "histogram_quantile(0.95, ai_inference_duration_seconds_bucket) > bool 0.5"
        recent = "histogram_quantile(0.95, rate(ai_inference_duration_seconds_bucket[5m])) > bool 0.5"

        assert passes(tmp_path, buckets, raw, "2h", [{"labels": "{}", "value": 1}]) == ""
        assert passes(tmp_path, buckets, recent, "2h", [{"labels": "{}", "value": 0}]) == ""


def test_the_order_of_files_does_not_matter() -> None:
    """The same workspace comes out of the files in any order."""
    backwards, findings = read_workspace(reversed(SOURCES))

    assert (WORKSPACE.services, WORKSPACE.journeys, ()) == (backwards.services, backwards.journeys, findings)
    assert isinstance(backwards, Workspace)
