"""Dashboard: panels as code; the expressions are checked like any other."""

from dataclasses import dataclass

from tocsin.diagnostics import Span
from tocsin.spec.service import PromQl


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel; *unit* is a Grafana unit such as `s`, `percentunit` or `short`."""

    title: str
    expr: PromQl
    unit: str
    description: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """A page of panels."""

    name: str
    title: str
    panels: tuple[Panel, ...]
    span: Span
