"""The metrics that services say they export, by the names of their series."""

from collections.abc import Mapping
from dataclasses import dataclass

from tocsin.promql_syntax import Selector
from tocsin.spec import Metric
from tocsin.workspace import Workspace

_PARTS: Mapping[str, Mapping[str, str]] = {
    "histogram": {"_bucket": "counter", "_sum": "counter", "_count": "counter"},
    "summary": {"_sum": "counter", "_count": "counter", "": "gauge"},
}


@dataclass(frozen=True, slots=True)
class Series:
    """A series of a *metric*; *type* is counter or gauge, whatever the metric is."""

    metric: Metric
    type: str


def catalogue(workspace: Workspace) -> dict[str, Series]:
    """Every series that is known."""
    found: dict[str, Series] = {}
    for service in workspace.services:
        for metric in service.metrics.values():
            for suffix, type_ in _PARTS.get(metric.type, {"": metric.type}).items():
                found.setdefault(metric.name + suffix, Series(metric, type_))
    return found


def known(node: Selector, series: Mapping[str, Series]) -> Series | None:
    """The series that *node* selects, if the catalogue has it."""
    return series.get(node.metric or "")
