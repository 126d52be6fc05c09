"""alert/severity."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.matchers import choices, fulfilled

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
    documents = subject.workspace.notifications
    routes = [route for each in documents for route in each.routes]
    every = [route for each in documents for route in each.all_routes()]
    named = {value for route in every for value in choices(route.conditions, "severity") or ()}
    rest = next((route for route in routes if not route.conditions), None)
    least = max((_ORDER.index(value) for value in named if value in _ORDER), default=0)
    if rest is None:
        return
    for service in subject.workspace.services:
        for alert in service.alerts:
            known = {**dict(alert.labels), "service": alert.service, "severity": alert.severity}
            elsewhere = any(route.conditions and fulfilled(route.conditions, known) for route in routes)
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
