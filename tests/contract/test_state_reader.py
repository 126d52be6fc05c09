"""The state as `tocsin doctor` reads it, on every database: all of it, by nobody's leave, and nothing changed."""

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.alerts import NOON, message, view

from tocsin.adapters.database import open_engine
from tocsin.adapters.lease import SqlLease
from tocsin.adapters.state_reader import read_state
from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Commit


def test_a_state_is_read_while_an_evaluator_has_it(where: str) -> None:
    """What was committed last, and who leads at the moment."""
    with closing(SqlStore(where)) as store, closing(SqlLease(where)) as lease:
        store.commit(Commit(NOON, views=(view("a"),), outbox=(message("email"),)))
        before = read_state(where)
        lease.acquire("a:1", timedelta(minutes=1))
        led = read_state(where).leader
        lease.release("a:1")
        after = read_state(where)

    assert (before.leader, led, after.leader) == ("", "a:1", "")
    assert before.memory.committed_at == NOON
    assert [letter.channel for letter in before.pending] == ["email"]


def test_nothing_can_be_written(where: str) -> None:
    """The database itself refuses."""
    SqlStore(where).close()
    engine = open_engine(where, readonly=True)
    with engine.connect() as connection, pytest.raises(DBAPIError, match=r"read-?only"):
        connection.execution_options(reading=True).execute(text("DELETE FROM outbox"))
    engine.dispose()
