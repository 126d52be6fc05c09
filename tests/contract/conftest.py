"""What the suites of stores share."""

from pathlib import Path

import pytest
from tests.databases import DATABASE


@pytest.fixture(params=["path", "url", *(["database"] if DATABASE else [])])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Every way to name a store."""
    path = tmp_path / "state" / "tocsin.db"
    return {"path": str(path), "url": f"sqlite:///{path}", "database": DATABASE or ""}[request.param]
