"""Findings as people and machines read them: text with carets, JSON, annotations of GitHub and GitLab, SARIF and JUnit.

Each renderer is pure: it takes the findings, the texts they speak of (path to text) and the manual pages of the
checks (code to text), and returns one string.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.report.listing import as_json
from tocsin.report.plain import counted, harmless, summary, text
from tocsin.report.quality import gitlab
from tocsin.report.scanning import sarif
from tocsin.report.suite import junit
from tocsin.report.workflow import cell, github, markdown

__all__ = [
    "FORMATS",
    "Renderer",
    "as_json",
    "at_least",
    "cell",
    "counted",
    "github",
    "gitlab",
    "harmless",
    "has_errors",
    "junit",
    "markdown",
    "sarif",
    "summary",
    "text",
]

Renderer = Callable[[Sequence[Diagnostic], Mapping[str, str], Mapping[str, str]], str]

FORMATS: dict[str, Renderer] = {
    "text": text,
    "json": as_json,
    "github": github,
    "gitlab": gitlab,
    "sarif": sarif,
    "junit": junit,
}
"""What `--format` takes."""


def at_least(findings: Iterable[Diagnostic], severity: Severity) -> bool:
    """Whether one of *findings* is as bad as *severity* or worse."""
    order = list(Severity)
    return any(order.index(finding.severity) <= order.index(severity) for finding in findings)


def has_errors(findings: Iterable[Diagnostic]) -> bool:
    """Whether a command that found *findings* exits with 1; warnings and notes do not count."""
    return any(finding.severity is Severity.ERROR for finding in findings)
