"""Findings as JSON."""

import json
from collections.abc import Mapping, Sequence

from tocsin.diagnostics import Diagnostic, Fix

Texts = Mapping[str, str]


def as_json(findings: Sequence[Diagnostic], _texts: Texts, _manuals: Mapping[str, str] | None = None) -> str:
    """A list of objects with exactly code, severity, path, line, column, endLine, endColumn, message, hint and fix.

    Lines and columns count from 1 in code points; the end is exclusive; a finding without a hint or a fix has null. A
    fix is a title, whether it is safe, and edits: the text to put between line, column and endLine, endColumn.
    """
    return json.dumps([as_object(finding) for finding in findings], indent=2, ensure_ascii=False) + "\n"


def as_object(finding: Diagnostic) -> dict[str, object]:
    """One of the list."""
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
        "fix": finding.fix and _fix(finding.fix),
    }


def _fix(fix: Fix) -> dict[str, object]:
    edits = [
        {
            "path": edit.span.path,
            "line": edit.span.line,
            "column": edit.span.column,
            "endLine": edit.span.end_line,
            "endColumn": edit.span.end_column,
            "text": edit.text,
        }
        for edit in fix.edits
    ]
    return {"title": fix.title, "safe": fix.safe, "edits": edits}
