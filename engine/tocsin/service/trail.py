"""The trail of exclusions while `tocsin serve` runs: what they take out of budgets and contracts, where it changes."""

from collections.abc import Callable, Iterable
from datetime import datetime

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.evaluate.measures import Excluded
from tocsin.evaluate.model import SlaStatus
from tocsin.evaluate.slices import milliseconds
from tocsin.service.kept import Kept
from tocsin.service.sheets import Sheets


class Trail:
    """Writes to the *store* what *sheets* and statuses of *contracts* say; used by the keeper's thread alone."""

    def __init__(self, store: LedgerStore, sheets: Sheets, contracts: Callable[[], Iterable[SlaStatus]]) -> None:
        self._store = store
        self._sheets = sheets
        self._contracts = contracts
        self._noted: dict[str, object] = {}
        """What was last written of each contract and objective."""
        self._objectives: dict[str, Kept] = {}
        self._swept = False

    def follow(self, kept: Iterable[Kept]) -> None:
        """Follow these objectives from the next note on."""
        self._objectives = {one.entry.ref: one for one in kept if one.entry.slo.exclusions}
        self._swept = False

    def note(self, now: datetime) -> None:
        """Write what has changed."""
        if not self._swept:  # those that have no exclusions any more, or are not there any more
            for ref in self._store.with_exclusions():
                if ref not in self._objectives:
                    self._store.record_objective(ref, (), (), now)
                    self._noted.pop(ref, None)
            self._swept = True
        for one in self._objectives.values():
            self._objective(one, now)
        for status in self._contracts():
            taken = tuple(one for one in status.exclusions if one.removed or one.forgiven)
            if status.uptime is not None and self._noted.get(status.name) != (status.start, taken):
                self._store.record(status.name, status.start, taken, now)
                self._noted[status.name] = (status.start, taken)

    def _objective(self, kept: Kept, now: datetime) -> None:
        """What each exclusion takes as a whole; those of before the days that are read keep their figures."""
        entry, first = kept.entry, kept.entry.reach(now)
        if kept.mark is None:
            return
        took = self._sheets.taken(entry, entry.ref, 0, milliseconds(now) // 1000)
        sums = zip(entry.slo.exclusions, took, strict=True)
        lines = tuple(Excluded(one, *each) for one, each in sums if one.start.date() >= first)
        told = (lines, entry.slo.exclusions)
        if self._noted.get(entry.ref) != told:
            self._store.record_objective(entry.ref, lines, entry.slo.exclusions, now)
            self._noted[entry.ref] = told
