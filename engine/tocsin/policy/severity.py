"""Severities as somebody wants them: by code, for a workspace (`Platform.checks`) and for one run."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.document import Document
from tocsin.schema.words import did_you_mean

OFF = "off"
LEVELS = (OFF, *(severity.value for severity in reversed(Severity)))
"""What may be written: off, info, warning, error."""


def as_wished(
    findings: Iterable[Diagnostic], wished: Mapping[str, str], asked: Collection[str] = ()
) -> Iterator[Diagnostic]:
    """*findings* with the severities that *wished* gives their codes; an error stays one.

    The codes *asked* are off until they are given a severity.
    """
    for finding in findings:
        level = wished.get(finding.code, OFF if finding.code in asked else None)
        if level is None or finding.severity is Severity.ERROR:
            yield finding
        elif level != OFF:
            yield replace(finding, severity=Severity(level))


def wishes(platform: Document | None) -> dict[str, str]:
    """What the Platform document says below `checks`, where it is right."""
    checks = platform.at(("checks",)) if platform else None
    return {
        code: OFF if level is False else level
        for code, level in (checks.items() if isinstance(checks, Mapping) else ())
        if level is False or (isinstance(level, str) and level in LEVELS)
    }


def unknown_wishes(platform: Document | None, known: Collection[str]) -> Iterator[Diagnostic]:
    """Codes below `checks` that do not exist: what was meant goes on as if nothing had been said."""
    checks = platform.at(("checks",)) if platform else None
    if platform is None or not isinstance(checks, Mapping):
        return
    for code in checks:
        if code not in known:
            span = platform.key_span(("checks", code))
            hint = did_you_mean(code, known) or "`tocsin rule` lists the codes"
            yield Diagnostic("severity/unknown", span, f"there is no code {code!r}", Severity.WARNING, hint)
