"""What the suites of stores share."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import DATABASE, emptied
from tests.outboxes import wipe
from tests.postgres import Postgres, binaries

from tocsin.adapters.store import SqlStore

_DATABASES = ["database"] if DATABASE else ["postgres"] if binaries() else []


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A server for all suites, where the machine has PostgreSQL."""
    server = Postgres()
    server.start()
    yield server
    server.close()


@pytest.fixture(params=["path", "url", *_DATABASES])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every way to name a store."""
    path = tmp_path / "state" / "tocsin.db"
    if request.param == "postgres":
        return emptied(request.getfixturevalue("postgres").url)
    return {"path": str(path), "url": f"sqlite:///{path}", "database": DATABASE or ""}[request.param]


@pytest.fixture
def store(where: str) -> Iterator[SqlStore]:
    """An empty store of state."""
    store = SqlStore(where)
    if where == DATABASE:
        wipe(store)
    yield store
    store.close()
