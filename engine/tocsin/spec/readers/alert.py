"""Alerts: how they are called, timed and routed; their conditions are read elsewhere."""

from tocsin.ports import Labels, labels_of
from tocsin.spec.readers.condition import read_condition
from tocsin.spec.readers.node import Node
from tocsin.spec.service import AlertRule, Raw
from tocsin.units import Duration

_NONE = Duration(0)
_IDENTITY = frozenset({"alertname", "ref"})


def read_alert(node: Node, service: str, labels: Labels, own: Labels) -> AlertRule | None:
    """Read one alert; None where it has no condition. *labels* are the service's, *own* the alert's: they win."""
    condition = read_condition(node, service)
    if condition is None:
        return None
    return AlertRule(
        service=service,
        name=node.name,
        condition=condition,
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
