"""Fakes of ports, held to the same contract suites as the real things."""

import math
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import ClassVar

from tocsin.errors import SourceError, SourceUnreachableError
from tocsin.ports import Answer, Labels, RangeAnswer, RangeRow, Row, labels_of
from tocsin.sli.base import Counters
from tocsin.units import Duration

LOOKBACK = 300
_SELECTOR = re.compile(r'([a-z_]+)(?:\{((?:[a-z_]+="[^"]*",?)*)\})?')
_UNION = re.compile(r'label_replace\((.*), "(\w+)", "([^"]*)", "", ""\)')
_OVER_TIME = re.compile(
    r"(avg|min|max|last)_over_time\((timestamp)?\((.*?)( >=? 0)?\)\[(\w+):(\w+)\](?: offset (\w+))?\)",
)
_TRAFFIC = re.compile(r"(bad|total):([a-z-]+)\[(\w+)\]:(rate|increase)")


@dataclass
class HandClock:
    """Moved by hand."""

    at: datetime

    def now(self) -> datetime:
        """Return *at*."""
        return self.at


@cache
def seconds_of(duration: str) -> float:
    """The length of a window as it stands in a query; the same few are asked for a hundred thousand times."""
    return float(Duration.parse(duration).seconds)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Requests per second, and the bad part of them, from *start* to *end* (seconds after an epoch of the test)."""

    start: float
    end: float
    rate: float
    errors: float = 0.0


@dataclass(slots=True)
class Traffic:
    """Continuous traffic without scrapes: windows hold exactly what happened in them.

    Until its first stretch the counter does not exist; afterwards it stands still where nothing happens, unless
    *gone* says from when on it does not exist any more.
    """

    epoch: datetime
    stretches: Iterable[Stretch] = ()
    gone: float = math.inf

    def events(self, kind: str, at: datetime, window: float) -> float | None:
        """Events in the *window* (seconds) that ends at *at*; None where there is no counter."""
        end = (at - self.epoch).total_seconds()
        start, stop = end - window, min(end, self.gone)
        born, whole = math.inf, 0.0
        for one in self.stretches:
            born = min(born, one.start)
            if one.start < stop and start < one.end:
                overlap = min(stop, one.end) - max(start, one.start)
                whole += overlap * one.rate * (one.errors if kind == "bad" else 1.0)
        return None if end <= born or start >= self.gone else whole


@dataclass(frozen=True, slots=True)
class TrafficSli:
    """An SLI over Traffic, by *name*."""

    kind: ClassVar[str] = "traffic"

    name: str
    by: tuple[str, ...] = ()

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """Bad events."""
        return f"bad:{self.name}[{window}]:{function}"

    def total(self, window: str, function: str = "rate") -> str:
        """All events."""
        return f"total:{self.name}[{window}]:{function}"

    def mean(self, window: str) -> str | None:
        """Nothing is measured."""
        return None

    def now(self) -> tuple[str, str] | None:
        """Nothing is looked at."""
        return None

    def counters(self) -> Counters | None:
        """There are none."""
        return None

    def lacks(self) -> str:
        """Nothing is missing."""
        return ""


@dataclass(slots=True)
class FakeSource:
    """A metric source in memory: plain selectors over *series*, TrafficSli over *traffic*, *scripts* for the rest.

    *down* makes it unreachable with that text, *refuses* fails single queries, *partial* marks every answer.
    """

    series: dict[Labels, list[tuple[float, float]]] = field(default_factory=dict)
    traffic: dict[str, Traffic] = field(default_factory=dict)
    scripts: dict[str, Callable[[datetime], tuple[Row, ...]]] = field(default_factory=dict)
    refuses: dict[str, str] = field(default_factory=dict)
    down: str = ""
    partial: bool = False
    asked: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, labels: Mapping[str, str], points: Iterable[tuple[datetime, float]]) -> None:
        """Add samples of one series; `__name__` is its name."""
        self.series.setdefault(labels_of(labels), []).extend((t.timestamp(), v) for t, v in points)

    def instant(self, query: str, at: datetime) -> Answer:
        """Evaluate at *at*."""
        self._ask(query)
        return Answer(self._rows(query, at), at, self.partial)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Evaluate at every step."""
        self._ask(query)
        points: dict[Labels, list[tuple[float, float]]] = {}
        while start <= end:
            for row in self._rows(query, start):
                points.setdefault(row.labels, []).append((start.timestamp(), row.value))
            start += step
        return RangeAnswer(tuple(RangeRow(k, tuple(v)) for k, v in points.items()), self.partial)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """The samples in (start, end]."""
        self._ask(selector)
        parsed = _SELECTOR.fullmatch(selector)
        if parsed is None:
            raise SourceError(f"bad_data: the fake does not understand {selector!r}")
        first, last = start.timestamp(), end.timestamp()
        rows = [
            RangeRow(labels, found)
            for labels, points in self._matching(parsed)
            if (found := tuple(sorted((t, v) for t, v in points if first < t <= last)))
        ]
        return RangeAnswer(tuple(rows), self.partial)

    def _ask(self, query: str) -> None:
        with self.lock:
            self.asked.append(query)
        if self.down:
            raise SourceUnreachableError(self.down)
        for part, words in self.refuses.items():
            if part in query:
                raise SourceError(words)

    def _rows(self, query: str, at: datetime) -> tuple[Row, ...]:
        if query in self.scripts:
            return self.scripts[query](at)
        if query == "vector(1)":
            return (Row((), 1.0),)
        if re.fullmatch(r"[0-9.]+", query):
            return (Row((), float(query)),)
        if "label_replace" in query:
            return tuple(
                Row(labels_of({match[2]: match[3]}), row.value)
                for match in _UNION.finditer(query)
                for row in self._rows(match[1], at)
            )
        left, unless, right = query.partition(" > 0 unless ")
        if unless:
            return () if any(row.value > 0 for row in self._rows(right, at)) else self._rows(left, at)
        if subquery := _OVER_TIME.fullmatch(query):
            return self._over_time(subquery, at)
        if traffic := _TRAFFIC.fullmatch(query):
            return self._events(traffic, at)
        if selector := _SELECTOR.fullmatch(query):
            return self._selected(selector, at)
        raise SourceError(f"bad_data: the fake does not understand {query!r}")

    def _events(self, match: re.Match[str], at: datetime) -> tuple[Row, ...]:
        kind, name, window, function = match.groups()
        length = seconds_of(window)
        events = self.traffic[name].events(kind, at, length) if name in self.traffic else None
        if events is None:
            return ()
        return (Row((), events if function == "increase" else events / length),)

    def _over_time(self, match: re.Match[str], at: datetime) -> tuple[Row, ...]:
        """A subquery over the grid of its step; its left end is open, as from Prometheus 3 on."""
        what, stamp, inner, bound, reach, step, offset = match.groups()
        every, end = seconds_of(step), at.timestamp() - (seconds_of(offset) if offset else 0.0)
        start = end - seconds_of(reach)
        grid = [i * every for i in range(math.floor(start / every) + 1, math.floor(end / every) + 1)]
        found = [
            time if stamp else row.value
            for time in grid
            for row in self._rows(inner, datetime.fromtimestamp(time, UTC))
            if row.value > 0 or (row.value == 0 and bound != " > 0")
        ]
        if not found:
            return ()
        worth = {"avg": sum(found) / len(found), "min": min(found), "max": max(found), "last": found[-1]}
        return (Row((), worth[what]),)

    def _selected(self, selector: re.Match[str], at: datetime) -> tuple[Row, ...]:
        rows = []
        for labels, points in self._matching(selector):
            recent = [(t, v) for t, v in points if at.timestamp() - LOOKBACK <= t <= at.timestamp()]
            if recent:
                rows.append(Row(labels, max(recent)[1]))
        return tuple(rows)

    def _matching(self, selector: re.Match[str]) -> Iterator[tuple[Labels, list[tuple[float, float]]]]:
        wanted = dict(re.findall(r'([a-z_]+)="([^"]*)"', selector[2] or "")) | {"__name__": selector[1]}
        for labels, points in self.series.items():
            have = dict(labels)
            if all(have.get(name, "") == value for name, value in wanted.items()):
                yield labels, points
