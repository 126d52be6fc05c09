"""Findings as JSON."""

import json
from collections.abc import Mapping, Sequence

from tocsin.diagnostics import Diagnostic

Texts = Mapping[str, str]


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
