"""promql/join."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression
from tocsin.promql_syntax import Binary, Name, never_joined


@check("promql/join")
def promql_join(subject: Subject) -> Iterator[Diagnostic]:
    """Two sides of an operator need rows with the same labels.

    Prometheus joins rows whose labels agree, all of them unless `on` or `ignoring` says which. Where an aggregation
    has dropped a label that the other side has, no two rows agree: the result is empty, and an alert on it never
    fires. `unless` then takes nothing away.

    Bad: `sum by (job, code) (x) / sum by (job) (y)`, `up == 0 and sum(load) > 5`

    Good: `sum by (job, code) (x) / on (job) group_left sum by (job) (y)`, `up == 0 and on () sum(load) > 5`
    """
    for expression, every in subject.walked:
        for node in every:
            found = never_joined(node) if isinstance(node, Binary) else None
            if isinstance(node, Binary) and found is not None:
                yield _finding(expression, node, *found)


def _finding(expression: Expression, node: Binary, label: str, lacking_left: bool) -> Diagnostic:
    has, lacks = ("right", "left") if lacking_left else ("left", "right")
    result = "nothing is taken away" if node.op == "unless" else "nothing is ever joined"
    place = Name("", node.op_start, node.matching.end if node.matching else node.op_end)
    hint = f"say what both sides share: {node.op} on (…)"
    if node.matching is not None and node.matching.on:
        hint = f"keep {label} on the {lacks} side, or leave it out of on (…)"
    elif node.op not in {"and", "unless"}:
        hint += f" group_{has}" if has == "left" else " group_right"
    return Diagnostic(
        "promql/join",
        expression.inside(place),
        f"{result}: the {has} side has the label {label}, which the {lacks} side cannot have",
        Severity.WARNING,
        hint=hint,
    )
