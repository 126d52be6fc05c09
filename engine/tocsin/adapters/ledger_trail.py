"""The audit trail of exclusions in a database: what each took out of what, since when, and until when.

The counts of the ledger know nothing of exclusions. So this is the only record that a figure which somebody was told
had an exclusion in it: a line is never deleted, and one that is withdrawn says when. Those of a contract are kept for
each of its periods, in milliseconds; those of an objective, whose windows move, as a whole and in events.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import floor

from sqlalchemy import ColumnElement, Engine, Table, and_, insert, select, update

from tocsin.adapters.codec import instant, microseconds
from tocsin.adapters.database import StateStore, reading, writing
from tocsin.adapters.tables import EXCLUSIONS, OBJECTIVE_EXCLUSIONS
from tocsin.evaluate.measures import Excluded, Taken
from tocsin.spec import Exclusion

_WHICH = ("starts_at", "ends_at", "treat", "reason")
_Which = tuple[object, ...]
_Owner = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Line:
    """One exclusion; figures are milliseconds of a contract's period (*spared* is cut off), events of an objective.

    It was applied for the first time at *first_at*, and its figures changed last at *last_at*.
    """

    start: datetime
    end: datetime
    treat: str
    reason: str
    removed: float
    forgiven: float
    spared: float
    first_at: datetime
    last_at: datetime
    withdrawn_at: datetime | None
    period: datetime | None = None
    """When the period of a contract began."""


class SqlTrail(StateStore):
    """What the trail says, in the database of the state."""

    def of(self, name: str) -> tuple[Line, ...]:
        """Every exclusion that an objective (`service/slo`) ever had, or that was applied to periods of a contract."""
        if "/" in name:
            return trail_of_objective(self._engine, name)
        return _trail(self._engine, EXCLUSIONS, {"sla": name})


def record(engine: Engine, sla: str, period: datetime, taken: Sequence[Taken], now: datetime) -> int:
    """Note what is applied to a period now; what was before and is not any more is withdrawn. Returns changed lines."""
    wanted = {
        _which(one.exclusion): {"removed": one.removed, "forgiven": one.forgiven, "spared": floor(one.spared)}
        for one in taken
    }
    return _record(engine, EXCLUSIONS, {"sla": sla, "period_start": microseconds(period)}, wanted, wanted, now)


def trail(engine: Engine, sla: str, period: datetime) -> tuple[Line, ...]:
    """Every exclusion that was ever applied to a period of a contract, by its start."""
    return _trail(engine, EXCLUSIONS, {"sla": sla, "period_start": microseconds(period)})


def record_objective(
    engine: Engine, ref: str, excluded: Sequence[Excluded], agreed: Sequence[Exclusion], now: datetime
) -> int:
    """Note what exclusions take out of an objective now; those not among *agreed* are withdrawn. Returns changed lines.

    Of what is agreed and has no figures here nothing changes: it is older than what anybody looks at.
    """
    wanted: dict[_Which, Mapping[str, float]] = {
        _which(one.exclusion): {"removed": one.removed, "forgiven": one.forgiven, "spared": one.spared}
        for one in excluded
    }
    return _record(engine, OBJECTIVE_EXCLUSIONS, {"ref": ref}, wanted, {_which(one) for one in agreed}, now)


def trail_of_objective(engine: Engine, ref: str) -> tuple[Line, ...]:
    """Every exclusion that an objective ever had, by its start."""
    return _trail(engine, OBJECTIVE_EXCLUSIONS, {"ref": ref})


def objectives_with_exclusions(engine: Engine) -> tuple[str, ...]:
    """Those of which any line is not withdrawn."""
    table = OBJECTIVE_EXCLUSIONS
    with reading(engine) as connection:
        found = connection.scalars(select(table.c.ref).where(table.c.withdrawn_at.is_(None)).distinct())
        return tuple(sorted(found))


def _record(  # noqa: PLR0917 - where, whose, what, when
    engine: Engine,
    table: Table,
    owner: _Owner,
    wanted: Mapping[_Which, Mapping[str, float]],
    agreed: Collection[_Which],
    now: datetime,
) -> int:
    at, changes = microseconds(now), 0
    with writing(engine) as connection:
        rows = connection.execute(select(table).where(_is(table, owner)))
        held = {tuple(getattr(row, name) for name in _WHICH): row for row in rows}
        for which, figures in wanted.items():
            row = held.get(which)
            fields = dict(zip(_WHICH, which, strict=True))
            if row is None:
                connection.execute(insert(table).values(**owner, **fields, **figures, first_at=at, last_at=at))
            elif row.withdrawn_at is not None or any(getattr(row, name) != value for name, value in figures.items()):
                mine = _is(table, {**owner, **fields})
                connection.execute(update(table).where(mine).values(**figures, last_at=at, withdrawn_at=None))
            else:
                continue
            changes += 1
        for which, row in held.items():
            if which not in agreed and row.withdrawn_at is None:
                mine = _is(table, {**owner, **dict(zip(_WHICH, which, strict=True))})
                connection.execute(update(table).where(mine).values(withdrawn_at=at))
                changes += 1
    return changes


def _trail(engine: Engine, table: Table, owner: _Owner) -> tuple[Line, ...]:
    order = [table.c[name] for name in ("period_start", *_WHICH) if name in table.c]
    with reading(engine) as connection:
        rows = connection.execute(select(table).where(_is(table, owner)).order_by(*order)).mappings().all()
    return tuple(
        Line(
            instant(row["starts_at"]),
            instant(row["ends_at"]),
            row["treat"],
            row["reason"],
            row["removed"],
            row["forgiven"],
            row["spared"],
            instant(row["first_at"]),
            instant(row["last_at"]),
            None if row["withdrawn_at"] is None else instant(row["withdrawn_at"]),
            instant(row["period_start"]) if "period_start" in row else None,
        )
        for row in rows
    )


def _which(one: Exclusion) -> _Which:
    return (microseconds(one.start), microseconds(one.end), one.treat, one.reason)


def _is(table: Table, values: _Owner) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in values.items()))
