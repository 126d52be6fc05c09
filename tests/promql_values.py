"""What PromQL does to values at one instant: operators, matching of labels, aggregation, functions of a range."""

import math
import re
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from tocsin.errors import SourceError
from tocsin.ports import Labels
from tocsin.promql_syntax import Binary, Matcher, Matching

Vector = dict[Labels, float]
Value = Vector | float

NAME = "__name__"


def nameless(labels: Labels) -> Labels:
    """Without the name of the metric."""
    return tuple(pair for pair in labels if pair[0] != NAME)


def as_vector(value: Value) -> Vector:
    """A vector, where one has to stand."""
    if isinstance(value, float):
        raise NotImplementedError("a number in the place of a vector")
    return value


def as_number(value: Value) -> float:
    """A number, where one has to stand."""
    if not isinstance(value, float):
        raise NotImplementedError("a vector in the place of a number")
    return value


def accepts(one: Matcher) -> Callable[[Mapping[str, str]], bool]:
    """What a matcher asks of the labels of a series."""
    label, op, value = one.said
    if not one.regular:
        return lambda have: (have.get(label, "") == value) is (op == "=")
    pattern = re.compile(value)
    return lambda have: bool(pattern.fullmatch(have.get(label, ""))) is (op == "=~")


def _highest(values: Sequence[float]) -> float:
    return _extreme(values, lambda one, other: one > other)


def _lowest(values: Sequence[float]) -> float:
    return _extreme(values, lambda one, other: one < other)


def _extreme(values: Sequence[float], better: Callable[[float, float], bool]) -> float:
    """NaN gives way to anything else."""
    found = values[0]
    for value in values[1:]:
        if better(value, found) or math.isnan(found):
            found = value
    return found


def _resets(values: Sequence[float]) -> float:
    return float(sum(after < before for before, after in pairwise(values)))


def _sum(values: Sequence[float]) -> float:
    """One after the other, as Prometheus 2 does."""
    found = 0.0
    for value in values:
        found += value
    return found


OVER_TIME: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min_over_time": _lowest,
    "max_over_time": _highest,
    "last_over_time": lambda values: values[-1],
    "sum_over_time": _sum,
    "avg_over_time": lambda values: _sum(values) / len(values),
    "count_over_time": lambda values: float(len(values)),
    "resets": _resets,
}
AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": _sum,
    "min": _lowest,
    "max": _highest,
    "avg": lambda values: _sum(values) / len(values),
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
}
COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


def mapped(name: str, value: Value, limits: Sequence[float]) -> Vector:
    """`clamp_min`, `clamp_max` (NaN stays) or `abs`."""

    def one(number: float) -> float:
        if name == "abs":
            return abs(number)
        if math.isnan(number):
            return number
        return max(number, limits[0]) if name == "clamp_min" else min(number, limits[0])

    return {nameless(labels): one(number) for labels, number in as_vector(value).items()}


def operate(op: str, left: float, right: float) -> float:
    """Arithmetic on floats without exceptions; comparisons are 1 or 0."""
    if op in COMPARISONS:
        return float(_holds(op, left, right))
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if op == "/":
        if right == 0:
            return math.nan if left == 0 or math.isnan(left) else math.copysign(math.inf, left)
        return left / right
    if op == "%":
        return math.fmod(left, right) if right else math.nan
    raise NotImplementedError(op)


def _holds(op: str, left: float, right: float) -> bool:
    return {
        "==": left == right,
        "!=": left != right,
        ">": left > right,
        "<": left < right,
        ">=": left >= right,
        "<=": left <= right,
    }[op]


def with_number(op: str, left: Value, right: Value, *, keeps: bool) -> Vector:
    """A vector and a number, in either order; a comparison lets elements of the vector through."""
    vector = as_vector(right if isinstance(left, float) else left)
    found: Vector = {}
    for labels, number in vector.items():
        pair = (left, number) if isinstance(left, float) else (number, as_number(right))
        if not keeps:
            found[nameless(labels)] = operate(op, *pair)
        elif _holds(op, *pair):
            found[labels] = number
    return found


def _signature(matching: Matching | None) -> Callable[[Labels], Labels]:
    if matching is not None and matching.on:
        names = matching.names
        return lambda labels: tuple(pair for pair in labels if pair[0] in names)
    ignored = {NAME, *(matching.names if matching else ())}
    return lambda labels: tuple(pair for pair in labels if pair[0] not in ignored)


def set_of(op: str, matching: Matching | None, left: Vector, right: Vector) -> Vector:
    """`and`, `or`, `unless`."""
    signature = _signature(matching)
    if op == "or":
        there = {signature(labels) for labels in left}
        return left | {labels: value for labels, value in right.items() if signature(labels) not in there}
    there = {signature(labels) for labels in right}
    return {labels: value for labels, value in left.items() if (signature(labels) in there) is (op == "and")}


def joined(node: Binary, left: Vector, right: Vector, *, keeps: bool) -> Vector:
    """Two vectors, one to one or many to one on the left."""
    matching, signature = node.matching, _signature(node.matching)
    many = matching is not None and matching.group == "left"
    if matching is not None and (matching.group == "right" or matching.include):
        raise NotImplementedError("group_right, or labels behind group_left")
    others: dict[Labels, float] = {}
    for labels, value in right.items():
        if (key := signature(labels)) in others:
            raise SourceError(f"found duplicate series for the match group {key}")
        others[key] = value
    found: Vector = {}
    for labels, value in left.items():
        if (key := signature(labels)) not in others:
            continue
        if keeps and not _holds(node.op, value, others[key]):
            continue
        kept = labels if keeps else nameless(labels)
        named = tuple(p for p in kept if p[0] == NAME) if keeps and not (matching and matching.on) else ()
        result = kept if many else tuple(sorted((*named, *key)))
        if result in found:
            raise SourceError(f"multiple matches for labels {result}")
        found[result] = value if keeps else operate(node.op, value, others[key])
    return found
