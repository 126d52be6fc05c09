"""alert/always."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Role
from tocsin.promql_syntax import Binary, Call, Expr, Selector, nodes

_STATES = ("_info", "_metadata", "_labels")
"""Ends of the names of metrics that are always 1: what they say stands in their labels."""
_COMPARISONS = frozenset({">", "<", ">=", "<=", "==", "!=", "unless", "and"})


@check("alert/always")
def alert_always(subject: Subject) -> Iterator[Diagnostic]:
    """An alert's expression has to be a condition.

    Prometheus fires for every row of the result, whatever its value. Without a comparison there is a row as long as
    the metric exists, so the alert never ends; with `bool` the row stays and has the value 0. Labels of an info metric
    are a condition (`nic_info{state="down"}`), and `vector(1)` is a dead man's switch.

    Bad: `expr: camera_queue_depth`

    Good: `expr: camera_queue_depth > 100`
    """
    for expression, tree in subject.trees:
        if expression.role is not Role.CONDITION or _dead_man(tree):
            continue
        if not any(_filters(node) for node in nodes(tree)):
            yield Diagnostic(
                "alert/always",
                expression.span,
                "nothing is compared here, so this fires as long as the series exists",
                Severity.WARNING,
                hint="compare it, such as > 100, or write value with above or below",
            )


def _dead_man(tree: Expr) -> bool:
    """Whether *tree* is a constant row, which is meant to be there always."""
    return isinstance(tree, Call) and tree.name.value == "vector"


def _filters(node: Expr) -> bool:
    """Whether *node* can take rows away."""
    if isinstance(node, Selector):
        return bool(node.matchers) and (node.metric or "").endswith(_STATES)
    if isinstance(node, Binary):
        return node.op in _COMPARISONS and not node.bool
    return isinstance(node, Call) and node.name.value.startswith("absent")
