"""Opening the database: the engine, what only SQLite needs, and the migrations.

This is the only module with SQL that one database knows and another does not.
"""

import fcntl
import re
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

from sqlalchemy import (
    Connection,
    Engine,
    Table,
    bindparam,
    create_engine,
    delete,
    event,
    func,
    insert,
    inspect,
    select,
    text,
)
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from tocsin.adapters import postgres
from tocsin.adapters.codec import microseconds
from tocsin.adapters.tables import EVALUATOR, SCHEMA_MIGRATIONS
from tocsin.errors import MisuseError, UnavailableError

BUSY_TIMEOUT_MS = 5_000
_MIGRATING = 0x70C5_1701
"""The lock of who migrates; there is no table yet that could be locked."""


def open_engine(url_or_path: str, *, readonly: bool = False) -> Engine:
    """Connect to a SQLite file, given as a path or as `sqlite:///path`, or to any database URL of SQLAlchemy.

    With *readonly* nothing is made or changed, and all that one transaction reads is of one moment.
    """
    url = _url(url_or_path)
    try:
        if url.get_backend_name() == "sqlite":
            return _existing(url) if readonly else _sqlite(url)
        reader = {"postgresql_readonly": True, "isolation_level": "REPEATABLE READ"}
        options = reader if readonly and url.get_backend_name() == "postgresql" else {}
        # While it answers late, all connections wait; who evaluates must not queue for one of them as well.
        patience = postgres.ANSWER_SECONDS
        engine = create_engine(url, pool_pre_ping=True, pool_timeout=patience, execution_options=options)
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise UnavailableError(
            f"no driver for the state store {_shown(url)}",
            hint="install one, for PostgreSQL: pip install 'psycopg[binary]'",
        ) from error
    postgres.bounded(engine)
    return engine


def open_state(url_or_path: str, now: datetime) -> Engine:
    """Connect to the database of the state and bring its schema up to date; nothing stays open where that fails."""
    engine = open_engine(url_or_path)
    try:
        migrate(engine, now)
    except BaseException:
        engine.dispose()
        raise
    return engine


class StateStore:
    """A store in the database of the state, SQLite or another one that SQLAlchemy reaches by URL; to be closed."""

    def __init__(self, url_or_path: str) -> None:
        self._engine = open_state(url_or_path, datetime.now(UTC))

    @property
    def shared(self) -> bool:
        """Whether processes on other hosts may use it, too."""
        return self._engine.url.get_backend_name() != "sqlite"

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()


@contextmanager
def guarded(engine: Engine) -> Iterator[None]:
    """Turn what the database says into an UnavailableError that names it, without the password."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", None) or error).splitlines()[0]
        raise UnavailableError(f"the state store {_shown(engine.url)} does not work: {reason}") from error


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nobody else writes."""
    with guarded(engine), engine.begin() as connection:
        # One writer at a time: SQLite's lock does that already, elsewhere this row is it.
        connection.execute(select(EVALUATOR.c.id).with_for_update())
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that waits for no writer and makes none wait."""
    with guarded(engine), engine.connect() as connection:
        reader = connection.execution_options(reading=True)
        with reader.begin():
            yield reader


def claim(engine: Engine, what: str = "owner") -> BinaryIO | None:
    """Lock a file beside a SQLite database until it is closed or the process ends; None where another process did.

    Also None for other databases, and where the file system has no locks.
    """
    if engine.url.get_backend_name() != "sqlite":
        return None
    try:
        file = Path(f"{engine.url.database}.{what}").open("ab")  # noqa: SIM115  # the caller keeps it open
    except OSError:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def claimed(url_or_path: str, what: str = "owner") -> bool:
    """Whether a process holds the `claim` on *what* beside this SQLite database."""
    try:
        with Path(f"{_url(url_or_path).database}.{what}").open("rb") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    except OSError as error:
        raise UnavailableError(f"nobody can tell whether an evaluator leads: {error.strerror}") from error
    return False


def schema_versions(connection: Connection) -> tuple[int, int]:
    """The version of the schema in the database, 0 where there is none, and the one of this release."""
    known = max(_migrations())
    if not inspect(connection).has_table(SCHEMA_MIGRATIONS.name):
        return 0, known
    return max(connection.scalars(select(SCHEMA_MIGRATIONS.c.version)), default=0), known


def migrate(engine: Engine, now: datetime) -> None:
    """Bring the schema up to date in one transaction, one process at a time; that of a newer release is left alone."""
    known = _migrations()
    with guarded(engine), engine.begin() as connection:
        if engine.url.get_backend_name() == "postgresql":  # SQLite has begun by taking its lock
            connection.execute(select(func.pg_advisory_xact_lock(_MIGRATING)))
        if not inspect(connection).has_table(SCHEMA_MIGRATIONS.name):
            SCHEMA_MIGRATIONS.create(connection)
        applied = set(connection.scalars(select(SCHEMA_MIGRATIONS.c.version)))
        newer = applied - known.keys()
        if newer:
            raise UnavailableError(
                f"the state store {_shown(engine.url)} has schema {max(newer)}, this release knows {max(known)}",
                hint="run the release that wrote it, or a newer one",
            )
        for version in sorted(known.keys() - applied):
            name, script = known[version]
            _apply(connection, script)
            row = {"version": version, "name": name, "applied_at": microseconds(now)}
            connection.execute(insert(SCHEMA_MIGRATIONS).values(row))


def _apply(connection: Connection, script: str) -> None:
    for statement in re.split(r";[ \t]*\n", re.sub(r"(?m)^--.*\n", "", script)):
        if statement.strip():
            connection.execute(text(statement))


def _migrations() -> dict[int, tuple[str, str]]:
    folder = files("tocsin.adapters") / "migrations"
    scripts = sorted(f.name for f in folder.iterdir() if f.name.endswith(".sql"))
    return {int(name.split("_")[0]): (name, (folder / name).read_text(encoding="utf-8")) for name in scripts}


def _url(url_or_path: str) -> URL:
    if re.match(r"[a-z+]+:/(?!/)", url_or_path):
        raise MisuseError("the state store is neither a path nor a database URL", hint="write postgresql://HOST/NAME")
    if "://" not in url_or_path:
        return URL.create("sqlite", database=str(Path(url_or_path).expanduser()))
    try:
        url = make_url(url_or_path)
    except (ArgumentError, ValueError) as error:  # a port that is no number
        raise MisuseError("the state store is neither a path nor a database URL") from error
    if "@" in (url.host or ""):
        raise MisuseError("the password of the state store has an @", hint="write %40 for it")
    return url.set(drivername="postgresql+psycopg") if url.drivername in {"postgres", "postgresql"} else url


def _shown(url: URL) -> str:
    if url.get_backend_name() == "sqlite":
        return str(url.database).removeprefix("file:")
    return url.set(query={}).render_as_string(hide_password=True)  # parameters may be a password, too


def _sqlite(url: URL) -> Engine:
    if url.database in {None, "", ":memory:"}:
        raise MisuseError("the state store needs a file: what is kept in memory does not survive a crash")
    folder = Path(str(url.database)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnavailableError(f"cannot create {folder} for the state store: {error.strerror}") from error
    engine = create_engine(url)
    event.listen(engine, "connect", _configure)
    event.listen(engine, "begin", _begin)
    return engine


def _existing(url: URL) -> Engine:
    path = Path(str(url.database))
    if not path.is_file():
        raise UnavailableError(f"there is no state store {path}", hint="--state of `tocsin serve` says where it is")
    query = {"mode": "ro", "uri": "true"}
    if not Path(f"{path}-wal").exists():  # nobody has it open; without this, files would be left that are ours
        query |= {"immutable": "1"}
    engine = create_engine(url.set(database=f"file:{quote(str(path.absolute()))}", query=query))
    event.listen(engine, "connect", _begin_by_hand)
    event.listen(engine, "begin", _begin)
    return engine


def _begin_by_hand(connection: Any, _record: Any) -> None:
    """The driver would begin transactions by guessing, and not around CREATE TABLE."""
    # https://docs.sqlalchemy.org/en/20/dialects/sqlite.html#pysqlite-serializable
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}").close()


def _configure(connection: Any, record: Any) -> None:
    """A commit is on the disk when it returns (FULL), and readers do not wait for the writer (WAL)."""
    _begin_by_hand(connection, record)
    _write_ahead(connection)
    cursor = connection.cursor()
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Of several that switch a new file at once SQLite refuses some without a wait, lest they wait for each other."""
    end = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL").close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                raise
            time.sleep(0.01)
        else:
            return


def _begin(connection: Connection) -> None:
    """Take the write lock at the start: a reader that turns writer later would fail instead of wait."""
    reading = connection.get_execution_options().get("reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def put_rows(
    connection: Connection, table: Table, forget: Sequence[Mapping[str, object]], rows: Sequence[Mapping[str, object]]
) -> None:
    """Replace rows by primary key: delete and insert, which every database spells alike."""
    keys = list(table.primary_key.columns)
    if forget:
        where = [column == bindparam(f"old_{column.name}") for column in keys]
        old = [{f"old_{column.name}": row[column.name] for column in keys} for row in forget]
        connection.execute(delete(table).where(*where), old)
    if rows:
        connection.execute(insert(table), list(rows))
