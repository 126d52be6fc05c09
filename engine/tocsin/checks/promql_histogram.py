"""promql/histogram."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Span
from tocsin.expressions import Expression, Role
from tocsin.promql_syntax import Selector, nodes
from tocsin.workspace import Workspace


@check("promql/histogram", apart=True)
def promql_histogram(subject: Subject) -> Iterator[Diagnostic]:
    """A histogram has no series under its own name.

    What `http_request_duration_seconds` of type histogram exports are the series `…_bucket`, `…_sum` and `…_count`.
    An expression over the bare name has no rows, so its alert never fires and its panel stays empty, without a word
    from Prometheus. Types come from the `metrics:` of all services.

    Bad: `http_request_duration_seconds > 2`

    Good: `histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket[5m]))) > 2`
    """
    histograms = subject.once(_histograms)
    for expression, tree in subject.trees:
        if expression.path[-2:] == ("latency", "histogram"):  # named by its base name, as it should be
            continue
        used = {
            node.name.value: node.name
            for node in reversed(list(nodes(tree)))
            if isinstance(node, Selector) and node.name
        }
        for name in sorted(used.keys() & histograms.keys()):
            yield Diagnostic(
                "promql/histogram",
                expression.inside(used[name]),
                f"{name} is a histogram and has no series of its own; this is always empty",
                hint=_hint(expression, name),
                related=((histograms[name], "its type"),),
            )


def _hint(expression: Expression, name: str) -> str:
    if expression.role is Role.SELECTOR:
        return f"count events by {name}_count, or use an SLI of kind latency"
    text = expression.text
    if "avg" in text and "histogram_quantile" not in text:
        return f"the mean is sum(rate({name}_sum[5m])) / sum(rate({name}_count[5m]))"
    return f"a quantile is histogram_quantile(0.95, sum by (le) (rate({name}_bucket[5m])))"


def _histograms(workspace: Workspace) -> dict[str, Span]:
    metrics = (metric for service in workspace.services for metric in service.metrics.values())
    return {metric.name: metric.span for metric in metrics if metric.type == "histogram"}
