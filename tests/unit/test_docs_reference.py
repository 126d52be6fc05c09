"""The reference is made from the schemas and up to date; the examples are right."""

import subprocess
import sys
from pathlib import Path

import pytest

from tocsin.plan import plan
from tocsin.workspace import Source, read_workspace

ROOT = Path(__file__).parents[2]


def test_the_reference_is_up_to_date() -> None:
    """`make docs` would change nothing."""
    command = [sys.executable, str(ROOT / "ci" / "docs_reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert (done.returncode, done.stdout) == (0, "")


@pytest.mark.parametrize("example", sorted((ROOT / "examples").glob("*.yaml")), ids=lambda path: path.name)
def test_examples_have_no_finding(example: Path) -> None:
    """Each is a workspace by itself that can be copied."""
    workspace, findings = read_workspace([Source(example.name, example.read_text(encoding="utf-8"))])
    planned, unplanned = plan(workspace)

    assert (*findings, *unplanned) == ()
    assert planned.groups


def test_examples_are_one_workspace_too() -> None:
    """Whoever checks the whole folder gets no finding either: no name is taken twice."""
    paths = sorted((ROOT / "examples").glob("*.yaml"))
    workspace, findings = read_workspace([Source(path.name, path.read_text(encoding="utf-8")) for path in paths])
    _, unplanned = plan(workspace)

    assert (*findings, *unplanned) == ()
