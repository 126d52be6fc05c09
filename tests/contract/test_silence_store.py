"""What every SilenceStore promises; on PostgreSQL, too, where TOCSIN_TEST_DATABASE names an empty database."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.alerts import NOON, seconds
from tests.databases import DATABASE, wiped

from tocsin.adapters.database import writing
from tocsin.adapters.silence_store import SqlSilences
from tocsin.matchers import parse_matchers
from tocsin.notify.silences import KEPT, Silence

ONE = Silence(
    "s1", parse_matchers('pod=~"ü|a",slo!="b"'), NOON, NOON + seconds(60), "ana", "new\ndisks", NOON - seconds(0.000001)
)


@pytest.fixture
def silences(where: str) -> Iterator[SqlSilences]:
    """An empty store."""
    store = SqlSilences(where)
    if where == DATABASE:
        with writing(store._engine) as connection:
            wiped(connection)
    yield store
    store.close()


def test_a_silence_comes_back_as_it_was(silences: SqlSilences, where: str) -> None:
    """To the microsecond, matchers in their order; another process reads the same."""
    silences.put((ONE,), NOON)
    other = SqlSilences(where)

    assert silences.all() == other.all() == (ONE,)
    other.close()


def test_the_last_word_counts(silences: SqlSilences) -> None:
    """One row for each id."""
    later = replace(ONE, ends_at=NOON + seconds(900))
    silences.put((ONE,), NOON)
    silences.put((later, replace(ONE, id="s0")), NOON)

    assert silences.all() == (replace(ONE, id="s0"), later)


def test_what_ended_long_ago_is_forgotten(silences: SqlSilences) -> None:
    """After 120 hours, as in Alertmanager; not before."""
    silences.put((ONE,), NOON)
    silences.put((), ONE.ends_at + KEPT)
    assert silences.all() == (ONE,)
    silences.put((), ONE.ends_at + KEPT + seconds(1))

    assert silences.all() == ()
