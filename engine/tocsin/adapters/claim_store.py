"""What senders said of their alerts, in the database of the state."""

from collections.abc import Iterable, Mapping

from sqlalchemy import bindparam, delete, select

from tocsin.adapters.codec import decode, encode, microseconds
from tocsin.adapters.database import StateStore, put_rows, reading, writing
from tocsin.adapters.tables import RECEIVED
from tocsin.evaluate.claims import Claim


class SqlClaims(StateStore):
    """A `ClaimStore` in the database of the state."""

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
                put_rows(connection, RECEIVED, rows, rows)

    def forget(self, fingerprints: Iterable[str]) -> None:
        """Remove, all in one transaction."""
        old = [{"old": key} for key in fingerprints]
        if old:
            with writing(self._engine) as connection:
                connection.execute(delete(RECEIVED).where(RECEIVED.c.fingerprint == bindparam("old")), old)
