"""The ledger in a database: one row per objective, day and version, each a packed chunk.

A day that goes on grows in its row. A restatement is a row of its own, and the one before it stays, with the time at
which it ceased to hold, until there are more than *keep_versions*. Transactions are short, so that the evaluator's own
commits never wait for more than a batch.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, bindparam, delete, insert, select, update

from tocsin.adapters import ledger_renaming, ledger_trail
from tocsin.adapters.codec import instant, microseconds
from tocsin.adapters.database import open_state, reading, writing
from tocsin.adapters.ledger_trail import Line
from tocsin.adapters.tables import LEDGER
from tocsin.errors import StoreError
from tocsin.evaluate.bookkeeping import NEWEST, closes
from tocsin.evaluate.measures import Excluded, Taken
from tocsin.ledger.chunk import ChunkError, pack, unpack
from tocsin.ledger.model import Day, day_of, number_of
from tocsin.ledger.restating import Change, change, coarser
from tocsin.spec import Exclusion

T = TypeVar("T")
BATCH = 100
"""Objectives in one question, and days in one transaction: some 50 ms of work."""
_ROWS = 5_000
"""Chunks that are in memory at once while many days are read: some 20 MB."""
_HELD = LEDGER.c.superseded_at.is_(None)
_KEY = (LEDGER.c.ref == bindparam("of"), LEDGER.c.day == bindparam("on"), LEDGER.c.version == bindparam("as"))


@dataclass(frozen=True, slots=True)
class Written:
    """What a write changed: days stated for the first time, days that went on, and those that were *restated*."""

    stated: int = 0
    grown: int = 0
    restated: tuple[tuple[str, date], ...] = ()

    def __add__(self, other: "Written") -> "Written":
        return Written(self.stated + other.stated, self.grown + other.grown, self.restated + other.restated)


@dataclass(frozen=True, slots=True)
class Statement:
    """One version of a day; it held from *written_at* until *superseded_at*, or holds."""

    version: int
    step: int
    written_at: datetime
    superseded_at: datetime | None


class LedgerStore:
    """Days of objectives in the database that also keeps the evaluator's memory, given as for `SqlStore`.

    A chunk that cannot be read is a StoreError; where *on_broken* is given it is told, and the day left out.
    """

    def __init__(
        self, url_or_path: str, *, keep_versions: int = 10, on_broken: Callable[[StoreError], None] | None = None
    ) -> None:
        self._engine = open_state(url_or_path, datetime.now(UTC))
        self._keep_versions = keep_versions
        self._on_broken = on_broken

    def read(self, refs: Iterable[str], start: date, end: date) -> Iterator[Day]:
        """What holds for the days from *start* up to, not including, *end*; by reference and day."""
        at_once = max(1, _ROWS // max((end - start).days, 1))
        for some in _batches(sorted(set(refs)), min(at_once, BATCH)):
            asked = (LEDGER.c.day >= number_of(start)) & (LEDGER.c.day < number_of(end))
            where = _HELD & LEDGER.c.ref.in_(some) & asked
            with reading(self._engine) as connection:
                rows = connection.execute(select(LEDGER).where(where).order_by(LEDGER.c.ref, LEDGER.c.day)).all()
            for row in rows:
                if (day := self._day(row)) is not None:
                    yield day

    def written(self, refs: Iterable[str], start: date, end: date) -> Mapping[tuple[str, date], datetime]:
        """When each day that is held was last changed, without reading its counts."""
        found: dict[tuple[str, date], datetime] = {}
        columns = select(LEDGER.c.ref, LEDGER.c.day, LEDGER.c.written_at)
        asked = (LEDGER.c.day >= number_of(start)) & (LEDGER.c.day < number_of(end))
        for some in _batches(sorted(set(refs))):
            with reading(self._engine) as connection:
                rows = connection.execute(columns.where(_HELD & LEDGER.c.ref.in_(some) & asked)).all()
            found |= {(row.ref, day_of(row.day)): instant(row.written_at) for row in rows}
        return found

    def closed(self, ref: str, start: date, end: date) -> frozenset[date]:
        """The days from *start* up to, not including, *end* that were counted for good."""
        return frozenset(day for (_, day), at in self.written([ref], start, end).items() if at >= closes(day))

    def known(self, ref: str, start: datetime, end: datetime) -> tuple[list[Day], datetime]:
        """The days of one objective that touch [start, end) and follow each other, and until when they say all.

        Days that were counted for good say all; the last one, which was not, says all but its newest minutes.
        """
        first, last = start.astimezone(UTC).date(), end.astimezone(UTC).date() + timedelta(days=1)
        written, days, until = self.written([ref], first, last), list[Day](), start
        for day in self.read([ref], first, last):
            if days and day.day != days[-1].day + timedelta(days=1):
                break
            at, over = written[ref, day.day], datetime.combine(day.day + timedelta(days=1), time(), UTC)
            days.append(day)
            until = over if at >= closes(day.day) else min(over, at - NEWEST)
            if until < over:
                break
        return days, max(start, min(until, end))

    def parts(self, ref: str, start: date, end: date) -> tuple[str, ...]:
        """The references of an objective's groups that have days from *start* up to, not including, *end*."""
        asked = (LEDGER.c.day >= number_of(start)) & (LEDGER.c.day < number_of(end))
        named = LEDGER.c.ref.startswith(f"{ref}{{", autoescape=True)
        with reading(self._engine) as connection:
            found = connection.scalars(select(LEDGER.c.ref).where(_HELD & asked & named).distinct())
            return tuple(sorted(found))

    def write(self, days: Iterable[Day], now: datetime) -> Written:
        """State what the days are; the version that a day carries is not looked at.

        Each is compared with what is held: the same changes nothing (but may close a day), more of it goes on in its
        row, and anything else is one version more. All days of one batch are written, or none; a later batch may fail
        alone.
        """
        written = Written()
        news = {(day.ref, day.day): day for day in days}
        for some in _batches([news[key] for key in sorted(news)]):
            chunks = [pack(day) for day in some]
            with writing(self._engine) as connection:
                written += self._write(connection, some, chunks, now)
        return written

    def carry(self, former: str, ref: str) -> int:
        """Give *ref* the days of an objective that it was *formerly*; returns how many rows that were."""
        return ledger_renaming.carried(self._engine, former, ref)

    def record(self, sla: str, period: datetime, taken: Sequence[Taken], now: datetime) -> int:
        """Note what exclusions take out of a *period* of a contract now; returns how many lines changed."""
        return ledger_trail.record(self._engine, sla, period, taken, now)

    def trail(self, sla: str, period: datetime) -> tuple[Line, ...]:
        """Every exclusion that was ever applied to a period of a contract."""
        return ledger_trail.trail(self._engine, sla, period)

    def record_objective(
        self, ref: str, excluded: Sequence[Excluded], agreed: Sequence[Exclusion], now: datetime
    ) -> int:
        """Note what the exclusions that are *agreed* take out of an objective now; returns how many lines changed."""
        return ledger_trail.record_objective(self._engine, ref, excluded, agreed, now)

    def trail_of_objective(self, ref: str) -> tuple[Line, ...]:
        """Every exclusion that an objective ever had."""
        return ledger_trail.trail_of_objective(self._engine, ref)

    def with_exclusions(self) -> tuple[str, ...]:
        """The objectives that have exclusions on their trail which are not withdrawn."""
        return ledger_trail.objectives_with_exclusions(self._engine)

    def statements(self, ref: str, day: date) -> tuple[Statement, ...]:
        """The versions of a day that are still there, oldest first."""
        query = select(LEDGER).where(LEDGER.c.ref == ref, LEDGER.c.day == number_of(day)).order_by(LEDGER.c.version)
        with reading(self._engine) as connection:
            return tuple(
                Statement(
                    row.version,
                    row.step,
                    instant(row.written_at),
                    None if row.superseded_at is None else instant(row.superseded_at),
                )
                for row in connection.execute(query)
            )

    def version(self, ref: str, day: date, version: int) -> Day | None:
        """One version of a day; None where it is not there (any more)."""
        where = (LEDGER.c.ref == ref, LEDGER.c.day == number_of(day), LEDGER.c.version == version)
        with reading(self._engine) as connection:
            row = connection.execute(select(LEDGER).where(*where)).one_or_none()
        return None if row is None else self._day(row)

    def compact(self, steps: Mapping[str, int], start: date, end: date) -> int:
        """Keep days from *start* up to, not including, *end* in longer slices; returns how many became so.

        *steps* says how long for each objective: no longer than the slices that its budget counts by. Sums stay what
        they are, so it is the same version; what it had superseded goes. Call it for the days that have come of age.
        """
        count = 0
        batches = [(day, some) for day in range(number_of(start), number_of(end)) for some in _batches(sorted(steps))]
        for day, some in batches:
            with writing(self._engine) as connection:
                shorter_ones = LEDGER.c.ref.in_(some) & (LEDGER.c.day == day) & (LEDGER.c.step < max(steps.values()))
                rows = connection.execute(select(LEDGER).where(_HELD & shorter_ones)).all()
                changed = [new for row in rows if (new := self._compacted(row, steps[row.ref])) is not None]
                if changed:
                    shorter = update(LEDGER).where(*_KEY).values(step=bindparam("b_step"), chunk=bindparam("b_chunk"))
                    connection.execute(shorter, changed)
                    earlier = (*_KEY[:2], LEDGER.c.version < bindparam("as"))
                    keys = [{name: new[name] for name in ("of", "on", "as")} for new in changed]
                    connection.execute(delete(LEDGER).where(*earlier), keys)
                count += len(changed)
        return count

    def prune(self, before: date) -> int:
        """Delete all days before one, in all versions; returns how many rows that were."""
        with writing(self._engine) as connection:
            return connection.execute(delete(LEDGER).where(LEDGER.c.day < number_of(before))).rowcount

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _write(self, connection: Connection, days: Sequence[Day], chunks: Sequence[bytes], now: datetime) -> Written:
        at = microseconds(now)
        held = self._held(connection, days)
        rows, growing, ending, forgotten, restated, stated = [], [], [], [], [], 0
        for day, chunk in zip(days, chunks, strict=True):
            row = held.get((day.ref, number_of(day.day)))
            what = Change.OTHER if row is None else self._change(row, day, chunk)
            if row is not None and what is Change.SAME:
                if instant(row.written_at) < closes(day.day) <= now:  # the same, and for good
                    growing.append({**_key(row), "b_step": row.step, "b_at": at, "b_chunk": row.chunk})
                continue
            fields = {"ref": day.ref, "day": number_of(day.day), "step": day.step, "written_at": at, "chunk": chunk}
            if row is None:
                rows.append({**fields, "version": 1})
                stated += 1
                continue
            key = _key(row)
            if what is Change.MORE:
                growing.append({**key, "b_step": day.step, "b_at": at, "b_chunk": chunk})
                continue
            rows.append({**fields, "version": row.version + 1})
            ending.append({**key, "b_ended": at})
            forgotten.append({**key, "as": row.version + 1 - self._keep_versions})
            restated.append((day.ref, day.day))
        if ending:
            connection.execute(update(LEDGER).where(*_KEY).values(superseded_at=bindparam("b_ended")), ending)
            connection.execute(delete(LEDGER).where(*_KEY[:2], LEDGER.c.version <= bindparam("as")), forgotten)
        if growing:
            grown = update(LEDGER).where(*_KEY)
            grown = grown.values(step=bindparam("b_step"), written_at=bindparam("b_at"), chunk=bindparam("b_chunk"))
            connection.execute(grown, growing)
        if rows:
            connection.execute(insert(LEDGER), rows)
        return Written(stated, len(growing), tuple(restated))

    def _held(self, connection: Connection, days: Sequence[Day]) -> dict[tuple[str, int], Row[Any]]:
        refs, numbers = sorted({day.ref for day in days}), sorted({number_of(day.day) for day in days})
        where = _HELD & LEDGER.c.ref.in_(refs) & LEDGER.c.day.in_(numbers)
        return {(row.ref, row.day): row for row in connection.execute(select(LEDGER).where(where))}

    def _change(self, row: Row[Any], day: Day, chunk: bytes) -> Change:
        if row.chunk == chunk:
            return Change.SAME
        try:
            return change(_unpacked(row), day)
        except StoreError:
            return Change.OTHER  # a new statement mends what cannot be read

    def _compacted(self, row: Row[Any], step: int) -> dict[str, object] | None:
        if row.step >= step or (day := self._day(row)) is None:
            return None
        longer = coarser(day, step)
        return None if longer is day else {**_key(row), "b_step": longer.step, "b_chunk": pack(longer)}

    def _day(self, row: Row[Any]) -> Day | None:
        try:
            return _unpacked(row)
        except StoreError as error:
            if self._on_broken is None:
                raise
            self._on_broken(error)
            return None


def _key(row: Row[Any]) -> dict[str, object]:
    return {"of": row.ref, "on": row.day, "as": row.version}


def _unpacked(row: Row[Any]) -> Day:
    day = day_of(row.day)
    try:
        return unpack(row.ref, day, row.version, bytes(row.chunk))
    except ChunkError as error:
        raise StoreError(
            f"the ledger's chunk of {row.ref} on {day}, version {row.version}, cannot be read: {error}",
            hint="counting the day anew writes it anew",
        ) from error


def _batches(items: Sequence[T], size: int = BATCH) -> Iterator[Sequence[T]]:
    for at in range(0, len(items), size):
        yield items[at : at + size]
