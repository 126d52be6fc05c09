"""promql/absent."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.compared import alerts_by_ref
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Role
from tocsin.promql_syntax import Binary, Call, Expr, bare


@check("promql/absent", apart=True)
def promql_absent(subject: Subject) -> Iterator[Diagnostic]:
    """An alert on absence needs a `for`.

    A restart of Prometheus, a slow scrape or a deployment takes series away for a moment. Without `for`, each is an
    alert.

    Bad: `expr: absent(up{job="shop"})`

    Good: `expr: absent(up{job="shop"})` with `for: 5m`
    """
    alerts = subject.once(alerts_by_ref)
    for expression, tree in subject.trees:
        alert = alerts.get(expression.refs[0]) if expression.role is Role.CONDITION and expression.refs else None
        if alert is None or alert.for_.milliseconds:
            continue
        for node in _reasons(tree):
            if isinstance(node, Call) and node.name.value == "absent":
                said = "without `for`, every restart and every late scrape is an alert"
                hint = "write for: 5m, or look back: absent_over_time(…[5m])"
                yield Diagnostic("promql/absent", expression.inside(node), said, Severity.WARNING, hint=hint)


def _reasons(tree: Expr) -> Iterator[Expr]:
    """What alone can make the alert fire: the sides of `or`."""
    tree = bare(tree)
    while isinstance(tree, Binary) and tree.op == "or":
        yield bare(tree.right)
        tree = bare(tree.left)
    yield tree
