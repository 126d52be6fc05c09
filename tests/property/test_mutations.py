"""Definitions that were damaged at random: every mistake is a finding with a place, and none is a traceback."""

import re
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tocsin.diagnostics import Diagnostic
from tocsin.plan import plan
from tocsin.workspace import Source, read_workspace

RULES = Path(__file__).parents[2] / "rules"
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted(RULES.glob("*.yaml"))}
NEIGHBOURS = ("notifications.yaml", "journeys.yaml")
"""Files that are read beside the damaged one; all of them would take four times as long and find nothing more."""

DAMAGE = st.sampled_from([
    "", " ", "  ", "\n", "\t", "\r", "\x00", "\u2028", "\U0001f600", ":", ": ", "-", "- ", "#", " # ", "'", '"',
    "\\", "|", "|\n", ">-\n", "[", "]", "{", "}", ",", "&a ", "*a", "<<: *a\n", "!!str ", "? ", "---\n", "...\n",
    "%", "@", "~", "null", "true", "yes", "0", "-1", "010", "1e999", ".nan", "9" * 30, "0.1234567890123456789",
    "100%", "0%", "-5m", "5 m", "0s", "999999999y", "12:30", "2026-13-45T99:99", "a/b", "be-camera/uptime", "[]",
    "{}", "[[]]", "{a: 1}", "sum(", "up{", "{env: X}", "name", "kind: SLA\n",
    '"\\e[31m"', '"a\\nb"', '"\\e": 1', '{"a\\n": 1}',
])  # fmt: skip
WORDS_OF_RULES = st.sampled_from(sorted({word for text in FILES.values() for word in text.split() if len(word) < 40}))


@st.composite
def damaged(draw: st.DrawFn) -> tuple[str, str]:
    """A file of the platform's rules with one to four places damaged."""
    name = draw(st.sampled_from(sorted(FILES)))
    text = FILES[name]
    for _ in range(draw(st.integers(1, 4))):
        lines = text.splitlines(keepends=True)
        at = draw(st.integers(0, max(0, len(lines) - 1)))
        line = lines[at] if lines else ""
        what = draw(
            st.sampled_from(["insert", "cut", "value", "indent", "drop", "double", "swap", "splice", "truncate"])
        )
        if what == "insert":
            column = draw(st.integers(0, len(line)))
            line = line[:column] + draw(DAMAGE | WORDS_OF_RULES | st.text(max_size=3)) + line[column:]
        elif what == "cut":
            column = draw(st.integers(0, len(line)))
            line = line[:column] + line[column + draw(st.integers(1, 9)) :]
        elif what == "value":
            key, colon, _ = line.partition(":")
            line = f"{key}{colon} {draw(DAMAGE | WORDS_OF_RULES)}\n"
        elif what == "indent":
            line = draw(st.sampled_from(["", " ", "  ", "   ", "\t", "        "])) + line.lstrip(" ")
        elif what == "drop":
            line = ""
        elif what == "double":
            line = line * 2
        elif what == "splice":
            other = FILES[draw(st.sampled_from(sorted(FILES)))].splitlines(keepends=True)
            start = draw(st.integers(0, len(other) - 1))
            line += "".join(other[start : start + draw(st.integers(1, 8))])
        if what == "swap":
            with_ = draw(st.integers(0, max(0, len(lines) - 1)))
            lines[at : at + 1], lines[with_ : with_ + 1] = lines[with_ : with_ + 1], lines[at : at + 1]
        else:
            lines[at : at + 1] = [line]
        text = "".join(lines[: at + 1] if what == "truncate" else lines)
    return name, text


@given(damaged())
@settings(max_examples=10 * settings.default.max_examples, suppress_health_check=[HealthCheck.too_slow])  # type: ignore[union-attr]
def test_damaged_definitions_give_findings(source: tuple[str, str]) -> None:
    """Reading, checking and planning end without an exception; places are inside the files and findings in their order.

    2,000 examples where the suite runs with the profile `ci`.
    """
    name, text = source
    texts = {neighbour: FILES[neighbour] for neighbour in NEIGHBOURS} | {name: text}

    workspace, findings = read_workspace([Source(path, content) for path, content in texts.items()])
    _, unplanned = plan(workspace)

    assert list(findings) == sorted(findings, key=lambda finding: finding.span)
    for finding in (*findings, *unplanned):
        assert_is_of_use(finding, texts)


def assert_is_of_use(finding: Diagnostic, texts: dict[str, str]) -> None:
    """A finding has a code, a message in our style, and a place in its file."""
    lines = texts[finding.span.path].removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    span = finding.span

    assert (span.line, span.column) <= (span.end_line, span.end_column)
    assert 1 <= span.line <= span.end_line <= len(lines)
    assert 1 <= span.column <= len(lines[span.line - 1]) + 1
    assert 1 <= span.end_column <= len(lines[span.end_line - 1]) + 1
    assert "/" in finding.code
    assert finding.message
    assert not finding.message.endswith(".")
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", f"{finding.message}{finding.hint}")
