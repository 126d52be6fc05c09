"""PromQL over series in memory: as much of the language as the evaluator asks in, number for number as Prometheus.

`rate` and `increase` are those of `tocsin.extrapolation`; everything else is as in Prometheus' `promql/engine.go`, by
version: from 3.0 on ranges, subqueries and the look-back of five minutes are open on the left. A text is compiled to
functions of time once, and what a part of it gave at an instant is remembered, so that the subqueries of consecutive
looks, which ask for nearly the same instants, cost little. What is not known raises NotImplementedError.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import nan
from unittest.mock import patch

from tests.promql_values import (
    AGGREGATIONS,
    COMPARISONS,
    NAME,
    OVER_TIME,
    Value,
    Vector,
    accepts,
    as_number,
    as_vector,
    joined,
    mapped,
    nameless,
    operate,
    set_of,
    with_number,
)

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
    Number,
    RangeSelector,
    Selector,
    String,
    Subquery,
    Type,
    bare,
    parse,
    parser,
)

Series = Mapping[Labels, Sequence[Sample]]
Timed = Callable[[int], Value]
"""What an expression is at an instant, in unix milliseconds."""
Ranged = Callable[[int], dict[Labels, tuple[Sequence[Sample], int, int]]]
"""Samples of each series, the end of the range and its length, in milliseconds."""

LONGEST = 100_000
"""A server reads longer questions than people write."""
LOOKBACK = 300_000


@dataclass(slots=True)
class Engine:
    """Answers for *series*; the label `__name__` is a metric's name."""

    series: Series
    semantics: Semantics = PROM3
    step: int = 60_000
    """Milliseconds between points of a subquery that does not say."""
    since: int | None = None
    """No subquery begins before this; None: before the first sample of all."""
    compiled: dict[str, Timed] = field(default_factory=dict)
    chosen: dict[str, "_Chosen"] = field(default_factory=dict)
    recorded: dict[Labels, list[Sample]] = field(default_factory=dict)

    def record(self, name: str, expression: str, labels: Labels, at: int) -> None:
        """Do what a recording rule does at *at*: a series that has no value any more is stale."""
        value = self.ask(expression, at)
        own = dict(labels)
        rows = {labels_of({**dict(row), **own, NAME: name}): number for row, number in as_vector(value).items()}
        for row, number in rows.items():
            if row not in self.recorded:
                self.recorded[row] = []
                for chosen in self.chosen.values():
                    chosen.offer(row, self.recorded[row])
            self.recorded[row].append((at, number))
        for row, samples in self.recorded.items():
            if dict(row)[NAME] == name and row not in rows and samples[-1][1] is not None:
                samples.append((at, None))

    def ask(self, text: str, at: int) -> Value:
        """The value of *text* at *at*."""
        if text not in self.compiled:
            with patch.object(parser, "LONGEST", LONGEST):
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
            matchers = [accepts(one) for one in node.matchers]
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
        if isinstance(node, Subquery):
            return self._subquery(node, text)
        raise NotImplementedError(text[node.start : node.end])

    def _subquery(self, node: Subquery, text: str) -> Ranged:
        """The inner expression on the multiples of the step that are in the range, from the first sample of all on."""
        _no_at(node.at)
        inner, back, length = self._compile(node.expr, text), _milliseconds(node.offset), _milliseconds(node.range)
        step = self.step if node.step is None else _milliseconds(node.step)
        first = self.since
        if first is None:
            first = min((samples[0][0] for samples in self.series.values() if samples), default=0)

        def points(at: int) -> dict[Labels, tuple[Sequence[Sample], int, int]]:
            end = at - back
            start = -(-(end - length) // step) * step
            if self.semantics.open_left and start == end - length:
                start += step
            found: dict[Labels, list[Sample]] = {}
            for time in range(max(start, -(-first // step) * step), end + 1, step):
                for labels, value in as_vector(inner(time)).items():
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
            return lambda at: {(): as_number(scalar(at))}
        if name == "scalar":
            vector = self._compile(arguments[0], text)
            return lambda at: _only(as_vector(vector(at)))
        if name == "timestamp":
            return self._timestamp(arguments[0], text)
        if name == "label_replace":
            return self._label_replace(arguments, text)
        if name in {"clamp_min", "clamp_max", "abs"}:
            inner, *limits = (self._compile(argument, text) for argument in arguments)
            return lambda at: mapped(name, inner(at), [as_number(limit(at)) for limit in limits])
        if name in {"rate", "increase"}:
            return self._extrapolated(rate if name == "rate" else increase, arguments[0], text)
        if name in OVER_TIME:
            return self._over_time(name, arguments[0], text)
        raise NotImplementedError(name)

    def _timestamp(self, tree: Expr, text: str) -> Timed:
        node = bare(tree)
        if isinstance(node, Selector):
            found = self._newest(node, text)
            return lambda at: {nameless(labels): time / 1000 for labels, time, _ in found(at)}
        inner = self._compile(node, text)
        return lambda at: {nameless(labels): at / 1000 for labels in as_vector(inner(at))}

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
                for labels, number in as_vector(inner(at)).items()
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
            return {nameless(labels): value for labels, value in found if value is not None}

        return rates

    def _over_time(self, name: str, tree: Expr, text: str) -> Timed:
        ranges, function = self._range(tree, text), OVER_TIME[name]
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
                    found[labels if name == "last_over_time" else nameless(labels)] = function(values)
            return found

        return over_time

    # --- aggregations and operators --------------------------------------------------------------------------

    def _aggregation(self, node: Aggregation, text: str) -> Timed:
        inner, function = self._compile(node.expr, text), AGGREGATIONS[node.op]
        names = node.grouping.names if node.grouping else frozenset[str]()
        without = node.grouping is not None and node.grouping.without
        dropped = names | {NAME} if without else names
        if node.parameter is not None:
            raise NotImplementedError(text[node.start : node.end])

        def aggregated(at: int) -> Vector:
            groups: dict[Labels, list[float]] = {}
            for labels, value in as_vector(inner(at)).items():
                groups.setdefault(tuple(p for p in labels if (p[0] in dropped) is not without), []).append(value)
            return {labels: function(values) for labels, values in groups.items()}

        return aggregated

    def _binary(self, node: Binary, text: str) -> Timed:
        left, right = self._compile(node.left, text), self._compile(node.right, text)
        scalars = node.left.type is Type.SCALAR, node.right.type is Type.SCALAR
        if node.op in {"and", "or", "unless"}:
            return lambda at: set_of(node.op, node.matching, as_vector(left(at)), as_vector(right(at)))
        keeps = node.op in COMPARISONS and not node.bool
        if all(scalars):
            return lambda at: operate(node.op, as_number(left(at)), as_number(right(at)))
        if any(scalars):
            return lambda at: with_number(node.op, left(at), right(at), keeps=keeps)
        return lambda at: joined(node, as_vector(left(at)), as_vector(right(at)), keeps=keeps)


@dataclass(slots=True)
class _Chosen:
    """The series of a selector; those that are recorded later come behind the others."""

    name: str | None
    matchers: Sequence[Callable[[Mapping[str, str]], bool]]
    found: list[tuple[Labels, Sequence[Sample]]] = field(default_factory=list)

    def offer(self, labels: Labels, samples: Sequence[Sample]) -> None:
        """Take a series if it matches."""
        have = dict(labels)
        if (self.name is None or have.get(NAME) == self.name) and all(matches(have) for matches in self.matchers):
            self.found.append((labels, samples))


@dataclass(frozen=True, slots=True)
class EngineSource:
    """The engine as a metric source; *rewrite* may put other texts in the place of what is asked."""

    engine: Engine
    rewrite: Callable[[str], str] = str

    def instant(self, query: str, at: datetime) -> Answer:
        """Evaluate at *at*; whose errors they are is a question that it leaves unanswered."""
        if query.startswith("topk(") or "deriv(" in query:
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


def _only(found: Vector) -> float:
    return next(iter(found.values())) if len(found) == 1 else nan


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
