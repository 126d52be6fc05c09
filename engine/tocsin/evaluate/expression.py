"""What can be learnt from a PromQL expression: a comparison to take apart, series that must still be there."""

import operator
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache

from tocsin.evaluate.witness import EVERYTHING, NOTHING, All, Either, Need, Scope
from tocsin.evaluate.witness import Selector as Witness
from tocsin.promql_syntax import (
    CHOOSING,
    MIRROR,
    Aggregation,
    Binary,
    Call,
    Expr,
    Fault,
    Matching,
    Number,
    Parens,
    RangeSelector,
    Selector,
    String,
    Subquery,
    Unary,
    bare,
    canonical,
    parse,
)

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_SETS = frozenset({"and", "or", "unless"})


@dataclass(frozen=True, slots=True)
class Comparison:
    """`value op bound`: asking for *value* alone makes "not above" a row, and thus evidence."""

    value: str
    op: str
    bound: float

    def holds(self, value: float) -> bool:
        """Compare as PromQL does."""
        return _COMPARE[self.op](value, self.bound)


@dataclass(frozen=True, slots=True)
class Reading:
    """An expression understood: its *comparison* if it is one, and what it *need*s to say anything.

    *need* is None where the text could not be read; then an empty answer proves nothing. *drops* says that rows may
    end although their series go on, as those of `count(up == 0)` do. *asks* is the question in one spelling, without
    the comparison.
    """

    comparison: Comparison | None
    need: Need | None
    drops: bool = True
    asks: str = ""


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """Read an expression.

    >>> read("0.8 < avg by (job) (load{a=`b`})").comparison
    Comparison(value='avg by (job) (load{a="b"})', op='>', bound=0.8)
    >>> read("count(up == 0)").drops, read("count(up)").drops
    (True, False)
    """
    tree = parse(text)
    unread = Reading(None, None, asks=text.strip())
    if isinstance(tree, Fault):
        return unread
    try:
        comparison = _comparison(tree)
        asks = comparison.value if comparison is not None else canonical(tree)
        return Reading(comparison, _need(tree, EVERYTHING), _drops(tree), asks)
    except RecursionError:  # a sum of a thousand terms
        return unread


def _comparison(tree: Expr) -> Comparison | None:
    tree = bare(tree)
    if not isinstance(tree, Binary) or tree.bool or tree.op not in _COMPARE:
        return None
    left, right = _number(tree.left), _number(tree.right)
    if left is None and right is not None:
        return Comparison(canonical(tree.left), tree.op, right)
    if left is not None and right is None:
        return Comparison(canonical(tree.right), MIRROR[tree.op], left)
    return None


def _number(tree: Expr) -> float | None:
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Parens):
        return _number(tree.expr)
    if isinstance(tree, Unary):
        inner = _number(tree.expr)
        return None if inner is None else -inner
    return None


def _instant(tree: Selector | RangeSelector) -> str:
    """The selector whose rows must be there now: without its range, at its own time."""
    if isinstance(tree, RangeSelector):
        tree = replace(tree.selector, offset=tree.offset, at=tree.at)
    return canonical(tree)


def _need(tree: Expr, scope: Scope) -> Need:
    """The series that the result needs; absence is normal below absent and on the right of unless."""
    if isinstance(tree, Selector | RangeSelector):
        matchers = tree.matchers if isinstance(tree, Selector) else tree.selector.matchers
        equal = [(m.label.value, m.value.value) for m in matchers if m.op == "=" and m.value.value]
        held = tuple((name, value) for name, value in equal if name != "__name__" and scope.holds(name))
        return Witness(_instant(tree), scope, held)
    if isinstance(tree, Binary):
        return _need_of_operands(tree, scope)
    if isinstance(tree, Call):
        return _need_of_arguments(tree, scope)
    if isinstance(tree, Aggregation):
        return _need(tree.expr, _aggregated(tree, scope))
    if isinstance(tree, Subquery | Parens | Unary):
        return _need(tree.expr, scope)
    return All()


def _need_of_operands(tree: Binary, scope: Scope) -> Need:
    """Labels of the result come from one side, and from the other only as far as the two are matched."""
    op = tree.op
    if op == "or":
        return Either((_need(tree.left, scope), _need(tree.right, scope)))
    left = right = scope
    matching = tree.matching
    if matching is not None:
        copied = frozenset(label.value for label in matching.include)
        matched = _matched(matching, scope, copied)
        if not matching.group:
            left = right = matched
        elif matching.group == "right":
            left, right = matched, scope.minus(copied)
        else:
            left, right = scope.minus(copied), matched
    if op == "unless":
        return _need(tree.left, left)
    return All((_need(tree.left, left), _need(tree.right, right)))


def _matched(matching: Matching, scope: Scope, copied: frozenset[str]) -> Scope:
    return scope.within(matching.names | copied) if matching.on else scope.minus(matching.names - copied)


def _need_of_arguments(tree: Call, scope: Scope) -> Need:
    name, arguments = tree.name.value, tree.arguments
    if name.startswith("absent"):
        return All()
    if name in {"label_replace", "label_join"} and isinstance(arguments[1], String):
        scope = scope.minus(frozenset({arguments[1].value}))
    if name == "scalar":
        scope = scope.within(NOTHING)
    return All(tuple(_need(argument, scope) for argument in arguments))


def _aggregated(tree: Aggregation, scope: Scope) -> Scope:
    op = tree.op
    if op in CHOOSING:
        return scope
    if op == "count_values" and isinstance(tree.parameter, String):
        scope = scope.minus(frozenset({tree.parameter.value}))
    if tree.grouping is None:
        return scope.within(NOTHING)
    return scope.minus(tree.grouping.names) if tree.grouping.without else scope.within(tree.grouping.names)


def _drops(tree: Expr) -> bool:
    """Whether a row of the result may end although its series go on."""
    if isinstance(tree, Binary):
        op = tree.op
        return op in _SETS or (op in _COMPARE and not tree.bool) or _drops(tree.left) or _drops(tree.right)
    if isinstance(tree, Call):
        return tree.name.value.startswith("absent") or any(_drops(argument) for argument in tree.arguments)
    if isinstance(tree, Aggregation):
        return tree.op in {*CHOOSING, "count_values"} or _drops(tree.expr)
    if isinstance(tree, Subquery | Parens | Unary):
        return _drops(tree.expr)
    return False
