"""Asking a metric source for what the ledger counts; how it is counted is `tocsin.ledger`'s (decision 0018)."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import numpy as np

from tocsin.evaluate.gone import Gone
from tocsin.evaluate.naming import name_of
from tocsin.evaluate.slices import complete, instant, milliseconds, range_of
from tocsin.ledger.births import YOUNG
from tocsin.ledger.calibrated import Measured, calibrate, sharpened
from tocsin.ledger.counts import Counts
from tocsin.ledger.methods import events_of
from tocsin.ledger.model import DAY, MINUTE, Day, midnight
from tocsin.ledger.samples import Memory, count
from tocsin.ports import Labels, MetricSource, labels_of
from tocsin.sli import Counters, Sli, for_long
from tocsin.units import Duration

LEAD = 6 * 3600
"""Seconds of samples before the first slice: they tell which series are new, and where counters stood before a gap."""
TAIL = 3600
"""Seconds of samples behind the last slice: an increment that began in it ends there, also after a short gap."""
AHEAD = int(YOUNG)
"""Seconds of samples that are read and not counted yet: they tell which targets are young."""
REQUEST = 6 * 3600 - AHEAD
LONG = 6 * 3600
"""Seconds of a window over which `increase` is right to a hundredth of a percent."""
SHAPE = 120
"""Seconds of a window that says when: the least in which targets that are scraped once a minute have two samples."""
LATE = AHEAD
"""Seconds that samples may come late, by remote write and scrapes that take long; newer ones are not counted yet."""


def statement(source: MetricSource, ref: str, sli: Sli, since: date, now: datetime) -> tuple[Day, ...]:
    """State each day of one objective from *since* to that of *now*; a group's days are named by its labels, too.

    It does not matter when it was asked last: a day has no other counts because it was stated late, as long as the
    source remembers it. So downtime is made up for by asking since the last day that is held. Of an *sli* over slices
    the events are counted, and when its counter was gone.
    """
    start, end, seconds = midnight(since), midnight(now.date()) + DAY, milliseconds(now) // 1000
    found = counted(source, events_of(sli), start, end, seconds)
    found = Gone(sli).marked(source, found, start, min(end, seconds - LATE))
    return tuple(day for group, counts in sorted(found.items()) for day in counts.days(name_of(ref, sli.by, group)))


def counted(  # noqa: PLR0917 - what, of whom, from when to when
    source: MetricSource, sli: Sli, since: int, until: int, now: int, step: int = MINUTE, *, samples: bool = True
) -> Mapping[Labels, Counts]:
    """Count an SLI for the slices of [*since*, *until*) in unix seconds, by group: from samples where it has counters.

    Without *samples* counters are calibrated as everything else is, which is cheaper. What is not *now* - LATE yet is
    left out. *since* is a multiple of LONG (midnight is), so that the same windows are exact whenever they are asked
    for; the last one is as long as it is yet.
    """
    if samples and (counters := sli.counters()) is not None:
        return sampled(source, counters, sli.by, since, until, now, step)
    end = min(until, (now - LATE) // step * step)
    whole = since + max(end - since, 0) // LONG * LONG
    found: dict[Labels, Counts] = {}
    for start, stop, long in ((since, whole, LONG), (whole, end, end - whole)):
        if start < stop:
            for group, more in calibrated(source, sli, start, stop, step, long).items():
                found[group] = found[group] + more if group in found else more
    return {group: counts.within(since // step, until // step) for group, counts in found.items()}


def sampled(  # noqa: PLR0917 - as above
    source: MetricSource, counters: Counters, by: tuple[str, ...], since: int, until: int, now: int, step: int = MINUTE
) -> Mapping[Labels, Counts]:
    """Count raw samples for the slices of [*since*, *until*) in unix seconds, by group.

    What is not *now* - LATE yet is left out. The same question gives the same counts, once samples behind the last
    slice are there; SourceError where any answer is not complete.
    """
    memory, found = Memory(), dict[Labels, Counts]()
    for start, end in _requests(since - LEAD, min(until + TAIL, now - LATE)):
        counts, memory = further(source, counters, by, memory, start, end, step)
        for group, more in counts.items():
            found[group] = (found[group] + more if group in found else more).within(since // step, until // step)
    return found


def further(  # noqa: PLR0917 - as above
    source: MetricSource, counters: Counters, by: tuple[str, ...], memory: Memory, start: int, end: int, step: int
) -> tuple[Mapping[Labels, Counts], Memory]:
    """Count the samples of one stretch (*start*, *end*] on top of those that *memory* tells of; AHEAD more are read."""
    first, last = instant(start * 1000), instant((end + AHEAD) * 1000)
    total = complete(source.raw(counters.total, first, last))
    part = complete(source.raw(counters.part, first, last))
    return count(counters, by, total.rows, part.rows, memory, until=end, step=step)


def calibrated(  # noqa: PLR0917 - as above
    source: MetricSource, sli: Sli, since: int, until: int, step: int = MINUTE, long: int = LONG
) -> Mapping[Labels, Counts]:
    """Count any SLI for whole windows of *long* seconds from *since* to *until*, by group.

    The window that says when is longer than a slice, so it is asked for when its middle is that of the slice. Births
    are looked for in the long windows only: in the short ones that costs a hundred times as much as all the rest.
    Where it shows bad events slices are asked for by themselves: whether all of a minute failed is not seen in two, nor
    in which of them one look failed.
    """
    late = max(SHAPE - step, 0) / 2
    many, few = (until - since) // step, (until - since) // long
    shapes = _measured(source, for_long(sli), max(SHAPE, step), (since + step + late, until + late, step), many)
    exact = _measured(source, sli, long, (since + long, until, long), few)
    nothing = Measured(np.full(many, np.nan), np.zeros(many))
    unknown = Measured(np.full(few, np.nan), np.full(few, np.nan))
    own = _own(source, sli, shapes, since, step) if step < SHAPE else {}
    if sli.now() is not None:  # a look is in one slice
        shapes |= {group: sharpened(shapes[group], one, max(SHAPE, step) / step) for group, one in own.items()}
    return {
        group: calibrate(shapes.get(group, nothing), exact.get(group, unknown), since // step, step, own.get(group))
        for group in shapes | exact
    }


def _own(
    source: MetricSource, sli: Sli, shapes: Mapping[Labels, Measured], since: int, step: int
) -> dict[Labels, Measured]:
    """Slices from the first to the last with bad events in their *shapes*, as windows of their own; NaN elsewhere."""
    bad = [np.flatnonzero(one.bad > 0) for one in shapes.values()]
    places = np.concatenate(bad) if bad else np.empty(0, dtype=np.intp)
    if not len(places):
        return {}
    low, high = int(places.min()), int(places.max()) + 1
    asked = _measured(source, for_long(sli), step, (since + (low + 1) * step, since + high * step, step), high - low)
    found = {}
    for group in asked.keys() & shapes.keys():
        one = found[group] = Measured(*(np.full(len(shapes[group].total), np.nan) for _ in range(2)))
        one.total[low:high], one.bad[low:high] = asked[group].total, asked[group].bad
    return found


def _measured(
    source: MetricSource, sli: Sli, window: int, grid: tuple[float, float, int], count: int
) -> dict[Labels, Measured]:
    """Events in the windows that end on *grid* (first, last and step, in seconds), in windows and not per second."""
    start, end, step = grid
    width = f"{range_of(sli, Duration.of(seconds=window)).milliseconds}ms"
    found: dict[Labels, Measured] = {}
    for name, query in (
        ("total", sli.total(width, "increase")),
        ("bad", sli.bad(width, "increase")),
    ):
        answer = complete(source.range(query, _at(start), _at(end), timedelta(seconds=step)))
        for row in answer.rows:
            group = labels_of({key: value for key, value in row.labels if key in sli.by})
            into = found.setdefault(group, Measured(np.full(count, np.nan), np.full(count, np.nan)))
            points = np.asarray(row.points, dtype=np.float64)
            places = np.rint((points[:, 0] - start) / step).astype(np.intp)
            getattr(into, name)[places] = points[:, 1]
    return found


def _requests(start: int, end: int) -> Iterator[tuple[int, int]]:
    for first in range(start, end, REQUEST):
        yield first, min(first + REQUEST, end)


def _at(seconds: float) -> datetime:
    return instant(round(seconds * 1000))
