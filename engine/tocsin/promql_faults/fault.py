"""A fault of a PromQL text."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault of the characters [start, end) of a text."""

    message: str
    start: int
    end: int
    hint: str | None = None
