"""alert/always."""

from collections.abc import Iterator

import promql_parser as pp

from tocsin.checks.base import Subject, check, nodes
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Role

_COMPARISONS = frozenset({">", "<", ">=", "<=", "==", "!=", "unless", "and"})


@check("alert/always")
def alert_always(subject: Subject) -> Iterator[Diagnostic]:
    """An alert's expression has to be a condition.

    Prometheus fires for every row of the result, whatever its value. Without a comparison there is a row as long as
    the metric exists, so the alert never ends; with `bool` the row stays and has the value 0.

    Bad: `expr: camera_queue_depth`

    Good: `expr: camera_queue_depth > 100`
    """
    for expression, tree in subject.trees:
        if expression.role is Role.CONDITION and not any(_filters(node) for node in nodes(tree)):
            yield Diagnostic(
                "alert/always",
                expression.span,
                "nothing is compared here, so this fires as long as the series exists",
                Severity.WARNING,
                hint="compare it, such as > 100, or write value with above or below",
            )


def _filters(node: pp.Expr) -> bool:
    """Whether *node* can take rows away."""
    if isinstance(node, pp.BinaryExpr):
        return str(node.op) in _COMPARISONS and not (node.modifier is not None and node.modifier.return_bool)
    return isinstance(node, pp.Call) and node.func.name.startswith("absent")
