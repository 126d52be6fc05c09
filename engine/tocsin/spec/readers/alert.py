"""Threshold alerts: a value with its threshold, or an expression that is its own condition."""

from decimal import Decimal

from tocsin.ports import Labels, labels_of
from tocsin.spec.readers.node import Node
from tocsin.spec.service import AlertRule, PromQl, Raw
from tocsin.units import Duration

_NONE = Duration(0)
_IDENTITY = frozenset({"alertname", "ref"})


def read_alert(node: Node, service: str, labels: Labels, own: Labels) -> AlertRule | None:
    """Read one alert; None where it has no condition. *labels* are the service's, *own* the alert's: they win."""
    value, above, below, expr = _condition(node)
    rest = AlertRule(
        service=service,
        name=node.name,
        value=value,
        above=above,
        below=below,
        expr=expr,
        for_=node["for"].duration(_NONE, positive=False),
        keep_firing_for=node["keep_firing_for"].duration(_NONE, positive=False),
        severity=node["severity"].text("warning"),
        notify=node["notify"].channels(),
        on_missing=node["on_missing"].text("keep"),
        summary=node["summary"].text().strip(),
        description=node["description"].text().strip(),
        runbook=node["runbook"].text_or_none(),
        labels=labels_of(dict(labels) | dict(own)),
        span=node.key_span,
        alertname=node["alertname"].text(),
        group=node["group"].text(),
        raw=_raw(node["prometheus"]),
    )
    return rest if value or expr else None


def _raw(node: Node) -> Raw:
    """Labels and annotations for Prometheus; the identity of the alert stays ours."""
    for name in sorted(_IDENTITY & set(node["labels"].names())):
        node["labels"][name].report(
            "labels/reserved",
            f"label {name!r} is set by Tocsin and cannot be given another value",
            "write alertname: instead" if name == "alertname" else "choose another name",
            span=node["labels"][name].key_span,
        )
    labels = tuple(pair for pair in node["labels"].labels() if pair[0] not in _IDENTITY)
    return Raw(labels, node["annotations"].labels())


def _condition(node: Node) -> tuple[PromQl | None, Decimal | None, Decimal | None, PromQl | None]:
    """Value, above, below and expression; findings where they do not fit together."""
    limits = [key for key in ("above", "below") if key in node]
    message, hint = "", ""
    if "value" in node and "expr" in node:
        message, hint = "has both a value and an expr", "keep value with above or below, or keep expr alone"
    elif "value" in node and not limits:
        message, hint = "has a value and nothing to compare it with", "add above or below"
    elif "value" in node and len(limits) > 1:
        message, hint = "has both above and below", "write two alerts, one for each"
    elif "expr" in node and limits:
        message = f"has an expr, which is a condition already, and {' and '.join(limits)}"
        hint = f"drop {' and '.join(limits)}, or write value instead of expr"
    elif "expr" in node and node["on_missing"].text("keep") == "fire":
        message = "has on_missing: fire, which is about a value without a row; an expr without a row is simply not true"
        hint = "write value with above or below, or add 'or absent(…)' to the expr"
    elif "value" not in node and "expr" not in node:
        message, hint = "has no condition", "add value with above or below, or expr"
    if message:
        node.report("alert/condition", f"alert {node.name} {message}", hint, span=node.key_span)
    above, below = node["above"].quantity(), node["below"].quantity()
    value, expr = node["value"].promql(), node["expr"].promql()
    if message or (value and above is None and below is None):
        return None, None, None, None
    return value, above, below, expr
