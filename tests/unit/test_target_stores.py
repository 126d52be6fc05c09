"""StatsD and InfluxDB: mapping, retention statements, and what Prometheus has to know of both."""

import subprocess
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import builders

from tocsin.plan import Plan
from tocsin.spec import InfluxDb, Metric, Platform, PrometheusSettings, StatsD
from tocsin.targets.influxdb import influxdb, refused, remote_write
from tocsin.targets.prometheus import configuration
from tocsin.targets.statsd import statsd, unmapped
from tocsin.units import Duration
from tocsin.workspace import Source, Workspace, read_workspace

GOLDEN = Path(__file__).parents[1] / "golden" / "stores"
PLATFORM = (Path(__file__).parents[2] / "rules" / "platform.yaml").read_text(encoding="utf-8")
SETTINGS = PrometheusSettings(9090, *(Duration.of(seconds=15),) * 3, "data", (), {})


def golden() -> Workspace:
    """The workspace of the golden case."""
    return read_workspace([Source("in.yaml", (GOLDEN / "in.yaml").read_text(encoding="utf-8"))])[0]


def influx(**retention: str) -> Workspace:
    """A platform that keeps samples in InfluxDB."""
    policies = {name: Duration.parse(length) for name, length in retention.items()}
    settings = InfluxDb(True, "http://influxdb:8086", "db", policies, Duration.of(days=1), 1)
    return Workspace(platform=Platform("p", SETTINGS, None, settings, None, builders.SPAN))


def mapped(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """The mappings by name of the metric."""
    (artifact,) = statsd(Plan(()), workspace)
    return {each["name"]: each for each in yaml.safe_load(artifact.text)["mappings"]}


def test_the_platforms_retention_is_what_was_asked_for() -> None:
    """30 days by default, 7 days, a year; shards of a day, one copy."""
    workspace, _ = read_workspace([Source("platform.yaml", PLATFORM)])
    (artifact,) = influxdb(Plan(()), workspace)

    assert artifact.text.splitlines()[3:] == [
        'CREATE DATABASE "beCamera_metrics";',
        'CREATE RETENTION POLICY "default" ON "beCamera_metrics" DURATION 30d REPLICATION 1 SHARD DURATION 1d DEFAULT;',
        'CREATE RETENTION POLICY "short" ON "beCamera_metrics" DURATION 7d REPLICATION 1 SHARD DURATION 1d;',
        'CREATE RETENTION POLICY "long" ON "beCamera_metrics" DURATION 365d REPLICATION 1 SHARD DURATION 1d;',
    ]


def test_prometheus_writes_to_the_default_policy() -> None:
    """Where nothing is called default and there are several, InfluxDB decides."""
    workspaces = (influx(default="30d", long="1y"), influx(a="7d"), influx(a="7d", b="9d"))
    found = [remote_write(w.platform.influxdb) for w in workspaces if w.platform and w.platform.influxdb]

    assert [str(each["url"]).partition("?")[2] for each in found] == ["db=db&rp=default", "db=db&rp=a", "db=db"]


def test_a_password_in_the_url_is_not_written() -> None:
    """Neither into prometheus.yml nor into the statements; the file to read it from is named."""
    workspace = golden()
    texts = [configuration(workspace), *(artifact.text for artifact in influxdb(Plan(()), workspace))]
    (write,) = yaml.safe_load(texts[0])["remote_write"]

    assert ["hunter2" in text for text in texts] == [False, False]
    assert (write["url"], write["basic_auth"]) == (
        "http://influxdb:8086/api/v1/prom/write?db=shop%20metrics&rp=default",
        {"username": "writer", "password_file": "/etc/prometheus/secrets/influxdb-password"},
    )


def test_policies_that_influxdb_refuses_are_errors() -> None:
    """A policy cannot be shorter than an hour, or than one of its shards."""
    assert [finding.code for finding in refused(Plan(()), influx(a="12h", b="1d"))] == ["influxdb/retention"]


def test_names_with_dots_become_metrics_with_labels() -> None:
    """The values of the labels follow the metric's name, and the job is the service's, as rules ask for it."""
    found = mapped(golden())["requests_total"]

    assert found == {
        "match": "eu.shop.cart.requests_total.*.*",
        "match_metric_type": "counter",
        "name": "requests_total",
        "labels": {"job": "baskets", "method": "$1", "code": "$2"},
        "help": 'Requests, "all" of them',
    }


def test_objectives_have_the_buckets_that_they_count_by() -> None:
    """A latency objective within 300 ms needs a bucket of 0.3, and bytes other buckets than seconds."""
    found = mapped(golden())
    buckets = {name: found[name]["histogram_options"]["buckets"] for name in ("request_seconds", "basket_bytes")}

    assert (Decimal(str(buckets["request_seconds"][6])), buckets["basket_bytes"][:3]) == (Decimal("0.3"), [1, 10, 100])
    assert [found[name].get("observer_type") for name in ("waiting", "parse_seconds")] == [None, "summary"]


def test_names_that_the_exporter_cannot_take_are_told() -> None:
    """A part of a name has two characters, begins with no digit, and has no colon."""
    names = enumerate(("ok", "x", "a:b"), start=1)
    metrics = {name: Metric(name, "gauge", None, (), "", builders.at(n)) for n, name in names}
    service = replace(builders.service("shop"), metrics=metrics)
    there = StatsD(True, "statsd", 8125, "p1", Duration.of(seconds=10))
    workspace = Workspace(services=(service,), platform=Platform("p", SETTINGS, there, None, None, builders.SPAN))

    assert list(mapped(workspace)) == ["ok"]
    assert [finding.span.line for finding in unmapped(Plan(()), workspace)] == [2, 3]


def test_the_exporter_is_scraped() -> None:
    """Its metrics bring their job along, and Prometheus must not rename it."""
    jobs = {job["job_name"]: job for job in yaml.safe_load(configuration(golden()))["scrape_configs"]}

    assert (jobs["statsd"]["honor_labels"], jobs["statsd"]["static_configs"]) == (True, [{"targets": ["statsd:9102"]}])


def test_nothing_is_written_without_either() -> None:
    """A platform of Prometheus alone has neither mapping nor statements."""
    assert (statsd(Plan(()), Workspace()), influxdb(Plan(()), Workspace())) == ((), ())


@pytest.mark.real
def test_promtool_accepts_the_remote_write(tmp_path: Path) -> None:
    """With a login and without."""
    (tmp_path / "rules").mkdir()
    for name, workspace in (("login.yml", golden()), ("plain.yml", influx(default="30d"))):
        (tmp_path / name).write_text(configuration(workspace), encoding="utf-8")
    files = ["login.yml", "plain.yml"]
    done = subprocess.run(
        ["promtool", "check", "config", "--syntax-only", *files],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
