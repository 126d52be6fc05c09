"""Why an expression never has a row, whatever is exported.

Nothing that is only likely counts here: `rate()` of what might be a gauge may be negative, and a label that is grouped
by may be missing. What is said of an expression is said of all of Prometheus' versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from tocsin.promql_syntax.bounds import against_number, bounds, surely_bounded
from tocsin.promql_syntax.canonical import canonical
from tocsin.promql_syntax.flow import NOTHING_DECLARED, Declared, flow, never_joined
from tocsin.promql_syntax.shares import accepts
from tocsin.promql_syntax.tree import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Parens,
    RangeSelector,
    Selector,
    Subquery,
    Type,
    Unary,
    bare,
    nodes,
)
from tocsin.promql_syntax.values import MIRROR, Values, failing, passing

_NEVER_EMPTY = frozenset({"absent", "absent_over_time", "vector", "scalar"})
_FULL = frozenset({"(.*)", ".*", ".*?", "^.*$", "(?s).*", "(?s:.*)"})


class Why(StrEnum):
    """What keeps rows away."""

    MATCHERS = "matchers"
    """No series passes the matchers of a selector."""
    LABELS = "labels"
    """The rows of two sides never agree in a label."""
    COMPARISON = "comparison"
    """No value passes a comparison, or passes it after another one."""
    SIDES = "sides"
    """No value passes both sides of `and`."""
    TAKEN = "taken"
    """What `unless` takes away is all there is."""


@dataclass(frozen=True, slots=True)
class Cause:
    """The innermost node that has no row, and why."""

    node: Expr
    why: Why


@dataclass(frozen=True, slots=True)
class _Rows:
    """What is known of the value of every row: that of the operand *value* of its labels.

    *limits* are the values that operands have for the labels of the row. *exact*: each row whose operands have such
    values is there.
    """

    value: str
    limits: Mapping[str, Values] = field(default_factory=dict)
    exact: bool = True

    def limited(self, to: Mapping[str, Values], *, exact: bool) -> "_Rows":
        limits = dict(self.limits)
        for operand, values in to.items():
            limits[operand] = limits.get(operand, Values()).meet(values)
        return _Rows(self.value, limits, exact)

    @property
    def none(self) -> bool:
        return any(values.none for values in self.limits.values())

    def within(self, other: "_Rows") -> bool:
        return other.exact and all(
            operand in self.limits and self.limits[operand].within(values) for operand, values in other.limits.items()
        )


def never(tree: Expr) -> Cause | None:
    """Why *tree* never has a row, if that is certain.

    >>> from tocsin.promql_syntax.parser import parse
    >>> never(parse("x > 5 and x < 2")).why.value, never(parse("x > 5 or x < 2"))
    ('sides', None)
    """
    return Emptiness().of(tree)


class Emptiness:
    """The causes of one tree; remembers what it found of each node. *declared* are labels that metrics have."""

    def __init__(self, declared: Declared = NOTHING_DECLARED) -> None:
        self._declared = declared
        self._known: dict[int, Cause | None] = {}
        self._rows: dict[int, _Rows] = {}

    def of(self, node: Expr) -> Cause | None:
        """Why *node* never has a row."""
        if id(node) not in self._known:
            try:
                self._known[id(node)] = self._of(node)
            except RecursionError:  # a sum of a thousand terms
                self._known[id(node)] = None
        return self._known[id(node)]

    def beyond(self, node: Expr, op: str, bound: float) -> bool:
        """Whether no row of *node* passes `op bound`."""
        rows = self._read(node)
        return rows.limited({rows.value: passing(op, bound)}, exact=False).none

    def _of(self, node: Expr) -> Cause | None:
        match node:
            case Selector():
                return Cause(node, Why.MATCHERS) if _contradicts(node) else None
            case RangeSelector():
                return self.of(node.selector)
            case Subquery() | Parens() | Unary() | Aggregation():
                return self.of(node.expr)
            case Call():
                return self._called(node)
            case Binary():
                return self._joined(node)
            case _:
                return None

    def _called(self, node: Call) -> Cause | None:
        if node.name.value in _NEVER_EMPTY:
            return None
        vectors = [each for each in node.arguments if each.type in {Type.VECTOR, Type.MATRIX}]
        return self.of(vectors[0]) if vectors else None

    def _joined(self, node: Binary) -> Cause | None:
        left = self.of(node.left) if node.left.type is Type.VECTOR else None
        right = self.of(node.right) if node.right.type is Type.VECTOR else None
        if node.op == "or":
            return left if right is not None else None
        if node.op == "unless":
            taken = left is None and right is None and self._all_taken(node)
            return Cause(node, Why.TAKEN) if taken else left
        if node.fill:
            return None
        if left or right:
            return left or right
        parted = never_joined(node, self._declared)
        if parted is not None and parted.certain:
            return Cause(node, Why.LABELS)
        if node.op in MIRROR or node.op == "and":
            return Cause(node, Why.SIDES if node.op == "and" else Why.COMPARISON) if self._read(node).none else None
        return None

    def _all_taken(self, node: Binary) -> bool:
        """Whether each row of the left is on the right, too: then it meets itself by any labels but the name.

        A comparison with `bool` has lost that.
        """
        named = node.matching is not None and node.matching.on and "__name__" in node.matching.names
        return not named and self._read(node.left).within(self._read(node.right))

    def _read(self, node: Expr) -> _Rows:
        node = bare(node)
        if id(node) not in self._rows:
            self._rows[id(node)] = self._reading(node)
        return self._rows[id(node)]

    def _reading(self, node: Expr) -> _Rows:
        if isinstance(node, Binary) and node.type is Type.VECTOR:
            if not node.bool and (asked := against_number(node)):
                return self._compared(*asked)
            if node.op in {"and", "unless"}:
                return self._of_set(node)
        return _operand(node)

    def _compared(self, value: Expr, op: str, bound: float) -> _Rows:
        rows = self._read(value)
        rows = rows.limited({rows.value: passing(op, bound)}, exact=rows.exact)
        inner = bare(value)
        if isinstance(inner, Binary) and inner.bool and (asked := against_number(inner)):
            operand, how, number = asked
            rows = _answered(self._read(operand), how, number, rows)
        return rows

    def _of_set(self, node: Binary) -> _Rows:
        left = self._read(node.left)
        if not _row_by_row(node):
            return _Rows(left.value, left.limits, exact=False)
        right = self._read(node.right)
        if node.op == "and":
            return left.limited(right.limits, exact=left.exact and right.exact)
        return _Rows(left.value, left.limits, exact=False)


def _answered(rows: _Rows, op: str, bound: float, answer: _Rows) -> _Rows:
    """What is known of *rows* where their comparison with `bool` gives 1, or 0, and not the other."""
    given = answer.limits[answer.value]
    yes, no = (not given.meet(passing("==", each)).none for each in (1, 0))
    if yes == no:
        return answer
    limit = passing(op, bound) if yes else failing(op, bound)
    known = {**rows.limits, rows.value: rows.limits.get(rows.value, Values()).meet(limit)}
    if given.none or not (answer.exact and rows.exact and answer.limits.keys() == {answer.value}):
        return answer.limited(known, exact=False)
    return _Rows(answer.value, known)  # the answer follows from the operand: that alone has to be known


def _operand(node: Expr) -> _Rows:
    """Anything whose inside is not looked at; two of one spelling have the same rows."""
    read = [each for each in nodes(node) if isinstance(each, Selector)]
    name = canonical(node) if all(each.metric for each in read) else f"#{id(node)}"
    values = Values(*bounds(node)) if surely_bounded(node) else Values()
    return _Rows(name, {name: values})


def _row_by_row(node: Binary) -> bool:
    """Whether rows meet only those that have the same labels."""
    matching = node.matching
    if matching is None or not (matching.on or matching.labels):
        return True
    if not matching.on:
        return False
    sides = (flow(node.left).only, flow(node.right).only)
    return all(only is not None and only <= matching.names for only in sides)


def _contradicts(node: Selector) -> bool:
    """Whether no series passes all matchers."""
    for matcher in node.matchers:
        if matcher.op == "!~" and matcher.value.value in _FULL:
            return True
        if matcher.op == "=":
            value = matcher.value.value
            others = (m for m in node.matchers if m.label.value == matcher.label.value and m is not matcher)
            if not all(accepts(other, value) for other in others):
                return True
    return False
