"""Silences in the database of the state."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from tocsin.adapters.codec import decode, encode, microseconds
from tocsin.adapters.database import StateStore, put_rows, reading, writing
from tocsin.adapters.tables import SILENCES
from tocsin.notify.silences import KEPT, Silence


class SqlSilences(StateStore):
    """A `SilenceStore` in the database of the state."""

    def all(self) -> tuple[Silence, ...]:
        """Every silence that is remembered, by when it ends."""
        with reading(self._engine) as connection:
            return silences_in(connection)

    def put(self, silences: Iterable[Silence], now: datetime) -> None:
        """Add or replace, and forget what ended long ago; all in one transaction."""
        rows = [{"id": s.id, "ends_at": microseconds(s.ends_at), "silence": encode(s)} for s in silences]
        with writing(self._engine) as connection:
            put_rows(connection, SILENCES, rows, rows)
            connection.execute(delete(SILENCES).where(SILENCES.c.ends_at < microseconds(now - KEPT)))


def silences_in(connection: Connection) -> tuple[Silence, ...]:
    """Every silence that is remembered, by when it ends."""
    rows = connection.scalars(select(SILENCES.c.silence).order_by(SILENCES.c.ends_at, SILENCES.c.id))
    return tuple(decode(Silence, row) for row in rows)
