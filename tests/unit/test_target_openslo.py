"""OpenSLO: documents as its specification has them, and notes of what it has no word for."""

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests import builders

from tocsin.plan import plan
from tocsin.targets.openslo import losses, openslo
from tocsin.workspace import Source, Workspace, read_workspace

GOLDEN = Path(__file__).parents[1] / "golden"
RULES = Path(__file__).parents[2] / "rules"
NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
DURATION = re.compile(r"[1-9][0-9]*[mhdwMQY]|0m")
SHAPES = {
    "Service": {"description"},
    "SLI": {"ratioMetric", "thresholdMetric"},
    "SLO": {"description", "service", "indicatorRef", "timeWindow", "budgetingMethod", "objectives", "alertPolicies"},
    "AlertPolicy": {"alertWhenBreaching", "alertWhenResolved", "alertWhenNoData", "conditions", "notificationTargets"},
    "AlertCondition": {"description", "severity", "condition"},
    "AlertNotificationTarget": {"target"},
}
"""The fields of each kind that we use. https://github.com/OpenSLO/OpenSLO/blob/main/README.md"""

SERVICE = """\
apiVersion: tocsin/v1
kind: Service
name: shop
slis:
  ratio: {ratio: {good: 'ok_total{job="shop"}', total: 'all_total{job="shop"}'}}
  raw: {raw: {error_ratio: 'shop:errors:ratio'}}
  depth: {threshold: {value: 'max(queue_depth)', at_most: 100}}
  band: {threshold: {value: 'max(temperature)', at_least: 10, at_most: 30}}
  backup: {freshness: {last_success: 'max(backup_seconds)', within: 1h}}
slos:
  ratio: {sli: ratio, target: 99.95%, window: 28d, page: [mail], description: People can buy}
  raw: {sli: raw, target: 99%, window: 30d}
  depth: {sli: depth, target: 99%, window: 30d}
  band: {sli: band, target: 99%, window: 30d}
  backup: {sli: backup, target: 99%, window: 90d, burn_rate: {policy: workbook, off: [slow, trickle]}}
alerts:
  Down: {expr: up == 0}
---
apiVersion: tocsin/v1
kind: Notifications
name: n
channels: {mail: {slack: {webhook: {env: HOOK}}}}
"""


def read(*texts: str) -> Workspace:
    """A workspace of one file each."""
    return read_workspace([Source(f"{n}.yaml", text) for n, text in enumerate(texts)])[0]


def documents(workspace: Workspace) -> list[dict[str, Any]]:
    """All documents of all files."""
    files = openslo(plan(workspace)[0], workspace)
    return [document for file in files for document in yaml.safe_load_all(file.text)]


def by_kind(workspace: Workspace, kind: str) -> dict[str, dict[str, Any]]:
    """The documents of a kind by name."""
    return {d["metadata"]["name"]: d for d in documents(workspace) if d["kind"] == kind}


WORKSPACES = {
    "rules": [path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.yaml"))],
    "kinds": [SERVICE],
    **{p.parent.name: [p.read_text(encoding="utf-8")] for p in sorted(GOLDEN.glob("*/in.yaml"))},
}


@pytest.mark.parametrize("name", WORKSPACES)
def test_documents_are_as_the_specification_has_them(name: str) -> None:
    """Known fields, valid names, each once, durations of one unit, one window, one condition, and no dead reference."""
    found = documents(read(*WORKSPACES[name]))
    names = Counter((d["kind"], d["metadata"]["name"]) for d in found)

    assert [key for key, count in names.items() if count > 1] == []
    for document in found:
        spec = document["spec"]
        assert document["apiVersion"] == "openslo/v1"
        assert NAME.fullmatch(document["metadata"]["name"])
        assert set(spec) <= SHAPES[document["kind"]]
        assert all(isinstance(value, str) for value in document["metadata"].get("annotations", {}).values())
        if document["kind"] == "SLO":
            (window,), (objective,) = spec["timeWindow"], spec["objectives"]
            assert DURATION.fullmatch(window["duration"])
            assert 0 < objective["target"] < 1
            assert ("SLI", spec["indicatorRef"]) in names
            assert all(("AlertPolicy", each["alertPolicyRef"]) in names for each in spec.get("alertPolicies", ()))
        if document["kind"] == "AlertPolicy":
            assert [("AlertCondition", each["conditionRef"]) in names for each in spec["conditions"]] == [True]
            assert all(("AlertNotificationTarget", t["targetRef"]) in names for t in spec["notificationTargets"])
        if document["kind"] == "AlertCondition":
            assert DURATION.fullmatch(spec["condition"]["lookbackWindow"])


def test_kinds_of_indicators_have_their_metrics() -> None:
    """Counters as good and total, a ratio as raw, a value with its limit at the objective."""
    workspace = read(SERVICE)
    slis, slos = by_kind(workspace, "SLI"), by_kind(workspace, "SLO")

    assert slis["shop-ratio"]["spec"]["ratioMetric"]["good"]["metricSource"]["spec"]["query"] == 'ok_total{job="shop"}'
    assert slis["shop-raw"]["spec"]["ratioMetric"]["rawType"] == "failure"
    assert slis["shop-depth"]["spec"]["thresholdMetric"]["metricSource"]["spec"]["query"] == "max(queue_depth)"
    assert [slos[f"shop-{name}"]["spec"]["objectives"] for name in ("ratio", "depth", "backup")] == [
        [{"target": 0.9995}],
        [{"target": 0.99, "op": "lte", "value": 100}],
        [{"target": 0.99, "op": "lte", "value": 3600}],
    ]


def test_what_has_no_word_is_annotated() -> None:
    """Two limits, an age, the tiers that are off: the importer gets them back, and nothing else is annotated so."""
    workspace = read(SERVICE)
    notes = {
        name: json.loads(note)
        for name, document in {**by_kind(workspace, "SLI"), **by_kind(workspace, "SLO")}.items()
        if (note := document["metadata"]["annotations"].get("tocsin/definition"))
    }

    assert notes["shop-backup"] == {"burn_rate": {"policy": "workbook", "off": ["slow", "trickle"]}}
    assert by_kind(workspace, "SLI")["shop-band"]["metadata"]["annotations"]["tocsin/definition"] == (
        '{"threshold": {"at_least": 10, "at_most": 30, "value": "max(temperature)"}}'
    )
    assert "shop-ratio" not in notes


def test_a_tier_is_a_policy_with_one_condition() -> None:
    """The long window and the factor, exactly; the short window as a note; the channels as targets."""
    workspace = read(SERVICE)
    condition = by_kind(workspace, "AlertCondition")["shop-ratio-fast"]
    policy = by_kind(workspace, "AlertPolicy")["shop-ratio-fast"]

    assert condition["spec"]["condition"] == {
        "kind": "burnrate",
        "op": "gt",
        "threshold": 13.44,
        "lookbackWindow": "1h",
        "alertAfter": "0m",
    }
    assert condition["metadata"]["annotations"] == {"tocsin/name": "fast", "tocsin/short-window": "5m"}
    assert policy["spec"]["notificationTargets"] == [{"targetRef": "mail"}]


def test_what_is_lost_is_told() -> None:
    """Alerts that are not about a budget, journeys and contracts, each with its place and as a note only."""
    workspace = read(*WORKSPACES["rules"])
    found = losses(plan(workspace)[0], workspace)

    assert {(finding.code, finding.severity.value) for finding in found} == {("openslo/loss", "info")}
    said = [re.sub("[0-9]+", "N", finding.message.partition("word for ")[2]) for finding in found]
    assert said[-3:] == [
        "N alert(s) of redis; left out",
        "the journey people-counting/end-to-end; left out",
        "the contract counting-uptime; left out",
    ]


def test_two_objectives_cannot_have_one_name() -> None:
    """A dash joins and may be part of a name, so a-b/c and a/b-c would be one; that is an error."""
    services = [
        builders.service("a-b", slos=(builders.slo("c", service="a-b"),)),
        builders.service("a", slos=(builders.slo("b-c", service="a"),)),
    ]
    workspace = builders.workspace(*services)

    assert [finding.code for finding in losses(plan(workspace)[0], workspace)] == ["openslo/name"]
