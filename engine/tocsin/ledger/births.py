"""Series and the targets that they belong to: which are born, and which were there before.

A series that is born counts from zero if its target is older than it: one of the target's series of all events was
there ten minutes before, and is in the same scrape now (decisions 0006 and 0009, `tocsin.sli.newborn`). A target that
is itself new counts from zero if it is young: what it had counted when it was first seen is no more than what it counts
in the five minutes that follow (decision 0018). So the errors of a process that starts count, and a target of old that
comes under a new name is wrong by no more than those five minutes. After a pause of all targets a young one may be as
much older as the pause was long: nobody could have seen it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Self

import numpy as np

from tocsin.ledger.arrays import Bools, Floats
from tocsin.ledger.restarts import Fall, falls, restarts
from tocsin.ports import Labels, RangeRow

Target = tuple[str, str]
Pause = tuple[float, float]
"""The last sample of any target before a pause, and the first one after it."""
NEVER = (-np.inf, -np.inf)
KNOWN = 600.0
"""Seconds that a target has been there when it gets a series: what it shows in its first minutes is no news."""
CLOSE = 300.0
"""Seconds between two samples of a target that is being looked at: as far as an instant selector looks back."""
YOUNG = 300.0
"""Seconds behind the first scrape of a target in which it has to count as much as before, if it is to be young."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A series as far as it was read: its first sample that is remembered, and its last.

    *young* says that the life of its target is remembered from its birth on.
    """

    first: float
    time: float
    value: float
    young: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Series:
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
            grown = float(increments(soon).sum())
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


class Targets:
    """When each target was scraped, as its series of all events tell, whether it was known then, and when it fell."""

    def __init__(
        self,
        series: Sequence[Series],
        memory: Mapping[Labels, Seen],
        pause: Pause = NEVER,
        fallen: Mapping[Target, Fall] = MappingProxyType({}),
    ) -> None:
        self._series: dict[Target, list[Series]] = {}
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
        self._pauses = [pause, *_pauses(series, max(self._last.values(), default=-np.inf))]
        for target, members in self._series.items():
            if target not in self._last and (start := _birth(members, oldest, self._pauses)) is not None:
                self._young.add(target)
                self._last[target] = start
        last = {target: (fall,) for target, fall in fallen.items()}
        self._falls = {
            target: falls(self._series.get(target, ()), last.get(target, ())) for target in self._series | last
        }
        self._times: dict[Target, Floats] = {}
        self._known: dict[tuple[Target, float], bool] = {}

    def pause(self) -> Pause:
        """The last pause of all targets."""
        return self._pauses[-1]

    def fallen(self) -> Mapping[Target, Fall]:
        """When each target that ever did started anew the last time: samples that come next may lie around it."""
        return {target: found[-1] for target, found in self._falls.items() if found}

    def restarts(self, series: Series) -> Bools:
        """Between which of its samples a counter started anew."""
        return restarts(series.times, series.values, self._falls.get(_target(series.labels), ()))

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


def _birth(members: list[Series], oldest: float, pauses: list[Pause]) -> float | None:
    """When a target was born that counted no more before its first scrape than soon after it; None for others.

    It would have been scraped one interval earlier, or in the pause that was. With the first samples that anybody
    remembers nobody can tell: nothing is older.
    """
    first = min(one.first for one in members)
    there = [one for one in members if one.first == first]
    before = next((start for start, end in reversed(pauses) if first - CLOSE <= end <= first), first)
    grown = sum(one.grown for one in there) * (YOUNG + first - before) / YOUNG
    if oldest > first - KNOWN or sum(one.values[0] for one in there) > grown:
        return None
    return before if before < first else first - min(one.pause for one in there)


def _pauses(series: Sequence[Series], last: float) -> list[Pause]:
    """When no target had a sample for long, in order; *last* is the last sample that was counted before."""
    if not series:
        return []
    scrapes = np.unique(np.concatenate([[last], *(one.times for one in series)]))
    scrapes = scrapes[(scrapes >= last) & np.isfinite(scrapes)]
    ends = np.flatnonzero(np.diff(scrapes) > CLOSE)
    return [(float(scrapes[place]), float(scrapes[place + 1])) for place in ends]


def increments(values: Floats, reset: Bools | None = None) -> Floats:
    """What a counter counted between consecutive samples; after a reset (where it fell, or as told) its new value."""
    difference = np.diff(values)
    return np.where(difference < 0 if reset is None else reset, values[1:], difference)


def _target(labels: Labels) -> Target:
    have = dict(labels)
    return have.get("job", ""), have.get("instance", "")


def _holds(times: Floats, time: float) -> bool:
    place = int(np.searchsorted(times, time))
    return place < len(times) and times[place] == time
