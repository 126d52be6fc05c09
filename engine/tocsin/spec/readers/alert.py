"""Alerts: how they are called, timed and routed; their conditions are read elsewhere."""

from tocsin.ports import Labels, labels_of
from tocsin.spec.readers.condition import read_condition
from tocsin.spec.readers.node import Node
from tocsin.spec.readers.raw import read_raw
from tocsin.spec.service import AlertRule
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
        raw=read_raw(node["prometheus"], _IDENTITY),
        formerly=node["formerly"].refs(service),
    )
