"""The state as `tocsin doctor` reads it, on every database: all of it, by nobody's leave, and nothing changed."""

from contextlib import closing
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from tests.alerts import NOON, channel, message, notifications, route, view
from tests.alerts import text as words

from tocsin.adapters.canary_store import SqlCanaries
from tocsin.adapters.database import open_engine
from tocsin.adapters.lease import SqlLease
from tocsin.adapters.state_reader import read_state
from tocsin.adapters.store import SqlStore
from tocsin.errors import MisuseError
from tocsin.evaluate.memory import Commit, GroupEpisode, GroupKey, GroupState
from tocsin.notify.canary import Canary
from tocsin.ports import CANARY, Delivery, Outcome
from tocsin.service.doctor import orphans
from tocsin.service.doctor_state import close_orphans

CHANNELS = notifications(channel("email"), route("email"))


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


def test_pages_are_closed_while_nobody_leads(where: str) -> None:
    """Refused under an evaluator; without one the end is in the outbox, and the lease is free again."""
    gone = view("gone")
    told = GroupEpisode(words("gone"), NOON, announced=True, alert=gone.identity, told_at=NOON)
    open_page = Commit(NOON, views=(gone,), groups={GroupKey("email", "*"): GroupState(NOON, (told,), NOON, 1)})
    with closing(SqlStore(where)) as store, closing(SqlLease(where)) as lease:
        store.commit(open_page)
        lease.acquire("a:1", timedelta(minutes=1))
        with pytest.raises(MisuseError, match="a:1 leads"):
            close_orphans(where, CHANNELS)
        lease.release("a:1")
        close_orphans(where, CHANNELS)
        state = read_state(where)

    assert [(letter.channel, letter.action) for letter in state.pending] == [("email", "resolve")]
    assert (state.leader, orphans(state.memory)) == ("", ())


def test_the_last_canary_is_kept(where: str) -> None:
    """One for each channel; the success of an earlier one stays."""
    with closing(SqlStore(where)) as store, closing(SqlCanaries(where)) as canaries:
        for day in (0, 7):
            now = NOON + timedelta(days=day)
            canaries.put([Canary("email", now, None, open=True)])
            key = f"{CANARY}email-{day}"
            store.commit(Commit(now, outbox=(message("email", key=key),)))
            (parcel,) = store.lease("email", now, now + timedelta(minutes=1))
            outcome = Outcome.REJECTED if day else Outcome.SENT
            store.settle(parcel, Delivery(outcome), now, None)
        canaries.put([Canary("email", now, None, open=False)])

        assert canaries.all() == {"email": Canary("email", now, NOON, open=False)} == read_state(where).canaries
