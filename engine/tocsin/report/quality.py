"""Findings as GitLab shows them: a report of code quality."""

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.report.fingerprint import fingerprint

Texts = Mapping[str, str]

_SEVERITY = {Severity.ERROR: "major", Severity.WARNING: "minor", Severity.INFO: "info"}


def gitlab(findings: Sequence[Diagnostic], texts: Texts, _manuals: Mapping[str, str] | None = None) -> str:
    """The subset of Code Climate's format that GitLab reads; paths are relative, fingerprints differ.

    https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
    """
    seen: Counter[str] = Counter()
    issues = []
    for finding in findings:
        mark = fingerprint(finding, texts)
        seen[mark] += 1
        if seen[mark] > 1:
            mark = hashlib.sha256(f"{mark} {seen[mark]}".encode()).hexdigest()[:32]
        issues.append(
            {
                "description": finding.message + (f" ({finding.hint})" if finding.hint else ""),
                "check_name": finding.code,
                "fingerprint": mark,
                "severity": _SEVERITY[finding.severity],
                "location": {
                    "path": finding.span.path.removeprefix("./"),
                    "lines": {"begin": finding.span.line, "end": finding.span.end_line},
                },
            }
        )
    return json.dumps(issues, indent=2, ensure_ascii=False) + "\n"
