"""promql/join."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression, Role
from tocsin.promql_syntax import Binary, Name, Parted, matcher_text, never_joined


@check("promql/join", apart=True)
def promql_join(subject: Subject) -> Iterator[Diagnostic]:
    """Two sides of an operator need rows with the same labels.

    Prometheus joins rows whose labels agree, all of them unless `on` or `ignoring` says which. Where an aggregation
    has dropped a label that the other side has, or both ask for different values of it, no two rows agree: the result
    is empty, and an alert on it never fires. `unless` then takes nothing away.

    It is an error where it is certain: a matcher asks for the label, it is one of `up`'s, or `metrics:` lists it. Where
    a label is only grouped by, or is one that scraped series have, it is a warning: there might be series without it.

    Bad: `sum by (job, code) (x) / sum by (job) (y)`, `queue{job="a"} and workers{job="b"}`

    Good: `sum by (job, code) (x) / on (job) group_left sum by (job) (y)`, `queue{job="a"} and on () workers{job="b"}`
    """
    for expression, every in subject.walked:
        for node in every:
            found = never_joined(node, subject.declared) if isinstance(node, Binary) else None
            if isinstance(node, Binary) and found is not None:
                yield _finding(expression, node, found)


def _finding(expression: Expression, node: Binary, found: Parted) -> Diagnostic:
    has, lacks = (found.has, "right" if found.has == "left" else "left")
    joined = "nothing is ever joined" if found.certain else "nothing is joined"
    result = "nothing is taken away" if node.op == "unless" else joined
    place = Name("", node.op_start, node.matching.end if node.matching else node.op_end)
    hint = f"say what both sides share: {node.op} on (…)"
    if node.matching is not None and node.matching.on:
        hint = f"keep {found.label} on the {lacks} side, or leave it out of on (…)"
        if found.other:
            hint = f"leave {found.label} out of on (…), or ask for the same on both sides"
    elif found.other:
        hint = f"if the sides have the rest in common, write {node.op} ignoring ({found.label})"
    elif node.op not in {"and", "unless"}:
        hint += f" group_{has}" if has == "left" else " group_right"
    return Diagnostic(
        "promql/join",
        expression.inside(place),
        f"{result}: {_reason(found, has, lacks)}",
        Severity.ERROR if found.certain and expression.role is not Role.PANEL else Severity.WARNING,
        hint=hint,
    )


def _reason(found: Parted, has: str, lacks: str) -> str:
    if found.other and found.asks is not None:
        asked = matcher_text(found.asks)
        return f"the {has} side asks for {asked}, and {found.label} is {found.other!r} on the {lacks} side"
    return f"the {has} side has the label {found.label}, which the {lacks} side cannot have"
