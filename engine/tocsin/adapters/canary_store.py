"""The last test message of each channel in the database of the state; the outbox notes there when one was delivered."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select, update

from tocsin.adapters.codec import instant, microseconds
from tocsin.adapters.database import migrate, open_engine, reading, writing
from tocsin.adapters.tables import CANARIES
from tocsin.notify.canary import Canary


class SqlCanaries:
    """A `CanaryStore` in SQLite or in another database that SQLAlchemy reaches by URL."""

    def __init__(self, url_or_path: str) -> None:
        self._engine = open_engine(url_or_path)
        try:
            migrate(self._engine, datetime.now(UTC))
        except BaseException:
            self._engine.dispose()
            raise

    def all(self) -> Mapping[str, Canary]:
        """By channel."""
        with reading(self._engine) as connection:
            return canaries_in(connection)

    def put(self, canaries: Iterable[Canary]) -> None:
        """Add or replace; when one was delivered stays as the outbox noted it."""
        with writing(self._engine) as connection:
            for canary in canaries:
                row = {"sent_at": microseconds(canary.sent_at), "open": int(canary.open)}
                mine = CANARIES.c.channel == canary.channel
                if not connection.execute(update(CANARIES).where(mine).values(row)).rowcount:
                    connection.execute(insert(CANARIES).values(channel=canary.channel, **row))

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()


def canaries_in(connection: Connection) -> Mapping[str, Canary]:
    """The last test message of each channel."""
    rows = connection.execute(select(CANARIES)).all()
    return {
        r.channel: Canary(
            r.channel,
            instant(r.sent_at),
            None if r.delivered_at is None else instant(r.delivered_at),
            bool(r.open),
        )
        for r in rows
    }
