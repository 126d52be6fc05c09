"""Every code has a manual page."""

import ast
import re
from pathlib import Path

import pytest

import tocsin
from tocsin.checks import CHECKS
from tocsin.codes import MANUALS
from tocsin.live import LIVE_CHECKS

ENGINE = Path(tocsin.__file__).parent
_CODE = re.compile(r"[a-z][a-z0-9]*/[a-z0-9]+(-[a-z0-9]+)*")
_FINDERS = {"Diagnostic", "check", "report", "refuse", "warn", "Doubt", "_wrong", "live_check"}
_FAMILIES = {code.partition("/")[0] for code in MANUALS} - {"prometheus", "kubernetes", "test"}


def codes() -> set[str]:
    """The codes in calls that make findings, and every other text that begins with one of their families."""
    found = set()
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                texts = {arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)}
                found |= {
                    text
                    for text in texts
                    if _CODE.fullmatch(text) and (name in _FINDERS or text.partition("/")[0] in _FAMILIES)
                }
    return found


def test_every_code_that_is_raised_has_a_page() -> None:
    """Write it in the check's docstring, or into one of the tables of tocsin.codes."""
    assert codes() - set(MANUALS) == set()
    assert len(codes()) > 70


def test_every_page_is_written_once() -> None:
    """A second page of a code would win without anybody noticing."""
    tables = [path for path in (ENGINE / "codes").rglob("*.py") if path.stem != "__init__"]
    written = re.findall(r'^    "([a-z0-9]+/[a-z0-9-]+)": page', "".join(p.read_text() for p in tables), re.MULTILINE)
    written += [check.code for check in CHECKS]
    written += [check.code for check in LIVE_CHECKS]

    assert sorted(set(written)) == sorted(written)
    assert sorted(written) == list(MANUALS), "a page that is written is one that can be read"


def test_every_page_is_of_a_code_that_is_raised() -> None:
    """A page of a code that nothing gives any more explains nothing."""
    texts = "".join(path.read_text() for path in ENGINE.rglob("*.py") if "codes" not in path.parts)

    made = {code for code in MANUALS if code.startswith(("proof/", "reference/unknown-"))}  # put together

    assert [code for code in MANUALS if f'"{code}"' not in texts and code not in made] == []


@pytest.mark.parametrize("code", MANUALS)
def test_page(code: str) -> None:
    """A rule in one sentence, and at the end what is bad and what is good."""
    first, *rest = MANUALS[code].split("\n\n")

    assert _CODE.fullmatch(code)
    assert first.endswith(".")
    assert "\n" not in first
    assert [part.partition(":")[0] for part in rest[-2:]] == ["Bad", "Good"]
