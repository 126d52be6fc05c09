"""alert/always."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Role
from tocsin.promql_syntax import Binary, Call, Expr, Selector, bare, nodes

_STATES = ("_info", "_metadata", "_labels")
"""Ends of the names of metrics that are always 1: what they say stands in their labels."""
_COMPARISONS = frozenset({">", "<", ">=", "<=", "==", "!=", "unless", "and"})


@check("alert/always", apart=True)
def alert_always(subject: Subject) -> Iterator[Diagnostic]:
    """An alert's expression has to be a condition.

    Prometheus fires for every row of the result, whatever its value. Without a comparison there is a row as long as
    the metric exists, so the alert never ends; with `bool` the row stays and has the value 0. Labels of an info metric
    are a condition (`nic_info{state="down"}`), and `vector(1)` is a dead man's switch. Behind a condition,
    `or vector(0)` is a row that is always there.

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
        elif default := _default(tree):
            yield Diagnostic(
                "alert/always",
                expression.inside(default),
                "this row is always there, so the alert fires for ever",
                Severity.WARNING,
                hint="leave the default out: an alert needs no row to be silent",
            )


def _dead_man(tree: Expr) -> bool:
    """Whether *tree* is a constant row, which is meant to be there always."""
    return isinstance(tree, Call) and tree.name.value == "vector"


def _default(tree: Expr) -> Expr | None:
    """A constant row that stands in when the condition has none: `up == 0 or vector(0)`."""
    whole = bare(tree)
    if not isinstance(whole, Binary) or whole.op != "or":
        return None
    right = bare(whole.right)
    return right if _dead_man(right) else _default(whole.left)


def _filters(node: Expr) -> bool:
    """Whether *node* can take rows away."""
    if isinstance(node, Selector):
        return bool(node.matchers) and (node.metric or "").endswith(_STATES)
    if isinstance(node, Binary):
        return node.op in _COMPARISONS and not node.bool
    return isinstance(node, Call) and node.name.value.startswith("absent")
