"""What people write reaches every target as they wrote it, and comes back from those that can be read back."""

import html
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.strategies import labels, texts, workspaces, written

from tocsin.definitions import Definitions, definitions_of
from tocsin.importers import IMPORTERS, convert
from tocsin.promql import label_value
from tocsin.targets import TARGETS
from tocsin.targets.alertmanager import alertmanager
from tocsin.targets.openslo import openslo
from tocsin.template import verbatim
from tocsin.workspace import Source

SLOW = [
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
    HealthCheck.function_scoped_fixture,
]
OBJECTIVE = {"sli": "a", "target": "99%"}


def service(title: str, values: dict[str, str], own: dict[str, str]) -> Definitions:
    """A service with one objective and one route; *own* are the labels of the objective."""
    documents: list[dict[str, Any]] = [
        {
            "apiVersion": "tocsin/v1", "kind": "Service", "name": "shop", "title": title, "labels": values,
            "slis": {"a": {"ratio": {"bad": "b_total", "total": "t_total"}}},
            "slos": {"up": {**OBJECTIVE, "labels": own, "description": title}},
        },
        {
            "apiVersion": "tocsin/v1", "kind": "Notifications", "name": "n",
            "channels": {name: {"apprise": {"env": "X"}} for name in ("one", "other")},
            "routes": [{"match": own, "to": ["one"]}, {"match": {}, "to": ["other"]}],
        },
    ]  # fmt: skip
    made = definitions_of([Source(f"{n}.yaml", written(each)) for n, each in enumerate(documents)])
    assert [finding.message for finding in made.errors] == []
    return made


def burn_alerts(groups: list[dict[str, Any]]) -> list[dict[str, str]]:
    """The labels of all alerts on the budget."""
    rules = [rule for group in groups for rule in group["rules"]]
    return [rule["labels"] for rule in rules if rule.get("alert") == "ErrorBudgetBurn"]


@settings(suppress_health_check=SLOW, max_examples=10)
@given(texts(1).filter(str.strip), labels(), labels())
def test_labels_and_titles_survive_every_target(title: str, values: dict[str, str], own: dict[str, str]) -> None:
    """Quotes, backslashes, line breaks, templates and any script: in rules, objects, pages, exports and runbooks."""
    definitions = service(title, values, own)
    files = {
        artifact.path: artifact.text
        for name, target in TARGETS.items()
        if name in {"prometheus", "kubernetes", "grafana", "openslo", "runbooks"}
        for artifact in target.render(definitions.plan, definitions.workspace)
    }
    expected = {name: verbatim(value) for name, value in {**values, **own}.items()}
    rules = yaml.safe_load(files["prometheus/rules/shop.yml"])["groups"]
    objects = yaml.safe_load(next(text for path, text in files.items() if path.startswith("kubernetes/")))
    for alert in (*burn_alerts(rules), *burn_alerts(objects["spec"]["groups"])):
        assert {name: alert[name] for name in expected} == expected
    slos = {d["kind"]: d for d in yaml.load_all(files["openslo/shop.yml"], yaml.CSafeLoader)}
    assert slos["SLO"]["metadata"].get("labels", {}) == own
    assert json.loads(files["grafana/dashboards/tocsin-service-shop.json"])["title"] == title
    heading = next(line for line in files["runbooks/shop.md"].splitlines() if line.startswith("# "))
    shown = html.unescape(re.sub(r"\\([\\`*\[\]|])", r"\1", heading))
    assert shown == f"# {' '.join(title.split())}"


@pytest.mark.real
@settings(suppress_health_check=SLOW, max_examples=10)
@given(own=labels().filter(lambda some: any(some.values())), title=texts(1).filter(str.strip))
def test_labels_survive_the_configuration_of_alertmanager(tmp_path: Path, own: dict[str, str], title: str) -> None:
    """With amtool: it routes the alert by them, and another value elsewhere."""
    definitions = service(title, {}, own)
    (artifact,) = alertmanager(definitions.plan, definitions.workspace)
    config = tmp_path / "alertmanager.yml"
    config.write_text(artifact.text, encoding="utf-8")
    name = next(name for name, value in own.items() if value)
    for more, receiver in ({}, "one"), ({name: f"{own[name]}x"}, "other"):
        pairs = [
            f"{key}={label_value(value)}" for key, value in {"alertname": "ErrorBudgetBurn", **own, **more}.items()
        ]
        command = ["amtool", "config", "routes", "test", f"--config.file={config}", *pairs]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        assert (done.returncode, done.stdout.strip()) == (0, receiver), done.stderr


@settings(suppress_health_check=SLOW, max_examples=10)
@given(workspaces())
def test_made_up_objectives_come_back_from_openslo(sources: tuple[Source, ...]) -> None:
    """import(export(x)) = x for every kind of SLI, period, budgeting, group, label and guard: the same rules."""
    before = definitions_of(sources)
    assert before.errors == ()
    exported = openslo(before.plan, before.workspace)
    result = convert(IMPORTERS["openslo"], [(artifact.path, artifact.text) for artifact in exported])
    after = definitions_of([Source(name, text) for name, text in result.files.items()])

    assert after.errors == ()
    assert rules_of(after) == rules_of(before)


def rules_of(definitions: Definitions) -> list[tuple[object, ...]]:
    """The rules of objectives, but for the places that they come from."""
    groups = [group for group in definitions.plan.groups if group.name.startswith("slo")]
    found: list[tuple[object, ...]] = []
    for group in groups:
        for rule in group.rules:
            texts_ = dict(getattr(rule, "annotations", ()))
            texts_.pop("source", None)
            named = getattr(rule, "alert", "") or getattr(rule, "record", "")
            labels_ = tuple(pair for pair in rule.labels if pair[1])
            found.append((group.name, group.interval, named, rule.expr, labels_, texts_))
    return found


@settings(suppress_health_check=SLOW, max_examples=20)
@given(st.sampled_from(["up", "down", "a-b"]), st.sampled_from(["7d", "30d"]))
def test_a_renamed_objective_reads_its_history(name: str, window: str) -> None:
    """With `formerly` each sum over the period adds what was recorded under the old name; without it none does."""
    text = (
        "apiVersion: tocsin/v1\nkind: Service\nname: shop\nslis: {{a: {{ratio: {{bad: b, total: t}}}}}}\n"
        "slos: {{{name}: {{sli: a, target: 99%, window: {window}{formerly}}}}}\n"
    )

    def reading(formerly: str) -> list[str]:
        made = definitions_of([Source("a.yaml", text.format(name=name, window=window, formerly=formerly))])
        assert made.errors == ()
        budget = next(group for group in made.plan.groups if group.name.startswith("slo-budget:"))
        return [rule.expr for rule in budget.rules if getattr(rule, "record", "").endswith(f"increase{window}")]

    renamed, plain = reading(", formerly: [cart/old]"), reading("")
    assert len(renamed) == 2
    assert all(expr.count('service="cart",slo="old"') >= 2 for expr in renamed)
    assert not any("cart" in expr for expr in plain)
