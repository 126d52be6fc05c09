"""YAML text to Documents: JSON values with a span for every key and value, also inside block scalars."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tocsin.diagnostics import Span

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document; *index* is its place in the file's stream."""

    path: str
    index: int
    value: Json

    def span(self, path: Path = ()) -> Span:
        """Where the value at *path* stands; for a path that does not exist, its nearest ancestor."""
        raise NotImplementedError

    def key_span(self, path: Path) -> Span:
        """Where the key that leads to *path* stands."""
        raise NotImplementedError

    def inside(self, path: Path, start: int, end: int) -> Span:
        """Where the characters [start, end) of the string at *path* stand in the file, block scalars included."""
        raise NotImplementedError
