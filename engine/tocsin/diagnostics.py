"""A finding about a text: where it is, how bad, what was seen and what is allowed."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A stretch of a file; lines and columns count from 1 in code points, the end is exclusive."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.path}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How bad a finding is; only an error makes a command exit with 1."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Edit:
    """Put *text* in the place of *span*; an empty span inserts."""

    span: Span
    text: str


@dataclass(frozen=True, slots=True)
class Fix:
    """What would mend a finding: *edits* of one file that do not overlap.

    Safe means that nobody who read the finding would mend it otherwise; only such fixes are made by `--fix`.
    """

    title: str
    edits: tuple[Edit, ...]
    safe: bool = True


@dataclass(frozen=True, slots=True)
class Hidden:
    """Why a finding is not told: a `comment` in place with its reason, or the `baseline`."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Diagnostic:
    r"""One finding; *code* is `family/thing`, *message* is lower case without a full stop.

    Message and hint stay on one line: control characters in the names that they show are escaped.

    >>> Diagnostic("reference/unknown-slo", Span("a.yaml", 1, 1, 1, 2), "SLO a\tb is not defined").message
    'SLO a\\tb is not defined'
    """

    code: str
    span: Span
    message: str
    severity: Severity = Severity.ERROR
    hint: str | None = None
    related: tuple[tuple[Span, str], ...] = ()
    fix: Fix | None = None
    hidden: Hidden | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _one_line(self.message))
        if self.hint is not None:
            object.__setattr__(self, "hint", _one_line(self.hint))


def _one_line(text: str) -> str:
    return _CONTROL.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


def in_file_order(diagnostics: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sort by path, line and column, and drop exact repetitions."""
    return tuple(sorted(dict.fromkeys(diagnostics), key=lambda d: (d.span, d.code, d.message)))
