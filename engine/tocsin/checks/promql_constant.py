"""promql/constant."""

from collections.abc import Iterator
from math import isnan

from tocsin.checks.base import Subject, check
from tocsin.checks.reading.compared import Compared, compared
from tocsin.checks.reading.dead import gravity
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.promql_syntax import (
    MIRROR,
    Aggregation,
    Binary,
    Name,
    Why,
    against_number,
    bare,
    bounds,
    nodes,
    surely_bounded,
)

_SETS = frozenset({"and", "unless"})
_EXISTENCE = frozenset({"count", "group"})
_EXISTS = frozenset({(">", 0.0), (">=", 1.0), ("!=", 0.0)})
"""How people ask whether there is anything to count."""


@check("promql/constant", apart=True)
def promql_constant(subject: Subject) -> Iterator[Diagnostic]:
    """A comparison that is never true, or always, is no comparison.

    Some values cannot be: `count()` of nothing has no row instead of a 0, a share is at most 1, `up` is 0 or 1, a rate
    is not negative, NaN is neither more nor less than anything, and no value is both above 5 and below 2. An alert that
    asks for one of them never fires, and nothing tells that it is broken.

    It is an error where an alert can never fire, or a series can never be recorded, whatever is exported. Otherwise it
    is a warning: another part of the expression may have rows, or the value is only what is usual for such a metric.

    Bad: `count(up{job="shop"} == 1) == 0`, `sum(rate(x{code="500"}[5m])) / sum(rate(x[5m])) > 5`, `x > 5 and x < 2`

    Good: `sum(up{job="shop"}) == 0`, `sum(rate(x{code="500"}[5m])) / sum(rate(x[5m])) > 0.05`, `x > 5 or x < 2`
    """
    for each in compared(subject):
        low, high = bounds(each.value)
        verdict = _verdict(each.op, each.bound, low, high)
        if verdict is None or not each.filters or (verdict and (not each.alerts or _asks_existence(each))):
            continue
        certain = not verdict and surely_bounded(each.value)
        yield Diagnostic(
            "promql/constant",
            each.expression.inside(each.place),
            f"this is {'always' if verdict else 'never'} true: {_reason(each, low, high)}",
            gravity(subject, each.expression, each.tree) if certain else Severity.WARNING,
            hint=_hint(each, high),
        )
    yield from _contradictions(subject)


def _contradictions(subject: Subject) -> Iterator[Diagnostic]:
    """Comparisons that exclude each other."""
    for expression, every in subject.walked:
        emptiness = subject.emptiness(expression)
        for node in every:
            if not isinstance(node, Binary) or not _asks_twice(node):
                continue
            cause = emptiness.of(node)
            if cause is None or cause.node is not node or cause.why not in _SAID or _is_told(node):
                continue
            place = Name("", node.op_start, node.matching.end if node.matching else node.op_end)
            said, hint = _SAID[cause.why]
            severity = gravity(subject, expression, every[0])
            yield Diagnostic("promql/constant", expression.inside(place), said, severity, hint=hint)


_SAID = {
    Why.SIDES: ("no value passes what both sides ask for", "write or, if either is wrong, or mend the numbers"),
    Why.COMPARISON: (
        "no value passes this after what is asked before it",
        "leave one of them out, or mend the numbers",
    ),
    Why.TAKEN: ("nothing is left: the right side takes away all that the left side gives", "mend the right side"),
}


def _asks_twice(node: Binary) -> bool:
    """Whether rows have been asked for something before *node* asks: only then can the two exclude each other."""
    if node.op in _SETS:
        return True
    sides = (bare(node.left), bare(node.right))
    return node.op in MIRROR and any(isinstance(side, Binary) and side.op in {*MIRROR, *_SETS} for side in sides)


def _is_told(node: Binary) -> bool:
    """Whether one comparison is never true by itself."""
    if (asked := against_number(node)) is None:
        return False
    value, op, bound = asked
    return _verdict(op, bound, *bounds(value)) is False


def _verdict(op: str, bound: float, low: float, high: float) -> bool | None:
    """Whether `value op bound` is always true, or never, for values from *low* to *high*."""
    if isnan(bound):
        return op == "!="
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
    if isinstance(each.value, Aggregation) and each.value.op in _EXISTENCE:
        return (each.op, each.bound) in _EXISTS
    return low == high or any(_is_share(node) for node in nodes(each.value))


def _is_share(node: object) -> bool:
    return isinstance(node, Binary) and node.op in {"/", "-", "or"}


def _reason(each: Compared, low: float, high: float) -> str:
    if isnan(each.bound):
        return "nothing is equal to NaN, nor more or less; x != x finds it"
    return f"the value is {_between(low, high)}"


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
