"""Silences in the database of the state."""

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, bindparam, delete, insert, select

from tocsin.adapters.codec import decode, encode, microseconds
from tocsin.adapters.database import migrate, open_engine, reading, writing
from tocsin.adapters.tables import SILENCES
from tocsin.notify.silences import KEPT, Silence


class SqlSilences:
    """A `SilenceStore` in SQLite or in another database that SQLAlchemy reaches by URL."""

    def __init__(self, url_or_path: str) -> None:
        self._engine = open_engine(url_or_path)
        try:
            migrate(self._engine, datetime.now(UTC))
        except BaseException:
            self._engine.dispose()
            raise

    def all(self) -> tuple[Silence, ...]:
        """Every silence that is remembered, by when it ends."""
        with reading(self._engine) as connection:
            return silences_in(connection)

    def put(self, silences: Iterable[Silence], now: datetime) -> None:
        """Add or replace, and forget what ended long ago; all in one transaction."""
        rows = [{"id": s.id, "ends_at": microseconds(s.ends_at), "silence": encode(s)} for s in silences]
        with writing(self._engine) as connection:
            if rows:
                old = [{"old_id": row["id"]} for row in rows]
                connection.execute(delete(SILENCES).where(SILENCES.c.id == bindparam("old_id")), old)
                connection.execute(insert(SILENCES), rows)
            connection.execute(delete(SILENCES).where(SILENCES.c.ends_at < microseconds(now - KEPT)))

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()


def silences_in(connection: Connection) -> tuple[Silence, ...]:
    """Every silence that is remembered, by when it ends."""
    rows = connection.scalars(select(SILENCES.c.silence).order_by(SILENCES.c.ends_at, SILENCES.c.id))
    return tuple(decode(Silence, row) for row in rows)
