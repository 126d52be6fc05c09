"""Keeping the ledger while `tocsin serve` runs: one piece of work after the other, in a thread of its own.

A piece is one day of one objective, counted and written in one transaction: `kill -9` between two pieces loses nothing,
and what is held says what is left to do. The days that run have the first turn, so that budgets are current within
minutes of a start; then, in turn with them, the days that are not closed, the newest first. After each of those the
keeper rests for as long as it took, and longer where that was seconds; no question goes out before the pace allows it.
So the metric source is busy for us half of the time at most, and less while it is slow. Ticks have connections of
their own and wait for none of this.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np

from tocsin.adapters.ledger_store import LedgerStore
from tocsin.errors import SourceError, SourceUnreachableError, TocsinError
from tocsin.evaluate.bookkeeping import OLD, closed, entries, fill, open_since
from tocsin.evaluate.excluding import told
from tocsin.evaluate.model import SlaStatus
from tocsin.evaluate.naming import group_of, name_of
from tocsin.evaluate.slices import Slices, instant, milliseconds
from tocsin.evaluate.standing import Standing
from tocsin.ledger.arrays import Floats
from tocsin.ledger.model import Day
from tocsin.ledger.restating import still_seen
from tocsin.ports import Clock, Labels, MetricSource
from tocsin.service.kept import Kept, taken_over
from tocsin.service.pacing import PacedSource
from tocsin.service.sheets import Sheets
from tocsin.service.stopping import Stopped
from tocsin.service.telemetry import Telemetry
from tocsin.service.trail import Trail
from tocsin.spec import LedgerSettings, Slo
from tocsin.workspace import Workspace

log = logging.getLogger(__name__)

TROUBLE = 15.0
"""Seconds to wait when the source or the store does not answer at all."""
LONGEST_REST = 60.0
IDLE = 5.0
"""Seconds after which to look whether there is anything to do."""
ONE_DAY = timedelta(days=1)


class Keeper:
    """Fills the ledger and answers from it; `piece` does one piece of work, `start` does all of them in a thread."""

    def __init__(  # noqa: PLR0917 - whose, from where, to where, when, how
        self,
        workspace: Workspace,
        source: MetricSource,
        store: LedgerStore,
        clock: Clock,
        settings: LedgerSettings,
        telemetry: Telemetry | None = None,
        contracts: Callable[[], Iterable[SlaStatus]] = tuple,
    ) -> None:
        self._told = threading.Event()
        self._source = PacedSource(source, settings.queries_per_minute, self._told.wait)
        self._store = store
        self._clock = clock
        self._settings = settings
        self._telemetry = telemetry
        self._thread: threading.Thread | None = None
        self._following: Workspace | None = None
        self._kept: dict[str, Kept] = {}
        self._sheets = Sheets()
        self._trail = Trail(store, self._sheets, contracts)
        self._unread: list[str] = []
        self._turns: dict[str, None] = {}
        """References, those first whose running days were counted longest ago."""
        self._pending: dict[tuple[date, str], None] = {}
        """Days to be counted for good; the last one is the next."""
        self._open: date | None = None
        self._tidied: date | None = None
        self._days_next = False
        self._take(workspace)

    # --- what is asked of it -------------------------------------------------------------------------------

    @property
    def floor(self) -> float:
        """The least coverage at which a budget is told."""
        return float(self._settings.coverage)

    @property
    def pending(self) -> int:
        """Days that are still to be counted for good."""
        return len(self._pending)

    def behind(self, now: datetime) -> float:
        """Seconds that the objective which is furthest behind is behind, since 1970 where one was never counted."""
        marks = [kept.mark for kept in self._kept.values()]
        return max((now.timestamp() - (mark if mark is not None else 0) for mark in marks), default=0.0)

    def standing(self, slo: Slo, group: Labels, at: datetime) -> Standing | None:
        """What is held of the period around *at*; None where the ledger does not hold all of it (yet)."""
        kept = self._kept.get(slo.ref)
        if kept is None or not kept.read or kept.mark is None or not kept.entry.counts(slo):
            return None
        start, end = kept.entry.period(at)
        until = max(instant(kept.mark * 1000), start)
        if not timedelta() <= at - until <= OLD or not kept.holds(start.date()):
            return None
        ref = name_of(slo.ref, slo.by, group)
        found = self._sheets.look(kept.entry, ref, _seconds(start), _seconds(until))
        if found is None:
            return None
        held, since = found
        first = start if since is None else instant(since * 1000)
        if slo.by and (whole := self._sheets.look(kept.entry, slo.ref, _seconds(first), _seconds(until))) is not None:
            held = held._replace(seen=whole[0].seen)  # a group is looked at while its objective is
        if not slo.exclusions:
            return Standing(start, until, end, first, *held)
        took = self._sheets.taken(kept.entry, ref, _seconds(start), _seconds(until))
        return Standing(start, until, end, first, *held, told(slo.exclusions, took, (start, end)))

    def groups(self, slo: Slo, at: datetime, *, lately: timedelta | None = None) -> Iterable[Labels]:
        """The groups of which anything is held in the period around *at*, or *lately*; first those with most errors.

        They are known as soon as the store was read, before the days that run are counted.
        """
        kept = self._kept.get(slo.ref)
        if kept is None or not kept.read or not kept.entry.counts(slo):
            return ()
        start = kept.entry.period(at)[0] if lately is None else at - lately
        return self._sheets.groups(kept.entry, _seconds(start), _seconds(at))

    def leaving(self, slo: Slo, group: Labels, standing: Standing) -> Floats:
        """What was bad in each hour since the window of *standing* began."""
        kept = self._kept.get(slo.ref)
        ref, start, until = name_of(slo.ref, slo.by, group), _seconds(standing.start), _seconds(standing.until)
        return np.zeros(0) if kept is None else self._sheets.leaving(kept.entry, ref, start, until)

    def fill(self, book: Slices, slo: Slo, since: datetime) -> None:
        """Put into *book* what is held of its slices from *since* on."""
        kept, now = self._kept.get(slo.ref), self._clock.now()
        if kept is not None and kept.entry.slo.sli == slo.sli:
            days, until = self._store.known(slo.ref, since, now)
            fill(book, slo, days, since, until)

    def follow(self, workspace: Workspace) -> None:
        """Keep the ledger of other definitions from the next piece on."""
        self._following = workspace

    # --- one piece after the other -------------------------------------------------------------------------

    def start(self) -> None:
        """Work in a thread until stopped."""
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Begin no other piece; one that is under way is as if it had never begun unless it ends in time."""
        self._told.set()
        if self._thread is not None:
            self._thread.join(seconds)

    def _work(self) -> None:
        while not self._told.is_set():
            try:
                rest = self.piece()
            except Stopped:
                return
            except Exception as error:
                if self._told.is_set():
                    return
                self._failed()
                if not isinstance(error, TocsinError):
                    log.exception("the ledger could not be kept")
                else:
                    log.warning("the ledger could not be kept", extra={"error": str(error)})
                rest = TROUBLE
            self._told.wait(rest)

    def piece(self) -> float:
        """Do what is next; returns how many seconds to rest."""
        now = self._clock.now()
        if self._following is not None:
            workspace, self._following = self._following, None
            self._take(workspace)
        if self._unread:
            self._read(self._unread[-1], now)  # a store that is away is asked again
            self._unread.pop()
            return 0.0
        self._rule(now)
        self._plan(now)
        self._trail.note(now)
        self._tidy(now)
        due = self._due(now)
        turn = due is None or (self._days_next and due.stated_at is not None)
        day = self._next_day(now) if turn else None
        self._days_next = day is None
        began = time.monotonic()
        if day is not None:
            self._guarded(self._kept[day[1]], now, lambda: self._close(*day, now))
            return _rest(time.monotonic() - began)
        if due is not None:
            self._guarded(due, now, lambda: self._further(due, now))
            return _rest(time.monotonic() - began, urgent=True)
        return IDLE

    def _guarded(self, kept: Kept, now: datetime, work: Callable[[], None]) -> None:
        """Do *work* on one objective; where that fails the others go on, unless the source does not answer at all."""
        try:
            work()
        except SourceUnreachableError:
            raise
        except SourceError as error:
            self._failed()
            if kept.trouble.reason != str(error):
                log.warning("an objective could not be counted", extra={"ref": kept.entry.ref, "error": str(error)})
            kept.trouble.failed(now, str(error))
        except (TocsinError, Stopped):
            raise
        except Exception as error:
            self._failed()
            log.exception("an objective could not be counted", extra={"ref": kept.entry.ref})
            kept.trouble.failed(now, type(error).__name__)
        else:
            if kept.trouble.failures:
                kept.trouble.answered(now)

    def _failed(self) -> None:
        if self._telemetry is not None:
            self._telemetry.ledger_failures.inc()

    # --- what there is to do -------------------------------------------------------------------------------

    def _take(self, workspace: Workspace) -> None:
        """Take over what is known of objectives that are still the same."""
        found = entries(workspace, samples=self._settings.counting == "samples")
        self._kept = {entry.ref: taken_over(self._kept.get(entry.ref), entry) for entry in found}
        self._sheets.clear()
        self._unread = sorted(self._kept, reverse=True)
        never = datetime.min.replace(tzinfo=UTC)
        self._turns = dict.fromkeys(sorted(self._kept, key=lambda ref: (self._kept[ref].stated_at or never, ref)))
        self._open = None
        self._trail.follow(self._kept.values())

    def _starts(self, step: int, now: datetime) -> Iterable[int]:
        alike = [kept.entry for kept in self._kept.values() if kept.entry.method.slice == step]
        return {_seconds(entry.period(now)[0]) for entry in alike}

    def _read(self, ref: str, now: datetime) -> None:
        """Read what is held of one objective, once, also what was counted under names that it had before."""
        kept = self._kept[ref]
        entry = kept.entry
        for former in entry.slo.formerly:
            if former not in self._kept and (rows := self._store.carry(former, ref)):
                log.info("an objective keeps its ledger", extra={"ref": ref, "formerly": former, "rows": rows})
        first, last = entry.reach(now), now.date() + ONE_DAY
        parts = self._store.parts(ref, first, last) if entry.slo.by else ()
        refs = (ref, *(part for part in parts if group_of(part, entry.slo.by) is not None))
        kept.closed |= self._store.closed(entry.noted, first, last)
        step = entry.method.slice
        self._sheets.open(step, _seconds(now), lambda: self._starts(step, now))
        self._sheets.show(entry, self._store.read(refs, first, last))
        kept.read = True

    def _rule(self, now: datetime) -> None:
        """Where the hour has changed: state what lies around the new lines."""
        for names, day in self._sheets.rule(_seconds(now), lambda step: self._starts(step, now)):
            known = {name: kept.entry for name in names if (kept := self._kept.get(name.partition("{")[0])) is not None}
            for one in self._store.read(known, day, day + ONE_DAY):
                self._sheets.show(known[one.ref], [one])

    def _plan(self, now: datetime) -> None:
        """Once a day has come of age, and after a start: which days are to be counted, the last one first to go."""
        since = open_since(now)
        if since == self._open:
            return
        self._open = since
        missing = [
            (day, ref)
            for ref, kept in self._kept.items()
            for n in range(max(0, (since - kept.entry.reach(now)).days))
            if (day := kept.entry.reach(now) + timedelta(n)) not in kept.closed
        ]
        self._pending = dict.fromkeys(sorted(missing))

    def _due(self, now: datetime) -> Kept | None:
        every = self._settings.every.timedelta
        for kept in map(self._kept.__getitem__, self._turns):
            if kept.stated_at is not None and timedelta() <= now - kept.stated_at < every:
                return None
            if not kept.waits(now, every):
                return kept
        return None

    def _next_day(self, now: datetime) -> tuple[date, str] | None:
        every = self._settings.every.timedelta
        return next((one for one in reversed(self._pending) if not self._kept[one[1]].waits(now, every)), None)

    # --- the work ------------------------------------------------------------------------------------------

    def _close(self, day: date, ref: str, now: datetime) -> None:
        """Count one day for good."""
        kept = self._kept[ref]
        days = self._write(closed(self._source, kept.entry, day), now)
        kept.closed.add(day)
        del self._pending[day, ref]
        if day >= kept.entry.reach(now):
            self._sheets.show(kept.entry, days)
        if self._telemetry is not None:
            self._telemetry.ledger_days.inc()
        if not self._pending:
            log.info("the ledger holds every day that is over", extra={"objectives": len(self._kept)})

    def _further(self, kept: Kept, now: datetime) -> None:
        """Count the days that run."""
        running = kept.run(open_since(now))
        days = self._write(running.further(self._source, now), now)
        self._sheets.show(kept.entry, days)
        kept.running, kept.mark, kept.stated_at = running, running.watermark(now), now
        del self._turns[kept.entry.ref]
        self._turns[kept.entry.ref] = None

    def _write(self, days: Sequence[Day], now: datetime) -> list[Day]:
        """Write statements, but for what was seen and cannot be seen any more: a source that forgot does not know."""
        first, last = min(day.day for day in days), max(day.day for day in days)
        held = {(day.ref, day.day): day for day in self._store.read([day.ref for day in days], first, last + ONE_DAY)}
        days = [still_seen(held[day.ref, day.day], day) if (day.ref, day.day) in held else day for day in days]
        self._store.write(days, now)
        return days

    def _tidy(self, now: datetime) -> None:
        """Once a day: put old days together, and let go of those that are older than anybody keeps them."""
        today = now.date()
        if self._tidied == today:
            return
        needed = min((kept.entry.reach(now) for kept in self._kept.values()), default=today)
        oldest = min(needed, (now - self._settings.keep.timedelta).date())
        fine = min(needed, (now - self._settings.fine.timedelta).date())
        steps: dict[str, int] = {}
        for kept in self._kept.values():
            parts = self._store.parts(kept.entry.ref, oldest, fine) if kept.entry.slo.by else ()
            steps |= dict.fromkeys((kept.entry.ref, *parts), kept.entry.coarse)
        pruned = self._store.prune(oldest)
        begin = oldest if self._tidied is None else max(oldest, fine - (today - self._tidied))
        compacted = self._store.compact(steps, begin, fine) if steps else 0
        self._tidied = today
        if pruned or compacted:
            log.info("old days of the ledger were tidied", extra={"put_together": compacted, "let_go": pruned})


def _rest(took: float, *, urgent: bool = False) -> float:
    """Seconds to rest after a piece that *took* so many: as long again, and longer where the source is slow.

    Days that run are *urgent*: they rest only where they take seconds.
    """
    return min(took * took + (0.0 if urgent else took), LONGEST_REST)


def _seconds(at: datetime) -> int:
    return milliseconds(at) // 1000
