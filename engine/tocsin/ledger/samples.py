"""Counting events from samples of counters: each increment once, wherever scrapes, requests and slices begin and end.

A counter's increment lies between two samples; after a reset it is the new value (decision 0018). It is counted when
the later of the two is read, and divided among the slices of the stretch between them in proportion to time. What the
next stretch of samples needs of this one is the last sample of each series: `Memory`. So it does not matter where
samples are cut into requests, and a pause of any length that is remembered loses nothing but its shape.

A series that is born counts from zero if its target is older than it: one of the target's series of all events was
there ten minutes before, and is in the same scrape now (decisions 0006 and 0009, `tocsin.sli.newborn`). A target that
is itself new counts from zero if it is young: what it had counted when it was first seen is no more than what it counts
in the five minutes that follow. So the errors of a process that starts count, and a target of old that comes under a
new name is wrong by no more than those five minutes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tocsin.ledger.counts import Counts
from tocsin.ledger.model import MINUTE
from tocsin.ports import Labels, RangeRow, labels_of
from tocsin.sli.base import Counters

Floats = NDArray[np.float64]
Target = tuple[str, str]
KNOWN = 600.0
"""Seconds that a target has been there when it gets a series: what it shows in its first minutes is no news."""
CLOSE = 300.0
"""Seconds between two samples of a target that is being looked at: as far as an instant selector looks back."""
YOUNG = 300.0
"""Seconds behind the first scrape of a target in which it has to count as much as before, if it is to be young."""
REMEMBERED = 86_400.0
"""Seconds that a series is remembered after its last sample; one that comes back later is counted like a new one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A series as far as it was read: its first sample that is remembered, and its last.

    *young* says that the life of its target is remembered from its birth on.
    """

    first: float
    time: float
    value: float
    young: bool = False


@dataclass(frozen=True, slots=True)
class Memory:
    """What one stretch of samples leaves to the next."""

    total: Mapping[Labels, Seen] = field(default_factory=dict)
    part: Mapping[Labels, Seen] = field(default_factory=dict)

    def settled(self) -> float:
        """Until when all is counted that is counted so far: the oldest last sample of the series that are alive.

        Slices that end later may get more from the samples that come next. Infinitely long ago without a series.
        """
        times = [seen.time for series in (self.total, self.part) for seen in series.values()]
        newest = max(times, default=-np.inf)
        return min((time for time in times if newest - time <= CLOSE), default=-np.inf)


@dataclass(frozen=True, slots=True, eq=False)
class _Series:
    """Samples of one series that were not counted yet, behind the last one that was."""

    labels: Labels
    times: Floats
    values: Floats
    before: Seen | None
    grown: float
    """What a series that is born counts in the first minutes after its first sample."""
    pause: float
    """Seconds from the first to the second sample of a series that is born."""

    @classmethod
    def of(cls, row: RangeRow, before: Seen | None, until: float) -> Self | None:
        """Samples that are newer than *before*; None where there are none. NaN is no count, a stale marker is NaN."""
        samples = np.asarray(row.points, dtype=np.float64).reshape(-1, 2)
        samples = samples[np.isfinite(samples[:, 1]) & (samples[:, 0] > (before.time if before else -np.inf))]
        if not len(samples) or samples[0, 0] > until:
            return None
        grown, pause = 0.0, CLOSE
        if before is not None:
            samples = np.concatenate(([[before.time, before.value]], samples))
        else:
            soon = samples[samples[:, 0] <= samples[0, 0] + YOUNG, 1]
            grown = float(_increments(soon).sum())
            pause = min(float(np.diff(samples[:2, 0]).sum()) or CLOSE, CLOSE)
        samples = samples[samples[:, 0] <= until]
        return cls(row.labels, samples[:, 0], samples[:, 1], before, grown, pause)

    @property
    def born(self) -> bool:
        """Whether its first sample is the first that anybody remembers."""
        return self.before is None

    @property
    def first(self) -> float:
        """When it was first seen."""
        return float(self.times[0]) if self.before is None else self.before.first

    def seen(self, *, young: bool) -> Seen:
        """What is remembered of it."""
        return Seen(self.first, float(self.times[-1]), float(self.values[-1]), young)


class _Targets:
    """When each target was scraped, as its series of all events tell, and whether it was known then."""

    def __init__(self, series: Sequence[_Series], memory: Mapping[Labels, Seen]) -> None:
        self._series: dict[Target, list[_Series]] = {}
        for one in series:
            self._series.setdefault(_target(one.labels), []).append(one)
        self._last: dict[Target, float] = {}
        self._young: set[Target] = set()
        for labels, seen in memory.items():
            target = _target(labels)
            self._last[target] = max(seen.time, self._last.get(target, -np.inf))
            if seen.young:
                self._young.add(target)
        oldest = min((*(seen.first for seen in memory.values()), *(one.first for one in series)), default=np.inf)
        for target, members in self._series.items():
            if target not in self._last and (start := _birth(members, oldest)) is not None:
                self._young.add(target)
                self._last[target] = start
        self._times: dict[Target, Floats] = {}
        self._known: dict[tuple[Target, float], bool] = {}

    def before(self, labels: Labels, times: Floats) -> Floats:
        """The scrape before each of *times*, or the birth of a young target; infinitely long ago where neither is."""
        scrapes = self._scrapes(_target(labels))
        if not len(scrapes):
            return np.full(len(times), -np.inf)
        place = np.searchsorted(scrapes, times, side="left") - 1
        return np.where(place < 0, -np.inf, scrapes[np.maximum(place, 0)])

    def knew(self, labels: Labels, time: float) -> bool:
        """Whether a series of all events is in the scrape at *time*, and has been there for long or is young."""
        key = (_target(labels), time)
        if key not in self._known:
            self._known[key] = any(
                (one.first <= time - KNOWN or key[0] in self._young) and _holds(one.times, time)
                for one in self._series.get(key[0], ())
            )
        return self._known[key]

    def is_young(self, labels: Labels) -> bool:
        """Whether the life of the target is remembered from its birth on."""
        return _target(labels) in self._young

    def _scrapes(self, target: Target) -> Floats:
        if target not in self._times:
            times = [one.times for one in self._series.get(target, ())]
            last = [np.array([self._last[target]])] if target in self._last else []
            self._times[target] = np.unique(np.concatenate([*last, *times])) if last or times else np.empty(0)
        return self._times[target]


def _birth(members: list[_Series], oldest: float) -> float | None:
    """When a target was born that counted no more before its first scrape than soon after it; None for others.

    It would have been scraped one interval earlier. With the first samples that anybody remembers nobody can tell:
    nothing is older.
    """
    first = min(one.first for one in members)
    there = [one for one in members if one.first == first]
    if oldest > first - KNOWN or sum(one.values[0] for one in there) > sum(one.grown for one in there):
        return None
    return first - min(one.pause for one in there)


def count(
    counters: Counters,
    by: tuple[str, ...],
    total: Iterable[RangeRow],
    part: Iterable[RangeRow],
    memory: Memory,
    *,
    until: float = np.inf,
    step: int = MINUTE,
) -> tuple[Mapping[Labels, Counts], Memory]:
    """Count what *total* and *part* say beyond *memory*; one set of counts for each combination of the labels *by*.

    Samples may overlap those that were counted before; late ones, older than the last of their series, are not counted
    (a watermark keeps the newest minutes from being read too early, and who wants late data counts a day anew). Those
    behind *until* are not counted yet: YOUNG seconds of them tell which targets are young.
    """
    wholes, parts = tuple(_fresh(total, memory.total, until)), tuple(_fresh(part, memory.part, until))
    targets = _Targets(wholes, memory.total)
    events, members = _by_group(wholes, by), _by_group(parts, by)
    newest, newest_part = _newest(memory.total, by), _newest(memory.part, by)
    found = {}
    for group in events | members:
        everything = [_curve(one, targets, births=counters.births) for one in events.get(group, ())]
        some = [_curve(one, targets, births=counters.births) for one in members.get(group, ())]
        looked = [_looked(events.get(group, ()), newest.get(group, -np.inf))]
        if counters.needed:
            looked.append(_looked(members.get(group, ()), newest_part.get(group, -np.inf)))
        found[group] = _divided(everything, some, looked, step, good=counters.good)
    return found, Memory(_remembered(memory.total, wholes, targets), _remembered(memory.part, parts, targets))


# --- one series --------------------------------------------------------------------------------------------


def _increments(values: Floats) -> Floats:
    """What a counter counted between consecutive samples; after a reset its new value."""
    difference = np.diff(values)
    return np.where(difference < 0, values[1:], difference)


def _curve(series: _Series, targets: _Targets, *, births: bool) -> tuple[Floats, Floats]:
    """Times, and how many events were counted until each of them.

    A counter that was reset, or born, counted its value since the last scrape of its target without it. A counter that
    went on may have counted at any time since its own last sample.
    """
    times, values = series.times, series.values
    reset = np.diff(values) < 0
    counted = np.concatenate(([0.0], np.cumsum(_increments(values))))
    since = np.where(reset, targets.before(series.labels, times[1:]), -np.inf)
    late = since > times[:-1]
    if late.any():
        order = np.argsort(np.concatenate((times, since[late])), kind="stable")
        times = np.concatenate((times, since[late]))[order]
        counted = np.concatenate((counted, counted[:-1][late]))[order]
    if series.born and births and targets.knew(series.labels, float(series.times[0])):
        start = targets.before(series.labels, series.times[:1])
        times, counted = np.concatenate((start, times)), np.concatenate(([0.0], counted + values[0]))
    return times, counted


def _looked(series: Iterable[_Series], newest: float) -> tuple[Floats, Floats]:
    """Times, and for how many seconds samples have been close together until each of them."""
    times = [one.times for one in series]
    if not times:
        return np.empty(0), np.empty(0)
    scrapes = np.unique(np.concatenate([*times, [newest]]))
    scrapes = scrapes[(scrapes >= newest) & np.isfinite(scrapes)]
    gaps = np.diff(scrapes)
    return scrapes, np.concatenate(([0.0], np.cumsum(np.where(gaps <= CLOSE, gaps, 0.0))))


# --- slices ------------------------------------------------------------------------------------------------


def _divided(
    total: list[tuple[Floats, Floats]],
    part: list[tuple[Floats, Floats]],
    looked: list[tuple[Floats, Floats]],
    step: int,
    *,
    good: bool,
) -> Counts:
    """Divide curves among slices; between two of its points a curve rises evenly."""
    curves = [curve for curve in (*total, *part, *looked) if len(curve[0])]
    first = min((int(times[0] // step) for times, _ in curves), default=0)
    last = max((int(times[-1] // step) + 1 for times, _ in curves), default=0)
    counts = Counts.none(first, last - first, step)
    for into, which in ((counts.total, total), (counts.bad, part)):
        for curve in which:
            _add(into, first, step, curve)
    if good:
        np.subtract(counts.total, counts.bad, out=counts.bad)
    seconds = []
    for curve in looked:
        seconds.append(np.zeros(last - first))
        _add(seconds[-1], first, step, curve)
    np.minimum.reduce(seconds, out=counts.looked)
    return counts


def _add(into: Floats, first: int, step: int, curve: tuple[Floats, Floats]) -> None:
    times, counted = curve
    if len(times) < 2 or counted[-1] == 0:
        return
    low, high = int(times[0] // step), int(times[-1] // step) + 1
    edges = np.arange(low, high + 1, dtype=np.float64) * step
    into[low - first : high - first] += np.maximum(np.diff(np.interp(edges, times, counted)), 0.0)


# --- labels and memory -------------------------------------------------------------------------------------


def _fresh(rows: Iterable[RangeRow], memory: Mapping[Labels, Seen], until: float) -> Iterator[_Series]:
    for row in rows:
        if (series := _Series.of(row, memory.get(row.labels), until)) is not None:
            yield series


def _remembered(memory: Mapping[Labels, Seen], series: Iterable[_Series], targets: _Targets) -> Mapping[Labels, Seen]:
    after = {**memory, **{one.labels: one.seen(young=targets.is_young(one.labels)) for one in series}}
    newest = max((seen.time for seen in after.values()), default=0.0)
    return {labels: seen for labels, seen in after.items() if newest - seen.time <= REMEMBERED}


def _newest(memory: Mapping[Labels, Seen], by: tuple[str, ...]) -> Mapping[Labels, float]:
    """Until when each group has been looked at."""
    newest: dict[Labels, float] = {}
    for labels, seen in memory.items():
        group = _group(labels, by)
        newest[group] = max(seen.time, newest.get(group, -np.inf))
    return newest


def _by_group(series: Iterable[_Series], by: tuple[str, ...]) -> dict[Labels, list[_Series]]:
    groups: dict[Labels, list[_Series]] = {}
    for one in series:
        groups.setdefault(_group(one.labels, by), []).append(one)
    return groups


def _group(labels: Labels, by: tuple[str, ...]) -> Labels:
    return labels_of({name: value for name, value in labels if name in by})


def _target(labels: Labels) -> Target:
    have = dict(labels)
    return have.get("job", ""), have.get("instance", "")


def _holds(times: Floats, time: float) -> bool:
    place = int(np.searchsorted(times, time))
    return place < len(times) and times[place] == time
