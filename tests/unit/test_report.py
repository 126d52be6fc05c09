"""What people and machines are shown of findings."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from jsonschema import Draft202012Validator

from tocsin import report
from tocsin.diagnostics import Diagnostic, Edit, Fix, Hidden, Severity, Span

TEXTS = {
    "rules/shop.yaml": 'kind: Service\nslos:\n  uptime: {target: 999%}\n\tbad: "é值x"\n',
    "rules/good.yaml": "kind: Platform\n",
}
TARGET = Diagnostic(
    "slo/target", Span("rules/shop.yaml", 3, 20, 3, 24), "target 999% is above 100%", hint="did you mean 99.9%?"
)
WIDE = Diagnostic("x/wide", Span("rules/shop.yaml", 4, 10, 4, 11), "unexpected x", Severity.WARNING)
NOTE = Diagnostic(
    "x/note",
    Span("rules/shop.yaml", 2, 1, 3, 25),
    "50% of it: a, b",
    Severity.INFO,
    related=((Span("rules/good.yaml", 1, 7, 1, 15), "compare this"),),
)
ALL = (TARGET, WIDE, NOTE)


def test_text() -> None:
    """A finding has its place, its line, an underline below wide characters too, notes and a hint."""
    expected = """\
rules/shop.yaml:3:20: error: target 999% is above 100% [slo/target]
    3 |   uptime: {target: 999%}
      |                    ^~~~
  hint: did you mean 99.9%?

rules/shop.yaml:4:10: warning: unexpected x [x/wide]
    4 |  bad: "é值x"
      |           ^

rules/shop.yaml:2:1: info: 50% of it: a, b [x/note]
    2 | slos:
      | ^~~~~
rules/good.yaml:1:7: note: compare this
    1 | kind: Platform
      |       ^~~~~~~~
"""

    assert expected == report.text(ALL, TEXTS)


def test_text_of_nothing() -> None:
    """Without findings there is nothing to read."""
    assert report.text((), TEXTS) == ""


def test_text_shows_the_part_of_a_long_line_that_matters() -> None:
    """A line of 1,000 characters is cut around the finding, and the caret still points at it."""
    line = "a" * 500 + "HERE" + "b" * 496
    shown = report.text((Diagnostic("x/long", Span("f", 1, 501, 1, 505), "m"),), {"f": line}).splitlines()

    assert len(shown[1]) < 160
    assert shown[1][shown[2].index("^") : shown[2].rindex("~") + 1] == "HERE"
    assert shown[1].count("…") == 2


@pytest.mark.parametrize(
    "span",
    [Span("gone.yaml", 1, 1, 1, 2), Span("rules/good.yaml", 99, 1, 99, 2), Span("rules/good.yaml", 1, 99, 1, 99)],
)
def test_text_of_a_place_that_does_not_exist(span: Span) -> None:
    """A file that could not be read, or a place behind the end, is no reason to fail."""
    assert report.text((Diagnostic("x/y", span, "m"),), TEXTS).startswith(f"{span}: error: m [x/y]\n")


def test_text_cannot_steer_a_terminal() -> None:
    """Escape sequences and line breaks in names, messages and sources are shown, not obeyed."""
    evil = Diagnostic("x/y", Span("a\x1b[2J\n::error::b", 1, 1, 1, 2), "see \x1b]0;x\x07", hint="a\rb")
    shown = report.text((evil,), {evil.span.path: "\x1b[31mred\u202e"})

    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert not [line for line in shown.splitlines() if line.lstrip().startswith("::")]


def test_summary() -> None:
    """The last line counts by severity."""
    assert report.summary((*ALL, TARGET), 2) == "2 files: 2 errors, 1 warning, 1 note"
    assert report.summary((), 1) == "1 file: clean"


def test_json() -> None:
    """JSON has exactly the keys that scripts rely on."""
    expected = {
        "code": "slo/target",
        "severity": "error",
        "path": "rules/shop.yaml",
        "line": 3,
        "column": 20,
        "endLine": 3,
        "endColumn": 24,
        "message": "target 999% is above 100%",
        "hint": "did you mean 99.9%?",
        "fix": None,
    }

    assert json.loads(report.as_json(ALL, TEXTS))[0] == expected
    assert json.loads(report.as_json(ALL, TEXTS))[1]["hint"] is None
    assert json.loads(report.as_json((), TEXTS)) == []


def test_github() -> None:
    """Annotations escape what would end them; columns are only given on one line, the last one inclusive."""
    expected = (
        "::error file=rules/shop.yaml,line=3,endLine=3,col=20,endColumn=23,title=slo/target"
        "::target 999%25 is above 100%25%0Ahint: did you mean 99.9%25?\n"
        "::warning file=rules/shop.yaml,line=4,endLine=4,col=10,endColumn=10,title=x/wide::unexpected x\n"
        "::notice file=rules/shop.yaml,line=2,endLine=3,title=x/note::50%25 of it: a, b\n"
    )

    assert expected == report.github(ALL, TEXTS)


def test_github_escapes_properties() -> None:
    """A comma or colon in a file name does not begin another property."""
    odd = Diagnostic("x/y", Span("a,b:c%.yaml", 1, 1, 1, 2), "m")

    assert report.github((odd,), {}).startswith("::error file=a%2Cb%3Ac%25.yaml,line=1,")


def test_github_says_what_it_drops() -> None:
    """GitHub shows ten annotations of one severity; the tenth says how many more there are, and the log has them."""
    many = tuple(Diagnostic("x/y", Span("f", n, 1, n, 2), f"number {n}") for n in range(1, 16))
    lines = report.github((*many, WIDE), {}).splitlines()
    commands = [line for line in lines if line.startswith("::error")]

    assert len(commands) == 10
    assert commands[-1] == "::error title=tocsin::6 more of severity error; the log of this step lists them"
    assert [line for line in lines if line.startswith("f:")] == [
        f"f:{n}:1: error: number {n} [x/y]" for n in range(10, 16)
    ]
    assert sum(line.startswith("::warning") for line in lines) == 1


def test_sarif() -> None:
    """SARIF names each rule once, gives regions in code points, and carries the manual page."""
    log = json.loads(report.sarif(ALL, TEXTS, {"slo/target": "A target leaves a budget.\n\nBad: 100%"}))
    (run,) = log["runs"]
    result = run["results"][0]

    assert log["version"] == "2.1.0"
    assert run["columnKind"] == "unicodeCodePoints"
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["slo/target", "x/note", "x/wide"]
    assert run["tool"]["driver"]["rules"][0]["help"]["markdown"].endswith("Bad: 100%")
    assert [run["tool"]["driver"]["rules"][r["ruleIndex"]]["id"] for r in run["results"]] == [f.code for f in ALL]
    assert [r["level"] for r in run["results"]] == ["error", "warning", "note"]
    assert result["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "rules/shop.yaml"},
        "region": {"startLine": 3, "startColumn": 20, "endLine": 3, "endColumn": 24},
    }
    assert run["results"][2]["relatedLocations"][0]["message"] == {"text": "compare this"}


def test_sarif_fingerprint_survives_lines_above() -> None:
    """The same fault is known again when a line is put in above it."""
    moved = Diagnostic(TARGET.code, Span("rules/shop.yaml", 4, 20, 4, 24), TARGET.message, hint=TARGET.hint)
    texts = {"rules/shop.yaml": "# new\n" + TEXTS["rules/shop.yaml"]}
    before, after = (
        json.loads(report.sarif((finding,), some))["runs"][0]["results"][0]["partialFingerprints"]
        for finding, some in ((TARGET, TEXTS), (moved, texts))
    )

    assert before == after


MENDED = Diagnostic(
    "schema/unknown-key",
    Span("rules/shop.yaml", 3, 4, 3, 10),
    "unknown key 'uptime'",
    fix=Fix("write up", (Edit(Span("rules/shop.yaml", 3, 3, 3, 9), "up"),)),
)
QUIET = replace(WIDE, hidden=Hidden("comment", "it is wide on purpose"))
KNOWN = replace(WIDE, hidden=Hidden("baseline", "known to known.json"))


def _object(required: Sequence[str], **properties: Any) -> dict[str, Any]:
    return {"type": "object", "required": [*required], "properties": properties, "additionalProperties": False}


def _list(items: Any, least: int = 0) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": least}


_TEXT = {"type": "string", "minLength": 1}
_COUNT = {"type": "integer", "minimum": 1}
_REGION = _object(
    ["startLine", "startColumn", "endLine", "endColumn"],
    startLine=_COUNT, startColumn=_COUNT, endLine=_COUNT, endColumn=_COUNT,
)  # fmt: skip
_ARTIFACT = _object(["uri"], uri={"type": "string", "pattern": "^[A-Za-z0-9._~/%-]+$"})
_MESSAGE = _object(["text"], text=_TEXT, markdown=_TEXT)
_PLACE = _object(["artifactLocation", "region"], artifactLocation=_ARTIFACT, region=_REGION)
_EDIT = _object(["deletedRegion"], deletedRegion=_REGION, insertedContent=_object(["text"], text={"type": "string"}))
_CHANGE = _object(["artifactLocation", "replacements"], artifactLocation=_ARTIFACT, replacements=_list(_EDIT, 1))
_RESULT = _object(
    ["ruleId", "ruleIndex", "level", "message", "locations", "partialFingerprints"],
    ruleId=_TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level={"enum": ["none", "note", "warning", "error"]},
    message=_MESSAGE,
    locations=_list(_object(["physicalLocation"], physicalLocation=_PLACE), 1),
    relatedLocations=_list(_object(["id", "message"], id=_COUNT, message=_MESSAGE, physicalLocation=_PLACE)),
    partialFingerprints={"type": "object", "additionalProperties": _TEXT},
    suppressions=_list(_object(["kind"], kind={"enum": ["inSource", "external"]}, justification=_TEXT)),
    fixes=_list(_object(["artifactChanges"], description=_MESSAGE, artifactChanges=_list(_CHANGE, 1))),
)
_RULE = _object(["id"], id=_TEXT, name=_TEXT, shortDescription=_MESSAGE, help=_MESSAGE)
_DRIVER = _object(["name"], name=_TEXT, rules=_list(_RULE))
_RUN = _object(
    ["tool", "results"],
    tool=_object(["driver"], driver=_DRIVER),
    columnKind={"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
    results=_list(_RESULT),
)
SARIF = _object(["version", "runs"], **{"$schema": _TEXT, "version": {"const": "2.1.0"}, "runs": _list(_RUN, 1)})
"""The part of the SARIF 2.1.0 schema that we write: what it requires, and no property that it does not have."""


def test_sarif_has_the_structure_that_it_must_have() -> None:
    """Code scanning refuses a file with anything else in it, whole."""
    log = json.loads(report.sarif((*ALL, MENDED, QUIET, KNOWN), TEXTS, {"slo/target": "A target.\n\nBad: x"}))

    Draft202012Validator(SARIF).validate(log)


def test_sarif_of_fixes_and_of_what_is_hidden() -> None:
    """A fix is a replacement in a region; what a comment or a baseline hides is a suppression with its reason."""
    results = json.loads(report.sarif((MENDED, QUIET, KNOWN), TEXTS))["runs"][0]["results"]

    assert results[0]["fixes"][0]["artifactChanges"][0]["replacements"] == [
        {
            "deletedRegion": {"startLine": 3, "startColumn": 3, "endLine": 3, "endColumn": 9},
            "insertedContent": {"text": "up"},
        }
    ]
    assert [result.get("suppressions") for result in results] == [
        None,
        [{"kind": "inSource", "justification": "it is wide on purpose"}],
        [{"kind": "external", "justification": "known to known.json"}],
    ]


def test_json_of_a_fix() -> None:
    """Editors can make it."""
    (shown,) = json.loads(report.as_json((MENDED,), TEXTS))

    assert shown["fix"] == {
        "title": "write up",
        "safe": True,
        "edits": [
            {"path": "rules/shop.yaml", "line": 3, "column": 3, "endLine": 3, "endColumn": 9, "text": "up"},
        ],
    }


def test_gitlab() -> None:
    """Each issue has a description, a name, a severity, a place and a fingerprint of its own."""
    issues = json.loads(report.gitlab((TARGET, WIDE, NOTE, WIDE), TEXTS))

    assert issues[0] == {
        "description": "target 999% is above 100% (did you mean 99.9%?)",
        "check_name": "slo/target",
        "fingerprint": issues[0]["fingerprint"],
        "severity": "major",
        "location": {"path": "rules/shop.yaml", "lines": {"begin": 3, "end": 3}},
    }
    assert [issue["severity"] for issue in issues] == ["major", "minor", "info", "minor"]
    assert len({issue["fingerprint"] for issue in issues}) == 4


def test_summary_of_a_job() -> None:
    """The worst first, as a table whose cells nothing can end."""
    odd = Diagnostic("x/y", Span("a|b.yaml", 1, 1, 1, 2), "a <b> | `c` [d](e)\n")
    lines = report.markdown((WIDE, odd), 2).splitlines()

    assert lines[2] == "2 files: 1 error, 1 warning"
    assert lines[4:6] == ["| place | severity | code | message |", "|---|---|---|---|"]
    assert lines[6] == "| a\\|b.yaml:1:1 | error | x/y | a \\<b\\> \\| \\`c\\` \\[d\\](e)\\\\n |"
    assert lines[7].startswith("| rules/shop.yaml:4:10 | warning |")


def test_junit() -> None:
    """Errors are failures, other findings are told, and a file without errors is a test that passes."""
    suites = ET.fromstring(report.junit(ALL, TEXTS))
    cases = suites.findall("testsuite/testcase")

    assert [(case.get("classname"), case.get("name"), case.find("failure") is not None) for case in cases] == [
        ("rules/good.yaml", "no errors", False),
        ("rules/shop.yaml", "3:20 slo/target", True),
        ("rules/shop.yaml", "4:10 x/wide", False),
        ("rules/shop.yaml", "2:1 x/note", False),
    ]
    assert (suites.get("tests"), suites.get("failures")) == ("4", "1")


def test_junit_holds_any_text() -> None:
    """Characters that XML does not know are replaced, so that the file can always be read."""
    odd = Diagnostic("x/y", Span("a\x00b", 1, 1, 1, 2), "\x1b <&> \ud800")

    assert ET.fromstring(report.junit((odd,), {}))


def test_formats_are_exactly_those_of_the_command_line() -> None:
    """Scripts rely on these names."""
    assert list(report.FORMATS) == ["text", "json", "github", "gitlab", "sarif", "junit"]


def test_renderers_are_pure() -> None:
    """The same findings give the same bytes."""
    for render in report.FORMATS.values():
        assert render(ALL, TEXTS, {}) == render(ALL, TEXTS, {})
