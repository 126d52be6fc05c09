"""live/type."""

from collections.abc import Iterator

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.expressions import Expression
from tocsin.live.base import Live, live_check
from tocsin.promql_syntax import Call, RangeSelector, Selector, bare, nodes

_OF_COUNTERS = frozenset({"rate", "irate", "increase", "resets"})
_OF_GAUGES = frozenset({"delta", "idelta", "deriv", "predict_linear"})
_PARTS = ("_bucket", "_count", "_sum")


@live_check("live/type")
def live_type(live: Live) -> Iterator[Diagnostic]:
    """A function fits the type that targets give a metric.

    The rate of a gauge counts each fall as a restart, and the delta of a counter falls at each restart. The catalogue
    of a service may be wrong or have a hole; here the targets themselves are asked.

    Bad: `rate(queue_depth[5m])`, where targets say that it is a gauge

    Good: `deriv(queue_depth[5m])`
    """
    told: set[tuple[str, str]] = set()
    for expression, tree in live.subject.trees:
        for node in nodes(tree):
            if isinstance(node, Call) and node.arguments and node.name.value in _OF_COUNTERS | _OF_GAUGES:
                selector = _selector(node)
                if selector is not None and (selector.metric or "", node.name.value) not in told:
                    told.add((selector.metric or "", node.name.value))
                    yield from _misused(live, expression, node, selector)


def _selector(call: Call) -> Selector | None:
    argument = bare(call.arguments[0])
    return argument.selector if isinstance(argument, RangeSelector) else None


def _misused(live: Live, expression: Expression, call: Call, selector: Selector) -> Iterator[Diagnostic]:
    types = _types(live, selector.metric or "")
    function = call.name.value
    if types == {"gauge"} and function in _OF_COUNTERS:
        hint = "write deriv() or delta(), or look whether another metric is meant"
    elif types == {"counter"} and function in _OF_GAUGES:
        hint = "write rate() or increase()"
    else:
        return
    yield Diagnostic(
        "live/type",
        expression.inside(call.name),
        f"{selector.metric} is a {next(iter(types))} to its targets, and {function}() is not for one",
        Severity.WARNING,
        hint,
    )


def _types(live: Live, metric: str) -> frozenset[str]:
    """The types of *metric*; the parts of a histogram or summary are counters."""
    if metric in live.types:
        return live.types[metric] - {"unknown", "untyped"}
    base = next((metric.removesuffix(part) for part in _PARTS if metric.endswith(part)), "")
    return frozenset({"counter"}) if live.types.get(base, frozenset()) & {"histogram", "summary"} else frozenset()
