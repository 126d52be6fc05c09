"""What an expression counts: events by the second or by the window, a share of them, or things that are there."""

from dataclasses import dataclass, replace
from enum import StrEnum

from tocsin.promql_syntax import Aggregation, Binary, Call, Expr, Number, bare


class Counts(StrEnum):
    """What the value of an expression is a number of."""

    EVENTS = "events"
    SHARE = "a share of events"
    THINGS = "a number of series"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Counted:
    """*factor* times what it *counts*; *mixed* is an operator between two that do not count the same."""

    counts: Counts
    factor: float = 1.0
    mixed: Binary | None = None


_UNKNOWN = Counted(Counts.UNKNOWN)
_KEEPING = frozenset({"abs", "clamp_min", "clamp_max", "clamp", "label_replace", "label_join", "sort", "sort_desc"})
_OF_ROWS = frozenset({"max", "min", "avg", "sum"})


def counted(node: Expr) -> Counted:
    """What *node* counts; unknown where that depends on what is exported.

    >>> from tocsin.promql_syntax.parser import parse
    >>> counted(parse("sum(rate(x[5m])) * 60"))
    Counted(counts=<Counts.EVENTS: 'events'>, factor=60.0, mixed=None)
    >>> counted(parse("sum(rate(x[5m])) / sum(rate(y[5m]))")).counts.value
    'a share of events'
    """
    node = bare(node)
    if isinstance(node, Aggregation):
        if node.op in {"count", "group"}:
            return Counted(Counts.THINGS)
        return counted(node.expr) if node.op in _OF_ROWS else _UNKNOWN
    if isinstance(node, Call):
        if node.name.value in {"rate", "irate", "increase"}:
            return Counted(Counts.EVENTS)
        keeps = node.name.value in _KEEPING
        return counted(node.arguments[0]) if keeps else _UNKNOWN
    return _joined(node) if isinstance(node, Binary) else _UNKNOWN


def _joined(node: Binary) -> Counted:
    left, right = counted(node.left), counted(node.right)
    mixed = left.mixed or right.mixed
    number = bare(node.right)
    if node.op in {"+", "-"}:
        known = {left.counts, right.counts} - {Counts.UNKNOWN}
        if len(known) > 1 and Counts.THINGS in known:
            return Counted(Counts.UNKNOWN, mixed=mixed or node)
        same = left.counts is right.counts and left.factor == right.factor
        return replace(left, mixed=mixed) if same else Counted(Counts.UNKNOWN, mixed=mixed)
    if node.op in {"*", "/"}:
        return replace(_scaled(node, left, right), mixed=mixed)
    if node.op in {"or", "and", "unless"} or (isinstance(number, Number) and not node.bool):
        return replace(left, mixed=mixed)
    return Counted(Counts.UNKNOWN, mixed=mixed)


def _scaled(node: Binary, left: Counted, right: Counted) -> Counted:
    for one, other, number in ((left, right, bare(node.right)), (right, left, bare(node.left))):
        if isinstance(number, Number) and number.value and (node.op == "*" or one is left):
            return replace(one, factor=one.factor * number.value if node.op == "*" else one.factor / number.value)
        if isinstance(number, Number) and number.value == 0 and node.op == "*":
            return one
        if node.op == "*" and one.counts is Counts.EVENTS and other.counts is Counts.SHARE:
            return one
    if node.op == "/" and left.counts is right.counts is Counts.EVENTS:
        return Counted(Counts.SHARE)
    return _UNKNOWN
