"""Ranges that are read ahead: of a question that looks at the last half hour at every tick, one is asked for a day."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.ports import Answer, MetricSource, RangeAnswer, RangeRow

DAY = timedelta(days=1)
Key = tuple[str, timedelta]


@dataclass(frozen=True, slots=True)
class _Held:
    """What was answered about [start, end]."""

    start: datetime
    end: datetime
    answer: RangeAnswer

    def holds(self, start: datetime, end: datetime, step: timedelta) -> bool:
        """Whether all of the instants that are asked about are among those that were."""
        return self.start <= start and end <= self.end and not (start - self.start) % step

    def part(self, start: datetime, end: datetime) -> RangeAnswer:
        """The answer about a part of it; a series without a value there is not in it."""
        first, last = start.timestamp(), end.timestamp()
        rows = []
        for row in self.answer.rows:
            low, high = bisect_left(row.points, (first,)), bisect_right(row.points, last, key=lambda point: point[0])
            if low < high:
                rows.append(RangeRow(row.labels, row.points[low:high]))
        return RangeAnswer(tuple(rows), self.answer.partial, self.answer.warnings)


@dataclass(slots=True)
class Ahead:
    """A metric source whose ranges are read from *source* a day ahead."""

    source: MetricSource
    held: dict[Key, _Held] = field(default_factory=dict)

    def instant(self, query: str, at: datetime) -> Answer:
        """Let the server answer."""
        return self.source.instant(query, at)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Answer from what was read, or read more."""
        held = self.held.get((query, step))
        if held is None or not held.holds(start, end, step):
            until = max(end, start + DAY // step * step)
            held = _Held(start, until, self.source.range(query, start, until, step))
            self.held[query, step] = held
        return held.part(start, end)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Let the server answer."""
        return self.source.raw(selector, start, end)
