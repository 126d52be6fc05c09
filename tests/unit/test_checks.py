"""The checks: their cases in tests/checks, and that folder, registry and manual pages agree."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import tocsin.checks
from tocsin.checks import CHECKS, Check, Subject, base, run_checks
from tocsin.diagnostics import Diagnostic, in_file_order
from tocsin.plan import plan
from tocsin.workspace import Source, read_workspace

CASES = Path(__file__).parents[1] / "checks"
MODULES = Path(tocsin.checks.__file__).parent


def cases() -> list[Any]:
    """Every case of every check."""
    return [
        pytest.param(check, case, id=f"{check.code}: {case['name']}") for check in CHECKS for case in cases_of(check)
    ]


def cases_of(check: Check) -> list[Any]:
    """The cases of one check; none, where they are still to be written."""
    path = CASES / f"{file_of(check)}.yaml"
    return list(yaml.safe_load(path.read_text())) if path.exists() else []


def file_of(check: Check) -> str:
    """The stem of the files of a check."""
    return check.code.replace("/", "_")


def findings_of(check: Check, text: str) -> tuple[Diagnostic, ...]:
    """What one check finds."""
    workspace, misread = read_workspace([Source("case.yaml", text)])
    planned, unplanned = plan(workspace)
    return in_file_order(check.run(Subject(workspace, planned, (*misread, *unplanned))))


def covered(finding: Diagnostic, text: str) -> str:
    """The text that a finding is about."""
    line = text.split("\n")[finding.span.line - 1]
    return line[finding.span.column - 1 : finding.span.end_column - 1]


@pytest.mark.parametrize(("check", "case"), cases())
def test_case(check: Check, case: Mapping[str, Any]) -> None:
    """A check finds what its case says, there, and nothing else; keys that a case leaves out are not compared."""
    findings = findings_of(check, case["definitions"])
    seen = [
        {
            "at": f"{finding.span.line}:{finding.span.column}",
            "text": covered(finding, case["definitions"]),
            "severity": finding.severity.value,
            "message": finding.message,
            "hint": finding.hint,
        }
        for finding in findings
    ]
    asked = [{key: found[key] for key in wanted} for wanted, found in zip(case["findings"], seen, strict=False)] + seen[
        len(case["findings"]) :
    ]

    assert case["findings"] == asked
    assert {check.code} >= {finding.code for finding in findings}


def test_every_module_is_registered() -> None:
    """A check that is written but not listed would never run."""
    modules = {path.stem for path in MODULES.glob("*.py")} - {"__init__", "base"}

    assert modules == {file_of(check) for check in CHECKS}


def test_every_check_has_cases() -> None:
    """A check has a file of cases, with one that finds something and one that does not."""
    assert {file_of(check) for check in CHECKS} == {path.stem for path in CASES.glob("*.yaml")}
    lacking = [check.code for check in CHECKS if {bool(case["findings"]) for case in cases_of(check)} != {True, False}]

    assert lacking == [], "these need a case that finds something, and one that does not"


def test_registry_is_sorted() -> None:
    """Checks are listed by code, each once."""
    codes = [check.code for check in CHECKS]

    assert sorted(set(codes)) == codes


@pytest.mark.parametrize("check", CHECKS, ids=[check.code for check in CHECKS])
def test_manual(check: Check) -> None:
    """The manual page begins with a rule in one sentence and shows what is bad and what is good."""
    first, *rest = check.manual.split("\n\n")

    assert first.endswith(".")
    assert "\n" not in first
    assert [part.partition(":")[0] for part in rest[-2:]] == ["Bad", "Good"]


def test_parts_find_what_the_whole_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Checks that look at definitions apart find the same, however few of them they are given at a time."""
    texts = [
        case["definitions"].replace("kind: Service\nname: ", f"kind: Service\nname: s{number}-")
        for number, check in enumerate(CHECKS)
        for case in yaml.safe_load((CASES / f"{file_of(check)}.yaml").read_text())
    ]
    workspace, misread = read_workspace([Source(f"{number}.yaml", text) for number, text in enumerate(texts)])
    subject = Subject(workspace, plan(workspace)[0], misread)
    whole = in_file_order(finding for check in CHECKS for finding in check.run(subject))

    monkeypatch.setattr(base, "LEAST", 1)
    monkeypatch.setattr(base, "PARTS", 40)

    assert len(list(subject.parts())) > 20
    assert in_file_order(run_checks(CHECKS, subject)) == whole
    assert len({finding.code for finding in whole}) > 25
