"""The text of a file, and offsets in it as lines and columns."""

import re
from array import array
from bisect import bisect_right

from tocsin.diagnostics import Span

_BREAK = re.compile(r"\r\n|\r|\n")


class Source:
    """A file's text without a byte order mark; lines are counted only when somebody asks."""

    __slots__ = ("_starts", "path", "text")

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.text = text
        self._starts = array("I")

    def span(self, start: int, end: int) -> Span:
        """The stretch [start, end) of the text, cut to the text."""
        start = min(max(start, 0), len(self.text))
        end = min(max(end, start), len(self.text))
        line, column = self._position(start)
        if line < len(self._starts) and end >= self._starts[line]:
            return Span(self.path, line, column, *self._position(end))
        return Span(self.path, line, column, line, column + end - start)

    def line(self, number: int) -> str:
        """The text of a line, without its break; empty for a line that does not exist."""
        self._position(0)
        if not 1 <= number <= len(self._starts):
            return ""
        end = self._starts[number] if number < len(self._starts) else len(self.text)
        return self.text[self._starts[number - 1] : end].rstrip("\r\n")

    def offset(self, line: int, column: int) -> int:
        """Where a place is in the text, cut to the text."""
        self._position(0)
        if line > len(self._starts):
            return len(self.text)
        return min(self._starts[max(line, 1) - 1] + column - 1, len(self.text))

    def _position(self, offset: int) -> tuple[int, int]:
        if not self._starts:
            self._starts = array("I", (0, *(match.end() for match in _BREAK.finditer(self.text))))
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1
