"""promql/unit."""

import re
from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.compared import compared
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Aggregation, Binary, Call, Expr, Selector, bare, nodes

_LATENCY = re.compile(r".*(?:request|response|latency|rtt|ping|query|rpc|http)\w*_seconds(?:_bucket|_sum)?")
_SCALED = frozenset({"*", "/"})


@check("promql/unit", apart=True)
def promql_unit(subject: Subject) -> Iterator[Diagnostic]:
    """A value and what it is compared with have to be of one unit.

    The name of a metric tells its unit: seconds, milliseconds, a ratio from 0 to 1, a percentage. A threshold in
    another unit is a thousand or a hundred times off. Only what is hardly ever meant is told: a latency in seconds
    above 100, milliseconds below 1, a ratio above 1, a percentage below 1.

    Bad: `histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 500`

    Good: `histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 0.5`
    """
    for each in compared(subject):
        metric = _metric(each.value) if each.alerts else None
        if metric is None:
            continue
        found = _mismatch(metric, each.op, each.bound)
        if found:
            said, hint = found
            yield Diagnostic("promql/unit", each.expression.inside(each.place), said, Severity.WARNING, hint=hint)


def _mismatch(metric: str, op: str, bound: float) -> tuple[str, str] | None:
    if op not in {">", ">=", "<", "<="}:
        return None
    if _LATENCY.fullmatch(metric) and bound >= 100:
        return (
            f"{metric} is in seconds, and {bound:g} seconds are a long time",
            f"write {bound / 1000:g} for {bound:g} ms",
        )
    if metric.endswith(("_milliseconds", "_ms")) and 0 < bound < 1:
        return f"{metric} is in milliseconds, and {bound:g} ms are next to nothing", (
            f"write {bound * 1000:g} for {bound:g} s"
        )  # fmt: skip
    if metric.endswith("_ratio") and 1 < bound <= 100:
        return f"{metric} is a ratio from 0 to 1", f"write {bound / 100:g} for {bound:g} %"
    if metric.endswith(("_percent", "_percentage")) and 0 < bound < 1:
        return f"{metric} is a percentage from 0 to 100", f"write {bound * 100:g} for {bound:g}"
    return None


def _metric(value: Expr) -> str | None:
    """The one metric whose unit *value* has."""
    every = list(nodes(bare(value)))
    if any(isinstance(node, Binary) for node in every):
        return None
    if any(isinstance(node, Call) and node.name.value not in _KEEPING for node in every):
        return None
    if any(isinstance(node, Aggregation) and node.op in _COUNTING for node in every):
        return None
    names = {node.metric for node in every if isinstance(node, Selector)}
    quantile = any(isinstance(node, Call) and node.name.value == "histogram_quantile" for node in every)
    rated = any(isinstance(node, Call) and node.name.value in {"rate", "increase", "irate"} for node in every)
    return names.pop() if len(names) == 1 and quantile >= rated else None


_KEEPING = frozenset({
    "histogram_quantile", "rate", "increase", "irate", "avg_over_time", "max_over_time", "min_over_time",
    "quantile_over_time", "last_over_time", "label_replace", "label_join", "abs",
})  # fmt: skip
_COUNTING = frozenset({"count", "group", "count_values", "stdvar", "sum"}) - {"sum"}
