"""promql/buckets."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression
from tocsin.promql_syntax import Call, Expr, RangeSelector, Selector, Subquery, flow, nodes

_RATES = frozenset({"rate", "increase", "irate", "delta"})


@check("promql/buckets", apart=True)
def promql_buckets(subject: Subject) -> Iterator[Diagnostic]:
    """A quantile of a histogram is taken from the rates of its buckets, with their `le`.

    `histogram_quantile()` finds the buckets by the label `le`; where an aggregation has dropped it, there is no
    result, and the series `_count` and `_sum` have none. Without `rate()` the buckets hold everything since the
    target started, so the quantile hardly moves and a slow hour is lost in the average of weeks. Native histograms have
    no `le` and are left alone; one whose name ends in `_bucket` would give a result, so this is a warning.

    Bad: `histogram_quantile(0.9, sum by (job) (rate(latency_seconds_bucket[5m])))`

    Good: `histogram_quantile(0.9, sum by (job, le) (rate(latency_seconds_bucket[5m])))`
    """
    for expression, every in subject.walked:
        for node in every:
            if not isinstance(node, Call) or node.name.value != "histogram_quantile":
                continue
            inner = node.arguments[1]
            read = [each for each in nodes(inner) if isinstance(each, Selector)]
            buckets = [each for each in read if _is_bucket(each)]
            if not buckets:
                others = (each for each in read if (each.metric or "").endswith(("_count", "_sum")))
                yield from (_no_bucket(expression, each) for each in others)
                continue
            if not flow(inner).may_have("le"):
                said = "the buckets have lost their label le here, so there is no result"
                hint = "keep le: by (le, …)"
                yield Diagnostic("promql/buckets", expression.inside(inner), said, Severity.WARNING, hint=hint)
            elif not _rated(inner):
                said = "the quantile is of everything since the targets started, not of a time"
                hint = f"take the rate first: rate({buckets[0].metric}[5m])"
                yield Diagnostic("promql/buckets", expression.inside(buckets[0]), said, Severity.WARNING, hint=hint)


def _no_bucket(expression: Expression, node: Selector) -> Diagnostic:
    metric = node.metric or ""
    return Diagnostic(
        "promql/buckets",
        expression.inside(node.name or node),
        f"{metric} has no buckets, so there is never a quantile of it",
        Severity.WARNING,
        hint=f"write {metric.rpartition('_')[0]}_bucket, with le kept: by (le, …)",
    )


def _is_bucket(node: Selector) -> bool:
    return (node.metric or "").endswith("_bucket")


def _rated(tree: Expr) -> bool:
    """Whether it is taken over a time, by a rate or between two times."""
    every = list(nodes(tree))
    shifted = any(isinstance(each, Selector | RangeSelector | Subquery) and each.offset is not None for each in every)
    return shifted or any(isinstance(each, Call) and each.name.value in _RATES for each in every)
