"""promql/fraction."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.compared import alerts_by_ref
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression, Role
from tocsin.promql_syntax import Binary, Call, Expr, Number, Selector, nodes
from tocsin.spec import AlertRule, Threshold

_TARGET = frozenset(
    {
        "cluster",
        "container",
        "env",
        "environment",
        "host",
        "instance",
        "job",
        "namespace",
        "node",
        "pod",
        "region",
        "service",
    }
)
"""Labels that say who counts; any other tells one kind of event from another."""
_PER_SECOND = frozenset({"rate", "irate"})


@check("promql/fraction", apart=True)
def promql_fraction(subject: Subject) -> Iterator[Diagnostic]:
    """A number of events per second is no fraction.

    `rate(http_requests_total{status=~"5.."}[5m])` counts errors per second, series by series. Compared with 0.1 or 5%
    it depends on the traffic: at 1,000 requests per second it fires at 0.01 % of errors, at one request per minute
    never. Counters of seconds are left alone: their rate is a share of time. So are counters of failures alone, such as
    `writes_failed_total`: what they would be divided by is another metric, and 0.05 per second may be meant.

    Bad: `rate(http_requests_total{status=~"5.."}[5m]) > 0.1`

    Good: `sum(rate(http_requests_total{status=~"5.."}[5m])) / sum(rate(http_requests_total[5m])) > 0.1`
    """
    alerts = subject.once(alerts_by_ref)
    for expression, tree in subject.trees:
        value = _compared_with_a_fraction(expression, tree, alerts)
        if value is not None and (metric := _events_per_second(value)):
            yield Diagnostic(
                "promql/fraction",
                expression.span,
                "this is a number of events per second, and is compared with a fraction",
                Severity.WARNING,
                hint=f"divide it by the rate of all events, such as sum(rate({metric}[5m]))",
            )


def _compared_with_a_fraction(expression: Expression, tree: Expr, alerts: dict[str, AlertRule]) -> Expr | None:
    """What is compared with a number between 0 and 1."""
    if expression.role is Role.VALUE:
        alert = alerts.get(expression.refs[0])
        condition = alert.condition if alert else None
        if not isinstance(condition, Threshold):
            return None
        limit = condition.above if condition.above is not None else condition.below
        return tree if limit is not None and 0 < limit < 1 else None
    if expression.role is Role.CONDITION and isinstance(tree, Binary) and tree.op in {">", "<", ">=", "<="}:
        for value, limit_ in ((tree.left, tree.right), (tree.right, tree.left)):
            if isinstance(limit_, Number) and 0 < limit_.value < 1:
                return value
    return None


def _events_per_second(tree: Expr) -> str | None:
    """The counter of events whose rate *tree* is, if it is one, summed up or not."""
    every = list(nodes(tree))
    if any(isinstance(node, Binary) for node in every):
        return None
    if not any(isinstance(node, Call) and node.name.value in _PER_SECOND for node in every):
        return None
    if any(isinstance(node, Call) and node.name.value not in _PER_SECOND for node in every):
        return None  # a quantile, a ratio of another function: not to be judged here
    selectors = [node for node in every if isinstance(node, Selector)]
    if not any(matcher.label.value not in _TARGET for node in selectors for matcher in node.matchers):
        return None  # all events of the metric, and not a part of them
    names = {node.metric for node in selectors if node.metric}
    return names.pop() if len(names) == 1 and not any("_seconds" in name for name in names) else None
