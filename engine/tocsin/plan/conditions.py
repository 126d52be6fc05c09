"""Conditions to PromQL: the user's expression, compared with an exact number, or made of other alerts."""

from collections.abc import Callable, Iterable
from typing import cast

from tocsin.plan import anomaly, forecast
from tocsin.plan.overwritten import overwritten, restored, telling
from tocsin.plan.selectors import one_value_each
from tocsin.ports import Labels, labels_of
from tocsin.promql import matchers
from tocsin.promql_syntax import Fault, Flow, flow, parse
from tocsin.spec import Absence, AlertRule, Anomaly, Composite, Condition, Forecast, Part, Plain, Threshold
from tocsin.units import Duration, literal

HELD = Duration.of(minutes=5)
"""For so long a value that is missing is what it was last, where an alert with hysteresis fires.

One failed scrape would end the alert otherwise, and a value between the bounds does not begin it anew. Rules cannot
keep an alert without a value for good, as `on_missing: keep` does; this long a sample is looked back for, too.
"""
_STEP = Duration.of(minutes=1)


def expression(rule: AlertRule, labels: Iterable[str]) -> str:
    """The condition of *rule*, whose alerts get *labels* besides those of their rows."""
    return _COMPILERS[type(rule.condition)](rule, frozenset(labels))


def _plain(rule: AlertRule, _: frozenset[str]) -> str:
    return cast("Plain", rule.condition).expr.text.strip()


def _threshold(rule: AlertRule, labels: frozenset[str]) -> str:
    """A value strictly beyond its bound; with `on_missing: fire` a value that has no row at all fires too.

    That is one alert without labels, as for the evaluator: `absent` of a plain selector has those of its matchers.
    """
    condition = cast("Threshold", rule.condition)
    value = bracketed(condition.value.text.strip())
    absent = f"absent(count{value})"
    up = condition.above is not None
    bound = condition.above if up else condition.below
    conditions = []
    if condition.clear is not None:
        value, firing_still = _of_each_alert(rule, condition, value, labels)
        held = value if rule.on_missing == "resolve" else _held(value)
        conditions.append(f"(\n  {held} {'>=' if up else '<='} {literal(condition.clear)}\n  {firing_still}\n)")
    if bound is not None:
        conditions.insert(0, f"{value} {'>' if up else '<'} {literal(bound)}")
    if rule.on_missing == "fire":
        conditions.append(absent)
    return "\nor ".join(conditions)


def _held(value: str) -> str:
    """The value, and where a row of it is missing its last one."""
    inside = value if value.startswith("(") else f"({value})"
    return f"({value} or last_over_time({inside}[{HELD}:{_STEP}]))"


def _of_each_alert(rule: AlertRule, condition: Threshold, value: str, labels: frozenset[str]) -> tuple[str, str]:
    """The value with one row for each alert, and the join that leaves the rows whose own alert fires already.

    With hysteresis an instance that fires keeps its row until the value is beyond *clear*. The alert's own ALERTS of
    the evaluation before says which fire: those have the labels of the row and over them those of the rule. Labels that
    the rule takes over from the row are put back. What is lost of a row cannot be matched, so rows that differ in
    nothing else are one, the worst of them; else each would meet every alert. While an alert is only pending, `for`
    counts the strict comparison alone.
    """
    tree = parse(condition.value.text)
    rows = Flow() if isinstance(tree, Fault) else flow(tree)
    over = overwritten(labels, rule.raw.labels)
    lost = over.lost if isinstance(tree, Fault) else telling(tree, rows, over.lost | {"alertstate"})
    copies = {label: copy for label, copy in over.copies.items() if rows.may_have(label)}
    if lost:
        value = f"{'max' if condition.above is not None else 'min'} without ({', '.join(sorted(lost))}) {value}"
    ignored = ", ".join(sorted({"alertstate", *over.lost, *over.mixed, *over.copies} - copies.keys()))
    return value, f"and ignoring ({ignored})\n  {restored(firing((('ref', rule.ref),)), copies)}"


def _composite(rule: AlertRule, _: frozenset[str]) -> str:
    condition = cast("Composite", rule.condition)
    parts = [_fires(part) for part in condition.all_of]
    if condition.any_of:
        parts.append(_either(condition.any_of))
    whole = "\nand\n".join(parts)
    return f"{whole}\nunless\n{_either(condition.none_of)}" if condition.none_of else whole


def _either(parts: tuple[Part, ...]) -> str:
    some = [_fires(part) for part in parts]
    return some[0] if len(some) == 1 else "(\n  " + "\n  or\n  ".join(some) + "\n)"


def _fires(part: Part) -> str:
    return f"count({firing(alert_labels(part))})"


def alert_labels(part: Part) -> Labels:
    """The labels by which Prometheus knows a part."""
    if not part.tier:
        return (("ref", part.ref),)
    if part.tier == "no-traffic":
        return labels_of({"alertname": "TrafficAbsent", "ref": part.owner})
    if part.tier == "burn":
        return labels_of({"alertname": "JourneyBudgetBurn", "ref": part.owner})
    return labels_of({"alertname": "ErrorBudgetBurn", "ref": part.owner, "tier": part.tier})


def firing(labels: Labels) -> str:
    """Those of the alerts with *labels* that fire."""
    return "ALERTS" + matchers(labels_of({**dict(labels), "alertstate": "firing"}))


def _absence(rule: AlertRule, _: frozenset[str]) -> str:
    """`absent()` names what its equality matchers name; a list of literal values is asked for one by one."""
    series = cast("Absence", rule.condition).series.text
    return "\nor ".join(f"absent({one})" for one in one_value_each(series))


def bracketed(expression: str) -> str:
    """In parentheses of its own lines where a comment or a line break could swallow what follows."""
    if "\n" in expression or "#" in expression:
        return "(\n  " + expression.replace("\n", "\n  ") + "\n)"
    return f"({expression})"


_COMPILERS: dict[type[Condition], Callable[[AlertRule, frozenset[str]], str]] = {
    Threshold: _threshold,
    Plain: _plain,
    Composite: _composite,
    Absence: _absence,
    Forecast: lambda rule, _: forecast.expression(cast("Forecast", rule.condition)),
    Anomaly: lambda rule, _: anomaly.expression(rule, cast("Anomaly", rule.condition)),
}
