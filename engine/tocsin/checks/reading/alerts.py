"""Alerts beside what they ask."""

from collections.abc import Iterator, Mapping

from tocsin.checks.base import Subject
from tocsin.expressions import Expression
from tocsin.promql_syntax import Expr
from tocsin.spec import AlertRule, Service
from tocsin.workspace import Workspace


def alerts_read(subject: Subject) -> Iterator[tuple[Expression, Expr, AlertRule, Service]]:
    """Every alert whose expression can be parsed, of those that are looked at."""
    alerts = subject.once(_alerts)
    for expression, tree in subject.trees:
        if expression.path[0] == "alerts" and expression.refs and expression.refs[0] in alerts:
            alert, service = alerts[expression.refs[0]]
            if expression.document is subject.document("Service", service.name):
                yield expression, tree, alert, service


def _alerts(workspace: Workspace) -> Mapping[str, tuple[AlertRule, Service]]:
    return {alert.ref: (alert, service) for service in workspace.services for alert in service.alerts}
