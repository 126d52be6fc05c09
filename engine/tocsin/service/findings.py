"""Findings of definitions as lines of the log, for a process whose log is read by programs."""

import logging
from collections.abc import Iterable

from tocsin.diagnostics import Diagnostic, Severity

log = logging.getLogger(__name__)

LEVELS = {Severity.ERROR: logging.ERROR, Severity.WARNING: logging.WARNING, Severity.INFO: logging.INFO}


def log_findings(findings: Iterable[Diagnostic]) -> None:
    """One line for each; `tocsin check` shows the same with their source lines."""
    for finding in findings:
        span = finding.span
        fields = {
            "file": span.path,
            "line": span.line,
            "column": span.column,
            "code": finding.code,
            "message": finding.message,
        }
        if finding.hint is not None:
            fields["hint"] = finding.hint
        log.log(LEVELS[finding.severity], "a finding in the definitions", extra={"fields": fields})
