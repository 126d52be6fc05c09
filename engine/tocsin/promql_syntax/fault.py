"""A fault of a PromQL text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the characters [start, end) of a text."""

    message: str
    start: int
    end: int
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Limit(Fault):
    """A text that is too long, too deep or too busy to be read: it may be right."""


class Misread(Exception):  # noqa: N818 -- no error of the program: it ends one parse and never leaves this package
    """Carries the first fault of a text out of the parser."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


def misread(message: str, start: int, end: int, hint: str | None = None) -> Misread:
    """Shorter to raise."""
    return Misread(Fault(message, start, end, hint))
