"""promql/quantile."""

from collections.abc import Iterator
from math import isnan

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.promql_syntax import Aggregation, Call, Expr, constant

_CALLS = frozenset({"histogram_quantile", "quantile_over_time"})


@check("promql/quantile", apart=True)
def promql_quantile(subject: Subject) -> Iterator[Diagnostic]:
    """A quantile is a number from 0 to 1.

    Outside of it Prometheus answers -Inf or +Inf for everything, without a word: the 95 of "95th percentile" is
    written 0.95.

    Bad: `histogram_quantile(95, sum by (le) (rate(latency_seconds_bucket[5m])))`

    Good: `histogram_quantile(0.95, sum by (le) (rate(latency_seconds_bucket[5m])))`
    """
    for expression, every in subject.walked:
        for node in every:
            given = _quantile(node)
            value = constant(given) if given is not None else None
            if given is not None and value is not None and not 0 <= value <= 1:
                hint = f"write {value / 100:g} for the {value:g}th percentile" if 1 < value <= 100 else None
                always = "NaN" if isnan(value) else "+Inf" if value > 1 else "-Inf"
                said = f"the quantile {value:g} is not between 0 and 1; the result is always {always}"
                yield Diagnostic("promql/quantile", expression.inside(given), said, hint=hint)


def _quantile(node: Expr) -> Expr | None:
    if isinstance(node, Call) and node.name.value in _CALLS:
        return node.arguments[0]
    return node.parameter if isinstance(node, Aggregation) and node.op == "quantile" else None
