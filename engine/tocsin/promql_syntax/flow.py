"""Which labels the rows of an expression may have, and which they have for certain or by all appearances."""

from dataclasses import dataclass, replace

from tocsin.promql_syntax.tree import Aggregation, Binary, Call, Expr, RangeSelector, Selector, String, Type, children

SCRAPED = frozenset({"job", "instance"})
"""Labels that every scraped series has."""
CHOOSING = frozenset({"topk", "bottomk", "limitk", "limit_ratio"})
"""Aggregations that keep some of their rows as they are."""
_NONE = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Flow:
    """Labels of the rows: at most *only* (None: any) without *lacks*; *has* are those that somebody counts on.

    *scraped* rows come from a target, label by label.
    """

    only: frozenset[str] | None = None
    lacks: frozenset[str] = _NONE
    has: frozenset[str] = _NONE
    scraped: bool = False

    def may_have(self, label: str) -> bool:
        """Whether a row can have it."""
        return label not in self.lacks and (self.only is None or label in self.only)

    @property
    def expected(self) -> frozenset[str]:
        """Labels that rows have, unless something is odd."""
        usual = self.has | (SCRAPED if self.scraped else _NONE)
        return frozenset(label for label in usual if self.may_have(label))

    def within(self, labels: frozenset[str], *, named: bool = False) -> "Flow":
        """Nothing but *labels*; *named* by somebody who counts on them."""
        kept = labels if self.only is None else self.only & labels
        return Flow(kept, self.lacks, (labels if named else self.has) & kept)

    def minus(self, labels: frozenset[str]) -> "Flow":
        """Without *labels*."""
        return replace(self, lacks=self.lacks | labels, has=self.has - labels)

    def plus(self, labels: frozenset[str]) -> "Flow":
        """With *labels* more, which may be anything."""
        only = None if self.only is None else self.only | labels
        return replace(self, only=only, lacks=self.lacks - labels, has=self.has - labels)


NO_LABELS = Flow(only=_NONE)


def flow(node: Expr) -> Flow:
    """The labels of the rows of *node*.

    >>> from tocsin.promql_syntax.parser import parse
    >>> flow(parse("sum by (job, code) (rate(x[5m]))")).may_have("instance")
    False
    """
    try:
        return _flow(node)
    except RecursionError:  # a sum of a thousand terms
        return Flow()


def _flow(node: Expr) -> Flow:
    if isinstance(node, Selector | RangeSelector):
        return _selected(node if isinstance(node, Selector) else node.selector)
    if isinstance(node, Aggregation):
        return _aggregated(node)
    if isinstance(node, Binary):
        return _joined(node)
    if isinstance(node, Call):
        return _called(node)
    inner = children(node)
    return flow(inner[0]) if inner else NO_LABELS


def _selected(node: Selector) -> Flow:
    equal = {m.label.value: m.value.value for m in node.matchers if m.op == "="}
    lacks = frozenset(label for label, value in equal.items() if not value)
    has = frozenset(label for label, value in equal.items() if value and label != "__name__")
    metric = node.metric or ""
    return Flow(None, lacks, has, scraped=bool(metric) and ":" not in metric and not metric.startswith("ALERTS"))


def _aggregated(node: Aggregation) -> Flow:
    inner = flow(node.expr)
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


def _joined(node: Binary) -> Flow:
    if node.left.type is Type.SCALAR:
        return flow(node.right)
    if node.right.type is Type.SCALAR:
        return flow(node.left)
    left, right, matching = flow(node.left), flow(node.right), node.matching
    if node.op == "or":
        only = None if left.only is None or right.only is None else left.only | right.only
        return Flow(only, left.lacks & right.lacks, left.has & right.has, left.scraped and right.scraped)
    if node.op in {"and", "unless"} or matching is None:
        return left
    if matching.group:
        many = left if matching.group == "left" else right
        return many.plus(frozenset(label.value for label in matching.include))
    return left.within(matching.names) if matching.on else left.minus(matching.names)


def _called(node: Call) -> Flow:
    name, arguments = node.name.value, node.arguments
    vectors = [each for each in arguments if each.type in {Type.VECTOR, Type.MATRIX}]
    if not vectors or name == "scalar":
        return NO_LABELS
    inner = flow(vectors[0])
    if name in {"absent", "absent_over_time"}:
        return replace(inner, only=inner.has, scraped=False) if isinstance(vectors[0], Selector) else NO_LABELS
    if name in {"label_replace", "label_join"} and isinstance(arguments[1], String):
        return inner.plus(frozenset({arguments[1].value}))
    if name == "info":
        return Flow(None, _NONE, inner.has)
    if name == "histogram_quantile":
        return inner.minus(frozenset({"le"}))
    return inner


def never_joined(node: Binary) -> tuple[str, bool] | None:
    """A label that one side of *node* has and the other cannot have, so that no two rows ever agree.

    With it, whether it is the left side that cannot have it.
    """
    if node.op == "or" or node.left.type is not Type.VECTOR or node.right.type is not Type.VECTOR:
        return None
    left, right, matching = flow(node.left), flow(node.right), node.matching
    for one, other, lacking_left in ((left, right, False), (right, left, True)):
        if matching is not None and matching.on:
            labels = {label for label in matching.names if one.may_have(label)}
        else:
            labels = set(one.expected) - (matching.names if matching is not None else _NONE)
        for label in sorted(labels - {"__name__"}):
            if not other.may_have(label):
                return label, lacking_left
    return None
