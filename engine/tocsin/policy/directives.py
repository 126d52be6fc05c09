"""The words of a suppression: `tocsin: ignore CODE[, CODE] [until 2027-01-31]: reason`."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.document import Comment
from tocsin.schema.words import did_you_mean, nearest

IGNORE, IGNORE_FILE = "ignore", "ignore-file"
_DIRECTIVE = re.compile(r"\s*tocsin:\s*([\w-]+)(.*)", re.DOTALL)
_UNTIL = re.compile(r"(?:\A|\s)until\b\s*(.*?)\s*\Z", re.DOTALL)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_FORM = "write # tocsin: ignore CODE: reason"


@dataclass(frozen=True, slots=True)
class Directive:
    """What one comment asks for: not to tell of *codes*, until the day *until* is over."""

    comment: Comment
    whole_file: bool
    codes: tuple[str, ...]
    until: date | None
    reason: str


def parse(comment: Comment, known: Collection[str]) -> tuple[Directive | None, tuple[Diagnostic, ...]]:
    """Read a comment; (None, ()) for one that speaks of something else, None with findings for one that is wrong."""
    match = _DIRECTIVE.match(comment.text)
    word = nearest(match[1], (IGNORE, IGNORE_FILE)) if match else None
    if match is None or word is None:
        return None, ()
    if match[1] != word:
        return None, (_wrong(comment, "ignore/syntax", f"{match[1]!r} means nothing here", f"did you mean {word}?"),)
    head, colon, reason = match[2].partition(":")
    until = _UNTIL.search(head)
    codes = re.findall(r"[^\s,]+", head[: until.start()] if until else head)
    findings = list(_unknown(comment, codes, known))
    if not codes:
        return None, (_wrong(comment, "ignore/syntax", "this names no code", _FORM),)
    day, bad_day = _day(comment, until[1]) if until else (None, None)
    if bad_day is not None:
        findings.append(bad_day)
    if not colon or not reason.strip():
        findings.append(
            _wrong(comment, "ignore/reason", f"this hides {', '.join(codes)} and does not say why", f"{_FORM}, …: why")
        )
    right = colon and reason.strip() and bad_day is None
    used = tuple(code for code in codes if code in known)
    directive = Directive(comment, word == IGNORE_FILE, used, day, reason.strip())
    return (directive if right and used else None), tuple(findings)


def _day(comment: Comment, text: str) -> tuple[date | None, Diagnostic | None]:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text), None
    except ValueError:
        pass
    return None, _wrong(comment, "ignore/syntax", f"{text!r} is not a date", "write a day such as until 2027-01-31")


def _unknown(comment: Comment, codes: Collection[str], known: Collection[str]) -> list[Diagnostic]:
    return [
        _wrong(
            comment,
            "ignore/unknown",
            f"there is no code {code!r}",
            did_you_mean(code, known) or "`tocsin rule` lists the codes",
            word_span(comment, code),
        )
        for code in codes
        if code not in known
    ]


def word_span(comment: Comment, word: str) -> Span:
    """Where *word* stands in a comment, which is one line."""
    match = re.search(rf"(?<![^\s,]){re.escape(word)}(?![^\s,:])", comment.text)
    if match is None:
        return comment.span
    column = comment.span.column + 1 + match.start()
    return Span(comment.span.path, comment.span.line, column, comment.span.line, column + len(word))


def _wrong(comment: Comment, code: str, message: str, hint: str, span: Span | None = None) -> Diagnostic:
    return Diagnostic(code, span or comment.span, message, Severity.WARNING, hint)
