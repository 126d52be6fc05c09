"""The sheets of the ledger: written by the keeper's thread, looked at by ticks; a lock is held for moments only."""

import threading
from collections.abc import Callable, Iterable
from datetime import date

import numpy as np

from tocsin.evaluate.bookkeeping import Entry
from tocsin.evaluate.naming import group_of
from tocsin.ledger.arrays import Floats
from tocsin.ledger.auditing import Take, takes, together
from tocsin.ledger.model import DAY, Day
from tocsin.ledger.sheet import Held, Sheet
from tocsin.ports import Labels
from tocsin.sli import SlicedSli


class Sheets:
    """One sheet for the objectives that count by slices of one length."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sheets: dict[int, Sheet] = {}
        self._taken: dict[str, dict[date, tuple[Take, ...]]] = {}
        """What exclusions took, of the days that they touch."""
        self._groups: dict[str, dict[str, Labels]] = {}
        """The groups of each objective that is divided, by name."""
        self._first: dict[str, dict[date, int]] = {}
        """When anything is known of a day, where exclusions would hide that."""

    def clear(self) -> None:
        """Begin anew, without anything."""
        with self._lock:
            self._sheets, self._taken, self._groups, self._first = {}, {}, {}, {}

    def open(self, step: int, now: int, starts: Callable[[], Iterable[int]]) -> None:
        """Rule a sheet for windows that begin at *starts*, unless there is one."""
        if step not in self._sheets:
            sheet = Sheet.ruled(now, starts(), step)
            with self._lock:
                self._sheets[step] = sheet

    def rule(self, now: int, starts: Callable[[int], Iterable[int]]) -> Iterable[tuple[tuple[str, ...], date]]:
        """Move the lines where the hour has changed; tells which days of which references are to be stated again."""
        for step, sheet in self._sheets.items():
            with self._lock:
                days = sheet.rule(now, starts(step)) if now // 3600 != sheet.hour else ()
            for day in days:
                yield tuple(sheet.columns), day

    def show(self, entry: Entry, days: Iterable[Day]) -> None:
        """Put days in place of what is held for them."""
        sheet = self._sheets[entry.method.slice]
        for day in days:
            units, took = entry.method.units(day, entry.excluded), takes(entry.method, day, entry.excluded)
            group = group_of(day.ref, entry.slo.by) if entry.slo.by else None
            with self._lock:
                sheet.state(day.ref, units)
                if group is not None:
                    self._groups.setdefault(entry.ref, {})[day.ref] = group
                if took:
                    self._taken.setdefault(day.ref, {})[day.day] = took
                if entry.excluded and (known := day.first_known()) is not None:
                    self._first.setdefault(day.ref, {})[day.day] = known

    def look(self, entry: Entry, ref: str, start: int, until: int) -> tuple[Held, int | None] | None:
        """What is held of [start, until), and since when anybody looked; None of a reference that nobody knows.

        Of slices those that begin in it count: a part of a slice is neither good nor bad.
        """
        begin = start
        if isinstance(entry.slo.sli, SlicedSli):
            begin = -(-start // entry.method.slice) * entry.method.slice
        with self._lock:
            sheet = self._sheets.get(entry.method.slice)
            if sheet is None or ref not in sheet.columns:
                return None
            since = sheet.first_seen(ref, begin)
            if entry.excluded:
                since = min(
                    (max(at, begin) for at in self._first.get(ref, {}).values() if at + DAY > begin), default=None
                )
            return sheet.between(ref, begin, until), start if since is not None and since <= begin else since

    def groups(self, entry: Entry, start: int, until: int) -> list[Labels]:
        """The groups of which anything is known in [start, until), those with the most bad events first."""
        with self._lock:
            sheet, named = self._sheets.get(entry.method.slice), self._groups.get(entry.ref, {})
            known = [ref for ref in named if sheet is not None and sheet.first_seen(ref, start) is not None]
            bad = {ref: sheet.between(ref, start, until).bad for ref in known} if sheet is not None else {}
        return [named[ref] for ref in sorted(known, key=lambda ref: (-bad[ref], ref))]

    def taken(self, entry: Entry, ref: str, start: int, until: int) -> list[tuple[float, float, float]]:
        """For each exclusion of the objective what it removed, forgave and spared of [start, until)."""
        with self._lock:
            days = list(self._taken.get(ref, {}).values())
        return together((take for day in days for take in day), len(entry.excluded), start, until)

    def leaving(self, entry: Entry, ref: str, start: int, until: int) -> Floats:
        """Bad units of each hour since *start*."""
        with self._lock:
            sheet = self._sheets.get(entry.method.slice)
            return np.zeros(0) if sheet is None else sheet.leaving(ref, start, until)
