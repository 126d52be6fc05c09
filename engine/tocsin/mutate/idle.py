"""Matchers that decide nothing, because rows without them meet only rows of another operand that has them as well.

In `a{job="x"} unless b{job="x"}` a row of b with another job would take nothing away. So it is wherever two operands
have to agree on the label: arithmetic, comparisons, `and`, and the right side of `unless`, however deep the selector
stands in its operand, as long as everything above it keeps the label.
"""

from collections.abc import Iterator, Mapping

from tocsin.promql_syntax import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Grouping,
    Matching,
    RangeSelector,
    Selector,
    Subquery,
    Type,
    bare,
)

Condition = tuple[str, str, str]
"""Label, operator, value."""
_RENAMING = frozenset({"label_replace", "label_join", "absent", "absent_over_time", "vector", "scalar", "info"})
"""Functions whose rows do not have the labels of their argument."""


def idle_matchers(tree: Expr) -> Mapping[int, frozenset[Condition]]:
    """For each selector (its id), the matchers of which any single one could be dropped and nothing would change."""
    return {id(selector): idle for selector, idle in _idle(tree, frozenset())}


def _idle(node: Expr, asked: frozenset[Condition]) -> Iterator[tuple[Selector, frozenset[Condition]]]:
    """*asked* are conditions that rows of *node* have to satisfy anyway, or they meet nothing."""
    node = bare(node)
    if isinstance(node, Selector):
        yield node, asked & _own(node)
    elif isinstance(node, RangeSelector):
        yield node.selector, asked & _own(node.selector)
    elif isinstance(node, Subquery):
        yield from _idle(node.expr, asked)
    elif isinstance(node, Aggregation):
        yield from _idle(node.expr, _kept(asked, node.grouping))
    elif isinstance(node, Call):
        for argument in node.arguments:
            yield from _idle(argument, frozenset() if node.name.value in _RENAMING else asked)
    elif isinstance(node, Binary):
        left, right = _of_sides(node, asked)
        yield from _idle(node.left, left)
        yield from _idle(node.right, right)


def _of_sides(node: Binary, asked: frozenset[Condition]) -> tuple[frozenset[Condition], frozenset[Condition]]:
    """What rows of the left and of the right side have to satisfy anyway."""
    if node.left.type is not Type.VECTOR or node.right.type is not Type.VECTOR:
        return asked, asked
    if node.op == "or":
        return _agreed(asked, node.matching), asked
    from_left, from_right = _agreed(_pinned(node.left), node.matching), _agreed(_pinned(node.right), node.matching)
    passed = _agreed(asked, node.matching)
    if node.op == "unless":
        return asked, from_left | passed
    if node.op == "and":
        return asked | from_right, from_left | passed
    many = node.matching.group if node.matching else ""
    left = from_right | (asked if many == "left" else passed)
    right = from_left | (asked if many == "right" else passed)
    if node.matching is None:
        return left, right
    one = node.left if many == "right" else node.right
    if isinstance(bare(one), Aggregation):
        return left, right
    nothing = frozenset[Condition]()  # a second row for one group ends the evaluation, also where it meets nothing
    return (nothing, right) if one is node.left else (left, nothing)


def _pinned(node: Expr) -> frozenset[Condition]:
    """Conditions that every row of *node* satisfies."""
    node = bare(node)
    if isinstance(node, Selector):
        return _own(node)
    if isinstance(node, RangeSelector):
        return _own(node.selector)
    if isinstance(node, Subquery):
        return _pinned(node.expr)
    if isinstance(node, Aggregation):
        return _kept(_pinned(node.expr), node.grouping)
    if isinstance(node, Call) and node.name.value not in _RENAMING:
        return frozenset(condition for argument in node.arguments for condition in _pinned(argument))
    return _pinned_together(node) if isinstance(node, Binary) else frozenset()


def _pinned_together(node: Binary) -> frozenset[Condition]:
    if node.left.type is not Type.VECTOR or node.right.type is not Type.VECTOR:
        return _pinned(node.left) | _pinned(node.right)
    left, right = _pinned(node.left), _pinned(node.right)
    if node.op == "or":
        return left & right
    if node.op == "unless":
        return left
    both = _agreed(left | right, node.matching)
    many = node.matching.group if node.matching else ""
    if node.op == "and" or many == "left":
        return left | both
    return right | both if many == "right" else both


def _own(selector: Selector) -> frozenset[Condition]:
    return frozenset(m.said for m in selector.matchers if m.label.value != "__name__")


def _kept(conditions: frozenset[Condition], grouping: Grouping | None) -> frozenset[Condition]:
    """Those about labels that an aggregation leaves."""
    names = grouping.names if grouping else frozenset[str]()
    without = grouping is not None and grouping.without
    return frozenset(each for each in conditions if (each[0] in names) != without)


def _agreed(conditions: frozenset[Condition], matching: Matching | None) -> frozenset[Condition]:
    """Those about labels on which both sides have to agree."""
    if matching is None:
        return conditions
    return frozenset(each for each in conditions if (each[0] in matching.names) == matching.on)
