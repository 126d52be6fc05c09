"""PrometheusRule objects: what the operator takes, and the same rules as in the rule files."""

import re
from typing import Any

import yaml
from tests import builders

from tocsin.plan import Plan, RuleGroup, plan
from tocsin.spec import Kubernetes, Platform, PrometheusSettings
from tocsin.targets.kubernetes import MOST_BYTES, kubernetes, too_large
from tocsin.targets.prometheus import prometheus, rule_groups
from tocsin.units import Duration
from tocsin.workspace import Workspace

DNS = re.compile(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?")
SHOP = builders.service(
    "shop", slos=(builders.slo(),), alerts=(builders.alert(expr="up == 0\n\nor vector(0) # '\n  > 1"),)
)


def objects(planned: Plan, workspace: Workspace) -> list[dict[str, Any]]:
    """The documents of all files."""
    return [yaml.safe_load(artifact.text) for artifact in kubernetes(planned, workspace)]


def test_the_object_holds_the_rules_of_the_rule_file() -> None:
    """What Kubernetes is told is what promtool has checked, texts of several lines included."""
    workspace = builders.workspace(SHOP)
    planned, _ = plan(workspace)
    (found,) = objects(planned, workspace)
    (file,) = (a.text for a in prometheus(planned, workspace) if a.path.endswith("shop.yml"))

    assert (found["kind"], found["metadata"]["name"], found["spec"]["groups"]) == (
        "PrometheusRule",
        "tocsin-shop",
        yaml.safe_load(file)["groups"],
    )


def test_the_platform_says_namespace_and_labels() -> None:
    """By its labels the operator selects an object; who made it is told beside them."""
    settings = PrometheusSettings(9090, *(Duration.of(seconds=15),) * 3, "data", (), {})
    there = Kubernetes("monitoring", (("release", "prometheus"),))
    platform = Platform("p", settings, None, None, None, builders.SPAN, there)
    workspace = Workspace(services=(SHOP,), platform=platform)
    (found,) = objects(plan(workspace)[0], workspace)

    assert found["metadata"] == {
        "name": "tocsin-shop",
        "namespace": "monitoring",
        "labels": {"app.kubernetes.io/managed-by": "tocsin", "release": "prometheus"},
    }


def grown(groups: int, size: int) -> Plan:
    """A plan of groups that are each about *size* bytes long."""
    planned, _ = plan(builders.workspace(SHOP))
    rule = planned.groups[0].rules[0]
    count = size // len("".join(rule_groups([RuleGroup("g", "shop", (rule,))]))) + 1
    return Plan(tuple(RuleGroup(f"g{n}", "shop", (rule,) * count) for n in range(groups)))


def test_many_groups_become_several_objects() -> None:
    """None is longer than the operator takes, all groups are there once and in order, names are valid."""
    found = objects(grown(5, 200_000), Workspace())
    sizes = [len(yaml.safe_dump({"groups": each["spec"]["groups"]})) for each in found]

    assert max(sizes) <= MOST_BYTES
    assert [group["name"] for each in found for group in each["spec"]["groups"]] == ["g0", "g1", "g2", "g3", "g4"]
    assert [each["metadata"]["name"] for each in found] == ["tocsin-shop-1", "tocsin-shop-2", "tocsin-shop-3"]


def test_a_group_that_is_too_long_is_an_error() -> None:
    """Better told here than by the webhook of the operator, after everything else was applied."""
    assert [finding.code for finding in too_large(grown(2, 2 * MOST_BYTES), Workspace())] == ["kubernetes/size"] * 2
    assert too_large(grown(2, MOST_BYTES // 4), Workspace()) == ()


def test_long_names_are_cut() -> None:
    """A name is a DNS subdomain of at most 253 characters."""
    planned = Plan((RuleGroup("g", "a" * 300, plan(builders.workspace(SHOP))[0].groups[0].rules),))
    (found,) = objects(planned, Workspace())
    name = found["metadata"]["name"]

    assert (len(name), DNS.fullmatch(name) is not None) == (253, True)
