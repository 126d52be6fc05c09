"""Acknowledgements in the database of the state."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, insert, select

from tocsin.adapters.codec import decode, encode, microseconds
from tocsin.adapters.database import StateStore, reading, writing
from tocsin.adapters.tables import ACKNOWLEDGEMENTS
from tocsin.evaluate.model import Acknowledgement


class SqlAcknowledgements(StateStore):
    """An `AcknowledgementStore` in the database of the state."""

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
