"""A PromQL text of a definition, with its place."""

from dataclasses import dataclass

from tocsin.diagnostics import Span


@dataclass(frozen=True, slots=True)
class PromQl:
    """An expression with its place: *at(start, end)* of a finding inside it is `document.inside(where, …)`."""

    text: str
    span: Span
    where: tuple[str | int, ...] = ()
    """Path of the value inside its document, so that offsets inside the text can be mapped to lines."""
