"""Journeys and contracts of a workspace: which slices they need, and what follows from them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from tocsin.evaluate import journey, sla
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.calendar import PERIODS
from tocsin.evaluate.faults import Faults
from tocsin.evaluate.graphs import of_contract, of_journey
from tocsin.evaluate.journey import LOOKED_BACK, JourneySight
from tocsin.evaluate.late import Ask
from tocsin.evaluate.measured import RAN, Key, Measured
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.rule import Rule
from tocsin.evaluate.sla import SlaSight
from tocsin.evaluate.slices import Slices, instant, milliseconds
from tocsin.evaluate.standing import Ledger
from tocsin.ports import Graph
from tocsin.spec import Combine, JourneySlo, Sla
from tocsin.spec.journey import Member
from tocsin.units import Duration
from tocsin.workspace import Workspace

T = TypeVar("T", JourneySight, SlaSight)
Late = Mapping[Key, bool]
"""Slices that are asked for aside, and whether their last answer has come: until then nobody else may read them."""
WAITED = "its slices have not been answered yet"


@dataclass(slots=True)
class _Want:
    """From when on slices are needed, and how often they may be asked for."""

    since: datetime
    every: timedelta
    events: bool = False
    """Whether somebody needs to know how many there were."""


@dataclass(slots=True)
class Composites:
    """All journeys and contracts; *book* remembers slices between looks."""

    measured: Measured
    every: timedelta
    book: dict[Key, Slices] = field(default_factory=dict)
    ledger: Ledger | None = None
    """Slices begin with what it holds of them."""
    judged: dict[str, tuple[object, JourneySight | SlaSight]] = field(default_factory=dict)
    """The last judgement by rule, with what it was made from: slices that did not change are not added up again."""
    lately: dict[str, tuple[datetime, JourneySight]] = field(default_factory=dict)
    """When each journey was last seen whole; it stands in for looks in which slices of it are late."""

    @classmethod
    def of(cls, workspace: Workspace, every: timedelta) -> "Composites":
        """Take those whose members are all defined; what is not is a finding of the reader's."""
        return cls(Measured.of(workspace), every)

    def rules(self) -> tuple[Rule, ...]:
        """Their alerts."""
        return (*map(journey.rule, self.measured.journeys.values()), *map(sla.rule, self.measured.slas))

    def asks(self, asker: Asker, faults: Faults) -> dict[Key, Ask[bool]]:
        """What has to be asked now, one question for each series of slices."""
        wants: dict[Key, _Want] = {}
        for slo in self.measured.journeys.values():
            faults.attempt(slo.ref, partial(self._journey_wants, slo, asker.at, wants), _nothing)
        for one in self.measured.slas:
            faults.attempt(f"sla:{one.name}", partial(self._sla_wants, one, asker.at, wants), _nothing)
        for key, want in wants.items():
            if key not in self.book or (want.events and self.book[key].events is None):
                self.book[key] = self.measured.book(key, events=want.events)
                self._fill(key, want, faults)
        return {key: partial(_refresh, self.book[key], want, faults) for key, want in wants.items()}

    def _fill(self, key: Key, want: _Want, faults: Faults) -> None:
        slo = self.measured.slo(key)
        if self.ledger is not None and slo is not None:
            faults.attempt(f"slices of {slo.ref}", partial(self.ledger.fill, self.book[key], slo, want.since), _nothing)

    def _journey_wants(self, slo: JourneySlo, at: datetime, wants: dict[Key, _Want]) -> None:
        """A journey pages, so each new slice is fetched as soon as it is complete."""
        step = slo.slice.milliseconds
        since = instant((milliseconds(at) // step - slo.window.milliseconds // step) * step)
        keys = self._keys(slo.combine, slo.slice, 0)
        if slo.missing.count_as != "ignore":
            keys = (*keys, _ran(slo))
        _want(wants, keys, since - LOOKED_BACK, timedelta())

    def _sla_wants(self, one: Sla, at: datetime, wants: dict[Key, _Want]) -> None:
        start, _ = _period(one, at)
        _want(wants, self.measured.keys(one, start), self.measured.since(one, start), self.every)
        if self.measured.counts(one):
            for key in self.measured.keys(one, start):
                wants[key].events = True

    def look(
        self, asker: Asker, faults: Faults, late: Late, fresh: timedelta
    ) -> tuple[list[JourneySight], list[SlaSight]]:
        """Judge all of them by known slices; where some are *late*, the last sight stands in while it is *fresh*."""
        journeys = [
            faults.attempt(
                slo.ref, partial(self._journey, slo, asker, faults, late, fresh), partial(journey.blind, slo)
            )
            for slo in self.measured.journeys.values()
        ]
        at = asker.at
        slas = [
            faults.attempt(
                f"sla:{one.name}", partial(self._sla, one, asker, faults, late), partial(sla.blind, one, at, at)
            )
            for one in self.measured.slas
        ]
        return journeys, slas

    def _journey(self, slo: JourneySlo, asker: Asker, faults: Faults, late: Late, fresh: timedelta) -> JourneySight:
        slow = [late[key] for key in (*self._keys(slo.combine, slo.slice, 0), _ran(slo)) if key in late]
        if not all(slow):
            return self._stand_in(slo, asker.at, fresh) or journey.blind(slo, WAITED)
        books = self._books(self._keys(slo.combine, slo.slice, 0))
        one = next(iter(books.values()))
        last = one.number(asker.at)
        first = last - slo.window.milliseconds // slo.slice.milliseconds
        ratios = {ref: book.ratios for ref, book in books.items()}
        behind = next((b.reason or "its newest slices are missing" for b in books.values() if b.high < last), "")
        known = max(b.low for b in books.values())
        reading = next((b.reason or "history is still being read" for b in books.values() if b.low > first), "")
        if asker.unreachable is not None or behind:
            last_seen = self._stand_in(slo, asker.at, fresh) if slow and asker.unreachable is None else None
            return last_seen or journey.blind(slo, asker.unreachable or behind)

        ran = self.book.get(_ran(slo))
        asleep = frozenset[int]() if ran is None else ran.between()

        def judge() -> JourneySight:
            idle = {ref: book.idle for ref, book in books.items()}
            whole = journey.composite(slo, ratios, slo.slice, max(first, known), last, idle=idle, asleep=asleep)
            sight = journey.judge(slo, whole, ratios, reading, self.measured.floor)
            return _drawn(sight, slo.ref, partial(of_journey, slo, whole), faults)

        sight = self._once(slo.ref, (first, last, reading, _extent(books), asleep), judge)
        self.lately[slo.ref] = (asker.at, sight)
        return sight

    def _stand_in(self, slo: JourneySlo, at: datetime, fresh: timedelta) -> JourneySight | None:
        seen_at, sight = self.lately.get(slo.ref, (None, None))
        return sight if seen_at is not None and at - seen_at <= fresh else None

    def _sla(self, one: Sla, asker: Asker, faults: Faults, late: Late) -> SlaSight:
        start, end = _period(one, asker.at)
        if not all(late.get(key, True) for key in self.measured.keys(one, start)):
            return sla.blind(one, start, end, WAITED)
        books = self._books(self.measured.keys(one, start))
        book = next(iter(books.values()))
        first = book.number(start)
        last = min(b.high for b in books.values())
        if any(b.low > first for b in books.values()):
            reason = next((b.reason for b in books.values() if b.reason), "history is still being read")
            return sla.blind(one, start, end, reason)

        def judge() -> SlaSight:
            intervals = self.measured.intervals(one, books, first, last)
            sight = sla.judge(one, start, end, intervals, floor=self.measured.floor)
            measured = partial(sla.account, one, intervals)
            return _drawn(sight, one.name, lambda: of_contract(one, measured().marks), faults)

        sight = self._once(f"sla:{one.name}", (start, _extent(books)), judge)
        trouble = asker.unreachable or next((b.reason for b in books.values() if b.reason), "")
        return SlaSight(sight.status, Sample(Truth.UNKNOWN, reason=trouble)) if trouble else sight

    def _once(self, name: str, made_from: object, judge: Callable[[], T]) -> T:
        before = self.judged.get(name)
        if before is None or before[0] != made_from:
            before = self.judged[name] = (made_from, judge())
        return cast("T", before[1])

    def _keys(self, node: Member | Combine, step: Duration, phase: int) -> tuple[Key, ...]:
        return tuple((ref, step.milliseconds, phase) for ref in journey.members(node))

    def _books(self, keys: Iterable[Key]) -> dict[str, Slices]:
        return {key[0]: self.book[key] for key in keys}


def _drawn(sight: T, ref: str, draw: Callable[[], Graph | None], faults: Faults) -> T:
    """The *sight* with its graph where it fires; a bug in a graph costs no alert."""
    if sight.sample.truth is not Truth.TRUE:
        return sight
    graph = faults.attempt(f"graph of {ref}", draw, _nothing)
    return replace(sight, graph=graph)


def _extent(books: Mapping[str, Slices]) -> tuple[tuple[int, int], ...]:
    """What is known: slices do not change once they are."""
    return tuple((book.low, book.high) for book in books.values())


def _ran(slo: JourneySlo) -> Key:
    return RAN, slo.slice.milliseconds, 0


def _refresh(book: Slices, want: _Want, faults: Faults, asker: Asker) -> bool:
    def failed(reason: str) -> None:
        book.reason = reason

    faults.attempt(f"slices of {book.slo.ref}", lambda: book.refresh(asker, want.since, want.every), failed)
    return True


def _nothing(_: str) -> None:
    return None


def _want(wants: dict[Key, _Want], keys: Iterable[Key], since: datetime, every: timedelta) -> None:
    for key in keys:
        want = wants.setdefault(key, _Want(since, every))
        want.since, want.every = min(want.since, since), min(want.every, every)


def _period(one: Sla, at: datetime) -> tuple[datetime, datetime]:
    return PERIODS[one.calendar](at, ZoneInfo(one.timezone))
