"""The databases that contract suites run on.

SQLite always; PostgreSQL, too, where TOCSIN_TEST_DATABASE names an empty database that may be filled.
"""

import os

from sqlalchemy import Connection

from tocsin.adapters.tables import EVALUATOR, METADATA, SCHEMA_MIGRATIONS

DATABASE = os.environ.get("TOCSIN_TEST_DATABASE")


def wiped(connection: Connection) -> None:
    """Make a database that outlives the test as good as new."""
    for table in METADATA.sorted_tables:
        if table not in {EVALUATOR, SCHEMA_MIGRATIONS}:
            connection.execute(table.delete())
    connection.execute(EVALUATOR.update().values(committed_at=None, pruned_at=None))
