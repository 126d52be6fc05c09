"""promql/constant."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.compared import Compared, compared
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import Aggregation, Binary, bounds, nodes

_EXISTENCE = frozenset({"count", "group"})


@check("promql/constant")
def promql_constant(subject: Subject) -> Iterator[Diagnostic]:
    """A comparison that is never true, or always, is no comparison.

    Some values cannot be: `count()` of nothing has no row instead of a 0, a share is at most 1, `up` is 0 or 1, a rate
    is not negative. An alert that asks for one of them never fires, and nothing tells that it is broken.

    Bad: `count(up{job="shop"} == 1) == 0`, `sum(rate(x{code="500"}[5m])) / sum(rate(x[5m])) > 5`

    Good: `sum(up{job="shop"}) == 0`, `sum(rate(x{code="500"}[5m])) / sum(rate(x[5m])) > 0.05`
    """
    for each in compared(subject):
        low, high = bounds(each.value)
        verdict = _verdict(each.op, each.bound, low, high)
        if verdict is None or not each.filters or (verdict and (not each.alerts or _asks_existence(each))):
            continue
        yield Diagnostic(
            "promql/constant",
            each.expression.inside(each.place),
            f"this is {'always' if verdict else 'never'} true: the value is {_between(low, high)}",
            Severity.WARNING,
            hint=_hint(each, high),
        )


def _verdict(op: str, bound: float, low: float, high: float) -> bool | None:
    """Whether `value op bound` is always true, or never, for values from *low* to *high*."""
    always = {
        ">": low > bound, ">=": low >= bound, "<": high < bound, "<=": high <= bound,
        "==": low == high == bound, "!=": not low <= bound <= high,
    }[op]  # fmt: skip
    never = {
        ">": high <= bound, ">=": high < bound, "<": low >= bound, "<=": low > bound,
        "==": not low <= bound <= high, "!=": low == high == bound,
    }[op]  # fmt: skip
    return True if always else False if never else None


def _asks_existence(each: Compared) -> bool:
    """Whether there is a row at all is what is asked: `count(x) > 0`, `absent(x) == 1`."""
    low, high = bounds(each.value)
    counted = isinstance(each.value, Aggregation) and each.value.op in _EXISTENCE
    return counted or low == high or any(_is_share(node) for node in nodes(each.value))


def _is_share(node: object) -> bool:
    return isinstance(node, Binary) and node.op in {"/", "-", "or"}


def _between(low: float, high: float) -> str:
    if low == high:
        return f"{low:g}"
    if high == float("inf"):
        return f"{low:g} or more"
    return f"{high:g} or less" if low == float("-inf") else f"from {low:g} to {high:g}"


def _hint(each: Compared, high: float) -> str | None:
    value = each.value
    if isinstance(value, Aggregation) and value.op == "count":
        return "nothing to count gives no row: use absent(…), or sum(x == bool 1) == 0"
    if isinstance(value, Binary) and value.op == "/" and high == 1 and 1 < each.bound <= 100:
        return f"a share is from 0 to 1: {each.bound:g} % is {each.bound / 100:g}"
    return None
