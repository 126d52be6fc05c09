"""Comments that hide findings, and what is wrong with such comments.

A comment at the end of a line is about that line and about the text that starts on it; one that stands alone is about
the next line that says something; one inside an expression is about that expression; `ignore-file` at the top is about
the file. An error is never hidden: what is made from it would be wrong or could not be made.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tocsin.diagnostics import Diagnostic, Edit, Fix, Hidden, Severity
from tocsin.document import Document, comments, promql_comments
from tocsin.document.model import Path
from tocsin.document.place import Place
from tocsin.policy.directives import IGNORE, IGNORE_FILE, Directive, parse

MARK = "tocsin:"


@dataclass(frozen=True, slots=True)
class Suppression:
    """A comment with the lines that it is about."""

    directive: Directive
    first: int
    last: int

    def covers(self, finding: Diagnostic) -> bool:
        """Whether *finding* is one of those that the comment speaks of."""
        span = finding.span
        return (
            finding.code in self.directive.codes
            and span.path == self.directive.comment.span.path
            and self.first <= span.line <= self.last
        )


_Read = tuple[Suppression | None, tuple[Diagnostic, ...]]


def suppressions(
    documents: Sequence[Document], expressions: Iterable[tuple[Document, Path]], known: Collection[str]
) -> tuple[tuple[Suppression, ...], tuple[Diagnostic, ...]]:
    """All suppressions of a workspace, with what is wrong with some of them."""
    files: dict[str, list[Document]] = {}
    for document in documents:
        if MARK in document.source.text:
            files.setdefault(document.path, []).append(document)
    read = [each for parts in files.values() for each in _of_file(parts, known)]
    for document, path in expressions:
        if document.path in files:
            span = document.span(path)
            for comment in promql_comments(document, path):
                directive, wrong = parse(comment, known)
                one = Suppression(directive, span.line, span.end_line) if directive is not None else None
                read.append((one, wrong))
    return tuple(one for one, _ in read if one), tuple(finding for _, wrong in read for finding in wrong)


def _of_file(parts: Sequence[Document], known: Collection[str]) -> Iterator[_Read]:
    """What the comments of one file say; *parts* are its documents."""
    source = parts[0].source
    top = min(part.key_span(()).line for part in parts)
    lines, ends = source.text.split("\n"), _ends(parts)
    for comment in comments(source, parts):
        directive, wrong = parse(comment, known)
        if directive is None:
            yield None, wrong
        elif not directive.whole_file:
            line = _line(directive, lines)
            yield Suppression(directive, line, ends.get(line, line)), wrong
        elif comment.span.line > top:
            yield None, (*wrong, _misplaced(directive))
        else:
            yield Suppression(directive, 1, len(lines)), wrong


def suppressed(
    findings: Iterable[Diagnostic], some: Sequence[Suppression], today: date, ran: Collection[str]
) -> tuple[Diagnostic, ...]:
    """*findings*, hidden where a comment hides them, and what is to be said about the comments.

    *ran* are the codes that were looked for: a comment about another one may be needed by the next run.
    """
    by_line: dict[tuple[str, int], list[Suppression]] = {}
    for each in some:
        path = each.directive.comment.span.path
        for line in [0] if each.directive.whole_file else range(each.first, each.last + 1):
            by_line.setdefault((path, line), []).append(each)
    used: dict[int, set[str]] = {}
    told: list[Diagnostic] = []
    for finding in findings:
        path, line = finding.span.path, finding.span.line
        near = (*by_line.get((path, line), ()), *by_line.get((path, 0), ()))
        about = [each for each in near if each.covers(finding)]
        for each in about:
            used.setdefault(id(each), set()).add(finding.code)
        live = [each for each in about if not _expired(each, today)]
        if live and finding.severity is Severity.ERROR:
            told += [finding, *(_firm(each, finding) for each in live)]
        elif live:
            told.append(replace(finding, hidden=Hidden("comment", live[0].directive.reason)))
        else:
            told.append(finding)
    sure = all(finding.severity is not Severity.ERROR for finding in told)
    for each in some:
        idle = [code for code in each.directive.codes if code not in used.get(id(each), ()) and code in ran]
        if sure and idle:
            told.append(_unused(each.directive, idle))
        elif _expired(each, today):
            told.append(_too_late(each.directive))
    return tuple(told)


def _expired(one: Suppression, today: date) -> bool:
    return one.directive.until is not None and one.directive.until < today


def _line(directive: Directive, lines: Sequence[str]) -> int:
    """The line that a comment is about."""
    line = directive.comment.span.line
    if directive.comment.alone:
        line += 1
        while line <= len(lines) and (not lines[line - 1].strip() or lines[line - 1].lstrip().startswith("#")):
            line += 1
    return line


def _ends(documents: Sequence[Document]) -> dict[int, int]:
    """Where texts that go over several lines end, by the line in which they start."""
    ends: dict[int, int] = {}
    for document in documents:
        waiting: list[Place] = [document.root]
        while waiting:
            place = waiting.pop()
            waiting += place.inner.values()
            if place.style is not None and "\n" in document.source.text[place.start : place.end]:
                span = document.source.span(place.start, place.end)
                ends[span.line] = max(span.end_line, ends.get(span.line, 0))
    return ends


def _firm(one: Suppression, finding: Diagnostic) -> Diagnostic:
    return Diagnostic(
        "ignore/error",
        one.directive.comment.span,
        f"{finding.code} is an error here, and errors cannot be hidden",
        Severity.WARNING,
        hint="what is made from it would be wrong: mend it, and remove this comment",
    )


def _too_late(directive: Directive) -> Diagnostic:
    return Diagnostic(
        "ignore/expired",
        directive.comment.span,
        f"this hid {', '.join(directive.codes)} until {directive.until}, which is over",
        Severity.WARNING,
        hint="mend what it hid, or give it a new day and a reason that still holds",
    )


def _misplaced(directive: Directive) -> Diagnostic:
    return Diagnostic(
        "ignore/syntax",
        directive.comment.span,
        "ignore-file stands at the top of a file, above the first key",
        Severity.WARNING,
        hint="move it there, or write ignore for this line alone",
    )


def _unused(directive: Directive, idle: Sequence[str]) -> Diagnostic:
    comment = directive.comment
    kept = [code for code in directive.codes if code not in idle]
    edit = Edit(comment.whole, "")
    if kept:
        until = f" until {directive.until}" if directive.until else ""
        word = IGNORE_FILE if directive.whole_file else IGNORE
        edit = Edit(comment.span, f"# tocsin: {word} {', '.join(kept)}{until}: {directive.reason}")
    return Diagnostic(
        "ignore/unused",
        comment.span,
        f"this hides nothing: there is no {' and no '.join(idle)} {_where(directive)}",
        Severity.WARNING,
        hint="remove it",
        fix=Fix("remove what hides nothing", (edit,)),
    )


def _where(directive: Directive) -> str:
    if directive.whole_file:
        return "in this file"
    return "in the line below" if directive.comment.alone else "in this line"
