"""What a PromQL text gives once everything it reads has been steady for long: gauges level, counters rising evenly.

It is how series are found that bring a value to a threshold; whether the rules then do what they should is promtool's
word alone. What depends on the time of day, or on how a value changes, is not understood, and said to be so.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import (
    Aggregation,
    Binary,
    Call,
    Expr,
    Matching,
    Number,
    Parens,
    RangeSelector,
    Selector,
    Subquery,
    Unary,
)
from tocsin.proofs.selectors import read_selector

Vector = Mapping[Labels, float]


class Unsteady(Exception):  # noqa: N818 -- no error: what the prover does not understand
    """A text whose value cannot be told; the message says why."""


@dataclass(frozen=True, slots=True)
class Steady:
    """One series: *value* is the level of a gauge, or what a counter gains in a second."""

    name: str
    labels: Labels
    value: float


_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": lambda a, b: a > b, "<": lambda a, b: a < b, ">=": lambda a, b: a >= b, "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b, "!=": lambda a, b: a != b,
}  # fmt: skip
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else math.copysign(math.inf, a) if a else math.nan,
    "%": lambda a, b: math.fmod(a, b) if b else math.nan,
    "^": lambda a, b: a**b,
}
_OVER_TIME = frozenset({"avg_over_time", "min_over_time", "max_over_time", "last_over_time", "quantile_over_time"})
_PLAIN: dict[str, Callable[[float], float]] = {
    "abs": abs, "ceil": math.ceil, "floor": math.floor, "sqrt": lambda x: math.sqrt(x) if x >= 0 else math.nan,
}  # fmt: skip
_TOTALS: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "avg": lambda values: sum(values) / len(values),
    "min": min,
    "max": max,
    "count": len,
    "group": lambda _values: 1.0,
}


def steady(node: Expr, series: Iterable[Steady]) -> Vector | float:
    """The value of *node* over *series*; raises Unsteady where that cannot be told."""
    return _Evaluation(tuple(series)).value(node)


class _Evaluation:
    def __init__(self, series: tuple[Steady, ...]) -> None:
        self.series = series

    def value(self, node: Expr) -> Vector | float:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Parens):
            return self.value(node.expr)
        if isinstance(node, Unary):
            inner = self.value(node.expr)
            sign = -1 if node.op == "-" else 1
            return {k: sign * v for k, v in inner.items()} if isinstance(inner, Mapping) else sign * inner
        if isinstance(node, Selector):
            return {s.labels: s.value for s in self._found(node)}
        if isinstance(node, Aggregation):
            return self._aggregated(node)
        if isinstance(node, Binary):
            return self._binary(node)
        if isinstance(node, Call):
            return self._called(node)
        raise Unsteady("it holds what the prover does not know")

    def vector(self, node: Expr) -> Vector:
        found = self.value(node)
        if isinstance(found, Mapping):
            return found
        raise Unsteady("it holds a number where rows should be")

    def scalar(self, node: Expr) -> float:
        found = self.value(node)
        if isinstance(found, Mapping):
            raise Unsteady("it holds rows where a number should be")
        return found

    def _found(self, node: Selector) -> list[Steady]:
        if node.at is not None:
            raise Unsteady("it looks at a fixed time")
        selector = read_selector(node)
        return [s for s in self.series if selector.accepts(s.name, s.labels)]

    def _called(self, node: Call) -> Vector | float:
        name, arguments = node.name.value, node.arguments
        if name in {"rate", "irate", "increase"} and isinstance(arguments[0], RangeSelector):
            seconds = arguments[0].range.seconds or 0
            times = seconds if name == "increase" else 1
            return {s.labels: s.value * times for s in self._found(arguments[0].selector)}
        if name in _OVER_TIME:
            return self._over(arguments[-1])
        if name == "histogram_quantile":
            return self._quantile(self.scalar(arguments[0]), self.vector(arguments[1]))
        if name in _PLAIN:
            return {k: _PLAIN[name](v) for k, v in self.vector(arguments[0]).items()}
        if name in {"clamp_min", "clamp_max"}:
            bound = self.scalar(arguments[1])
            choose = max if name == "clamp_min" else min
            return {k: choose(v, bound) for k, v in self.vector(arguments[0]).items()}
        if name == "vector":
            return {(): self.scalar(arguments[0])}
        if name == "scalar":
            rows = list(self.vector(arguments[0]).values())
            return rows[0] if len(rows) == 1 else math.nan
        raise Unsteady(f"the prover does not know {name}()")

    def _over(self, node: Expr) -> Vector:
        if isinstance(node, RangeSelector):
            return {s.labels: s.value for s in self._found(node.selector)}
        if isinstance(node, Subquery):
            return self.vector(node.expr)
        raise Unsteady("it holds what the prover does not know")

    def _aggregated(self, node: Aggregation) -> Vector:
        if node.op not in _TOTALS:
            raise Unsteady(f"the prover does not know {node.op}")
        names = node.grouping.names if node.grouping else frozenset[str]()
        without = node.grouping is not None and node.grouping.without
        groups: dict[Labels, list[float]] = {}
        for labels, value in self.vector(node.expr).items():
            kept = tuple(pair for pair in labels if (pair[0] in names) != without)
            groups.setdefault(kept, []).append(value)
        return {labels: float(_TOTALS[node.op](values)) for labels, values in groups.items()}

    def _quantile(self, share: float, buckets: Vector) -> Vector:
        groups: dict[Labels, list[tuple[float, float]]] = {}
        for labels, value in buckets.items():
            bound = float(dict(labels).get("le", "nan").replace("Inf", "inf"))
            rest = tuple(pair for pair in labels if pair[0] != "le")
            groups.setdefault(rest, []).append((bound, value))
        return {labels: _quantile(share, sorted(found)) for labels, found in groups.items()}

    def _binary(self, node: Binary) -> Vector | float:
        left, right = self.value(node.left), self.value(node.right)
        if isinstance(left, Mapping) and isinstance(right, Mapping):
            if node.op in {"and", "or", "unless"}:
                return _set_operation(node.op, left, right, node.matching)
            return _joined(node, left, right)
        if isinstance(left, Mapping):
            return {k: r for k, v in left.items() if (r := _one(node, v, _number(right), v)) is not None}
        if isinstance(right, Mapping):
            return {k: r for k, v in right.items() if (r := _one(node, left, v, v)) is not None}
        found = _one(node, left, right, left)
        return math.nan if found is None else found


def _number(value: Vector | float) -> float:
    if isinstance(value, Mapping):
        raise Unsteady("it holds rows where a number should be")
    return value


def _one(node: Binary, left: float, right: float, kept: float) -> float | None:
    if node.op in _COMPARE:
        holds = _COMPARE[node.op](left, right)
        return float(holds) if node.bool else kept if holds else None
    if node.op not in _ARITHMETIC:
        raise Unsteady(f"the prover does not know {node.op}")
    try:
        return _ARITHMETIC[node.op](left, right)
    except (ArithmeticError, ValueError):
        return math.nan


def _key(labels: Labels, matching: Matching | None) -> Labels:
    if matching is None:
        return labels
    return tuple(pair for pair in labels if (pair[0] in matching.names) == matching.on)


def _set_operation(op: str, left: Vector, right: Vector, matching: Matching | None) -> Vector:
    rights = {_key(labels, matching) for labels in right}
    if op == "or":
        lefts = {_key(labels, matching) for labels in left}
        return {**left, **{k: v for k, v in right.items() if _key(k, matching) not in lefts}}
    return {k: v for k, v in left.items() if (_key(k, matching) in rights) == (op == "and")}


def _joined(node: Binary, left: Vector, right: Vector) -> Vector:
    matching = node.matching
    group = matching.group if matching else ""
    many, one = (right, left) if group == "right" else (left, right)
    ones = {_key(labels, matching): (labels, value) for labels, value in one.items()}
    found: dict[Labels, float] = {}
    for labels, value in many.items():
        key = _key(labels, matching)
        if key not in ones:
            continue
        other, beside = ones[key]
        a, b = (beside, value) if group == "right" else (value, beside)
        result = _one(node, a, b, a)
        if result is not None:
            added = {n.value: dict(other).get(n.value, "") for n in matching.include} if matching else {}
            kept = labels if group or node.op in _COMPARE else key
            found[labels_of({**dict(kept), **{k: v for k, v in added.items() if v}})] = result
    return found


def _quantile(share: float, buckets: list[tuple[float, float]]) -> float:
    """As Prometheus does: linear inside a bucket; the last finite bound where the rank lies above it."""
    if not buckets or not math.isinf(buckets[-1][0]) or len(buckets) < 2:
        return math.nan
    rank = share * buckets[-1][1]
    index = next(n for n, (_, count) in enumerate(buckets) if count >= rank)
    if index == len(buckets) - 1:
        return buckets[-2][0]
    start, before = buckets[index - 1] if index else (0.0, 0.0)
    end, count = buckets[index]
    return start + (end - start) * (rank - before) / (count - before) if count > before else math.nan
