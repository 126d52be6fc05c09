"""Which of several evaluators on one state leads.

On PostgreSQL a row says who holds the lease and until when, by the database's own clock, so clocks of hosts do not
matter. On SQLite all evaluators are on one host, and a lock of the file system is the lease: it ends with its process,
so a restart waits for nobody. In both cases a token that grows with each change of hands fences the earlier holder off.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from sqlalchemy import BigInteger, Connection, cast, extract, func, select, update

from tocsin.adapters.codec import microseconds
from tocsin.adapters.database import claim, claimed, open_state, writing
from tocsin.adapters.tables import LEASES
from tocsin.errors import UnavailableError
from tocsin.evaluate.leadership import Held, Others


class SqlLease:
    """A `Lease` in the database of the state."""

    def __init__(self, url_or_path: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._engine = open_state(url_or_path, now())
        self._now = now
        self._claim: BinaryIO | None = None

    def acquire(self, holder: str, length: timedelta) -> Held | Others:
        """Take it if it is free, renew it if it is *holder*'s, or say whose it is; for *length* from now on."""
        if self._engine.url.get_backend_name() == "sqlite":
            return self._locked(holder)
        with writing(self._engine) as connection:
            now = clock_of(connection)
            held, token, until = connection.execute(select(LEASES.c.holder, LEASES.c.token, LEASES.c.until)).one()
            if held != holder and until > now:
                return Others(held)
            token += held != holder or until <= now  # what lapsed may have been another's in between
            lapsed = 0 < until <= now
            until = now + length // timedelta(microseconds=1)
            connection.execute(update(LEASES).values(holder=holder, token=token, until=until))
            return Held(token, lapsed)

    def offer(self, holder: str, length: timedelta) -> None:
        """Note that *holder* stands by and is fit to lead, for *length* from now on; on SQLite nobody is asked for."""
        if self._engine.url.get_backend_name() == "sqlite":
            return
        with writing(self._engine) as connection:
            until = clock_of(connection) + length // timedelta(microseconds=1)
            connection.execute(update(LEASES).values(standby=holder, standby_until=until))

    def pass_on(self, holder: str, length: timedelta) -> str:
        """Give what is *holder*'s to the one that is fit; returns its name, empty where there is none."""
        if self._engine.url.get_backend_name() == "sqlite":
            return ""
        with writing(self._engine) as connection:
            now = clock_of(connection)
            row = connection.execute(select(LEASES)).one()
            if row.holder != holder or row.standby in {"", holder} or row.standby_until <= now:
                return ""
            given = {"holder": row.standby, "token": row.token + 1, "until": now + length // timedelta(microseconds=1)}
            connection.execute(update(LEASES).values(given | {"standby": "", "standby_until": 0}))
            return str(row.standby)

    def release(self, holder: str) -> None:
        """Let another one take it at once."""
        with writing(self._engine) as connection:
            connection.execute(update(LEASES).where(LEASES.c.holder == holder).values(until=0))
        if self._claim is not None:
            self._claim.close()
            self._claim = None

    def close(self) -> None:
        """Release the database."""
        if self._claim is not None:
            self._claim.close()
        self._engine.dispose()

    def _locked(self, holder: str) -> Held | Others:
        new = self._claim is None
        if new:
            self._claim = claim(self._engine, "leader")
        if self._claim is None:
            return Others(self._holder())
        with writing(self._engine) as connection:
            held, token = connection.execute(select(LEASES.c.holder, LEASES.c.token)).one()
            if new or held != holder:
                token += 1
                connection.execute(update(LEASES).values(holder=holder, token=token, until=microseconds(self._now())))
            return Held(token)

    def _holder(self) -> str:
        """Who holds the lock; that somebody does is known without the database."""
        try:
            with writing(self._engine) as connection:
                return str(connection.scalar(select(LEASES.c.holder)))
        except UnavailableError:
            if claimed(f"{self._engine.url.database}", "leader"):
                return "another process on this host"
            raise


def clock_of(connection: Connection) -> int:
    """The time of the database in microseconds."""
    clock = select(cast(extract("epoch", func.clock_timestamp()) * 1_000_000, BigInteger))
    return int(connection.scalar(clock) or 0)


def leader(connection: Connection, url_or_path: str) -> str:
    """Who leads at this moment; empty where nobody does."""
    holder, until = connection.execute(select(LEASES.c.holder, LEASES.c.until)).one()
    if connection.engine.url.get_backend_name() == "sqlite":
        leads = claimed(url_or_path, "leader")
    else:
        leads = until > clock_of(connection)
    return str(holder) if leads else ""
