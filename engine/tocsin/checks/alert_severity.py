"""alert/severity."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity

_ORDER = ("critical", "warning", "info")


@check("alert/severity")
def alert_severity(subject: Subject) -> Iterator[Diagnostic]:
    """Where a severity has a route, every worse one has one too.

    An alert of a severity that no route names goes where the last route sends everything else. For the least bad ones
    that is what a last route is for; for worse ones it is seldom what was meant. Alerts that name their channels are
    left alone.

    Bad: `severity: critical`, and routes for warning and for everything

    Good: a route `match: {severity: critical}` of its own, or `notify` at the alert
    """
    routes = [route for each in subject.workspace.notifications for route in each.routes]
    named = {value for route in routes for name, value in route.match if name == "severity"}
    rest = next((route for route in routes if not route.match), None)
    least = max((_ORDER.index(value) for value in named if value in _ORDER), default=0)
    if rest is None:
        return
    for service in subject.workspace.services:
        for alert in service.alerts:
            pairs = set(alert.labels) | {("service", alert.service), ("severity", alert.severity)}
            elsewhere = any(route.match and set(route.match) <= pairs for route in routes)
            worse = alert.severity not in named and alert.severity in _ORDER and _ORDER.index(alert.severity) < least
            if worse and not alert.notify and not elsewhere:
                yield Diagnostic(
                    "alert/severity",
                    alert.span,
                    f"no route is for severity {alert.severity}, so {alert.ref} goes where everything else goes",
                    Severity.INFO,
                    hint=f"add a route with match: {{severity: {alert.severity}}}, or name channels here",
                    related=((rest.span, "it goes here"),),
                )
