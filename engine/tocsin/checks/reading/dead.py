"""Expressions that never have a row, whatever is exported."""

from tocsin.checks.base import Subject
from tocsin.checks.reading.compared import alerts_by_ref
from tocsin.diagnostics import Severity
from tocsin.expressions import Expression, Role
from tocsin.promql_syntax import Expr
from tocsin.spec import Threshold


def gravity(subject: Subject, expression: Expression, tree: Expr) -> Severity:
    """How bad it is that a part of *expression* is empty: an error where that makes all of it so.

    A panel that stays empty wakes nobody, and nobody waits for it.
    """
    if expression.role is Role.PANEL or not _is_dead(subject, expression, tree):
        return Severity.WARNING
    return Severity.ERROR


def _is_dead(subject: Subject, expression: Expression, tree: Expr) -> bool:
    emptiness = subject.emptiness(expression)
    if emptiness.of(tree) is not None:
        return True
    alert = subject.once(alerts_by_ref).get(expression.refs[0]) if expression.role is Role.VALUE else None
    condition = alert.condition if alert is not None else None
    if alert is None or not isinstance(condition, Threshold) or alert.on_missing == "fire":
        return False
    bounds = ((">", condition.above), ("<", condition.below))
    return all(bound is None or emptiness.beyond(tree, op, float(bound)) for op, bound in bounds)


def dead_alerts(subject: Subject) -> frozenset[str]:
    """The alerts whose expression never has a row."""
    roles = {Role.VALUE, Role.CONDITION}
    return frozenset(
        expression.refs[0]
        for expression, tree in subject.trees_below("alerts")
        if expression.role in roles and expression.refs and _is_dead(subject, expression, tree)
    )
