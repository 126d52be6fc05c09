"""promql/retention."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Role
from tocsin.promql_syntax import Duration, Expr, RangeSelector, Selector, Subquery


@check("promql/retention", apart=True)
def promql_retention(subject: Subject) -> Iterator[Diagnostic]:
    """An expression cannot look further back than samples are kept.

    What is older than Prometheus' retention is gone: a range is silently shorter than it says, and an offset beyond
    it has no rows at all. The retention is that of the platform.

    Bad: `http_requests_total offset 30d` with `retention: 15d`

    Good: `retention: 32d`, or a comparison with last week
    """
    platform = subject.workspace.platform
    if platform is None:
        return
    kept = platform.prometheus.retention
    for expression, every in subject.walked:
        if expression.role is Role.WINDOWED:  # its window is the objective's
            continue
        for node in every:
            place, back = _reach(node)
            if place is not None and back > kept.seconds:
                gone = isinstance(node, Selector)
                said = "finds nothing" if gone else "is cut short"
                yield Diagnostic(
                    "promql/retention",
                    expression.inside(place),
                    f"this {said}: it looks back {_days(back)}, and Prometheus keeps {kept}",
                    Severity.WARNING,
                    hint="keep samples longer, or look back less",
                )


def _reach(node: Expr) -> tuple[Duration | None, float]:
    """How many seconds a node looks back, and the duration that says so."""
    if not isinstance(node, Selector | RangeSelector | Subquery):
        return None, 0
    offset = (node.offset.seconds or 0) if node.offset is not None else 0
    if isinstance(node, Selector):
        return node.offset, offset
    return (node.offset if offset > (node.range.seconds or 0) else node.range), offset + (node.range.seconds or 0)


def _days(seconds: float) -> str:
    return f"{seconds / 86400:g} days"
