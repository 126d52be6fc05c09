"""Every comparison of a value with a number, in expressions and beside them."""

from collections.abc import Iterator
from dataclasses import dataclass

from tocsin.checks.base import Subject
from tocsin.expressions import Expression, Role
from tocsin.promql_syntax import Binary, Expr, against_number, bare
from tocsin.spec import AlertRule, Threshold
from tocsin.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Compared:
    """`value op bound` of *expression*; *place* is what to point at."""

    expression: Expression
    value: Expr
    op: str
    bound: float
    place: Expr
    tree: Expr
    """The whole expression."""
    filters: bool
    """Whether rows for which it is false are taken away; not so with `bool`."""

    @property
    def alerts(self) -> bool:
        """Whether an alert depends on it."""
        return self.expression.role in {Role.VALUE, Role.CONDITION}


def compared(subject: Subject) -> Iterator[Compared]:
    """All of them, `above:` and `below:` included."""
    alerts = subject.once(alerts_by_ref)
    for expression, every in subject.walked:
        for node in every:
            if isinstance(node, Binary) and (asked := against_number(node)):
                value, op, bound = asked
                yield Compared(expression, bare(value), op, bound, node, every[0], not node.bool)
        if expression.role is Role.VALUE:
            alert = alerts.get(expression.refs[0])
            condition = alert.condition if alert else None
            if isinstance(condition, Threshold) and every:
                for op, limit in ((">", condition.above), ("<", condition.below)):
                    if limit is not None:
                        yield Compared(expression, bare(every[0]), op, float(limit), every[0], every[0], filters=True)


def alerts_by_ref(workspace: Workspace) -> dict[str, AlertRule]:
    """The alerts of all services."""
    return {alert.ref: alert for service in workspace.services for alert in service.alerts}
