"""What commands and the evaluator run on."""

from pathlib import Path

from tocsin.definitions import read_definitions

SHOP = """
apiVersion: tocsin/v1
kind: Service
name: shop
alerts:
  Queue: {{value: {value}, above: {above}, severity: warning, notify: [mail]}}
---
apiVersion: tocsin/v1
kind: Notifications
name: shop
channels: {{mail: {{apprise: {{env: URL}}}}}}
"""


def test_broken_promql_forbids_to_use_the_definitions(tmp_path: Path) -> None:
    """An evaluator that reloads must not swap a set that works for one whose questions cannot be asked."""
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP.format(value="sum(queue", above=3), encoding="utf-8")

    assert [finding.code for finding in read_definitions([str(file)]).errors] == ["promql/syntax"]

    file.write_text(SHOP.format(value="sum(queue)", above=3), encoding="utf-8")

    assert read_definitions([str(file)]).errors == ()


def test_one_mistake_is_one_finding(tmp_path: Path) -> None:
    """What is no JSON value is no threshold either; it is said once."""
    file = tmp_path / "shop.yaml"
    file.write_text(SHOP.format(value="sum(queue)", above=".nan"), encoding="utf-8")

    assert [finding.code for finding in read_definitions([str(file)]).findings] == ["yaml/scalar"]
