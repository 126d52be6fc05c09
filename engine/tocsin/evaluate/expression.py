"""What can be learnt from a PromQL expression: a comparison to take apart, selectors that must still have rows.

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
    """An expression understood: its *comparison* if it is one, and the *selectors* without which it says nothing.

    *selectors* is None where the text could not be read; then an empty answer proves nothing.
    """

    comparison: Comparison | None
    selectors: tuple[str, ...] | None


@lru_cache(maxsize=4096)
def read(text: str) -> Reading:
    """Read an expression.

    >>> read("0.8 < avg by (job) (load{a=`b`})").comparison
    Comparison(value='avg by (job) (load{a="b"})', op='>', bound=0.8)
    >>> read("a > b unless on (x) c").selectors
    ('a', 'b')
    """
    if len(text) > LONGEST or len(_BUSY.findall(text)) > BUSIEST or _NEGATIVE_AT.search(text):
        return Reading(None, None)
    try:
        tree = pp.parse(_without_backticks(text))
        return Reading(_comparison(tree), tuple(dict.fromkeys(_needed(tree))))
    except (ValueError, RecursionError):
        return Reading(None, None)


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


def _needed(tree: pp.Expr) -> list[str]:
    """The instant and range selectors whose rows the result needs; absence is normal below absent, unless and or."""
    if isinstance(tree, pp.VectorSelector):
        return [tree.prettify()]
    if isinstance(tree, pp.MatrixSelector):
        return [tree.vector_selector.prettify()]
    if isinstance(tree, pp.BinaryExpr):
        op = str(tree.op)
        if op == "or":
            return []
        return _needed(tree.lhs) + ([] if op == "unless" else _needed(tree.rhs))
    if isinstance(tree, pp.Call):
        if tree.func.name.startswith("absent"):
            return []
        return [name for arg in tree.args for name in _needed(arg)]
    if isinstance(tree, pp.AggregateExpr | pp.SubqueryExpr | pp.ParenExpr | pp.UnaryExpr):
        return _needed(tree.expr)
    return []
