"""Findings as people and machines read them: text with carets, JSON, GitHub annotations, SARIF and JUnit.

Each renderer is pure: it takes the findings and the texts they speak of (path to text) and returns one string.
"""

import hashlib
import json
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from xml.etree import ElementTree as ET

from tocsin.diagnostics import Diagnostic, Severity, Span

Texts = Mapping[str, str]
Renderer = Callable[[Sequence[Diagnostic], Texts, Mapping[str, str]], str]

LINE_WIDTH = 140
"""Source lines longer than this are shown as a window around the finding."""

GITHUB_LIMIT = 10
"""GitHub keeps this many annotations of one severity per step and drops the rest without a word.
https://docs.github.com/actions/reference/limits"""

SARIF_LIMIT = 25_000
"""Results per run that code scanning accepts; a file with more is refused whole.
https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning"""

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
"""The line breaks of YAML 1.1, which is how lines of findings are counted."""

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_URI_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


# --- text --------------------------------------------------------------------------------------------------


def text(findings: Sequence[Diagnostic], texts: Texts, _manuals: Mapping[str, str] | None = None) -> str:
    """Each finding with its source line, the place underlined, and what to do about it."""
    return "\n".join(_paragraph(finding, texts) for finding in findings)


def summary(findings: Sequence[Diagnostic], files: int) -> str:
    """One line that says how it went.

    >>> summary((), 3)
    '3 files: no findings'
    """
    counts = Counter(finding.severity for finding in findings)
    said = [_count(counts[s], s.value if s is not Severity.INFO else "note") for s in Severity if counts[s]]
    return f"{_count(files, 'file')}: {', '.join(said) or 'no findings'}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _paragraph(finding: Diagnostic, texts: Texts) -> str:
    lines = [f"{finding.span}: {finding.severity}: {_plain(finding.message)} [{finding.code}]"]
    lines += _excerpt(finding.span, texts)
    for span, note in finding.related:
        lines += [f"{span}: note: {_plain(note)}", *_excerpt(span, texts)]
    if finding.hint:
        lines.append(f"  hint: {_plain(finding.hint)}")
    return "\n".join(lines) + "\n"


def _excerpt(span: Span, texts: Texts) -> list[str]:
    """The line of *span* behind a gutter, and a line that underlines what the span covers of it."""
    source = _LINE_BREAK.split(texts.get(span.path, ""))
    if not 1 <= span.line <= len(source):
        return []
    line = source[span.line - 1]
    start = min(span.column - 1, len(line))
    end = min(span.end_column - 1, len(line)) if span.end_line == span.line else len(line.rstrip())
    left, right = _window(line, start, end)
    prefix, marked = line[left:start], line[start : max(min(end, right), start)]
    head, tail = ("…" if left else ""), ("…" if right < len(line) else "")
    gutter = f"{span.line:>5}"
    under = " " * (len(head) + _cells(prefix)) + "^" + "~" * max(_cells(marked) - 1, 0)
    return [f"{gutter} | {head}{_plain(line[left:right])}{tail}".rstrip(), f"{' ' * len(gutter)} | {under}"]


def _window(line: str, start: int, end: int) -> tuple[int, int]:
    """The part of a long line to show: the finding with what stands around it."""
    if len(line) <= LINE_WIDTH:
        return 0, len(line)
    left = max(0, min(start - LINE_WIDTH // 4, len(line) - LINE_WIDTH))
    return left, min(len(line), max(left + LINE_WIDTH, min(end, start + LINE_WIDTH)))


def _plain(source: str) -> str:
    """Text that cannot steer a terminal: tabs as one space, other control characters as a replacement mark."""
    return "".join(
        " " if c == "\t" else "\ufffd" if unicodedata.category(c) in {"Cc", "Cf", "Cs"} else c for c in source
    )


def _cells(source: str) -> int:
    """How many columns of a terminal *source* takes: wide characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in {"W", "F"} else 1 for c in source
    )


# --- JSON --------------------------------------------------------------------------------------------------


def as_json(findings: Sequence[Diagnostic], _texts: Texts, _manuals: Mapping[str, str] | None = None) -> str:
    """A list of objects with exactly code, severity, path, line, column, endLine, endColumn, message and hint.

    Lines and columns count from 1 in code points; the end is exclusive; a finding without a hint has null.
    """
    return json.dumps([_as_object(finding) for finding in findings], indent=2, ensure_ascii=False) + "\n"


def _as_object(finding: Diagnostic) -> dict[str, str | int | None]:
    span = finding.span
    return {
        "code": finding.code,
        "severity": finding.severity.value,
        "path": span.path,
        "line": span.line,
        "column": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
        "message": finding.message,
        "hint": finding.hint,
    }


# --- GitHub ------------------------------------------------------------------------------------------------


def github(findings: Sequence[Diagnostic], texts: Texts, _manuals: Mapping[str, str] | None = None) -> str:
    """Workflow commands that annotate the pull request; what GitHub would drop stands below them as text.

    https://docs.github.com/actions/reference/workflow-commands-for-github-actions#setting-an-error-message
    """
    lines: list[str] = []
    rest: list[Diagnostic] = []
    for severity in Severity:
        some = [finding for finding in findings if finding.severity is severity]
        kept = some if len(some) <= GITHUB_LIMIT else some[: GITHUB_LIMIT - 1]
        lines += [_command(finding) for finding in kept]
        if len(kept) < len(some):
            rest += some[len(kept) :]
            more = f"{len(some) - len(kept)} more of severity {severity}; the log of this step lists them"
            lines.append(f"::{_command_name(severity)} title=tocsin::{_escape_data(more)}")
    listing = text(rest, texts)
    return "\n".join(lines) + ("\n" if lines else "") + (f"\n{listing}" if rest else "")


def _command(finding: Diagnostic) -> str:
    span = finding.span
    properties = {"file": span.path, "line": span.line, "endLine": span.end_line}
    if span.end_line == span.line:  # columns of a span over several lines are refused
        properties |= {"col": span.column, "endColumn": max(span.end_column - 1, span.column)}
    properties["title"] = finding.code
    joined = ",".join(f"{key}={_escape_property(str(value))}" for key, value in properties.items())
    message = finding.message + (f"\nhint: {finding.hint}" if finding.hint else "")
    return f"::{_command_name(finding.severity)} {joined}::{_escape_data(message)}"


def _command_name(severity: Severity) -> str:
    return "notice" if severity is Severity.INFO else severity.value


def _escape_data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(value: str) -> str:
    return _escape_data(value).replace(":", "%3A").replace(",", "%2C")


# --- SARIF -------------------------------------------------------------------------------------------------


def sarif(findings: Sequence[Diagnostic], texts: Texts, manuals: Mapping[str, str] | None = None) -> str:
    """SARIF 2.1.0 for code scanning; *manuals* maps codes to their manual pages.

    https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    codes = sorted({finding.code for finding in findings})
    kept = findings[:SARIF_LIMIT]
    run = {
        "tool": {"driver": {"name": "tocsin", "rules": [_sarif_rule(code, manuals or {}) for code in codes]}},
        "columnKind": "unicodeCodePoints",
        "results": [_sarif_result(finding, codes.index(finding.code), texts) for finding in kept],
    }
    log = {"$schema": _SARIF_SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2, ensure_ascii=False) + "\n"


def _sarif_rule(code: str, manuals: Mapping[str, str]) -> dict[str, object]:
    manual = manuals.get(code)
    rule: dict[str, object] = {"id": code, "name": "".join(word.capitalize() for word in re.split(r"\W+", code))}
    if manual:
        rule["shortDescription"] = {"text": manual.strip().splitlines()[0]}
        rule["help"] = {"text": manual.strip(), "markdown": manual.strip()}
    return rule


def _sarif_result(finding: Diagnostic, index: int, texts: Texts) -> dict[str, object]:
    message = finding.message + (f"\n\nhint: {finding.hint}" if finding.hint else "")
    result: dict[str, object] = {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": "note" if finding.severity is Severity.INFO else finding.severity.value,
        "message": {"text": message},
        "locations": [_sarif_location(finding.span)],
        "partialFingerprints": {"tocsinLine/v1": _fingerprint(finding, texts)},
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": note}} | _sarif_location(span)
            for number, (span, note) in enumerate(finding.related, start=1)
        ]
    return result


def _sarif_location(span: Span) -> dict[str, object]:
    region = {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(span.path)}, "region": region}}


def _uri(path: str) -> str:
    """A relative URI reference for *path*.

    >>> _uri("./rules/a b.yaml")
    'rules/a%20b.yaml'
    """
    return "".join(
        char if char in _URI_SAFE else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))
        for char in path.removeprefix("./")
    )


def _fingerprint(finding: Diagnostic, texts: Texts) -> str:
    """The same for the same fault when lines above it come or go."""
    source = _LINE_BREAK.split(texts.get(finding.span.path, ""))
    line = source[finding.span.line - 1].strip() if finding.span.line <= len(source) else ""
    identity = json.dumps([finding.code, finding.span.path, line, finding.message])
    return hashlib.sha256(identity.encode()).hexdigest()[:32]


# --- JUnit -------------------------------------------------------------------------------------------------


def junit(findings: Sequence[Diagnostic], texts: Texts, _manuals: Mapping[str, str] | None = None) -> str:
    """One test case per finding, and one that passes per file without an error; only errors are failures."""
    suite = ET.Element("testsuite", name="tocsin check")
    failures = 0
    for path in sorted({*texts, *(finding.span.path for finding in findings)}):
        mine = [finding for finding in findings if finding.span.path == path]
        if all(finding.severity is not Severity.ERROR for finding in mine):
            ET.SubElement(suite, "testcase", classname=_xml(path), name="no errors")
        for finding in mine:
            name = f"{finding.span.line}:{finding.span.column} {finding.code}"
            case = ET.SubElement(suite, "testcase", classname=_xml(path), name=name)
            if finding.severity is Severity.ERROR:
                failures += 1
                failure = ET.SubElement(case, "failure", message=_xml(finding.message), type=finding.code)
                failure.text = _xml(_paragraph(finding, texts))
            else:
                ET.SubElement(case, "system-out").text = _xml(_paragraph(finding, texts))
    suite.set("tests", str(len(suite)))
    suite.set("failures", str(failures))
    suite.set("errors", "0")
    suites = ET.Element("testsuites", tests=suite.attrib["tests"], failures=str(failures), errors="0")
    suites.append(suite)
    ET.indent(suites)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(suites, encoding="unicode") + "\n"


def _xml(value: str) -> str:
    """Text without the characters that XML 1.0 cannot hold at all."""
    return _NOT_XML.sub("\ufffd", value)


FORMATS: dict[str, Renderer] = {"text": text, "json": as_json, "github": github, "sarif": sarif, "junit": junit}


def has_errors(findings: Iterable[Diagnostic]) -> bool:
    """Whether a command that found *findings* exits with 1; warnings and notes do not count."""
    return any(finding.severity is Severity.ERROR for finding in findings)
