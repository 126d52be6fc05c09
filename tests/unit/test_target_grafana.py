"""Grafana: pages that its schema knows, with expressions that Prometheus reads and places that do not overlap."""

import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import builders

from tocsin.plan import RecordingRule, plan
from tocsin.promql_syntax import Fault, Selector, nodes, parse
from tocsin.targets.artifact import MARK
from tocsin.targets.grafana import grafana
from tocsin.units import Duration
from tocsin.workspace import Source, Workspace, read_workspace

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "golden"

PAGE_KEYS = {
    "description", "uid", "title", "tags", "schemaVersion", "version", "editable", "graphTooltip", "timezone", "time",
    "refresh", "templating", "annotations", "links", "panels",
}  # fmt: skip
PANEL_KEYS = {
    "id", "type", "title", "gridPos", "description", "links", "datasource", "fieldConfig", "options", "targets",
    "transformations", "collapsed", "panels",
}  # fmt: skip
KINDS = {"timeseries", "stat", "table", "row"}
UNITS = {"short", "percentunit", "ops", "reqps", "s", "bytes", "currencyVND"}


def rules() -> Workspace:
    """The platform's own definitions."""
    sources = [
        Source(f"rules/{p.name}", p.read_text(encoding="utf-8")) for p in sorted((ROOT / "rules").glob("*.yaml"))
    ]
    return read_workspace(sources)[0]


def pages(workspace: Workspace) -> dict[str, dict[str, Any]]:
    """The pages by uid."""
    artifacts = grafana(plan(workspace)[0], workspace)
    return {(page := json.loads(a.text))["uid"]: page for a in artifacts if a.path.endswith(".json")}


def everything() -> list[dict[str, Any]]:
    """All pages of the platform and of the golden cases."""
    golden = [json.loads(path.read_text(encoding="utf-8")) for path in GOLDEN.glob("*/out/grafana/dashboards/*.json")]
    return [*pages(rules()).values(), *golden]


def panels(page: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The panels of a page by title."""
    return {panel["title"]: panel for panel in page["panels"]}


def test_the_platforms_dashboards_are_there() -> None:
    """System Overview, AI Performance and Business Metrics, each panel with its unit; a page per service; all SLOs."""
    found = pages(rules())

    assert sorted(found) == [
        "tocsin-contract-counting-uptime",
        "tocsin-dashboard-ai-performance",
        "tocsin-dashboard-business-metrics",
        "tocsin-dashboard-system-overview",
        "tocsin-journey-people-counting",
        "tocsin-overview",
        *(f"tocsin-service-{name}" for name in ("ai-inference", "be-auth", "be-camera", "mysql", "redis")),
    ]
    units = {
        title: panel["fieldConfig"]["defaults"]["unit"]
        for title, panel in panels(found["tocsin-dashboard-business-metrics"]).items()
    }
    assert units == {"Active Users": "short", "Transaction Volume": "ops", "Revenue": "currencyVND"}


def test_pages_have_the_fields_that_grafana_knows() -> None:
    """A field with a typo would be ignored in silence."""
    for page in everything():
        assert set(page) == PAGE_KEYS
        assert page["description"].startswith(MARK)
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,40}", page["uid"])
        assert [v["type"] for v in page["templating"]["list"]] == ["datasource"]
        assert [panel["id"] for panel in page["panels"]] == list(range(1, len(page["panels"]) + 1))
        for panel in page["panels"]:
            assert set(panel) <= PANEL_KEYS
            assert panel["type"] in KINDS
            for target in panel.get("targets", ()):
                assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
                assert target["instant"] != target["range"]
            assert panel["type"] == "row" or panel["fieldConfig"]["defaults"].get("unit", "short") in UNITS


def test_no_two_panels_overlap() -> None:
    """Each has its place within the 24 columns."""
    for page in everything():
        taken: set[tuple[int, int]] = set()
        for panel in page["panels"]:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert max(x for x, _ in cells) < 24
            assert not taken & cells
            taken |= cells


def test_thresholds_begin_without_a_value_and_rise() -> None:
    """Grafana takes the first step as the base, and the others in rising order."""
    for page in everything():
        for panel in page["panels"]:
            steps = (
                panel.get("fieldConfig", {}).get("defaults", {}).get("thresholds", {}).get("steps", [{"value": None}])
            )
            values = [step["value"] for step in steps]
            assert values[0] is None
            assert values[1:] == sorted(values[1:])


def test_an_alert_shows_its_value_with_its_threshold_and_unit() -> None:
    """80 % is drawn at 0.8 of a share, 2000 ms at 2 seconds; the runbook is one click away."""
    found = panels(pages(rules())["tocsin-service-be-camera"])
    cpu, slow = found["HighCpuUsage"], found["HighResponseTime"]

    assert [
        (panel["fieldConfig"]["defaults"]["unit"], panel["fieldConfig"]["defaults"]["thresholds"]["steps"][-1])
        for panel in (cpu, slow)
    ] == [("percentunit", {"color": "red", "value": 0.8}), ("s", {"color": "red", "value": 2.0})]
    assert cpu["links"][0]["url"] == "https://runbooks.example.org/be-camera#cpu"
    assert cpu["targets"][0]["expr"].startswith("sum by (instance) (rate(container_cpu_usage_seconds_total")


def test_a_tier_shows_both_windows_over_its_factor() -> None:
    """It fires when both lines are above the line of the threshold."""
    found = panels(pages(rules())["tocsin-service-be-camera"])["Burn rate, fast"]

    assert [target["legendFormat"] for target in found["targets"]] == ["1h", "5m"]
    assert found["fieldConfig"]["defaults"]["thresholds"]["steps"][-1] == {"color": "red", "value": 14.4}
    assert found["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"] == {"mode": "line"}
    assert all(target["expr"].endswith(" / 0.001") for target in found["targets"])


def test_the_overview_links_each_line_to_its_service() -> None:
    """By the stable uid of the service's page."""
    table = panels(pages(rules())["tocsin-overview"])["Objectives"]
    (links,) = [
        each["value"]
        for override in table["fieldConfig"]["overrides"]
        if override["matcher"]["options"] == "service"
        for each in override["properties"]
    ]

    assert links[0]["url"] == "/d/tocsin-service-${__data.fields.service}"


def test_a_long_name_has_a_short_uid_of_its_own() -> None:
    """Grafana takes 40 characters; two long names stay apart."""
    names = ("a" * 50 + "b", "a" * 50 + "c")
    workspace = builders.workspace(*(builders.service(n, slos=(builders.slo(service=n),)) for n in names))
    found = [uid for uid in pages(workspace) if uid.startswith("tocsin-service-")]

    assert (len(set(found)), {len(uid) for uid in found}) == (2, {40})


def test_provisioning_is_yaml_that_names_the_same_folder_and_source() -> None:
    """No secret, one default source, and a provider of files that nobody edits in Grafana."""
    workspace = rules()
    artifacts = {a.path: a.text for a in grafana(plan(workspace)[0], workspace)}
    (provider,) = yaml.safe_load(artifacts["grafana/provisioning/dashboards/tocsin.yml"])["providers"]
    sources = yaml.safe_load(artifacts["grafana/provisioning/datasources/tocsin.yml"])["datasources"]

    assert (provider["type"], provider["allowUiUpdates"]) == ("file", False)
    assert [(source["type"], source["url"]) for source in sources] == [
        ("prometheus", "http://prometheus:9090"),
        ("influxdb", "http://influxdb:8086"),
    ]


def expressions() -> Iterator[str]:
    """Every expression on every page."""
    for page in everything():
        yield from (each["expr"] for each in page["annotations"]["list"])
        written = (target["expr"] for panel in page["panels"] for target in panel.get("targets", ()))
        yield from (expr.replace("$__range_s", "86400").replace("$__range", "1d") for expr in written)


@pytest.mark.real
def test_prometheus_reads_every_expression(tmp_path: Path) -> None:
    """As rules of one file, which promtool parses."""
    unique = sorted(set(expressions()))
    named = [{"record": f"panel:{number}", "expr": expr} for number, expr in enumerate(unique)]
    (tmp_path / "panels.yml").write_text(yaml.safe_dump({"groups": [{"name": "g", "rules": named}]}), encoding="utf-8")
    done = subprocess.run(
        ["promtool", "check", "rules", str(tmp_path / "panels.yml")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (done.returncode, done.stderr, f"{len(unique)} rules found" in done.stdout) == (0, "", True)


def test_a_journey_has_a_page() -> None:
    """What is promised, what is left, each slice, each member, and the burn rates of its alert."""
    page = pages(rules())["tocsin-journey-people-counting"]
    found = panels(page)

    assert list(found) == [
        "Firing now", "Objective end-to-end", "Objective", "Error budget left", "Good, slice by slice", "Members",
        "Burn rate, fast", "Burn rate, steady",
    ]  # fmt: skip
    assert found["Objective"]["targets"][0]["expr"] == "vector(0.995)"
    assert found["Error budget left"]["targets"][0]["expr"] == (
        '1 - (1 - avg_over_time(journey:slice:ratio{service="people-counting",slo="end-to-end"}[30d])) / 0.005'
    )
    assert found["Members"]["targets"][0]["legendFormat"] == "{{member}}"
    assert "Journeys" in panels(pages(rules())["tocsin-overview"])


def test_a_contract_has_a_page_of_its_period() -> None:
    """In its own time zone, since the begin of the month: Grafana knows calendars, and PromQL does not."""
    page = pages(rules())["tocsin-contract-counting-uptime"]
    found = panels(page)
    uptime = found["Uptime so far"]["targets"][0]["expr"]

    assert (page["timezone"], page["time"]) == ("Asia/Ho_Chi_Minh", {"from": "now/M", "to": "now"})
    assert uptime.startswith("avg_over_time((1 - sum(slo:bad:rate5m{")
    assert uptime.endswith(" or vector(1))[$__range:5m])")
    assert [step["value"] for step in found["Uptime so far"]["fieldConfig"]["defaults"]["thresholds"]["steps"]] == [
        None, 0.999,
    ]  # fmt: skip
    assert "43m12s" in found["Lost so far"]["description"]


def test_a_journey_beyond_promql_shows_its_members_only() -> None:
    """Nothing is approximated: the page says who evaluates the whole, and draws what is recorded."""
    workspace = rules()
    (journey,) = workspace.journeys
    (slo,) = journey.slos
    slow = replace(journey, slos=(replace(slo, slice=Duration.of(hours=2)),))
    found = panels(pages(replace(workspace, journeys=(slow,)))["tocsin-journey-people-counting"])

    assert list(found) == ["Firing now", "Objective end-to-end", "Objective", "Members"]
    assert "evaluated by tocsin serve alone" in found["Members"]["description"]


def test_pages_read_what_is_recorded_or_exported() -> None:
    """No panel of ours reads a series that no rule records and no catalogue has."""
    workspace = rules()
    planned = plan(workspace)[0]
    known = {rule.record for group in planned.groups for rule in group.rules if isinstance(rule, RecordingRule)}
    known |= {"ALERTS"}
    for service in workspace.services:
        known |= {f"{name}{end}" for name in service.metrics for end in ("", "_bucket", "_count", "_sum")}
    for page in pages(workspace).values():
        if page["uid"].startswith("tocsin-dashboard-"):
            continue  # written by hand: `check` is told of those
        for panel in page["panels"]:
            for target in panel.get("targets", ()):
                tree = parse(target["expr"].replace("$__range_s", "86400").replace("$__range", "1d"))
                assert not isinstance(tree, Fault)
                read = {n.name.value for n in nodes(tree) if isinstance(n, Selector) and n.name}
                assert read - known <= {"up"}, (page["uid"], panel["title"])
