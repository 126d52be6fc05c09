"""promql/rate."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.catalogue import Series, catalogue, known
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Aggregation, Call, Expr, Fault, RangeSelector, Selector, Subquery, bare, parse
from tocsin.workspace import Workspace

_OF_COUNTERS = frozenset({"rate", "increase", "irate", "resets"})
_OF_GAUGES = frozenset({"delta", "idelta", "deriv", "predict_linear"})
_BETTER = {"delta": "increase", "idelta": "irate", "deriv": "rate"}
"""Functions of gauges, and what does the same with counters."""
_ADDING = frozenset({"sum", "avg", "count"})


@check("promql/rate", apart=True)
def promql_rate(subject: Subject) -> Iterator[Diagnostic]:
    """A rate is of a counter, and is taken before counters are added up.

    `rate()` reads each fall of a value as a restart of its target. A gauge falls all the time, so its rate is an
    invention; `delta()` of a counter misses the restarts. A sum of counters falls when one target restarts and is
    still far above zero, which then counts as a burst of events. Types come from the `metrics:` of the services; of
    others a name that ends in `_total` says that it is a counter.

    Bad: `rate(queue_depth[5m])`, `rate(sum(http_requests_total)[5m:])`

    Good: `deriv(queue_depth[5m])`, `sum(rate(http_requests_total[5m]))`
    """
    series = subject.once(catalogue)
    sums = subject.once(_recorded_sums)
    for expression, every in subject.walked:
        for node in every:
            if isinstance(node, Call) and node.name.value in _OF_COUNTERS | _OF_GAUGES:
                found = _misuse(node, series, sums)
                if found:
                    place, said, hint = found
                    yield Diagnostic(
                        "promql/rate", expression.inside(place), expression.words(said), Severity.WARNING, hint=hint
                    )


def _misuse(node: Call, series: dict[str, Series], sums: frozenset[str]) -> tuple[Expr, str, str] | None:
    """What is wrong with a call, where, and what to write."""
    name, inner = node.name.value, bare(node.arguments[0])
    counters = name in _OF_COUNTERS
    if isinstance(inner, Subquery):
        of = bare(inner.expr)
        if counters and isinstance(of, Aggregation) and of.op in _ADDING:
            return of, f"{name}() of a {of.op}() takes the restart of one target for a burst", (
                f"take the rate first: {of.op}({name}(…[5m]))"
            )  # fmt: skip
        return None
    if not isinstance(inner, RangeSelector):
        return None
    metric = inner.selector.metric or ""
    if counters and metric in sums:
        return inner.selector, f"{metric} is recorded as a sum; {name}() takes restarts in it for bursts", (
            "record the sum of rates instead"
        )  # fmt: skip
    of_series = known(inner.selector, series)
    if of_series is None:
        return _by_name(name, inner.selector)
    if counters and of_series.type == "gauge":
        better = {"rate": "deriv", "increase": "delta", "irate": "idelta"}.get(name)
        return inner.selector, f"{metric} is a gauge, and {name}() is for counters", (
            f"use {better}() for how much it changes" if better else "changes() counts how often it changes"
        )  # fmt: skip
    if not counters and of_series.type == "counter" and name != "predict_linear":
        better = _BETTER[name]
        return inner.selector, f"{metric} is a counter, and {name}() does not see its restarts", f"use {better}()"
    return None


def _by_name(name: str, selector: Selector) -> tuple[Expr, str, str] | None:
    """What the name alone of a metric tells: `_total` is a counter."""
    metric = selector.metric or ""
    if name not in _BETTER or not metric.endswith("_total"):
        return None
    said = f"{metric} is a counter by its name, and {name}() does not see restarts"
    return selector, said, f"use {_BETTER[name]}()"


def _recorded_sums(workspace: Workspace) -> frozenset[str]:
    """Recorded series that are sums of counters as they are."""
    found = set()
    for service in workspace.services:
        for recording in service.recordings:
            tree = parse(recording.expr.text)
            inner = None if isinstance(tree, Fault) else bare(tree)
            if isinstance(inner, Aggregation) and inner.op in _ADDING and not _rated(inner.expr):
                found.add(recording.record)
    return frozenset(found)


def _rated(node: Expr) -> bool:
    return not isinstance(bare(node), Selector)
