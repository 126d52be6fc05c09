"""Findings for people: the source line, the place underlined, what to do about it."""

import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence

from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.report.lines import lines_of

Texts = Mapping[str, str]

LINE_WIDTH = 140
"""Source lines longer than this are shown as a window around the finding."""


def text(findings: Sequence[Diagnostic], texts: Texts, _manuals: Mapping[str, str] | None = None) -> str:
    """Each finding with its source line, the place underlined, and what to do about it."""
    return "\n".join(paragraph(finding, texts) for finding in findings)


def summary(findings: Sequence[Diagnostic], files: int, unfinished: str = "") -> str:
    """One line that says how it went; *unfinished* says what was left out, so that nothing is called clean.

    >>> summary((), 3), summary((), 3, "promtool was not asked")
    ('3 files: clean', '3 files: not finished, promtool was not asked')
    """
    counts = Counter(finding.severity for finding in findings)
    said = [counted(counts[s], s.value if s is not Severity.INFO else "note") for s in Severity if counts[s]]
    if unfinished:
        said = [f"not finished, {unfinished}", *said]
    elif not counts[Severity.ERROR] and not counts[Severity.WARNING]:
        said = ["clean", *said]
    return f"{counted(files, 'file')}: {', '.join(said)}"


def counted(number: int, noun: str) -> str:
    """Write a number with its noun.

    >>> counted(1, "file"), counted(0, "file")
    ('1 file', '0 files')
    """
    return f"{number} {noun}{'' if number == 1 else 's'}"


def paragraph(finding: Diagnostic, texts: Texts) -> str:
    """One finding with its excerpt and its hint."""
    lines = [f"{harmless(str(finding.span))}: {finding.severity}: {harmless(finding.message)} [{finding.code}]"]
    lines += _excerpt(finding.span, texts)
    for span, note in finding.related:
        lines += [f"{harmless(str(span))}: note: {harmless(note)}", *_excerpt(span, texts)]
    if finding.hint:
        lines.append(f"  hint: {harmless(finding.hint)}")
    return "\n".join(lines) + "\n"


def _excerpt(span: Span, texts: Texts) -> list[str]:
    """The line of *span* behind a gutter, and a line that underlines what the span covers of it."""
    source = lines_of(texts.get(span.path, ""))
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
    return [f"{gutter} | {head}{harmless(line[left:right])}{tail}".rstrip(), f"{' ' * len(gutter)} | {under}"]


def _window(line: str, start: int, end: int) -> tuple[int, int]:
    """The part of a long line to show: the finding with what stands around it."""
    if len(line) <= LINE_WIDTH:
        return 0, len(line)
    left = max(0, min(start - LINE_WIDTH // 4, len(line) - LINE_WIDTH))
    return left, min(len(line), max(left + LINE_WIDTH, min(end, start + LINE_WIDTH)))


def harmless(source: str) -> str:
    """Text that cannot steer a terminal: tabs as one space, other control characters as a replacement mark."""
    return "".join(
        " " if c == "\t" else "\ufffd" if unicodedata.category(c) in {"Cc", "Cf", "Cs"} else c for c in source
    )


def _cells(source: str) -> int:
    """How many columns of a terminal *source* takes: wide characters two, combining ones none."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in {"W", "F"} else 1 for c in source
    )
