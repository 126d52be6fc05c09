"""Alerts that no rule can say: `tocsin serve` alone evaluates them, and whoever compiles them is told.

Those are level shifts, and every alert that is made of one: a rule would wait for a part that Prometheus never sees.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.plan.alert import alerting_rule
from tocsin.plan.model import AlertingRule
from tocsin.spec import Composite, LevelShift, Service
from tocsin.workspace import Workspace

LEVELS = "the levels of its history are kept by the evaluator, and not by rules"


def evaluated_alone(workspace: Workspace) -> Mapping[str, str]:
    """Why no rule says it, by reference."""
    alerts = {alert.ref: alert.condition for service in workspace.services for alert in service.alerts}
    found = {ref: LEVELS for ref, condition in alerts.items() if isinstance(condition, LevelShift)}
    composites = {ref: condition for ref, condition in alerts.items() if isinstance(condition, Composite)}
    more = found
    while more:
        parts = {
            ref: next((part.ref for part in one.parts() if part.ref in found), "") for ref, one in composites.items()
        }
        more = {ref: f"it is made of {part}, which is" for ref, part in parts.items() if part and ref not in found}
        found |= more
    return found


def ruled(service: Service, alone: Mapping[str, str]) -> Service:
    """The *service* without the alerts that are evaluated *alone*."""
    left = tuple(alert for alert in service.alerts if alert.ref not in alone)
    return service if len(left) == len(service.alerts) else replace(service, alerts=left)


def unruled(workspace: Workspace, alone: Mapping[str, str]) -> Iterator[AlertingRule]:
    """Those alerts as rules would have them; the expression is the series that is looked at, if there is one."""
    for service in workspace.services:
        for alert in service.alerts:
            if alert.ref in alone:
                condition = alert.condition
                text = condition.series.text.strip() if isinstance(condition, LevelShift) else ""
                yield alerting_rule(alert, service, text)


def told_alone(workspace: Workspace, alone: Mapping[str, str]) -> Iterator[Diagnostic]:
    """A note for each, and an error where a test of rules waits for one."""
    for service in workspace.services:
        for alert in service.alerts:
            if alert.ref in alone:
                message = f"{alert.ref} is evaluated by tocsin serve alone: {alone[alert.ref]}"
                yield Diagnostic("alert/evaluated", alert.span, message, Severity.INFO)
        for expected in (expected for test in service.tests for expected in test.expect):
            if f"{service.name}/{expected.alert}" in alone:
                yield Diagnostic(
                    "reference/unknown-alert",
                    expected.span,
                    f"no rule says {expected.alert}, which tocsin serve alone evaluates, and tests are of rules",
                    hint="leave it out; tocsin backtest shows what it would have done",
                )
