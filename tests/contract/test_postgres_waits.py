"""The lease on PostgreSQL; one that does not answer, and evaluators that hang within it: nobody waits for ever."""

import socket
import time
from contextlib import ExitStack, closing, suppress
from datetime import timedelta

import pytest
from sqlalchemy import text
from tests.alerts import NOON
from tests.databases import emptied
from tests.postgres import Postgres, binaries

from tocsin.adapters import postgres as waits
from tocsin.adapters.database import open_engine, writing
from tocsin.adapters.lease import SqlLease
from tocsin.adapters.store import SqlStore
from tocsin.errors import UnavailableError
from tocsin.evaluate.leadership import Held, Others
from tocsin.evaluate.memory import Commit

pytestmark = pytest.mark.skipif(binaries() is None, reason="no PostgreSQL on this machine")
MINUTE = timedelta(minutes=1)


@pytest.fixture
def url(postgres: Postgres, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty database, and limits that a test can wait for."""
    monkeypatch.setattr(waits, "ANSWER_SECONDS", 0.5)
    monkeypatch.setattr(waits, "LOCK_MS", 200)
    monkeypatch.setattr(waits, "IDLE_MS", 400)
    monkeypatch.setattr(waits, "CONNECT_SECONDS", 2)  # the least that the driver knows
    return emptied(postgres.url)


def test_an_answer_that_does_not_come_is_not_waited_for(url: str) -> None:
    """The connection is given up, the server told to keep no lock for it, and the next one works."""
    with closing(SqlStore(url)) as store:
        began = time.monotonic()
        with pytest.raises(UnavailableError, match=r"does not work: no answer within 0\.5 s"), store._writing() as one:
            one.execute(text("SELECT pg_sleep(20)"))
        assert time.monotonic() - began < 5
        store.commit(Commit(NOON))
        assert store.load().committed_at == NOON


def test_who_finds_no_connection_free_does_not_queue_for_long(url: str) -> None:
    """Dozens of workers wait for an answer, one for each recipient; a tick goes on without its state."""
    engine = open_engine(url)
    with ExitStack() as busy:
        busy.callback(engine.dispose)
        for _ in range(15):
            busy.enter_context(engine.connect())
        began = time.monotonic()
        with pytest.raises(UnavailableError, match="does not work"), writing(engine):
            pass
        assert time.monotonic() - began < 5


def test_who_hangs_in_a_transaction_stops_nobody_for_long(url: str) -> None:
    """Another evaluator is told that the store does not work, and leads once the server has ended that transaction."""
    with closing(SqlLease(url)) as lease:
        lease.acquire("first", timedelta())
        stuck = open_engine(url)
        with suppress(UnavailableError), writing(stuck):
            with pytest.raises(UnavailableError, match="lock timeout"):
                lease.acquire("second", MINUTE)
            time.sleep(0.5)
            held = lease.acquire("second", MINUTE)
        stuck.dispose()
        lease.release("second")
        given = lease.acquire("first", MINUTE)

    assert isinstance(held, Held)
    assert isinstance(given, Held)
    assert (held.lapsed, given.lapsed) == (True, False)  # the first one's ran out, the second one gave it away


def test_a_host_that_says_nothing_is_not_waited_for(url: str) -> None:
    """It accepts connections, and that is all."""
    assert url
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        began = time.monotonic()
        with pytest.raises(UnavailableError, match="connection timeout expired") as caught:
            SqlStore(f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/x?password=hunter2")
        assert time.monotonic() - began < 8
        began = time.monotonic()
        with pytest.raises(UnavailableError, match="it did not answer a moment ago"):
            SqlStore(f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/x")
        assert time.monotonic() - began < 1.8
    assert "hunter2" not in str(caught.value)


def test_a_lease_is_passed_on_to_whoever_is_fit(url: str) -> None:
    """Under a new token, at once, and only while the offer holds."""
    with closing(SqlLease(url)) as lease:
        first = lease.acquire("first", MINUTE)
        assert isinstance(first, Held)
        assert lease.pass_on("first", MINUTE) == ""
        lease.offer("second", timedelta())
        assert lease.pass_on("first", MINUTE) == ""
        lease.offer("second", MINUTE)
        assert lease.pass_on("third", MINUTE) == ""  # it is not its own to give

        assert lease.pass_on("first", MINUTE) == "second"
        assert lease.acquire("first", MINUTE) == Others("second")
        assert lease.acquire("second", MINUTE) == Held(first.token + 1)
        assert lease.pass_on("second", MINUTE) == ""
