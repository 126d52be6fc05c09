"""Findings as SARIF, for code scanning."""

import json
import re
from collections.abc import Mapping, Sequence

from tocsin.diagnostics import Diagnostic, Fix, Severity, Span
from tocsin.report.fingerprint import fingerprint

Texts = Mapping[str, str]

SARIF_LIMIT = 25_000
"""Results per run that code scanning accepts; a file with more is refused whole.
https://docs.github.com/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning"""

_SARIF_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
_URI_SAFE = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/")


def sarif(findings: Sequence[Diagnostic], texts: Texts, manuals: Mapping[str, str] | None = None) -> str:
    """SARIF 2.1.0 for code scanning; *manuals* maps codes to their manual pages. Hidden findings are suppressions.

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
        "partialFingerprints": {"tocsinLine/v1": fingerprint(finding, texts)},
    }
    if finding.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": note}} | _sarif_location(span)
            for number, (span, note) in enumerate(finding.related, start=1)
        ]
    if finding.hidden is not None:
        kind = "inSource" if finding.hidden.by == "comment" else "external"
        result["suppressions"] = [{"kind": kind, "justification": finding.hidden.reason}]
    if finding.fix is not None:
        result["fixes"] = [_sarif_fix(finding.fix)]
    return result


def _sarif_fix(fix: Fix) -> dict[str, object]:
    paths = dict.fromkeys(edit.span.path for edit in fix.edits)
    changes = [
        {
            "artifactLocation": {"uri": _uri(path)},
            "replacements": [
                {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.text}}
                for edit in fix.edits
                if edit.span.path == path
            ],
        }
        for path in paths
    ]
    return {"description": {"text": fix.title}, "artifactChanges": changes}


def _sarif_location(span: Span) -> dict[str, object]:
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(span.path)}, "region": _region(span)}}


def _region(span: Span) -> dict[str, int]:
    return {
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    }


def _uri(path: str) -> str:
    """A relative URI reference for *path*.

    >>> _uri("./rules/a b.yaml")
    'rules/a%20b.yaml'
    """
    return "".join(
        char if char in _URI_SAFE else "".join(f"%{byte:02X}" for byte in char.encode("utf-8", "surrogateescape"))
        for char in path.removeprefix("./")
    )
