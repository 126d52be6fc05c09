"""Counting events from samples of counters: each increment once, wherever scrapes, requests and slices begin and end.

A counter's increment lies between two samples; after a reset it is the new value (decision 0018; how a reset is told:
`tocsin.ledger.restarts`). It is counted when
the later of the two is read, and belongs to the slice in which that lies; if it reaches over whole slices it is divided
in proportion to time. What the
next stretch of samples needs of this one is the last sample of each series: `Memory`. So it does not matter where
samples are cut into requests, and a pause of any length that is remembered loses nothing but its shape.

Which series are born with what they count, and so count from zero: `tocsin.ledger.births`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from tocsin.ledger.arrays import Floats
from tocsin.ledger.births import CLOSE, NEVER, Pause, Seen, Series, Target, Targets, increments
from tocsin.ledger.counts import Counts
from tocsin.ledger.model import MINUTE
from tocsin.ledger.restarts import Fall
from tocsin.ports import Labels, RangeRow, labels_of
from tocsin.sli.base import Counters

REMEMBERED = 86_400.0
"""Seconds that a series is remembered after its last sample; one that comes back later is counted like a new one."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What one stretch of samples leaves to the next."""

    total: Mapping[Labels, Seen] = field(default_factory=dict)
    part: Mapping[Labels, Seen] = field(default_factory=dict)
    pause: Pause = NEVER
    fallen: Mapping[Target, Fall] = field(default_factory=dict)
    """When each target started anew the last time."""

    def settled(self) -> float:
        """Until when all is counted that is counted so far: the oldest last sample of the series that are alive.

        Slices that end later may get more from the samples that come next. Infinitely long ago without a series.
        """
        times = [seen.time for series in (self.total, self.part) for seen in series.values()]
        newest = max(times, default=-np.inf)
        return min((time for time in times if newest - time <= CLOSE), default=-np.inf)


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
    targets = Targets(wholes, memory.total, memory.pause, memory.fallen)
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
    return found, Memory(
        _remembered(memory.total, wholes, targets),
        _remembered(memory.part, parts, targets),
        targets.pause(),
        targets.fallen(),
    )


# --- one series --------------------------------------------------------------------------------------------


def _curve(series: Series, targets: Targets, *, births: bool) -> tuple[Floats, Floats]:
    """Times, and how many events were counted until each of them.

    A counter that was reset, or born, counted its value since the last scrape of its target without it. A counter that
    went on may have counted at any time since its own last sample.
    """
    times, values = series.times, series.values
    reset = targets.restarts(series)
    counted = np.concatenate(([0.0], np.cumsum(increments(values, reset))))
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


def _looked(series: Iterable[Series], newest: float) -> tuple[Floats, Floats]:
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
    """Attribute what curves rise by to slices; the time that was looked at is divided evenly."""
    curves = [curve for curve in (*total, *part, *looked) if len(curve[0])]
    first = min((int(times[0] // step) for times, _ in curves), default=0)
    last = max((int(times[-1] // step) + 1 for times, _ in curves), default=0)
    counts = Counts.none(first, last - first, step)
    for into, across, which in (
        (counts.total, counts.total_across, total),
        (counts.bad, counts.bad_across, part),
    ):
        for curve in which:
            _attribute(into, across, first, step, curve)
    if good:
        np.subtract(counts.total, counts.bad, out=counts.bad)
        np.subtract(counts.total_across, counts.bad_across, out=counts.bad_across)
    seconds = []
    for curve in looked:
        seconds.append(np.zeros(last - first))
        _spread(seconds[-1], first, step, curve)
    np.minimum.reduce(seconds, out=counts.looked)
    return counts


def _attribute(into: Floats, across: Floats, first: int, step: int, curve: tuple[Floats, Floats]) -> None:
    """Each increment to the slice of its later sample, as a server's window (start, end] has it; see `model.Across`.

    One that reaches over a whole slice is divided: of a pause nobody knows when in it something happened.
    """
    times, counted = curve
    grown = np.maximum(np.diff(counted), 0.0)
    low = np.floor(times[:-1] / step).astype(np.intp)
    high = np.ceil(times[1:] / step).astype(np.intp) - 1
    near, over = high <= low + 1, high > low
    np.add.at(into, high[near] - first, grown[near])
    np.add.at(across, high[near & over] - first, grown[near & over])
    if not near.all():
        shares = np.zeros(len(into))
        _spread(shares, first, step, (times, np.concatenate(([0.0], np.cumsum(np.where(near, 0.0, grown))))))
        into += shares
        across += shares


def _spread(into: Floats, first: int, step: int, curve: tuple[Floats, Floats]) -> None:
    """Between two of its points a curve rises evenly."""
    times, counted = curve
    if len(times) < 2 or counted[-1] == 0:
        return
    low, high = int(times[0] // step), int(times[-1] // step) + 1
    edges = np.arange(low, high + 1, dtype=np.float64) * step
    into[low - first : high - first] += np.maximum(np.diff(np.interp(edges, times, counted)), 0.0)


# --- labels and memory -------------------------------------------------------------------------------------


def _fresh(rows: Iterable[RangeRow], memory: Mapping[Labels, Seen], until: float) -> Iterator[Series]:
    for row in rows:
        if (series := Series.of(row, memory.get(row.labels), until)) is not None:
            yield series


def _remembered(memory: Mapping[Labels, Seen], series: Iterable[Series], targets: Targets) -> Mapping[Labels, Seen]:
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


def _by_group(series: Iterable[Series], by: tuple[str, ...]) -> dict[Labels, list[Series]]:
    groups: dict[Labels, list[Series]] = {}
    for one in series:
        groups.setdefault(_group(one.labels, by), []).append(one)
    return groups


def _group(labels: Labels, by: tuple[str, ...]) -> Labels:
    return labels_of({name: value for name, value in labels if name in by})
