"""What can be learnt from a PromQL expression: a comparison to take apart, series that must still be there.

promql-parser has traps, which this module steps around: nodes are printed by `prettify()` only (`str()` drops
backslashes and turns subqueries into ranges), very long or deep texts crash it (so they are not parsed), strings in
backticks are unescaped wrongly (so they are rewritten with double quotes first).
"""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import promql_parser as pp

from tocsin.evaluate.witness import EVERYTHING, NOTHING, All, Either, Need, Scope, Selector

LONGEST = 100_000
BUSIEST = 2_000
"""Operators and brackets: 3,000 terms or 7,000 nested brackets are fine, 10,000 of either crash the parser."""
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
_MIRROR = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
_SETS = frozenset({"and", "or", "unless"})
_CHOOSING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that keep some of their rows as they are."""
_STRING = re.compile(r'"(?:\\.|[^"\\])*"' + r"|'(?:\\.|[^'\\])*'" + r"|(?P<raw>`[^`]*`)" + r"|#[^\n]*", re.DOTALL)
_BUSY = re.compile(r"[-+*/%^<>=!({\[]|\b(?:and|or|unless|atan2)\b", re.IGNORECASE)
_NEGATIVE_AT = re.compile(r"@\s*-")
"""A time before 1970, which the parser would turn into 1970."""


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
    unread = Reading(None, None, asks=text.strip())
    if len(text) > LONGEST or len(_BUSY.findall(text)) > BUSIEST or _NEGATIVE_AT.search(text):
        return unread
    try:
        tree = pp.parse(_without_backticks(text))
        comparison = _comparison(tree)
        asks = comparison.value if comparison is not None else tree.prettify()
        return Reading(comparison, _need(tree, EVERYTHING), _drops(tree), asks)
    except (ValueError, RecursionError):
        return unread


def _without_backticks(text: str) -> str:
    def quoted(match: re.Match[str]) -> str:
        raw = match["raw"]
        if raw is None:
            return match[0]
        body = raw[1:-1].replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{body}"'

    return _STRING.sub(quoted, text)


def _comparison(tree: pp.Expr) -> Comparison | None:
    while isinstance(tree, pp.ParenExpr):
        tree = tree.expr
    if not isinstance(tree, pp.BinaryExpr) or (tree.modifier is not None and tree.modifier.return_bool):
        return None
    op = str(tree.op)
    if op not in _COMPARE:
        return None
    left, right = _number(tree.lhs), _number(tree.rhs)
    if left is None and right is not None:
        return Comparison(tree.lhs.prettify(), op, right)
    if left is not None and right is None:
        return Comparison(tree.rhs.prettify(), _MIRROR[op], left)
    return None


def _number(tree: pp.Expr) -> float | None:
    if isinstance(tree, pp.NumberLiteral):
        return float(tree.val)
    if isinstance(tree, pp.ParenExpr):
        return _number(tree.expr)
    if isinstance(tree, pp.UnaryExpr):
        inner = _number(tree.expr)
        return None if inner is None else -inner
    return None


def _need(tree: pp.Expr, scope: Scope) -> Need:
    """The series that the result needs; absence is normal below absent and on the right of unless."""
    if isinstance(tree, pp.VectorSelector):
        found = tree.matchers.matchers
        equal = [(m.name, m.value) for m in found if m.op == pp.MatchOp.Equal and m.value and m.name != "__name__"]
        return Selector(tree.prettify(), scope, tuple((name, value) for name, value in equal if scope.holds(name)))
    if isinstance(tree, pp.MatrixSelector):
        return _need(tree.vector_selector, scope)
    if isinstance(tree, pp.BinaryExpr):
        return _need_of_operands(tree, scope)
    if isinstance(tree, pp.Call):
        return _need_of_arguments(tree, scope)
    if isinstance(tree, pp.AggregateExpr):
        return _need(tree.expr, _aggregated(tree, scope))
    if isinstance(tree, pp.SubqueryExpr | pp.ParenExpr | pp.UnaryExpr):
        return _need(tree.expr, scope)
    return All()


def _need_of_operands(tree: pp.BinaryExpr, scope: Scope) -> Need:
    """Labels of the result come from one side, and from the other only as far as the two are matched."""
    op = str(tree.op)
    if op == "or":
        return Either((_need(tree.lhs, scope), _need(tree.rhs, scope)))
    left = right = scope
    modifier = tree.modifier
    if modifier is not None:
        copied = frozenset(modifier.group_labels or ())
        matched = _matched(modifier.matching, scope, copied)
        if modifier.card == pp.VectorMatchCardinality.OneToOne:
            left = right = matched
        elif modifier.card == pp.VectorMatchCardinality.OneToMany:
            left, right = matched, scope.minus(copied)
        else:
            left, right = scope.minus(copied), matched
    if op == "unless":
        return _need(tree.lhs, left)
    return All((_need(tree.lhs, left), _need(tree.rhs, right)))


def _matched(matching: pp.LabelModifier | None, scope: Scope, copied: frozenset[str]) -> Scope:
    if matching is None:
        return scope
    labels = frozenset(matching.labels)
    if matching.type == pp.LabelModifierType.Include:
        return scope.within(labels | copied)
    return scope.minus(labels - copied)


def _need_of_arguments(tree: pp.Call, scope: Scope) -> Need:
    name, arguments = tree.func.name, list(tree.args)
    if name.startswith("absent"):
        return All()
    if name in {"label_replace", "label_join"} and isinstance(arguments[1], pp.StringLiteral):
        scope = scope.minus(frozenset({arguments[1].val}))
    if name == "scalar":
        scope = scope.within(NOTHING)
    return All(tuple(_need(argument, scope) for argument in arguments))


def _aggregated(tree: pp.AggregateExpr, scope: Scope) -> Scope:
    op = str(tree.op)
    if op in _CHOOSING:
        return scope
    if op == "count_values" and isinstance(tree.param, pp.StringLiteral):
        scope = scope.minus(frozenset({tree.param.val}))
    if tree.modifier is None:
        return scope.within(NOTHING)
    labels = frozenset(tree.modifier.labels)
    return scope.within(labels) if tree.modifier.type == pp.AggModifierType.By else scope.minus(labels)


def _drops(tree: pp.Expr) -> bool:
    """Whether a row of the result may end although its series go on."""
    if isinstance(tree, pp.BinaryExpr):
        op = str(tree.op)
        as_number = tree.modifier is not None and tree.modifier.return_bool
        return op in _SETS or (op in _COMPARE and not as_number) or _drops(tree.lhs) or _drops(tree.rhs)
    if isinstance(tree, pp.Call):
        return tree.func.name.startswith("absent") or any(_drops(argument) for argument in tree.args)
    if isinstance(tree, pp.AggregateExpr):
        return str(tree.op) in {*_CHOOSING, "count_values"} or _drops(tree.expr)
    if isinstance(tree, pp.SubqueryExpr | pp.ParenExpr | pp.UnaryExpr):
        return _drops(tree.expr)
    return False
