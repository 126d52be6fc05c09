"""The page of faults names all of them, and only tests that exist."""

import ast
import re
from pathlib import Path

PAGE = Path(__file__).parent.parent / "docs" / "faults.md"
ROWS = re.findall(r"(?m)^\| ([0-9]+) \| (.*) \|$", PAGE.read_text(encoding="utf-8"))


def defined(path: Path) -> set[str]:
    """Test functions and classes of a file."""
    return {
        node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    }


def test_every_fault_has_its_row() -> None:
    """One to thirty-two, in order."""
    assert [int(number) for number, _ in ROWS] == list(range(1, 33))


def test_every_test_of_the_page_exists() -> None:
    """A renamed test takes its name on the page along."""
    missing = []
    for number, row in ROWS:
        named = re.findall(r"`([a-z0-9]+/[a-z0-9_]+\.py)(?:::(\w+))?`", row)
        assert named, f"fault {number} names no test"
        for file, name in named:
            path = Path(__file__).parent / file
            if not path.exists() or (name and name not in defined(path)):
                missing.append(f"{number}: {file}::{name}")
    assert missing == []
