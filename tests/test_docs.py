"""The documentation says what is true: its YAML passes, its commands exist, its links lead somewhere."""

import re
from pathlib import Path

import pytest

from tocsin.cli.main import COMMANDS
from tocsin.definitions import read_definitions

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "rules" / "README.md", *(ROOT / "docs").rglob("*.md")])


def _blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)


def test_readme_shows_the_shortest_example_as_it_is() -> None:
    """What the README shows is what examples/minimal.yaml holds, but for its comments."""
    example = (ROOT / "examples" / "minimal.yaml").read_text(encoding="utf-8")
    shown = _blocks(ROOT / "README.md", "yaml")[0]

    assert shown == "".join(line for line in example.splitlines(keepends=True) if not line.startswith("#"))


def test_tutorial_file_is_clean_at_every_step(tmp_path: Path) -> None:
    """Somebody who types the tutorial meets no finding."""
    first, alerts = _blocks(ROOT / "docs" / "tutorial.md", "yaml")
    service, channels = first.split("---\n")
    for number, text in enumerate((first, service + alerts + "---\n" + channels)):
        (tmp_path / f"{number}.yaml").write_text(text, encoding="utf-8")

        assert read_definitions([str(tmp_path / f"{number}.yaml")]).findings == ()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_documentation_exist(page: Path) -> None:
    """A page that names a command which is gone sends its reader astray."""
    named = set(re.findall(r"(?:^\$ |`)tocsin ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE))

    assert named <= set(COMMANDS) | {"report"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Relative links point to files that are there."""
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    broken = [link for link in links if not (page.parent / link).exists()]

    assert broken == []


def test_every_command_is_in_the_documentation() -> None:
    """A command nobody is told about is not there."""
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)

    assert [name for name in COMMANDS if f"tocsin {name}" not in text and f"make {name}" not in text] == []
