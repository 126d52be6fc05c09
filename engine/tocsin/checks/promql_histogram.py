"""promql/histogram."""

from collections.abc import Iterator, Mapping

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression, Role
from tocsin.promql import metric_name
from tocsin.promql_syntax import MIRROR, Aggregation, Binary, Call, Expr, Selector, Type, children, nodes
from tocsin.sli import LatencySli
from tocsin.spec import Metric
from tocsin.workspace import Workspace


@check("promql/histogram", apart=True)
def promql_histogram(subject: Subject) -> Iterator[Diagnostic]:
    """A classic histogram has no series under its own name, and a native one is no number.

    What `http_request_duration_seconds` of type histogram exports are the series `…_bucket`, `…_sum` and `…_count`.
    An expression over the bare name has no rows, so its alert never fires and its panel stays empty, without a word
    from Prometheus. A native histogram does have that series, and every comparison of it with a number drops it. It is
    known to be native where an SLI of kind latency says `native: true`; where `buckets:` are not listed it may be, so
    that a function of native histograms over it is only a warning. Types come from the `metrics:` of all services.

    Bad: `http_request_duration_seconds > 2`

    Good: `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 2`
    """
    histograms, native = subject.once(_histograms)
    for expression, tree in subject.trees if histograms else ():
        if expression.path[-2:] == ("latency", "histogram"):  # named by its base name, as it should be
            continue
        every = list(nodes(tree))
        read = {id(each) for call in every if _reads_native(call) for each in nodes(call)}
        plain = {id(each) for each in _compared(every)}
        found: dict[str, Diagnostic] = {}
        for node in every:
            metric = histograms.get(node.name.value) if isinstance(node, Selector) and node.name else None
            if metric is None or not isinstance(node, Selector) or node.name is None:
                continue
            is_native = metric.name in native
            if is_native and id(node) in plain:
                said, hint = "is a native histogram and no number: a comparison drops it", _NATIVE.format(metric.name)
            elif not is_native and id(node) in read and not metric.buckets:
                said, hint = "has a series of its own only as a native histogram; no SLI says that it is one", ""
            elif not is_native:
                said, hint = "is a histogram and has no series of its own; this is always empty", ""
            else:
                continue
            found.setdefault(
                metric.name,
                Diagnostic(
                    "promql/histogram",
                    expression.inside(node.name),
                    f"{metric.name} {said}",
                    Severity.WARNING if "only as" in said else Severity.ERROR,
                    hint=hint or _hint(expression, metric.name),
                    related=((metric.span, "its type"),),
                ),
            )
        yield from (found[name] for name in sorted(found))


_NATIVE = "a quantile is histogram_quantile(0.95, sum(rate({}[5m])))"


def _reads_native(node: Expr) -> bool:
    """Whether *node* makes a number of a native histogram."""
    return isinstance(node, Call) and node.name.value.startswith("histogram_")


def _compared(every: list[Expr]) -> Iterator[Expr]:
    """What is compared with a number, and everything inside of it that is still a histogram there."""
    for node in every:
        if isinstance(node, Binary) and node.op in MIRROR and Type.SCALAR in {node.left.type, node.right.type}:
            waiting: list[Expr] = [node.left, node.right]
            while waiting:
                each = waiting.pop()
                yield each
                if not _reads_native(each) and not (isinstance(each, Call) and each.name.value in _NUMBERS):
                    waiting += () if isinstance(each, Aggregation) and each.op in _NUMBERS else children(each)


_NUMBERS = frozenset(
    {"count", "group", "absent", "absent_over_time", "count_over_time", "present_over_time", "timestamp"}
)
"""What gives a number, whatever it is given."""


def _hint(expression: Expression, name: str) -> str:
    if expression.role is Role.SELECTOR:
        return f"count events by {name}_count, or use an SLI of kind latency"
    text = expression.text
    if "avg" in text and "histogram_quantile" not in text:
        return f"the mean is sum(rate({name}_sum[5m])) / sum(rate({name}_count[5m]))"
    return f"a quantile is histogram_quantile(0.95, sum by (le) (rate({name}_bucket[5m])))"


def _histograms(workspace: Workspace) -> tuple[Mapping[str, Metric], frozenset[str]]:
    """All histograms, and the names of those that are native."""
    every = (metric for service in workspace.services for metric in service.metrics.values())
    slis = (sli for service in workspace.services for sli in service.slis.values())
    native = frozenset(metric_name(sli.histogram) for sli in slis if isinstance(sli, LatencySli) and sli.native)
    return {metric.name: metric for metric in every if metric.type == "histogram"}, native
