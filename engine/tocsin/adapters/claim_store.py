"""What senders said of their alerts, in the database of the state."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from sqlalchemy import bindparam, delete, insert, select

from tocsin.adapters.codec import decode, encode, microseconds
from tocsin.adapters.database import migrate, open_engine, reading, writing
from tocsin.adapters.tables import RECEIVED
from tocsin.evaluate.received import Claim


class SqlClaims:
    """A `ClaimStore` in SQLite or in another database that SQLAlchemy reaches by URL."""

    def __init__(self, url_or_path: str) -> None:
        self._engine = open_engine(url_or_path)
        try:
            migrate(self._engine, datetime.now(UTC))
        except BaseException:
            self._engine.dispose()
            raise

    def all(self) -> tuple[Claim, ...]:
        """Everything that is remembered."""
        with reading(self._engine) as connection:
            return tuple(decode(Claim, row) for row in connection.scalars(select(RECEIVED.c.claim)))

    def put(self, claims: Mapping[str, Claim]) -> None:
        """Add or replace, all in one transaction."""
        rows = [
            {"fingerprint": key, "ends_at": microseconds(claim.ends_at), "claim": encode(claim)}
            for key, claim in claims.items()
        ]
        if rows:
            with writing(self._engine) as connection:
                old = [{"old": row["fingerprint"]} for row in rows]
                connection.execute(delete(RECEIVED).where(RECEIVED.c.fingerprint == bindparam("old")), old)
                connection.execute(insert(RECEIVED), rows)

    def forget(self, fingerprints: Iterable[str]) -> None:
        """Remove, all in one transaction."""
        old = [{"old": key} for key in fingerprints]
        if old:
            with writing(self._engine) as connection:
                connection.execute(delete(RECEIVED).where(RECEIVED.c.fingerprint == bindparam("old")), old)

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()
