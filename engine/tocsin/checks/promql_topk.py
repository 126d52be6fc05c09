"""promql/topk."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Role
from tocsin.promql_syntax import CHOOSING, Aggregation, Call, Expr, children, constant


@check("promql/topk", apart=True)
def promql_topk(subject: Subject) -> Iterator[Diagnostic]:
    """An alert should not choose its rows by rank.

    `topk()` and its like may choose other rows at each evaluation. An alert is one per row, so its `for` begins anew
    whenever two rows change places, and alerts come and go although nothing has become better. One row per group, to
    join by, is left alone: `x * on (node) group_left (pod) topk by (node) (1, y)`.

    Bad: `topk(3, queue_depth) > 100`

    Good: `queue_depth > 100`
    """
    for expression, tree in subject.trees:
        if expression.role not in {Role.CONDITION, Role.VALUE}:
            continue
        for node in _choosing(tree):
            yield Diagnostic(
                "promql/topk",
                expression.inside(node),
                f"{node.op}() chooses other rows from one evaluation to the next, and alerts come and go with them",
                Severity.WARNING,
                hint="compare all rows, and let the notification group them",
            )


def _choosing(tree: Expr) -> Iterator[Aggregation]:
    """The choices whose rows become alerts: not those that are added up or counted."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Aggregation):
            if node.op not in CHOOSING:
                continue
            if not (node.grouping is not None and node.parameter is not None and constant(node.parameter) == 1):
                yield node
        elif isinstance(node, Call) and node.name.value in {"scalar", "absent"}:
            continue
        waiting += reversed(children(node))
