"""promql/spacing."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression
from tocsin.promql_syntax import Call, Duration, Expr, Subquery, Version, bare

_OF_TWO = frozenset({"rate", "increase", "irate", "delta", "idelta", "deriv", "predict_linear"})


@check("promql/spacing", apart=True)
def promql_spacing(subject: Subject) -> Iterator[Diagnostic]:
    """A subquery as long as its step holds one sample in Prometheus 3, and two in Prometheus 2.

    Since 3.0 a range leaves out its first instant. `rate(x[1m:1m])` had two samples to compare before and has one now,
    so it is empty. An error where the platform says that it is Prometheus 3, else a warning. Ranges that are too short
    for the scrape interval are told by promql/range.

    Bad: `rate(requests[1m:1m])`

    Good: `rate(requests[5m:1m])`
    """
    platform = subject.workspace.platform
    new = bool(platform and platform.prometheus.version and Version.of(platform.prometheus.version).major >= 3)
    for expression, every in subject.walked:
        for node in every:
            if isinstance(node, Call) and node.name.value in _OF_TWO:
                place = _equal(bare(node.arguments[0]))
                if place is not None:
                    yield _finding(expression, node, place, new=new)


def _equal(inner: Expr) -> Duration | None:
    """The range of a subquery that is as long as its step."""
    if isinstance(inner, Subquery) and inner.step is not None and inner.range.seconds is not None:
        return inner.range if inner.range.seconds == inner.step.seconds else None
    return None


def _finding(expression: Expression, node: Call, place: Duration, *, new: bool) -> Diagnostic:
    when = "" if new else " from Prometheus 3 on"
    return Diagnostic(
        "promql/spacing",
        expression.inside(place),
        f"{node.name.value}() has one sample here and no result{when}: the range is as long as the samples are apart",
        Severity.ERROR if new else Severity.WARNING,
        hint="use a range of four times that",
    )
