"""Which labels the rows of an expression may have, and which they have for certain or by all appearances."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Literal

from tocsin.promql_syntax.shares import accepts
from tocsin.promql_syntax.tree import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Matcher,
    RangeSelector,
    Selector,
    String,
    Type,
    bare,
    children,
)

SCRAPED = frozenset({"job", "instance"})
"""Labels that every scraped series has."""
CHOOSING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that keep some of their rows as they are."""
_NONE = frozenset[str]()
Asked = Mapping[str, tuple[Matcher, ...]]


@dataclass(frozen=True, slots=True)
class Flow:
    """Labels of the rows: at most *only* (None: any) without *lacks*; *has* are those that somebody counts on.

    *scraped* rows come from a target, label by label. *asked* are the matchers that the labels of every row pass.
    """

    only: frozenset[str] | None = None
    lacks: frozenset[str] = _NONE
    has: frozenset[str] = _NONE
    scraped: bool = False
    asked: Asked = field(default_factory=dict)
    sure: frozenset[str] = _NONE
    """Labels that rows have for certain, besides those that *asked* says."""

    def may_have(self, label: str) -> bool:
        """Whether a row can have it."""
        return label not in self.lacks and (self.only is None or label in self.only)

    @property
    def expected(self) -> frozenset[str]:
        """Labels that rows have, unless something is odd."""
        usual = self.has | (SCRAPED if self.scraped else _NONE)
        return frozenset(label for label in usual if self.may_have(label))

    def value(self, label: str) -> str | None:
        """The one value that *label* has in every row, "" where no row has it; None where that depends on the data."""
        if not self.may_have(label):
            return ""
        return next((m.value.value for m in self.asked.get(label, ()) if m.op == "="), None)

    def refuses(self, label: str, value: str) -> Matcher | bool:
        """Whether no row can have *value* as its *label*, and the matcher that says so, if it is one."""
        if wanting := next((m for m in self.asked.get(label, ()) if not accepts(m, value)), None):
            return wanting
        return not value and label in self.sure

    def within(self, labels: frozenset[str], *, named: bool = False) -> "Flow":
        """Nothing but *labels*; *named* by somebody who counts on them."""
        kept = labels if self.only is None else self.only & labels
        has = (labels if named else self.has) & kept
        return Flow(kept, self.lacks, has, asked=_some(self.asked, kept), sure=self.sure & kept)

    def minus(self, labels: frozenset[str]) -> "Flow":
        """Without *labels*."""
        return replace(
            self,
            lacks=self.lacks | labels,
            has=self.has - labels,
            asked=_some(self.asked, self.asked.keys() - labels),
            sure=self.sure - labels,
        )

    def plus(self, labels: frozenset[str]) -> "Flow":
        """With *labels* more, which may be anything."""
        only = None if self.only is None else self.only | labels
        return replace(
            self,
            only=only,
            lacks=self.lacks - labels,
            has=self.has - labels,
            asked=_some(self.asked, self.asked.keys() - labels),
            sure=self.sure - labels,
        )


def _some(asked: Asked, labels: AbstractSet[str]) -> Asked:
    return {label: given for label, given in asked.items() if label in labels} if asked else asked


NO_LABELS = Flow(only=_NONE)
Declared = Mapping[str, frozenset[str]]
"""Labels that the series of a metric have, for those of which somebody says so."""
NOTHING_DECLARED: Declared = {}


def flow(node: Expr, declared: Declared = NOTHING_DECLARED) -> Flow:
    """The labels of the rows of *node*.

    >>> from tocsin.promql_syntax.parser import parse
    >>> flow(parse("sum by (job, code) (rate(x[5m]))")).may_have("instance")
    False
    """
    try:
        return _flow(node, declared)
    except RecursionError:  # a sum of a thousand terms
        return Flow()


def _flow(node: Expr, declared: Declared) -> Flow:
    if isinstance(node, Selector):
        return _selected(node, declared)
    if isinstance(node, RangeSelector):
        return _selected(node.selector, declared)
    if isinstance(node, Aggregation):
        return _aggregated(node, declared)
    if isinstance(node, Binary):
        return _joined(node, declared)
    if isinstance(node, Call):
        return _called(node, declared)
    inner = children(node)
    return flow(inner[0], declared) if inner else NO_LABELS


def _selected(node: Selector, declared: Declared) -> Flow:
    equal = {m.label.value: m.value.value for m in node.matchers if m.op == "="}
    lacks = frozenset(label for label, value in equal.items() if not value)
    has = frozenset(label for label, value in equal.items() if value and label != "__name__")
    metric = node.metric or ""
    asked: dict[str, tuple[Matcher, ...]] = {}
    for matcher in node.matchers:
        if matcher.label.value != "__name__":
            asked[matcher.label.value] = (*asked.get(matcher.label.value, ()), matcher)
    scraped = bool(metric) and ":" not in metric and not metric.startswith("ALERTS")
    sure = SCRAPED if metric == "up" or metric.startswith("scrape_") else _NONE
    return Flow(None, lacks, has, scraped, asked, (sure | declared.get(metric, _NONE)) - lacks)


def _aggregated(node: Aggregation, declared: Declared) -> Flow:
    inner = flow(node.expr, declared)
    if node.op in CHOOSING:
        return inner
    if node.grouping is None:
        found = NO_LABELS
    elif node.grouping.without:
        found = inner.minus(node.grouping.names)
    else:
        found = inner.within(node.grouping.names, named=True)
    if node.op == "count_values" and isinstance(node.parameter, String):
        found = found.plus(frozenset({node.parameter.value}))
    return found


def _joined(node: Binary, declared: Declared) -> Flow:
    if node.left.type is Type.SCALAR:
        return flow(node.right, declared)
    if node.right.type is Type.SCALAR:
        return flow(node.left, declared)
    left, right, matching = flow(node.left, declared), flow(node.right, declared), node.matching
    if node.op == "or":
        only = None if left.only is None or right.only is None else left.only | right.only
        return Flow(only, left.lacks & right.lacks, left.has & right.has, left.scraped and right.scraped)  # any value
    if node.op in {"and", "unless"} or matching is None:
        return left
    if matching.group:
        many = left if matching.group == "left" else right
        return many.plus(frozenset(label.value for label in matching.include))
    return left.within(matching.names) if matching.on else left.minus(matching.names)


def _called(node: Call, declared: Declared) -> Flow:
    name, arguments = node.name.value, node.arguments
    vectors = [each for each in arguments if each.type in {Type.VECTOR, Type.MATRIX}]
    if not vectors or name == "scalar":
        return NO_LABELS
    inner = flow(vectors[0], declared)
    if name in {"absent", "absent_over_time"}:
        if not isinstance(bare(vectors[0]), Selector | RangeSelector):
            return NO_LABELS
        equal = {label: given for label, given in inner.asked.items() if all(m.op == "=" for m in given)}
        return Flow(inner.has, inner.lacks, inner.has, asked={k: v for k, v in equal.items() if len(v) == 1})
    if name in {"label_replace", "label_join"} and isinstance(arguments[1], String):
        return inner.plus(frozenset({arguments[1].value}))
    if name == "info":
        return Flow(None, _NONE, inner.has)
    if name == "histogram_quantiles":
        return inner.minus(frozenset({"le"})).plus(frozenset(a.value for a in arguments if isinstance(a, String)))
    if name == "histogram_quantile":
        return inner.minus(frozenset({"le"}))
    return inner


@dataclass(frozen=True, slots=True)
class Parted:
    """Why no two rows ever agree: the *label* that they are joined by.

    *has* is the side that has it, or asks for a value, and the other one cannot have it, or has the value *other*.
    Where *certain* is false that is so by all appearances: a label that is grouped by, or that scraped series have.
    """

    label: str
    has: Literal["left", "right"]
    certain: bool
    asks: Matcher | None = None
    other: str = ""


def never_joined(node: Binary, declared: Declared = NOTHING_DECLARED) -> Parted | None:
    """Why no row of the left side of *node* ever meets one of the right side, if that is so."""
    if node.op == "or" or node.fill or node.left.type is not Type.VECTOR or node.right.type is not Type.VECTOR:
        return None
    left, right = flow(node.left, declared), flow(node.right, declared)
    return _certainly(node, left, right) or _probably(node, left, right)


def _certainly(node: Binary, left: Flow, right: Flow) -> Parted | None:
    matching = node.matching
    if matching is not None and matching.on:
        labels = matching.names
    else:
        ignored = matching.names if matching is not None else _NONE
        labels = frozenset({*left.asked, *right.asked, *left.sure, *right.sure}) - ignored
    for label in sorted(labels - {"__name__"}):
        for one, other, has in _sides(left, right):
            value = other.value(label)
            refused = one.refuses(label, value) if value is not None else False
            if value is not None and refused:
                asks = refused if isinstance(refused, Matcher) else None
                return Parted(label, has, certain=True, asks=asks, other=value)
    return None


def _probably(node: Binary, left: Flow, right: Flow) -> Parted | None:
    matching = node.matching
    for one, other, has in _sides(left, right):
        if matching is not None and matching.on:
            labels = {label for label in matching.names if one.may_have(label)}
        else:
            labels = set(one.expected) - (matching.names if matching is not None else _NONE)
        for label in sorted(labels - {"__name__"}):
            if not other.may_have(label):
                return Parted(label, has, certain=False)
    return None


def _sides(left: Flow, right: Flow) -> tuple[tuple[Flow, Flow, Literal["left", "right"]], ...]:
    return (left, right, "left"), (right, left, "right")
