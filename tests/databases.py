"""The databases that contract suites run on.

SQLite always; PostgreSQL where the machine has it (`tests/postgres.py`), or where TOCSIN_TEST_DATABASE names an empty
database that may be filled.
"""

import os
from typing import Any

from sqlalchemy import Connection, event

from tocsin.adapters.tables import EVALUATOR, METADATA, SCHEMA_MIGRATIONS

DATABASE = os.environ.get("TOCSIN_TEST_DATABASE")


def wiped(connection: Connection) -> None:
    """Make a database that outlives the test as good as new."""
    for table in METADATA.sorted_tables:
        if table not in {EVALUATOR, SCHEMA_MIGRATIONS}:
            connection.execute(table.delete())
    connection.execute(EVALUATOR.update().values(committed_at=None, pruned_at=None))


def emptied(url: str) -> str:
    """Make the database at *url* as good as new, its tables included."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
    return url


def read_only(store: Any, *, on: bool = True) -> None:
    """Let the database refuse every write for real, as on a disk that is full or was remounted, or take it back."""
    engine = store._engine
    engine.dispose()

    def limit(connection: Any, _record: Any) -> None:
        connection.execute(f"PRAGMA query_only = {int(on)}")

    event.listen(engine, "connect", limit)
