"""The last test message of each channel in the database of the state; the outbox notes there when one was delivered."""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, insert, select, update

from tocsin.adapters.codec import instant, microseconds
from tocsin.adapters.database import StateStore, reading, writing
from tocsin.adapters.tables import CANARIES
from tocsin.notify.canary import Canary


class SqlCanaries(StateStore):
    """A `CanaryStore` in the database of the state."""

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
