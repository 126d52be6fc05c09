"""Keeping the ledger of a workspace: what is to be counted, of which days, and what budgets follow from what is held.

A day is *closed* an hour after its end, when nothing of it can change any more but by samples that come very late.
Closed days are counted whole and apart from each other, so that a day has the same counts whoever counts it, and when.
The day that runs is counted further every few minutes, and closed like every other when its time has come.

Budgets are the ledger's up to its watermark, and what the metric source says of the minutes since.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property, reduce
from math import gcd, isnan
from zoneinfo import ZoneInfo

import numpy as np

from tocsin.evaluate.accounting import window_of
from tocsin.evaluate.calendar import PERIODS
from tocsin.evaluate.counting import LATE, LEAD, LONG, REQUEST, TAIL, counted, further
from tocsin.evaluate.excluding import stretches
from tocsin.evaluate.gone import Gone
from tocsin.evaluate.naming import name_of
from tocsin.evaluate.slices import Slices, instant, milliseconds
from tocsin.ledger.births import CLOSE
from tocsin.ledger.counts import Counts
from tocsin.ledger.exclusions import Exclusion
from tocsin.ledger.methods import Method, Units, events_of, method_of
from tocsin.ledger.model import DAY, MINUTE, Across, Day, day_of, midnight, number_of
from tocsin.ledger.samples import Memory
from tocsin.ledger.verdicts import Within, joined
from tocsin.ports import Labels, MetricSource
from tocsin.sli import Sli
from tocsin.sli.slices import SlicedSli
from tocsin.spec import JourneySlo, Sla, Slo, members
from tocsin.workspace import Workspace

CLOSED = TAIL + 2 * LATE
"""Seconds after its end until a day is counted for good."""
NEWEST = timedelta(seconds=3 * LATE)
"""What a statement about a day that runs may lack at its end: late samples, and what lies between two of them."""
COARSE = 3600
"""Seconds of a slice of an old day, where nothing needs shorter ones."""
OLD = timedelta(seconds=LONG)
"""How far the ledger may be behind until the metric source is asked for the whole budget again."""


@dataclass(frozen=True)
class Entry:
    """One objective of which a ledger is kept; *slas* and *journeys* are made of it, contracts over journeys too."""

    slo: Slo
    slas: tuple[Sla, ...] = ()
    journeys: tuple[JourneySlo, ...] = ()
    samples: bool = True
    """Whether counters are read sample by sample."""

    @property
    def ref(self) -> str:
        """Under which all that it counts is held."""
        return self.slo.ref

    @property
    def noted(self) -> str:
        """Under which it is held which days were counted: as it is divided now, if it is."""
        return name_of(self.ref, self.slo.by)

    @cached_property
    def sli(self) -> Sli:
        """Whose events are counted: how slices are judged is decided when they are read."""
        return events_of(self.slo.sli)

    @cached_property
    def method(self) -> Method:
        """How its budget counts."""
        return method_of(self.slo.sli)

    @cached_property
    def excluded(self) -> tuple[Exclusion, ...]:
        """What is agreed not to count; contracts and journeys that count from the same days know nothing of it."""
        return stretches(self.slo.exclusions)

    def counts(self, slo: Slo) -> bool:
        """Whether what is known of the budget is that of *slo*, which other definitions may have."""
        return self.slo.sli == slo.sli and self.slo.exclusions == slo.exclusions

    def period(self, at: datetime) -> tuple[datetime, datetime]:
        """The period of its budget."""
        return window_of(self.slo, at)

    def reach(self, at: datetime) -> date:
        """The first day that anything of now needs: its own period, or that of a contract or a journey."""
        starts = [self.period(at)[0], *(PERIODS[sla.calendar](at, ZoneInfo(sla.timezone))[0] for sla in self.slas)]
        starts += [at - path.window.timedelta for path in self.journeys]
        return min(starts).date()

    @property
    def coarse(self) -> int:
        """Seconds of a slice into which old days may be put together: what counts by slices still fits."""
        lengths = [COARSE, *(sla.measure.interval.milliseconds // 1000 for sla in self.slas)]
        lengths += [path.slice.milliseconds // 1000 for path in self.journeys]
        if isinstance(self.slo.sli, SlicedSli):
            lengths.append(self.method.slice)
        longest = reduce(gcd, lengths)
        return longest if longest % MINUTE == 0 else MINUTE


def entries(workspace: Workspace, *, samples: bool = True) -> tuple[Entry, ...]:
    """All objectives of a workspace, those of journeys excepted: they are made of these."""
    journeys = tuple(slo for journey in workspace.journeys for slo in journey.slos)
    made = []
    for slo in (slo for service in workspace.services for slo in service.slos):
        paths = tuple(path for path in journeys if any(one.ref == slo.ref for one in members(path.combine)))
        names = {slo.ref, *(path.ref for path in paths)}
        made.append(Entry(slo, tuple(sla for sla in workspace.slas if sla.covers in names), paths, samples))
    return tuple(made)


# --- counting ----------------------------------------------------------------------------------------------


def closes(day: date) -> datetime:
    """When a day can be counted for good."""
    return instant((midnight(day) + DAY + CLOSED) * 1000)


def open_since(now: datetime) -> date:
    """The first day that cannot be counted for good yet: today, and yesterday for a while."""
    return day_of((milliseconds(now) // 1000 - CLOSED) // DAY)


def closed(source: MetricSource, entry: Entry, day: date) -> tuple[Day, ...]:
    """Count one day for good: that of the objective, and for a divided one those of its groups."""
    start = midnight(day)
    found = counted(source, entry.sli, start, start + DAY, start + DAY + CLOSED, samples=entry.samples)
    found = Gone(entry.slo.sli).marked(source, found, start, start + DAY)
    return tuple(one for one in _stated(entry, found, number_of(day), number_of(day) + 1))


def _stated(entry: Entry, found: Mapping[Labels, Counts], first: int, last: int) -> Iterable[Day]:
    """Days [first, last) of all groups, and of all of them together under the name of the objective."""
    per_day = DAY // MINUTE
    parts = {group: counts.within(first * per_day, last * per_day) for group, counts in found.items()}
    parts.setdefault((), Counts.none(first * per_day, (last - first) * per_day))
    whole = reduce(Counts.__add__, parts.values())
    if len(parts) > 1:  # covered where any of them is, not where all of them together are
        whole = replace(whole, looked=np.maximum.reduce([one.looked for one in parts.values()]))
    yield from whole.days(entry.ref)
    if entry.slo.by:
        for group, counts in sorted(parts.items()):
            yield from counts.days(name_of(entry.ref, entry.slo.by, group))


@dataclass(slots=True)
class Running:
    """The days of one objective that are not closed yet, counted further and further from *since* on."""

    entry: Entry
    since: date
    memory: Memory = field(default_factory=Memory)
    found: dict[Labels, Counts] = field(default_factory=dict)
    end: int = 0
    """Unix seconds up to which samples were read, or windows of hours asked for."""
    gone: Gone | None = None

    def further(self, source: MetricSource, now: datetime) -> tuple[Day, ...]:
        """Count what is new, and state the days anew; the same whenever and however often it is asked."""
        seconds, start = milliseconds(now) // 1000, midnight(self.since)
        counters = self.entry.sli.counters() if self.entry.samples else None
        if counters is None:
            found = self._calibrated(source, seconds, start)
        else:
            end = seconds - LATE
            self.end = self.end or start - LEAD
            while self.end < end:
                until = min(self.end + REQUEST, end)
                more, self.memory = further(source, counters, self.entry.sli.by, self.memory, self.end, until, MINUTE)
                self._add(more, start)
                self.end = until
            found = self.found
        if self.gone is None or self.gone.sli != self.entry.slo.sli:
            self.gone = Gone(self.entry.slo.sli)
        found = self.gone.marked(source, found, start, self.watermark(now))
        return tuple(_stated(self.entry, found, number_of(self.since), seconds // DAY + 1))

    def _add(self, found: Mapping[Labels, Counts], start: int) -> None:
        for group, more in found.items():
            known = self.found[group] + more if group in self.found else more
            self.found[group] = known.within(start // MINUTE, max(known.last, start // MINUTE))

    def _calibrated(self, source: MetricSource, now: int, start: int) -> dict[Labels, Counts]:
        """Hours that are whole are kept, what is behind them is asked for again."""
        self.end = self.end or start
        whole = (now - LATE) // LONG * LONG
        if whole > self.end:
            self._add(counted(source, self.entry.sli, self.end, whole, whole + LATE, samples=False), start)
            self.end = whole
        rest = counted(source, self.entry.sli, self.end, self.end + LONG, now, samples=False)
        return {
            group: reduce(Counts.__add__, [each[group] for each in (self.found, rest) if group in each])
            for group in self.found.keys() | rest.keys()
        }

    def watermark(self, now: datetime) -> int:
        """Unix seconds up to which all is counted, at the end of a slice of the objective's."""
        end = milliseconds(now) // 1000 - LATE
        if (settled := self.memory.settled()) > end - 2 * CLOSE:  # else all series are gone, and none brings more
            end = min(self.end, int(settled))
        step = self.entry.method.slice
        return max(end // step * step, midnight(self.since))


# --- reading -----------------------------------------------------------------------------------------------


def fill(book: Slices, slo: Slo, days: Sequence[Day], start: datetime, end: datetime) -> None:
    """Take the slices of [start, end) from *days*, which are in order; what they lack is for the source to say.

    Slices follow each other, so of days with others missing between them only the first ones are taken: the source may
    still know the later ones. Days that are held in slices which do not fit are not there. A slice at which nobody
    looked has no ratio, whatever a counter rose by over the gap that it lies in, and is not idle.

    How slices are judged: `tocsin.ledger.verdicts`.
    """
    step, run = book.step.milliseconds, _run(book, method_of(slo.sli), days)
    if not run:
        return
    first_ms, unit = run[0].start * 1000, run[0].step * 1000
    low = max(-((book.phase - first_ms) // step), book.number(start))
    high = min((first_ms + len(run) * DAY * 1000 - book.phase) // step, book.number(end))
    if low >= high:
        return
    place, shape = (book.phase + low * step - first_ms) // unit, (high - low, step // unit)
    part = slice(place, place + shape[0] * shape[1])
    total, bad, seen = (
        np.concatenate([getattr(each, name) for each in run])[part] for name in ("total", "bad", "seen")
    )
    across = joined([each.across for each in run], len(run[0].total))
    across = across and Across(across.total[part], across.bad[part])
    good = Within.of(total, bad, across, seen > 0, shape[1]).good()
    events, seen = total.reshape(shape).sum(axis=1), seen.reshape(shape).sum(axis=1)
    looked = np.flatnonzero(seen > 0)
    if not len(looked):
        return
    for k, (count, ratio, seconds) in enumerate(zip(events.tolist(), good.tolist(), seen.tolist(), strict=True), low):
        if not isnan(ratio):
            book.ratios[k] = ratio
        elif seconds * 1000 >= step and count == 0:
            book.idle.add(k)
        if book.events is not None:
            book.events[k] = count
    book.low, book.high = low, high
    book.since, book.until = book.bounds(low + int(looked[0]))[0], book.bounds(high - 1)[1]


def _run(book: Slices, method: Method, days: Sequence[Day]) -> list[Units]:
    """The first days that follow each other, in slices that fit."""
    run: list[Units] = []
    for day in days:
        if book.step.milliseconds % (day.step * 1000) or book.phase % (day.step * 1000):
            continue
        units = method.units(day)
        if book.step.milliseconds % (units.step * 1000):
            continue
        if run and (units.start != run[-1].start + DAY or units.step != run[0].step):
            break
        run.append(units)
    return run
