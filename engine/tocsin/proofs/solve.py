"""Series that bring the value of an expression to where it is wanted."""

import itertools
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import Aggregation, Binary, Call, Expr, RangeSelector, Subquery, children, nodes
from tocsin.promql_syntax import Selector as SelectorNode
from tocsin.proofs.selectors import Selector, read_selector, series_for
from tocsin.proofs.steady import Steady, Unsteady, steady

_RISING = frozenset({"rate", "irate", "increase"})
_TWINS = ("instance", "pod", "replica", "twin")
_BOUNDS = ((0.5, 0.2), (1.0, 1.0), (2.0, 1.0), (math.inf, 1.0))
"""Buckets of a histogram, as multiples of a size, and the share of observations up to each."""


@dataclass(frozen=True, slots=True)
class Source:
    """The series of one selector; *rises* says that they are counters."""

    selector: Selector
    name: str
    labels: Labels
    rises: bool

    @property
    def buckets(self) -> bool:
        """Whether they are the buckets of a histogram, whose bounds are made up too."""
        return self.name.endswith("_bucket") and "le" not in dict(self.labels)


@dataclass(frozen=True, slots=True)
class Inputs:
    """All that an expression reads, and the label that tells twins apart."""

    sources: tuple[Source, ...]
    twin: str

    def series(self, varied: int, size: float, shares: tuple[float, float]) -> tuple[tuple[Steady, bool], ...]:
        """Every series, with whether it is a counter; those of source *varied* have *size*, all others 1."""
        found = []
        for number, source in enumerate(self.sources):
            mine = size if number == varied else 1.0
            for share, letter in zip(shares, "ab", strict=True):
                labels = dict(source.labels) | {self.twin: letter}
                if source.buckets:
                    found += [
                        (Steady(source.name, labels_of({**labels, "le": _bound(mine * bound)}), share * part), True)
                        for bound, part in _BOUNDS
                    ]
                else:
                    found.append((Steady(source.name, labels_of(labels), share * mine), source.rises))
        return tuple(found)


def inputs_of(node: Expr, recorded: frozenset[str]) -> Inputs:
    """The series that *node* reads; raises Unsteady where none can be made up."""
    rising = {
        id(range_.selector)
        for call in nodes(node)
        if isinstance(call, Call) and call.name.value in _RISING
        for range_ in call.arguments
        if isinstance(range_, RangeSelector)
    }
    found = {read_selector(each): id(each) in rising for each in nodes(node) if isinstance(each, SelectorNode)}
    if any(selector.name in recorded for selector in found):
        raise Unsteady("it reads series that other rules record")
    words = _words(node)
    more = labels_of({word: "a" for word in words if word != "le"})
    used = words | {m.label for selector in found for m in selector.matchers}
    sources = []
    for selector, rises in found.items():
        others = [each for each in found if each.name == selector.name and each != selector]
        series = series_for([selector], others, more) or series_for([selector], (), more)
        if series is None:
            raise Unsteady(f"no series can be made up that {selector.name or 'its selector'} finds")
        sources.append(Source(selector, *series, rises))
    if not sources:
        raise Unsteady("it reads no series")
    return Inputs(tuple(sources), next(twin for twin in _TWINS if twin not in used))


def _words(node: Expr) -> frozenset[str]:
    """The labels that rows are grouped or joined by."""
    found: set[str] = set()
    for each in nodes(node):
        if isinstance(each, Aggregation) and each.grouping and not each.grouping.without:
            found |= each.grouping.names
        if isinstance(each, Binary) and each.matching:
            found |= each.matching.names if each.matching.on else set()
            found |= {name.value for name in each.matching.include}
    return frozenset(found)


def reach(node: Expr) -> float:
    """How many seconds back *node* looks, all in all."""
    own = 0.0
    if isinstance(node, RangeSelector | Subquery):
        own = (node.range.seconds or 0.0) + (node.offset.seconds or 0.0 if node.offset else 0.0)
    if isinstance(node, SelectorNode) and node.offset:
        own = node.offset.seconds or 0.0
    return own + max((reach(child) for child in children(node)), default=0.0)


@dataclass(frozen=True, slots=True)
class Solution:
    """Source *varied* at the size *below* keeps the value under the threshold, at *above* over it."""

    inputs: Inputs
    varied: int
    below: float
    above: float


def solutions(node: Expr, inputs: Inputs, under: float, over: float, *, lowest: bool) -> Iterator[Solution]:
    """Sizes that give the values *under* and *over*; of several rows the largest counts, or the *lowest*."""
    for varied in range(len(inputs.sources)):

        def value(size: float, varied: int = varied) -> float:
            series = [each for each, _ in inputs.series(varied, size, (0.25, 0.75))]
            rows = steady(node, series)
            values = [v for v in rows.values() if not math.isnan(v)] if isinstance(rows, Mapping) else [rows]
            return (min if lowest else max)(values) if values else math.nan

        low, high = _solved(value, under), _solved(value, over)
        if low is not None and high is not None:
            yield Solution(inputs, varied, low, high)


def _solved(value: Callable[[float], float], wanted: float) -> float | None:
    """A size at which *value* is *wanted*, within a millionth."""
    sizes = [0.0, *(10.0**k for k in range(-12, 16))]
    known = [(size, value(size)) for size in sizes]
    for (one, first), (two, second) in itertools.pairwise(known):
        if math.isnan(first) or math.isnan(second) or (first - wanted) * (second - wanted) > 0:
            continue
        left, right = one, two
        for _ in range(200):
            middle = (left + right) / 2
            above = (value(middle) - wanted) * (first - wanted) > 0
            left, right = (middle, right) if above else (left, middle)
        for size in (left, right):
            if abs(value(size) - wanted) <= 1e-6 * max(abs(wanted), 1e-9):
                return size
    return None


def _bound(value: float) -> str:
    return "+Inf" if math.isinf(value) else f"{value:.12g}"
