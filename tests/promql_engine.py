"""PromQL over series in memory: as much of the language as the evaluator asks in, number for number as Prometheus.

`rate` and `increase` are those of `tocsin.extrapolation`; everything else is as in Prometheus' `promql/engine.go`, by
version: from 3.0 on ranges, subqueries and the look-back of five minutes are open on the left. A text is compiled to
functions of time once, and what a part of it gave at an instant is remembered, so that the subqueries of consecutive
looks, which ask for nearly the same instants, cost little. What is not known raises NotImplementedError.
"""

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from tocsin.errors import SourceError
from tocsin.extrapolation import PROM3, Sample, Semantics, in_window, increase, rate
from tocsin.ports import Answer, Labels, RangeAnswer, Row, labels_of
from tocsin.promql_syntax import (
    Aggregation,
    At,
    Binary,
    Call,
    Duration,
    Expr,
    Fault,
    Matcher,
    Matching,
    Number,
    RangeSelector,
    Selector,
    String,
    Subquery,
    Type,
    bare,
    parse,
)

Vector = dict[Labels, float]
Series = Mapping[Labels, Sequence[Sample]]
Value = Vector | float
Timed = Callable[[int], Value]
"""What an expression is at an instant, in unix milliseconds."""
Ranged = Callable[[int], dict[Labels, tuple[Sequence[Sample], int, int]]]
"""Samples of each series, the end of the range and its length, in milliseconds."""

LOOKBACK = 300_000
_NAME = "__name__"


@dataclass(slots=True)
class Engine:
    """Answers for *series*; the label `__name__` is a metric's name."""

    series: Series
    semantics: Semantics = PROM3
    compiled: dict[str, Timed] = field(default_factory=dict)
    chosen: dict[str, "_Chosen"] = field(default_factory=dict)
    recorded: dict[Labels, list[Sample]] = field(default_factory=dict)

    def record(self, name: str, expression: str, labels: Labels, at: int) -> None:
        """Do what a recording rule does at *at*: a series that has no value any more is stale."""
        value = self.ask(expression, at)
        own = dict(labels)
        rows = {labels_of({**dict(row), **own, _NAME: name}): number for row, number in _vector(value).items()}
        for row, number in rows.items():
            if row not in self.recorded:
                self.recorded[row] = []
                for chosen in self.chosen.values():
                    chosen.offer(row, self.recorded[row])
            self.recorded[row].append((at, number))
        for row, samples in self.recorded.items():
            if dict(row)[_NAME] == name and row not in rows and samples[-1][1] is not None:
                samples.append((at, None))

    def ask(self, text: str, at: int) -> Value:
        """The value of *text* at *at*."""
        if text not in self.compiled:
            tree = parse(text)
            if isinstance(tree, Fault):
                raise SourceError(f"bad_data: {tree}")
            self.compiled[text] = self._compile(tree, text)
        return self.compiled[text](at)

    def _compile(self, tree: Expr, text: str) -> Timed:
        """Compile one expression, once for each text."""
        node = bare(tree)
        own = text[node.start : node.end]
        if own not in self.compiled:
            self.compiled[own] = _remembered(self._made(node, text))
        return self.compiled[own]

    def _made(self, node: Expr, text: str) -> Timed:
        if isinstance(node, Number):
            constant = node.value
            return lambda _: constant
        if isinstance(node, Selector):
            return self._instant(node, text)
        if isinstance(node, Aggregation):
            return self._aggregation(node, text)
        if isinstance(node, Binary):
            return self._binary(node, text)
        if isinstance(node, Call):
            return self._call(node, text)
        raise NotImplementedError(text[node.start : node.end])

    # --- selectors -------------------------------------------------------------------------------------------

    def _select(self, node: Selector, text: str) -> list[tuple[Labels, Sequence[Sample]]]:
        """The series of a selector, in Prometheus' order."""
        _no_at(node.at)
        own = text[node.start : (node.braces[1] if node.braces else node.name.end if node.name else node.end)]
        if own not in self.chosen:
            matchers = [_matcher(one) for one in node.matchers]
            self.chosen[own] = _Chosen(node.name.value if node.name else None, matchers)
            for labels, samples in sorted([*self.series.items(), *self.recorded.items()]):
                self.chosen[own].offer(labels, samples)
        return self.chosen[own].found

    def _instant(self, node: Selector, text: str) -> Timed:
        found = self._newest(node, text)
        return lambda at: {labels: value for labels, _, value in found(at)}

    def _newest(self, node: Selector, text: str) -> Callable[[int], Iterator[tuple[Labels, int, float]]]:
        """The newest sample of each series, unless it is too old or says that the series is stale."""
        chosen, back = self._select(node, text), _milliseconds(node.offset)
        oldest = LOOKBACK - self.semantics.open_left

        def newest(at: int) -> Iterator[tuple[Labels, int, float]]:
            for labels, samples in chosen:
                place = bisect_right(samples, at - back, key=_time) - 1
                if place < 0:
                    continue
                time, value = samples[place]
                if value is not None and at - back - time <= oldest:
                    yield labels, time, value

        return newest

    def _range(self, tree: Expr, text: str) -> Ranged:
        node = bare(tree)
        if isinstance(node, RangeSelector):
            _no_at(node.at)
            chosen, back, length = (
                self._select(node.selector, text),
                _milliseconds(node.offset),
                _milliseconds(node.range),
            )
            return lambda at: {labels: (samples, at - back, length) for labels, samples in chosen}
        if isinstance(node, Subquery) and node.step is not None:
            return self._subquery(node, text)
        raise NotImplementedError(text[node.start : node.end])

    def _subquery(self, node: Subquery, text: str) -> Ranged:
        """The inner expression on the multiples of the step that are in the range, from the first sample of all on."""
        _no_at(node.at)
        inner, back, length = self._compile(node.expr, text), _milliseconds(node.offset), _milliseconds(node.range)
        step = _milliseconds(node.step)
        first = min((samples[0][0] for samples in self.series.values() if samples), default=0)

        def points(at: int) -> dict[Labels, tuple[Sequence[Sample], int, int]]:
            end = at - back
            start = -(-(end - length) // step) * step
            if self.semantics.open_left and start == end - length:
                start += step
            found: dict[Labels, list[Sample]] = {}
            for time in range(max(start, -(-first // step) * step), end + 1, step):
                for labels, value in _vector(inner(time)).items():
                    found.setdefault(labels, []).append((time, value))
            return {labels: (samples, end, length) for labels, samples in found.items()}

        return points

    # --- functions -------------------------------------------------------------------------------------------

    def _call(self, node: Call, text: str) -> Timed:
        name, arguments = node.name.value, node.arguments
        if name == "time":
            return lambda at: at / 1000
        if name == "vector":
            scalar = self._compile(arguments[0], text)
            return lambda at: {(): _scalar(scalar(at))}
        if name == "timestamp":
            return self._timestamp(arguments[0], text)
        if name == "label_replace":
            return self._label_replace(arguments, text)
        if name in {"clamp_min", "clamp_max", "abs"}:
            inner, *limits = (self._compile(argument, text) for argument in arguments)
            return lambda at: _mapped(name, inner(at), [_scalar(limit(at)) for limit in limits])
        if name in {"rate", "increase"}:
            return self._extrapolated(rate if name == "rate" else increase, arguments[0], text)
        if name in _OVER_TIME:
            return self._over_time(name, arguments[0], text)
        raise NotImplementedError(name)

    def _timestamp(self, tree: Expr, text: str) -> Timed:
        node = bare(tree)
        if isinstance(node, Selector):
            found = self._newest(node, text)
            return lambda at: {_nameless(labels): time / 1000 for labels, time, _ in found(at)}
        inner = self._compile(node, text)
        return lambda at: {_nameless(labels): at / 1000 for labels in _vector(inner(at))}

    def _label_replace(self, arguments: Sequence[Expr], text: str) -> Timed:
        inner = self._compile(arguments[0], text)
        told = [node.value for node in map(bare, arguments[1:]) if isinstance(node, String)]
        target, value, *rest = told
        if rest != ["", ""]:
            raise NotImplementedError(f"label_replace that reads {rest}")

        def replaced(at: int) -> Vector:
            added = ((target, value),) if value else ()
            return {
                tuple(sorted((*(pair for pair in labels if pair[0] != target), *added))): number
                for labels, number in _vector(inner(at)).items()
            }

        return replaced

    def _extrapolated(
        self, function: Callable[[Sequence[Sample], int, int, Semantics], float | None], tree: Expr, text: str
    ) -> Timed:
        node = bare(tree)
        if not isinstance(node, RangeSelector):
            raise NotImplementedError(text[node.start : node.end])
        _no_at(node.at)
        chosen, back, length = self._select(node.selector, text), _milliseconds(node.offset), _milliseconds(node.range)

        def rates(at: int) -> Vector:
            found = ((labels, function(samples, at - back, length, self.semantics)) for labels, samples in chosen)
            return {_nameless(labels): value for labels, value in found if value is not None}

        return rates

    def _over_time(self, name: str, tree: Expr, text: str) -> Timed:
        ranges, function = self._range(tree, text), _OVER_TIME[name]
        is_subquery = isinstance(bare(tree), Subquery)

        def over_time(at: int) -> Vector:
            found: Vector = {}
            for labels, (samples, end, length) in ranges(at).items():
                values = (
                    [value for _, value in samples if value is not None]
                    if is_subquery
                    else [value for _, value in in_window(samples, end, length, self.semantics)]
                )
                if values:
                    found[labels if name == "last_over_time" else _nameless(labels)] = function(values)
            return found

        return over_time

    # --- aggregations and operators --------------------------------------------------------------------------

    def _aggregation(self, node: Aggregation, text: str) -> Timed:
        inner, function = self._compile(node.expr, text), _AGGREGATIONS[node.op]
        names = node.grouping.names if node.grouping else frozenset[str]()
        without = node.grouping is not None and node.grouping.without
        dropped = names | {_NAME} if without else names
        if node.parameter is not None:
            raise NotImplementedError(text[node.start : node.end])

        def aggregated(at: int) -> Vector:
            groups: dict[Labels, list[float]] = {}
            for labels, value in _vector(inner(at)).items():
                groups.setdefault(tuple(p for p in labels if (p[0] in dropped) is not without), []).append(value)
            return {labels: function(values) for labels, values in groups.items()}

        return aggregated

    def _binary(self, node: Binary, text: str) -> Timed:
        left, right = self._compile(node.left, text), self._compile(node.right, text)
        scalars = node.left.type is Type.SCALAR, node.right.type is Type.SCALAR
        if node.op in {"and", "or", "unless"}:
            return lambda at: _set(node.op, node.matching, _vector(left(at)), _vector(right(at)))
        keeps = node.op in _COMPARISONS and not node.bool
        if all(scalars):
            return lambda at: _operate(node.op, _scalar(left(at)), _scalar(right(at)))
        if any(scalars):
            return lambda at: _with_scalar(node.op, left(at), right(at), keeps=keeps)
        return lambda at: _joined(node, _vector(left(at)), _vector(right(at)), keeps=keeps)


@dataclass(slots=True)
class _Chosen:
    """The series of a selector; those that are recorded later come behind the others."""

    name: str | None
    matchers: Sequence[Callable[[Mapping[str, str]], bool]]
    found: list[tuple[Labels, Sequence[Sample]]] = field(default_factory=list)

    def offer(self, labels: Labels, samples: Sequence[Sample]) -> None:
        """Take a series if it matches."""
        have = dict(labels)
        if (self.name is None or have.get(_NAME) == self.name) and all(matches(have) for matches in self.matchers):
            self.found.append((labels, samples))


@dataclass(frozen=True, slots=True)
class EngineSource:
    """The engine as a metric source; *rewrite* may put other texts in the place of what is asked."""

    engine: Engine
    rewrite: Callable[[str], str] = str

    def instant(self, query: str, at: datetime) -> Answer:
        """Evaluate at *at*; whose errors they are is a question that it leaves unanswered."""
        if query.startswith("topk("):
            raise SourceError("execution: not here")
        found = self.engine.ask(self.rewrite(query), round(at.timestamp() * 1000))
        rows = {(): found} if isinstance(found, float) else found
        return Answer(tuple(Row(labels, value) for labels, value in rows.items()), at)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Nobody asks for ranges where there are no slices."""
        raise NotImplementedError(query, start, end, step)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Nor for samples."""
        raise NotImplementedError(selector, start, end)


def _remembered(function: Timed) -> Timed:
    known: dict[int, Value] = {}

    def remembered(at: int) -> Value:
        found = known.get(at)
        if found is None:
            found = known[at] = function(at)
        return found

    return remembered


def _time(sample: Sample) -> int:
    return sample[0]


def _milliseconds(duration: Duration | None) -> int:
    if duration is None:
        return 0
    if duration.seconds is None:
        raise NotImplementedError(duration.words)
    return round(duration.seconds * 1000)


def _no_at(at: At | None) -> None:
    if at is not None:
        raise NotImplementedError("@")


def _nameless(labels: Labels) -> Labels:
    return tuple(pair for pair in labels if pair[0] != _NAME)


def _vector(value: Value) -> Vector:
    if isinstance(value, float):
        raise NotImplementedError("a number in the place of a vector")
    return value


def _scalar(value: Value) -> float:
    if not isinstance(value, float):
        raise NotImplementedError("a vector in the place of a number")
    return value


def _matcher(one: Matcher) -> Callable[[Mapping[str, str]], bool]:
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


_OVER_TIME: Mapping[str, Callable[[Sequence[float]], float]] = {
    "min_over_time": _lowest,
    "max_over_time": _highest,
    "last_over_time": lambda values: values[-1],
    "sum_over_time": _sum,
    "count_over_time": lambda values: float(len(values)),
    "resets": _resets,
}
_AGGREGATIONS: Mapping[str, Callable[[Sequence[float]], float]] = {
    "sum": _sum,
    "min": _lowest,
    "max": _highest,
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
}
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})


def _mapped(name: str, value: Value, limits: Sequence[float]) -> Vector:
    """`clamp_min`, `clamp_max` (NaN stays) or `abs`."""

    def one(number: float) -> float:
        if name == "abs":
            return abs(number)
        if math.isnan(number):
            return number
        return max(number, limits[0]) if name == "clamp_min" else min(number, limits[0])

    return {_nameless(labels): one(number) for labels, number in _vector(value).items()}


def _operate(op: str, left: float, right: float) -> float:
    """Arithmetic on floats without exceptions; comparisons are 1 or 0."""
    if op in _COMPARISONS:
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


def _with_scalar(op: str, left: Value, right: Value, *, keeps: bool) -> Vector:
    """A vector and a number, in either order; a comparison lets elements of the vector through."""
    vector = _vector(right if isinstance(left, float) else left)
    found: Vector = {}
    for labels, number in vector.items():
        pair = (left, number) if isinstance(left, float) else (number, _scalar(right))
        if not keeps:
            found[_nameless(labels)] = _operate(op, *pair)
        elif _holds(op, *pair):
            found[labels] = number
    return found


def _signature(matching: Matching | None) -> Callable[[Labels], Labels]:
    if matching is not None and matching.on:
        names = matching.names
        return lambda labels: tuple(pair for pair in labels if pair[0] in names)
    ignored = {_NAME, *(matching.names if matching else ())}
    return lambda labels: tuple(pair for pair in labels if pair[0] not in ignored)


def _set(op: str, matching: Matching | None, left: Vector, right: Vector) -> Vector:
    signature = _signature(matching)
    if op == "or":
        there = {signature(labels) for labels in left}
        return left | {labels: value for labels, value in right.items() if signature(labels) not in there}
    there = {signature(labels) for labels in right}
    return {labels: value for labels, value in left.items() if (signature(labels) in there) is (op == "and")}


def _joined(node: Binary, left: Vector, right: Vector, *, keeps: bool) -> Vector:
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
        kept = labels if keeps else _nameless(labels)
        named = tuple(p for p in kept if p[0] == _NAME) if keeps and not (matching and matching.on) else ()
        result = kept if many else tuple(sorted((*named, *key)))
        if result in found:
            raise SourceError(f"multiple matches for labels {result}")
        found[result] = value if keeps else _operate(node.op, value, others[key])
    return found
