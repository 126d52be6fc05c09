"""Document: the values of one YAML document, and where each of them stands in the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.diagnostics import Span
from tocsin.document.inside import offsets
from tocsin.document.source import Source

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Path = tuple[str | int, ...]

_NOTHING: dict[str | int, "Place"] = {}


class Place:
    """Where a node stands, as offsets into the text, with the same for what is inside it.

    *style* is the YAML style of a scalar (`"`, `'`, `|`, `>`, empty for plain), None for a collection.
    A plain class with slots and no more, because a workspace has a hundred thousand of them.
    """

    __slots__ = ("end", "inner", "key", "start", "style")

    def __init__(self, start: int, end: int, style: str | None) -> None:
        self.start = start
        self.end = end
        self.style = style
        self.key: tuple[int, int] | None = None
        self.inner: dict[str | int, Place] = _NOTHING


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document; *index* is its place in the file's stream.

    *broken* are paths whose value was refused (an alias, a duplicate key) and stands in *value* as null, as its text
    or as the first of the duplicates; a merge key is not in *value* at all. A finding says so already. Such a document
    can be checked but not trusted.
    """

    path: str
    index: int
    value: Json
    source: Source = field(repr=False, compare=False)
    root: Place = field(repr=False, compare=False)
    broken: frozenset[Path] = frozenset()

    def span(self, path: Path = ()) -> Span:
        """Where the value at *path* stands; for a path that does not exist, its nearest ancestor."""
        place = self._place(path)
        return self.source.span(place.start, place.end)

    def key_span(self, path: Path) -> Span:
        """Where the key that leads to *path* stands; in a list the value, for the whole document the first key."""
        place = self._place(path)
        if place.key is not None:
            return self.source.span(*place.key)
        if place is self.root and place.inner:
            first = next(iter(place.inner.values()))
            return self.source.span(*(first.key or (first.start, first.end)))
        return self.span(path)

    def inside(self, path: Path, start: int, end: int) -> Span:
        """Where the characters [start, end) of the string at *path* stand in the file, block scalars included."""
        value = self.at(path)
        place = self._place(path)
        if not isinstance(value, str) or place.style is None:
            return self.span(path)
        starts, ends = offsets(self.source.text, place.start, place.end, place.style, value)
        if not value:
            return self.span(path)
        start = min(max(start, 0), len(value))
        end = min(max(end, start), len(value))
        first = starts[start] if start < len(value) else ends[-1]
        return self.source.span(first, ends[end - 1] if end > start else first)

    def style(self, path: Path) -> str | None:
        """The YAML style of the scalar at *path* (`"`, `'`, `|`, `>`, empty for plain); None where there is none."""
        return self._place(path).style if self.at(path) is not None else None

    def _place(self, path: Path) -> Place:
        place = self.root
        for step in path:
            found = place.inner.get(step)
            if found is None:
                break
            place = found
        return place

    def at(self, path: Path) -> Json:
        """The value at *path*; None where there is none."""
        value = self.value
        for step in path:
            if isinstance(value, Mapping) and step in value:
                value = value[str(step)]
            elif isinstance(value, list) and isinstance(step, int) and 0 <= step < len(value):
                value = value[step]
            else:
                return None
        return value
