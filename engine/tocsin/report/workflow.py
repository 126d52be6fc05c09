"""Findings as GitHub workflow commands."""

from collections.abc import Mapping, Sequence

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.report.plain import summary, text

Texts = Mapping[str, str]

GITHUB_LIMIT = 10
"""GitHub keeps this many annotations of one severity per step and drops the rest without a word.
https://docs.github.com/actions/reference/limits"""
SUMMARY_ROWS = 500
"""As many lines as somebody may look through."""


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


def markdown(findings: Sequence[Diagnostic], files: int, unfinished: str = "") -> str:
    """All findings as a table for `$GITHUB_STEP_SUMMARY`, which has room for a mebibyte."""
    lines = [f"### tocsin check\n\n{summary(findings, files, unfinished)}\n"]
    if findings:
        lines += ["| place | severity | code | message |", "|---|---|---|---|"]
    order = list(Severity)
    for finding in sorted(findings, key=lambda each: order.index(each.severity))[:SUMMARY_ROWS]:
        cells = (str(finding.span), finding.severity.value, finding.code, finding.message)
        lines.append("| " + " | ".join(cell(text) for text in cells) + " |")
    if len(findings) > SUMMARY_ROWS:
        lines.append(f"\nand {len(findings) - SUMMARY_ROWS} more")
    return "\n".join(lines) + "\n\n"


def cell(text: str) -> str:
    """Text that cannot end its cell or become markup."""
    for sign in "\\`*_[]<>|#":
        text = text.replace(sign, f"\\{sign}")
    return _one_line(text)


def _one_line(text: str) -> str:
    return " ".join(text.split())


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
