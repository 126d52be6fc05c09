"""Between which numbers the values of an expression lie, as far as that can be known without data."""

from math import inf, isnan

from tocsin.promql_syntax.flow import CHOOSING
from tocsin.promql_syntax.shares import is_part
from tocsin.promql_syntax.tree import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Number,
    Selector,
    Type,
    Unary,
    bare,
    children,
    nodes,
)
from tocsin.promql_syntax.values import MIRROR

Bounds = tuple[float, float]
ANYTHING: Bounds = (-inf, inf)
NOT_NEGATIVE: Bounds = (0.0, inf)
_SERIES: dict[str, Bounds] = {"up": (0, 1), "probe_success": (0, 1), "ALERTS": (1, 1)}
_CALLS: dict[str, Bounds] = {
    **dict.fromkeys(("rate", "increase", "irate", "changes", "resets", "abs", "sqrt", "exp"), NOT_NEGATIVE),
    **dict.fromkeys(("stddev_over_time", "stdvar_over_time", "timestamp", "time"), NOT_NEGATIVE),
    **dict.fromkeys(("absent", "absent_over_time", "present_over_time"), (1.0, 1.0)),
    "count_over_time": (1, inf), "hour": (0, 23), "minute": (0, 59), "day_of_week": (0, 6), "day_of_month": (1, 31),
    "day_of_year": (1, 366), "days_in_month": (28, 31), "month": (1, 12), "sgn": (-1, 1), "histogram_fraction": (0, 1),
}  # fmt: skip
_KEEPING = frozenset({
    "avg_over_time", "min_over_time", "max_over_time", "last_over_time", "first_over_time", "sort", "sort_desc",
    "label_replace", "label_join", "scalar", "vector", "clamp_min", "clamp_max",
})  # fmt: skip
"""Functions whose values lie where those of their first argument lie."""
_SETS = frozenset({"and", "unless"})
_COMPARISONS = frozenset({"==", "!=", "<", ">", "<=", ">="})
_COUNTED = ("_total", "_count", "_bucket")
"""How the names of counters end: their samples are never negative. A gauge may be given to `rate` by mistake."""


def surely_bounded(node: Expr) -> bool:
    """Whether `bounds` holds whatever is exported: without trust in exporters, or in that `rate` is given counters."""
    for each in nodes(node):
        if isinstance(each, Selector) and each.metric == "probe_success":
            return False
        if isinstance(each, Call) and each.name.value in {"rate", "increase", "irate"}:
            read = [one for one in nodes(each) if isinstance(one, Selector)]
            if not all((one.metric or "").endswith(_COUNTED) for one in read):
                return False
    return True


def bounds(node: Expr) -> Bounds:
    """The smallest and the largest value that a row of *node* can have.

    >>> from tocsin.promql_syntax.parser import parse
    >>> bounds(parse("count(up) * 2")), bounds(parse("-(2 * 3)"))
    ((2.0, inf), (-6.0, -6.0))
    """
    try:
        return _bounds(bare(node))
    except RecursionError:  # a sum of a thousand terms
        return ANYTHING


def _bounds(node: Expr) -> Bounds:
    if isinstance(node, Number):
        return node.value, node.value
    if isinstance(node, Unary):
        low, high = bounds(node.expr)
        return (-high, -low) if node.op == "-" else (low, high)
    if isinstance(node, Selector):
        return _SERIES.get(node.metric or "", ANYTHING)
    if isinstance(node, Call):
        return _called(node)
    if isinstance(node, Aggregation):
        return _aggregated(node)
    if isinstance(node, Binary):
        return _joined(node)
    inner = children(node)
    return bounds(inner[0]) if inner else ANYTHING


def constant(node: Expr) -> float | None:
    """The number that *node* is, if it is one: `5 * 60`. What `scalar()` gives may always be NaN instead."""
    if node.type is not Type.SCALAR:
        return None
    if not isinstance(node, Number) and any(
        isinstance(each, Call) and each.name.value == "scalar" for each in nodes(node)
    ):
        return None
    low, high = bounds(node)
    return low if low == high or (isnan(low) and isnan(high)) else None


def against_number(node: Binary) -> tuple[Expr, str, float] | None:
    """Rows, an operator and a number, where *node* compares those: `5 < x` is `x > 5`; None for anything else.

    >>> from tocsin.promql_syntax.parser import parse
    >>> against_number(parse("5 * 60 < x"))[1:], against_number(parse("x > y"))
    (('>', 300.0), None)
    """
    if node.op not in MIRROR:
        return None
    for rows, given, op in ((node.left, node.right, node.op), (node.right, node.left, MIRROR[node.op])):
        bound = constant(given)
        if bound is not None and rows.type is Type.VECTOR:
            return rows, op, bound
    return None


def _called(node: Call) -> Bounds:
    name = node.name.value
    if name not in _KEEPING or not node.arguments:
        return _CALLS.get(name, ANYTHING)
    low, high = bounds(node.arguments[0])
    limit = constant(node.arguments[1]) if name.startswith("clamp_") else None
    if limit is not None and not isnan(limit):
        return (max(low, limit), max(high, limit)) if name == "clamp_min" else (min(low, limit), min(high, limit))
    return low, high


def _aggregated(node: Aggregation) -> Bounds:
    low, high = bounds(node.expr)
    if node.op == "count":
        return 1, inf
    if node.op == "group":
        return 1, 1
    if node.op in {"stddev", "stdvar"}:
        return NOT_NEGATIVE
    if node.op == "sum":
        return max(low, 0) if low >= 0 else -inf, inf if high > 0 else high
    return (low, high) if node.op in {"min", "max", "avg"} | CHOOSING else ANYTHING


def _joined(node: Binary) -> Bounds:
    if node.bool:
        return 0, 1
    left, right = bounds(node.left), bounds(node.right)
    if node.op in _COMPARISONS:
        return right if node.left.type is Type.SCALAR else left
    if node.op in _SETS:
        return left
    if node.op == "or":
        return min(left[0], right[0]), max(left[1], right[1])
    if node.op in {"+", "-"}:
        low, high = right if node.op == "+" else (-right[1], -right[0])
        return _sane(left[0] + low, left[1] + high)
    if node.op == "/" and _row_by_row(node) and is_part(node.left, node.right):
        return 0, 1
    if node.op == "*" or (node.op == "/" and right[0] == right[1] != 0):
        factors = right if node.op == "*" else (1 / right[0], 1 / right[1])
        products = [_product(a, b) for a in left for b in factors]
        return _sane(min(products), max(products))
    return NOT_NEGATIVE if node.op == "/" and left[0] >= 0 and right[0] >= 0 else ANYTHING


def _row_by_row(node: Binary) -> bool:
    """Whether each row on the left meets the row on the right that counts the same and more.

    With `group_right`, or where the sides are grouped differently, a whole may meet a part of something else.
    """
    left, right = (_grouping(side) for side in (node.left, node.right))
    if node.matching is None or not node.matching.group:
        return left == right
    return node.matching.group == "left" and right is not None and left is not None


def _grouping(node: Expr) -> tuple[bool, frozenset[str]] | None:
    """How an aggregation groups; None for what is none."""
    inner = bare(node)
    if not isinstance(inner, Aggregation):
        return None
    if inner.grouping is None:
        return False, frozenset()
    return inner.grouping.without, frozenset(label.value for label in inner.grouping.labels)


def _product(one: float, other: float) -> float:
    return 0.0 if 0 in {one, other} else one * other


def _sane(low: float, high: float) -> Bounds:
    return (low, high) if low <= high else ANYTHING  # NaN
