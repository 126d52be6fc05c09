"""Columns and lengths of time for people."""

from collections.abc import Iterator, Sequence
from fractions import Fraction


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns as wide as they need, so that a terminal, a file and a diff show the same."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, tuple("-" * width for width in widths), *rows):
        yield "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def span_or_never(seconds: Fraction | None) -> str:
    """A length of time that may have no end."""
    return "never" if seconds is None else span(seconds)


def span(seconds: Fraction) -> str:
    """A length of time with three digits, in the unit that people would use.

    >>> span(Fraction("51.84")), span(Fraction(2592)), span(Fraction(129600))
    ('51.8s', '43.2m', '36h')
    """
    for unit, size in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= size * (2 if unit == "d" else 1):
            return f"{float(seconds / size):.3g}{unit}"
    return f"{float(seconds):.3g}s"
