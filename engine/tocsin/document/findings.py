"""The mistakes of one file, as many as a reader can use."""

from tocsin.diagnostics import Diagnostic, Fix, Severity, Span
from tocsin.document.source import Source

_MOST_ERRORS = 100


class Findings:
    """Collects findings; *full* says that reading on would only make noise."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.found: list[Diagnostic] = []
        self.errors = 0

    @property
    def full(self) -> bool:
        """Whether there are so many errors that the rest of the file need not be read."""
        return self.errors >= _MOST_ERRORS

    def refuse(
        self,
        code: str,
        place: tuple[int, int],
        message: str,
        hint: str | None = None,
        related: tuple[tuple[Span, str], ...] = (),
    ) -> None:
        """Add an error at the offsets *place*."""
        self.add(Diagnostic(code, self.source.span(*place), message, Severity.ERROR, hint, related))

    def warn(self, code: str, place: tuple[int, int], message: str, hint: str, fix: Fix | None = None) -> None:
        """Add a warning at the offsets *place*."""
        self.found.append(Diagnostic(code, self.source.span(*place), message, Severity.WARNING, hint, fix=fix))

    def add(self, error: Diagnostic) -> None:
        """Add an error, and after the last one a word that there are more."""
        self.found.append(error)
        self.errors += 1
        if self.errors == _MOST_ERRORS:
            self.found.append(
                Diagnostic("yaml/limit", error.span, f"{_MOST_ERRORS} mistakes in one file, the rest is not read")
            )
