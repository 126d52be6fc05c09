"""Fixes as changed texts."""

from collections.abc import Iterable, Mapping

from tocsin.diagnostics import Diagnostic, Fix
from tocsin.document.source import Source

_Stretch = tuple[int, int, str]


def fixed(findings: Iterable[Diagnostic], texts: Mapping[str, str]) -> tuple[dict[str, str], int]:
    """The texts that change when every safe fix is made, and how many those are; of two that overlap the first."""
    sources = {path: Source(path, text) for path, text in texts.items()}
    taken: dict[str, list[_Stretch]] = {}
    number = 0
    for finding in findings:
        if finding.fix is not None and finding.fix.safe and finding.hidden is None:
            number += _take(finding.fix, sources, taken)
    changed = {path: _applied(texts[path], stretches) for path, stretches in taken.items()}
    return {path: text for path, text in changed.items() if text != texts[path]}, number


def _take(fix: Fix, sources: Mapping[str, Source], taken: dict[str, list[_Stretch]]) -> bool:
    wanted: list[tuple[str, _Stretch]] = []
    for edit in fix.edits:
        source = sources.get(edit.span.path)
        if source is None:
            return False
        start = source.offset(edit.span.line, edit.span.column)
        end = source.offset(edit.span.end_line, edit.span.end_column)
        others = taken.get(edit.span.path, ())
        if any((start < last and first < end) or (start, end) == (first, last) for first, last, _ in others):
            return False
        wanted.append((edit.span.path, (start, end, edit.text)))
    for path, stretch in wanted:
        taken.setdefault(path, []).append(stretch)
    return True


def _applied(text: str, stretches: Iterable[_Stretch]) -> str:
    for start, end, replacement in sorted(stretches, reverse=True):
        text = text[:start] + replacement + text[end:]
    return text
