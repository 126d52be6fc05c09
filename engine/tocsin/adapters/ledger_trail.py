"""The audit trail of exclusions in a database: what each took out of which period, since when, and until when.

The counts of the ledger know nothing of exclusions. So this is the only record that a figure which a customer was told
had an exclusion in it: a line is never deleted, and one that is withdrawn says when.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor

from sqlalchemy import ColumnElement, Engine, and_, insert, select, update

from tocsin.adapters.codec import instant, microseconds
from tocsin.adapters.database import reading, writing
from tocsin.adapters.tables import EXCLUSIONS
from tocsin.evaluate.measures import Taken

_KEY = ("sla", "period_start", "starts_at", "ends_at", "treat", "reason")


@dataclass(frozen=True, slots=True)
class Line:
    """One exclusion in one period; lengths are milliseconds, *spared* is cut off.

    It was applied for the first time at *first_at*, and its figures changed last at *last_at*.
    """

    start: datetime
    end: datetime
    treat: str
    reason: str
    removed: int
    forgiven: int
    spared: int
    first_at: datetime
    last_at: datetime
    withdrawn_at: datetime | None


def record(engine: Engine, sla: str, period: datetime, taken: Sequence[Taken], now: datetime) -> int:
    """Note what is applied to a period now; what was before and is not any more is withdrawn. Returns changed lines."""
    at, begin = microseconds(now), microseconds(period)
    wanted = {}
    for one in taken:
        exclusion = one.exclusion
        key = (
            sla,
            begin,
            microseconds(exclusion.start),
            microseconds(exclusion.end),
            exclusion.treat,
            exclusion.reason,
        )
        wanted[key] = {"removed": one.removed, "forgiven": one.forgiven, "spared": floor(one.spared)}
    mine = (EXCLUSIONS.c.sla == sla, EXCLUSIONS.c.period_start == begin)
    changes = 0
    with writing(engine) as connection:
        held = {
            tuple(getattr(row, name) for name in _KEY): row
            for row in connection.execute(select(EXCLUSIONS).where(*mine))
        }
        for key, figures in wanted.items():
            row = held.get(key)
            if row is None:
                fields = dict(zip(_KEY, key, strict=True)) | figures
                connection.execute(insert(EXCLUSIONS).values(**fields, first_at=at, last_at=at))
            elif row.withdrawn_at is not None or any(getattr(row, name) != value for name, value in figures.items()):
                connection.execute(update(EXCLUSIONS).where(_is(key)).values(**figures, last_at=at, withdrawn_at=None))
            else:
                continue
            changes += 1
        for key, row in held.items():
            if key not in wanted and row.withdrawn_at is None:
                connection.execute(update(EXCLUSIONS).where(_is(key)).values(withdrawn_at=at))
                changes += 1
    return changes


def trail(engine: Engine, sla: str, period: datetime) -> tuple[Line, ...]:
    """Every exclusion that was ever applied to a period of a contract, by its start."""
    where = (EXCLUSIONS.c.sla == sla, EXCLUSIONS.c.period_start == microseconds(period))
    with reading(engine) as connection:
        rows = connection.execute(
            select(EXCLUSIONS).where(*where).order_by(*(EXCLUSIONS.c[name] for name in _KEY))
        ).all()
    return tuple(
        Line(
            instant(row.starts_at),
            instant(row.ends_at),
            row.treat,
            row.reason,
            row.removed,
            row.forgiven,
            row.spared,
            instant(row.first_at),
            instant(row.last_at),
            None if row.withdrawn_at is None else instant(row.withdrawn_at),
        )
        for row in rows
    )


def _is(key: tuple[object, ...]) -> ColumnElement[bool]:
    return and_(*(EXCLUSIONS.c[name] == value for name, value in zip(_KEY, key, strict=True)))
