"""Acknowledgements in the database of the state."""

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy import delete, insert, select

from tocsin.adapters.codec import decode, encode, microseconds
from tocsin.adapters.database import migrate, open_engine, reading, writing
from tocsin.adapters.tables import ACKNOWLEDGEMENTS
from tocsin.evaluate.model import Acknowledgement


class SqlAcknowledgements:
    """An `AcknowledgementStore` in SQLite or in another database that SQLAlchemy reaches by URL."""

    def __init__(self, url_or_path: str) -> None:
        self._engine = open_engine(url_or_path)
        try:
            migrate(self._engine, datetime.now(UTC))
        except BaseException:
            self._engine.dispose()
            raise

    def all(self) -> Mapping[str, Acknowledgement]:
        """Everything that is remembered."""
        with reading(self._engine) as connection:
            rows = connection.execute(select(ACKNOWLEDGEMENTS.c.dedup_key, ACKNOWLEDGEMENTS.c.acknowledgement))
            return {key: decode(Acknowledgement, text) for key, text in rows}

    def put(self, dedup_key: str, acknowledgement: Acknowledgement) -> None:
        """Add one; where there is one already, that one stays."""
        row = {
            "dedup_key": dedup_key,
            "at": microseconds(acknowledgement.at),
            "acknowledgement": encode(acknowledgement),
        }
        known = select(ACKNOWLEDGEMENTS.c.at).where(ACKNOWLEDGEMENTS.c.dedup_key == dedup_key)
        with writing(self._engine) as connection:
            if connection.scalar(known) is None:
                connection.execute(insert(ACKNOWLEDGEMENTS), row)

    def withdraw(self, dedup_key: str) -> None:
        """Remove one."""
        with writing(self._engine) as connection:
            connection.execute(delete(ACKNOWLEDGEMENTS).where(ACKNOWLEDGEMENTS.c.dedup_key == dedup_key))

    def forget(self, before: datetime) -> None:
        """Remove those that are older."""
        with writing(self._engine) as connection:
            connection.execute(delete(ACKNOWLEDGEMENTS).where(ACKNOWLEDGEMENTS.c.at < microseconds(before)))

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()
