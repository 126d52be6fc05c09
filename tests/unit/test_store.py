"""The store's own parts: schema, migrations, the codec, and what it says when the database fails."""

import re
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import create_engine, inspect
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateTable
from tests.alerts import NOON, message, seconds

from tocsin.adapters.codec import decode, encode, instant, microseconds
from tocsin.adapters.database import open_engine
from tocsin.adapters.store import SqlStore
from tocsin.adapters.tables import METADATA
from tocsin.errors import MisuseError, UnavailableError
from tocsin.evaluate.memory import Commit, GroupEpisode, GroupState
from tocsin.evaluate.model import AlertState, AlertView
from tocsin.ports import AlertText, Notification

times = st.datetimes(datetime(2000, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
st.register_type_strategy(datetime, times)
st.register_type_strategy(timedelta, st.timedeltas(timedelta(), timedelta(days=999)))
st.register_type_strategy(float, st.floats(allow_nan=False))


def test_the_tables_are_those_that_the_migrations_make(tmp_path: Path) -> None:
    """Names, nullability and keys agree, so no query meets a column that is not there."""
    SqlStore(str(tmp_path / "tocsin.db")).close()
    engine = create_engine(f"sqlite:///{tmp_path}/tocsin.db")
    inspector = inspect(engine)
    made = {
        name: (
            {column["name"]: column["nullable"] for column in inspector.get_columns(name)},
            inspector.get_pk_constraint(name)["constrained_columns"],
        )
        for name in inspector.get_table_names()
    }
    engine.dispose()
    described = {
        table.name: (
            {column.name: bool(column.nullable) or column.primary_key for column in table.columns},
            [column.name for column in table.primary_key.columns],
        )
        for table in METADATA.sorted_tables
    }

    # SQLite calls a key column nullable unless told otherwise; that is no difference that matters.
    assert {n: ({c: v or c in pk for c, v in cs.items()}, pk) for n, (cs, pk) in made.items()} == described


MIGRATIONS = sorted(f.name for f in (files("tocsin.adapters") / "migrations").iterdir())


def test_each_migration_has_a_number_of_its_own() -> None:
    """The number is the schema's version; of two with the same one a database would get neither or either."""
    numbers = [int(name.split("_")[0]) for name in MIGRATIONS]

    assert numbers == sorted(set(numbers))


def test_migrations_only_add() -> None:
    """The release before goes on with the new schema: it may lead while its successor starts, and stands by."""
    adds = r"CREATE (TABLE|INDEX) |DROP INDEX |INSERT INTO |ALTER TABLE \w+ ADD COLUMN \w+ \w+( NOT NULL DEFAULT .+)?$"
    anew = r"|DROP TABLE (\w+)$|ALTER TABLE \w+ RENAME TO \w+$"  # with what it had, as the next test says
    for name in MIGRATIONS:
        script = (files("tocsin.adapters") / "migrations" / name).read_text()
        statements = re.split(r";\s*", re.sub(r"(?m)^--.*\n", "", script))
        assert [each for each in statements if each.strip() and not re.match(adds + anew, each.strip())] == [], name


def test_no_migration_takes_a_column_away(tmp_path: Path) -> None:
    """What a table had it keeps, its rows included, and what is new has a value where the release before names none."""
    path = tmp_path / "tocsin.db"
    held: dict[str, dict[str, list[object]]] = {}
    with closing(sqlite3.connect(path)) as state:
        for name in MIGRATIONS:
            state.executescript((files("tocsin.adapters") / "migrations" / name).read_text())
            if "outbox" not in held:
                state.execute(f"INSERT INTO outbox VALUES ({', '.join('?' * 16)})", range(16))
            tables = [row[0] for row in state.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            now = {t: {c[1]: c for c in state.execute(f"PRAGMA table_info({t})")} for t in tables}
            for table, columns in held.items():
                assert {c: kind for c, (_, _, *kind) in now[table].items() if c in columns} == columns, name
                fresh = [c for key, c in now[table].items() if key not in columns]
                assert all(not must or default is not None for _, _, _, must, default, _ in fresh), name
            held = {table: {c: kind for c, (_, _, *kind) in columns.items()} for table, columns in now.items()}
        kept = state.execute("SELECT id, channel, detail FROM outbox").fetchall()

    assert kept == [(0, "1", "15")]


def test_the_tables_can_be_made_in_postgresql() -> None:
    """Only types that both databases know."""
    for table in METADATA.sorted_tables:
        assert "CREATE TABLE" in str(CreateTable(table).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


def test_opening_twice_migrates_once(tmp_path: Path) -> None:
    """The second start finds its schema and leaves the data alone."""
    path = str(tmp_path / "tocsin.db")
    first = SqlStore(path)
    first.commit(Commit(NOON))
    first.close()
    second = SqlStore(path)
    committed_at = second.load().committed_at
    second.close()

    assert committed_at == NOON


def test_what_waits_in_the_first_schema_goes_out_with_the_next_one(tmp_path: Path) -> None:
    """An upgrade loses no message that its predecessor had not sent yet."""
    path = tmp_path / "tocsin.db"
    with sqlite3.connect(path) as connection:
        connection.executescript((files("tocsin.adapters") / "migrations" / MIGRATIONS[0]).read_text())
        connection.execute("CREATE TABLE schema_migrations (version BIGINT PRIMARY KEY, name TEXT, applied_at BIGINT)")
        connection.execute("INSERT INTO schema_migrations VALUES (1, ?, 0)", (MIGRATIONS[0],))
        row = (1, "email", "thread", 0, "fire", 0, encode(message()), "pending", microseconds(NOON), 0, None, 0, 0, 0)
        connection.execute(f"INSERT INTO outbox VALUES ({', '.join('?' * 16)})", (*row, None, ""))
    connection.close()
    second = SqlStore(str(path))
    (parcel,) = second.lease("email", NOON, NOON + seconds(30))
    second.close()

    assert parcel.notification == message()


def test_the_schema_of_a_newer_release_is_left_alone(tmp_path: Path) -> None:
    """An older release that wrote into it could lose what it does not know."""
    path = tmp_path / "tocsin.db"
    SqlStore(str(path)).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO schema_migrations VALUES (99, '0099_future.sql', 0)")
    connection.close()
    with pytest.raises(UnavailableError, match="has schema 99, this release knows "):
        SqlStore(str(path))


def test_a_migration_is_all_or_nothing(tmp_path: Path) -> None:
    """A database that already has one of the tables keeps what it has and gets nothing."""
    path = tmp_path / "tocsin.db"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE outbox (mine TEXT)")
    connection.close()
    with pytest.raises(UnavailableError, match="already exists"):
        SqlStore(str(path))
    with sqlite3.connect(path) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    connection.close()

    assert tables == ["outbox"]


def test_sqlite_is_set_up_to_lose_nothing(tmp_path: Path) -> None:
    """WAL with a sync at every commit, foreign keys, and patience with other processes."""
    engine = open_engine(str(tmp_path / "tocsin.db"))
    with engine.connect() as connection:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names}
    engine.dispose()

    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5_000}


def test_a_read_only_database_is_an_error_with_a_name(tmp_path: Path) -> None:
    """The message names the file and what the database said."""
    path = tmp_path / "tocsin.db"
    store = SqlStore(str(path))
    blocker = sqlite3.connect(path, timeout=0)
    blocker.execute("DROP TABLE alerts")
    blocker.close()
    with pytest.raises(UnavailableError, match=r"tocsin\.db does not work: no such table: alerts"):
        store.load()
    store.close()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///"])
def test_memory_alone_is_no_store(url: str) -> None:
    """It would not survive a crash, which is the only thing that the store is for."""
    with pytest.raises(MisuseError, match="needs a file"):
        SqlStore(url)


def test_a_password_is_not_shown() -> None:
    """Neither where the driver is missing nor where the server is."""
    with pytest.raises(UnavailableError) as error:
        SqlStore("postgresql://tocsin:s3cret@127.0.0.1:1/tocsin")

    assert "s3cret" not in str(error.value)


@given(st.one_of(*(st.from_type(kind) for kind in (AlertView, Notification, AlertText, GroupState, GroupEpisode))))
def test_what_is_encoded_is_decoded(value: object) -> None:
    """Round trip of everything that is stored, with any text in it."""
    assert decode(type(value), encode(value)) == value


@given(st.from_type(AlertState))
def test_a_state_comes_back(state: AlertState) -> None:
    """Enumerations, lengths of time and numbers included."""
    assert decode(AlertState, encode(state)) == state


@given(times)
def test_times_are_exact(at: datetime) -> None:
    """To the microsecond."""
    assert instant(microseconds(at)) == at


def test_a_field_of_a_newer_release_is_ignored_and_a_missing_one_takes_its_default() -> None:
    """So that an upgrade, and a way back, find the state of each other."""
    text = '{"rule":"a","labels":[],"priority":3}'
    from tocsin.evaluate.model import Identity

    assert decode(Identity, text) == decode(Identity, '{"rule":"a"}') == Identity("a")


def test_what_cannot_be_stored_is_refused() -> None:
    """Rather than stored as something else."""
    with pytest.raises(TypeError, match="cannot store a Decimal"):
        encode((Decimal(1),))
