"""Rule files that exist already, read back: with the line of the definitions that their comments name."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tocsin.diagnostics import Span
from tocsin.plan import AlertingRule, Plan, RecordingRule, RuleGroup
from tocsin.ports import Labels, labels_of
from tocsin.units import Duration, UnitError

_COMMENT = re.compile(r"\s*# (?P<path>\S.*):(?P<line>\d+)\s*")
_SOURCE = re.compile(r"(?P<path>.+):(?P<line>\d+)")


def read_rules(files: dict[str, str]) -> Plan:
    """The groups of rule files (path to text); raises ValueError with a path where one cannot be read."""
    return Plan(tuple(group for path, text in sorted(files.items()) for group in _groups(path, text)))


def _groups(path: str, text: str) -> Iterator[RuleGroup]:
    stem = path.rpartition("/")[2].rpartition(".")[0]
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        value = yaml.safe_load(text)
        if not isinstance(value, dict) or not isinstance(value.get("groups"), list):
            return
    except yaml.YAMLError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from error
    lines = text.split("\n")
    for node, group in zip(_items(_child(tree, "groups")), value["groups"], strict=True):
        rules = zip(_items(_child(node, "rules")), group.get("rules") or [], strict=True)
        read = tuple(_rule(rule, _place(path, lines, at.start_mark.line)) for at, rule in rules)
        interval = _duration(group.get("interval"))
        limit = group.get("limit")
        yield RuleGroup(
            str(group.get("name", "")),
            stem,
            read,
            interval if interval.milliseconds else None,
            limit if isinstance(limit, int) else 0,
        )


def _rule(rule: dict[str, Any], place: Span) -> RecordingRule | AlertingRule:
    labels, expr = _labels(rule.get("labels")), str(rule.get("expr", ""))
    if "record" in rule:
        return RecordingRule(str(rule["record"]), expr.rstrip("\n"), labels, place)
    annotations = _labels(rule.get("annotations"))
    source = _SOURCE.fullmatch(dict(annotations).get("source", ""))
    known = dict(labels)
    return AlertingRule(
        alert=str(rule.get("alert", "")),
        ref=known.get("ref", f"{known.get('service', '')}/{rule.get('alert', '')}"),
        expr=expr.rstrip("\n"),
        for_=_duration(rule.get("for")),
        keep_firing_for=_duration(rule.get("keep_firing_for")),
        labels=labels,
        annotations=annotations,
        source=_line(source["path"], int(source["line"])) if source else place,
    )


def _place(path: str, lines: list[str], number: int) -> Span:
    """The line that the comment above a rule names, else that of the rule itself."""
    comment = _COMMENT.fullmatch(lines[number - 1]) if number else None
    return _line(comment["path"], int(comment["line"])) if comment else _line(path, number + 1)


def _line(path: str, number: int) -> Span:
    return Span(path, number, 1, number, 2)


def _duration(value: object) -> Duration:
    try:
        return Duration.parse(str(value)) if value else Duration(0)
    except UnitError:
        return Duration(0)


def _labels(value: Any) -> Labels:
    return labels_of({str(name): str(text) for name, text in (value or {}).items()})


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _items(node: yaml.Node | None) -> list[yaml.Node]:
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []
