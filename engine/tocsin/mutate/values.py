"""Places whose values decide nothing, because only rows matter there, or because no row from there comes through.

- `count_over_time(x)` counts the rows of x, and `x * 0` is 0 for each of them, however deep in x a value is changed.
  A comparison in between turns values into rows, so below it they matter again.
- Where `a or b` gives b's row, `(a < b) or b` gives the same as `(a <= b) or b`: a is b there.
- In `1 - (bad or 0 * total) / total < 0.9` a row that the second side of `or` gives has the value 1, which is not
  below 0.9; whatever stands in the place of total, such a row never comes through.
"""

import math
import operator
from collections.abc import Callable, Iterator, Mapping

from tocsin.promql_syntax import (
    MIRROR,
    Aggregation,
    Binary,
    Call,
    Expr,
    Number,
    RangeSelector,
    Subquery,
    Unary,
    bare,
    canonical,
    nodes,
)

_COUNTING = frozenset({"count_over_time", "present_over_time", "absent", "absent_over_time"})
_FAITHFUL = frozenset({
    "abs", "avg_over_time", "ceil", "clamp_max", "clamp_min", "delta", "deriv", "exp", "floor", "idelta", "increase",
    "irate", "last_over_time", "ln", "max_over_time", "min_over_time", "predict_linear", "rate", "sqrt",
    "stddev_over_time", "stdvar_over_time", "sum_over_time",
})  # fmt: skip
"""Functions that have a row for each row of their argument, whatever its value."""
_COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le, "==": operator.eq,
}  # fmt: skip
_ARITHMETIC: Mapping[str, Callable[[float, float], float]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul,
}  # fmt: skip
_ROUNDED: Mapping[str, Callable[[float], int]] = {
    ">=": math.ceil, "<": math.ceil, ">": math.floor, "<=": math.floor,
}  # fmt: skip
"""What a bound is worth to a whole number."""
_SETS = frozenset({"and", "or", "unless"})
_ZERO = 0.0


def only_rows(tree: Expr) -> frozenset[int]:
    """The nodes (by id) whose values do not matter, as long as they have the same rows."""
    return frozenset(_only_rows(tree, rows=False))


def _only_rows(node: Expr, *, rows: bool) -> Iterator[int]:
    node = bare(node)
    if rows:
        yield id(node)
    if isinstance(node, Binary):
        left = right = rows and (node.op not in {*_COMPARISONS, "!="} or node.bool)
        if node.op in {"and", "unless"}:
            right = True
        elif node.op == "*":
            left, right = left or _is_zero(node.right), right or _is_zero(node.left)
        yield from _only_rows(node.left, rows=left)
        yield from _only_rows(node.right, rows=right)
    elif isinstance(node, Call):
        name = node.name.value
        for argument in node.arguments:
            yield from _only_rows(argument, rows=name in _COUNTING or (rows and name in _FAITHFUL))
    elif isinstance(node, Aggregation):
        counts = node.op in {"count", "group"}
        yield from _only_rows(node.expr, rows=counts or (rows and node.op in {"sum", "avg", "min", "max"}))
    elif isinstance(node, Subquery | Unary):
        yield from _only_rows(node.expr, rows=rows)
    elif isinstance(node, RangeSelector):
        yield from _only_rows(node.selector, rows=rows)


def ties(tree: Expr) -> frozenset[int]:
    """Comparisons (by id) for which it does not matter whether two equal values pass: `or` puts the same in place."""
    found = set()
    for node in nodes(tree):
        if isinstance(node, Binary) and node.op == "or" and node.matching is None:
            first = bare(node.left)
            if isinstance(first, Binary) and first.op in _COMPARISONS and not first.bool and first.matching is None:
                instead = canonical(bare(node.right))
                if instead == canonical(bare(first.right)):
                    found.add(id(first))
    return frozenset(found)


def same_count(node: Binary, number: Number, other: float) -> bool:
    """Whether a comparison of a count with *number* has the same rows with *other* in its place."""
    counted, op = (node.left, node.op) if bare(node.right) is number else (node.right, MIRROR[node.op])
    count = bare(counted)
    if isinstance(count, Aggregation):
        whole = count.op == "count"
    else:
        whole = isinstance(count, Call) and count.name.value == "count_over_time"
    if not whole or op not in _ROUNDED:
        return False
    return _ROUNDED[op](number.value) == _ROUNDED[op](other)


def silent(tree: Expr) -> frozenset[int]:
    """Nodes (by id) below `… or 0 * x` whose rows no comparison lets through."""
    return frozenset(_silent(bare(tree)))


def _silent(node: Expr) -> Iterator[int]:
    if not isinstance(node, Binary):
        return
    if node.op in _SETS:
        yield from _silent(bare(node.left))
        yield from _silent(bare(node.right))
    elif node.op in _COMPARISONS and not node.bool:
        left, right = bare(node.left), bare(node.right)
        sides = ((left, node.op, right), (right, MIRROR[node.op], left))
        for value, op, number in sides:
            if isinstance(number, Number):
                for guard, zeroed in _guards(value):
                    constant = _with_zero(value, guard)
                    if constant is not None and not _COMPARISONS[op](constant, number.value):
                        yield from (id(each) for each in nodes(zeroed))


def _guards(node: Expr) -> Iterator[tuple[Binary, Expr]]:
    """Each `… or 0 * x` that stands in *node* below nothing but arithmetic, with its x."""
    node = bare(node)
    if not isinstance(node, Binary) or node.matching is not None:
        return
    if node.op == "or":
        right = bare(node.right)
        if isinstance(right, Binary) and right.op == "*" and right.matching is None:
            for number, zeroed in ((right.left, right.right), (right.right, right.left)):
                if _is_zero(number):
                    yield node, zeroed
    elif node.op in _ARITHMETIC or node.op == "/":
        yield from _guards(node.left)
        yield from _guards(node.right)


def _with_zero(node: Expr, guard: Binary) -> float | None:
    """The value of *node* where *guard* is 0, if that does not depend on what is read; NaN passes no comparison."""
    node = bare(node)
    if node is guard:
        return _ZERO
    if isinstance(node, Number):
        return node.value
    if not isinstance(node, Binary):
        return None
    left, right = _with_zero(node.left, guard), _with_zero(node.right, guard)
    if (node.op in {"*", "/"} and left == 0) or (node.op == "*" and right == 0):
        return _ZERO
    known = left is not None and right is not None and node.op in _ARITHMETIC
    return _ARITHMETIC[node.op](left, right) if known and left is not None and right is not None else None


def _is_zero(node: Expr) -> bool:
    number = bare(node)
    return isinstance(number, Number) and number.value == 0
