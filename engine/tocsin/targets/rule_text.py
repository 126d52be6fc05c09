"""Rules in the YAML of Prometheus' rule files."""

from collections.abc import Iterable
from functools import lru_cache

from tocsin.plan import AlertingRule, RecordingRule
from tocsin.ports import Labels
from tocsin.targets.artifact import comment
from tocsin.targets.yaml_text import block, scalar
from tocsin.template import verbatim


def rules_text(rules: Iterable[RecordingRule | AlertingRule]) -> str:
    """The elements of the list `rules`; a comment above each says which line of the definitions caused it."""
    return "".join(
        f"      # {comment(rule.source.path)}:{rule.source.line}\n"
        f"{_recording(rule) if isinstance(rule, RecordingRule) else _alerting(rule)}"
        for rule in rules
    )


def _recording(rule: RecordingRule) -> str:
    head = f"      - record: {scalar(rule.record)}\n        expr: {block(rule.expr, 10)}\n"
    return head + mapping("labels", rule.labels)


def _alerting(rule: AlertingRule) -> str:
    timing = f"        for: {rule.for_}\n" if rule.for_.milliseconds else ""
    if rule.keep_firing_for.milliseconds:
        timing += f"        keep_firing_for: {rule.keep_firing_for}\n"
    labels = tuple((name, value if name in rule.raw else verbatim(value)) for name, value in rule.labels)
    return (
        f"      - alert: {scalar(rule.alert)}\n        expr: {block(rule.expr, 10)}\n{timing}"
        f"{mapping('labels', labels)}{mapping('annotations', rule.annotations)}"
    )


@lru_cache(maxsize=256)
def mapping(key: str, pairs: Labels, indent: int = 8) -> str:
    """Names and values below a *key*; the rules of an objective have the same labels again and again."""
    if not pairs:
        return ""
    pad = " " * indent
    return f"{pad}{key}:\n" + "".join(f"{pad}  {scalar(name)}: {scalar(value)}\n" for name, value in pairs)
