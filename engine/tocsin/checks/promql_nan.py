"""promql/nan."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Aggregation, Binary, Call, Expr, bare, bounds, nodes

_SPOILT = frozenset({"sum", "avg", "stddev", "stdvar"})
"""Aggregations of which one NaN makes a NaN; min, max and quantile leave it out."""
_RATES = frozenset({"rate", "increase", "irate", "delta"})
_COMPARISONS = frozenset({"!=", ">", ">=", "<", "<="})


@check("promql/nan", apart=True)
def promql_nan(subject: Subject) -> Iterator[Diagnostic]:
    """One division by zero inside a sum spoils the sum.

    0 / 0 is NaN, and a sum or a mean with one NaN in it is NaN, which no comparison finds. One idle instance is enough
    to blind the alert for all. Add up both sides first, or leave the zeros out. Only divisors that are rates or
    increases are told, because sizes and limits are hardly ever 0.

    Bad: `avg(rate(errors[5m]) / rate(requests[5m]))`

    Good: `sum(rate(errors[5m])) / sum(rate(requests[5m]))`, `avg(rate(errors[5m]) / (rate(requests[5m]) > 0))`
    """
    for expression, every in subject.walked:
        for node in every:
            if isinstance(node, Aggregation) and node.op in _SPOILT:
                division = bare(node.expr)
                if isinstance(division, Binary) and division.op == "/" and _may_be_zero(division.right):
                    yield Diagnostic(
                        "promql/nan",
                        expression.inside(division),
                        f"where the divisor is 0 this is NaN, and then {node.op}() is NaN for all",
                        Severity.INFO,
                        hint="divide sums instead, or divide by (… > 0)",
                    )


def _may_be_zero(divisor: Expr) -> bool:
    """Whether it is 0 as long as nothing happens."""
    every = list(nodes(divisor))
    if any(isinstance(node, Binary) and node.op in _COMPARISONS and not node.bool for node in every):
        return False
    idle = any(isinstance(node, Call) and node.name.value in _RATES for node in every)
    low, high = bounds(divisor)
    return idle and low <= 0 <= high
