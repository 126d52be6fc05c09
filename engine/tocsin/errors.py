"""The exceptions of a world that failed; a user's mistake is a Diagnostic instead.

TocsinError
├── UnavailableError  a tool, file or server that is needed is not there (exit code 2)
│   ├── StoreError    something that the state store holds cannot be read
│   └── FencedError   another evaluator has taken over, and this one may not write any more
├── MisuseError       the command was called wrongly (exit code 2)
└── SourceError       a metric source could not answer (the evaluator turns it into UNKNOWN)
    └── SourceUnreachableError  it did not answer at all: refused, reset, timed out, 5xx
"""


class TocsinError(Exception):
    """Base of all; *hint* says what the reader can do about it."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UnavailableError(TocsinError):
    """A tool, file, port or server that is needed is not there or does not work."""


class StoreError(UnavailableError):
    """Something that the state store holds cannot be read; the rest of it can."""


class FencedError(UnavailableError):
    """Another evaluator has taken over; what this one wanted to write is its business now."""


class MisuseError(TocsinError):
    """The command was called in a way that cannot mean anything."""


class SourceError(TocsinError):
    """A metric source did not give a complete answer; nothing may be concluded from it."""


class QuestionTooLongError(SourceError):
    """A metric source takes shorter questions only."""


class SourceUnreachableError(SourceError):
    """A metric source did not answer at all, so the next question would fare no better."""
