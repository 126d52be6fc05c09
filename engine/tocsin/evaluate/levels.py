"""The levels that the rows of an expression had: medians of equal stretches of time, each of which is read once; pure.

What is usual is the median of these levels, and what they usually differ from it by their median absolute deviation
(SciPy's, scaled to the standard deviation of the normal distribution): Hampel's identifier. Levels that are as long as
the one that is judged vary as that one does, however much a value is like the one before it; half of them may be
anything, so neither a spike nor an outage moves what is usual.

Stretch *k* covers (k·length, (k+1)·length] in unix time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from math import copysign, fsum, inf, pi, sqrt
from statistics import median

from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.slices import instant, milliseconds
from tocsin.evaluate.witness import identity
from tocsin.ports import Labels, RangeAnswer, RangeRow, Row
from tocsin.units import Duration

POINTS = 30
"""Values that a level is the median of."""
CHUNK = 66
"""Stretches of one request: some 2,000 values of a row."""
LARGEST = 1e150
"""Differences of larger values overflow, and nothing that is measured is as large."""
READING = "its history is still being read"


@dataclass(frozen=True, slots=True)
class Usual:
    """The usual *level*, and the *spread* of levels around it, as a standard deviation."""

    level: float
    spread: float

    @classmethod
    def of(cls, levels: Sequence[float]) -> "Usual":
        """Where more than half of the levels are the same, the mean absolute deviation says how the others differ.

        >>> Usual.of([10.0, 11.0, 9.0, 10.0, 12.0])
        Usual(level=10.0, spread=1.482602218505602)
        >>> Usual.of([3.0] * 9 + [13.0])  # doctest: +ELLIPSIS
        Usual(level=3.0, spread=1.25331...)
        """
        from scipy.stats import median_abs_deviation  # noqa: PLC0415  # a second of loading that few have to wait for

        level = median(levels)
        spread = float(median_abs_deviation(levels, scale="normal"))
        if spread == 0:
            spread = sqrt(pi / 2) * fsum(abs(each - level) for each in levels) / len(levels)
        return cls(level, spread)

    def deviations(self, level: float) -> float:
        """How many spreads *level* is away; infinite where levels never differed."""
        away = level - self.level
        if self.spread:
            return away / self.spread
        return copysign(inf, away) if away else 0.0


@dataclass(frozen=True, slots=True)
class Now:
    """The last stretch of a row, up to now: how many values are *known*, whether the *last* is, and their *level*."""

    known: int
    last: bool
    level: float | None


@dataclass(slots=True)
class Levels:
    """The levels of the rows of *series*, over as many stretches of *length* as its history has; read are [low, high).

    What is *usual* of a row is None where less than half of its history is known.
    """

    series: str
    length: Duration
    count: int
    low: int = 0
    high: int = 0
    levels: dict[Labels, dict[int, float]] = field(default_factory=dict)
    usual: dict[Labels, Usual | None] = field(default_factory=dict)

    @property
    def step(self) -> timedelta:
        """Between two values."""
        return self.length.timedelta / POINTS

    def read(self, asker: Asker) -> str:
        """Read what is missing of the history before the last stretch; why there is none, where it could not be."""
        end = self._ended(asker.at) // self.length.milliseconds - 1
        start = end - self.count
        if not self.low <= start <= self.high:
            self.levels, self.high = {}, start
        if self.high == end and self.low == start:
            return ""
        self.low = start
        while self.high < end:
            upto = min(end, self.high + CHUNK)
            if end - self.high > 1 and not asker.spare_range():
                return READING
            answer = self._ask(asker, self.high * self.length.milliseconds, upto * self.length.milliseconds)
            if isinstance(answer, Unanswered):
                return answer.reason
            self._add(answer)
            self.high = upto
        for labels, levels in list(self.levels.items()):
            self.levels[labels] = {number: level for number, level in levels.items() if number >= start}
        self.levels = {labels: levels for labels, levels in self.levels.items() if levels}
        self.usual = {
            labels: Usual.of([*levels.values()]) if 2 * len(levels) >= self.count else None
            for labels, levels in self.levels.items()
        }
        return ""

    def now(self, asker: Asker) -> dict[Labels, Now] | Unanswered:
        """The last stretch of every row that has values in it."""
        end = self._ended(asker.at)
        answer = self._ask(asker, end - self.length.milliseconds, end)
        if isinstance(answer, Unanswered):
            return answer
        recent = (end - 1.5 * self.length.milliseconds / POINTS) / 1000
        return {labels: _now(values, recent) for labels, values in _rows(answer.rows)}

    def _ended(self, at: datetime) -> int:
        """When the last step ended: all times are multiples of a step."""
        step = self.length.milliseconds // POINTS
        return milliseconds(at) // step * step

    def _ask(self, asker: Asker, start: int, end: int) -> RangeAnswer | Unanswered:
        """The values of (start, end]."""
        return asker.range(self.series, instant(start) + self.step, instant(end), self.step)

    def _add(self, answer: RangeAnswer) -> None:
        for labels, points in _rows(answer.rows):
            stretches: dict[int, list[float]] = {}
            for time, value in points:
                stretches.setdefault((round(time * 1000) - 1) // self.length.milliseconds, []).append(value)
            found = {number: median(values) for number, values in stretches.items() if 2 * len(values) >= POINTS}
            self.levels.setdefault(labels, {}).update(found)


def _rows(rows: Iterable[RangeRow]) -> Iterable[tuple[Labels, list[tuple[float, float]]]]:
    """Those that have values that can be compared, by what they are told apart by; NaN cannot."""
    for row in rows:
        points = [point for point in row.points if abs(point[1]) < LARGEST]
        if points:
            yield identity(Row(row.labels, 0.0)), points


def _now(points: Sequence[tuple[float, float]], recent: float) -> Now:
    values = [value for _, value in points]
    return Now(len(values), points[-1][0] > recent, median(values) if 2 * len(values) >= POINTS else None)
