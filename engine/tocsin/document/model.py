"""Document: the values of one YAML document, and where each of them stands in the file."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tocsin.diagnostics import Span
from tocsin.document.inside import offsets
from tocsin.document.packed import Packed, tree
from tocsin.document.place import Place
from tocsin.document.source import Source

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Graft:
    """A part of a document that was written elsewhere: below *path* of *document*.

    *pieces* are for texts that were changed on the way, by their path in the part: stretches of the text here, each
    with the stretch there that stands for it.
    """

    document: "Document"
    path: Path
    pieces: Mapping[Path, tuple[tuple[int, int, int, int], ...]] = field(default_factory=dict)

    def there(self, path: Path, start: int, end: int) -> tuple[int, int]:
        """Where the characters [start, end) of the text at *path* stand in the text as it was written."""
        pieces = self.pieces.get(path)
        if pieces is None:
            return start, end
        first = next((piece for piece in pieces if start < piece[1]), None)
        last = next((piece for piece in reversed(pieces) if end > piece[0]), None)
        return _shifted(first, start, 0), _shifted(last, end, 1)


def _shifted(piece: tuple[int, int, int, int] | None, at: int, edge: int) -> int:
    """A place inside a stretch of the same length stays where it is in it; else the stretch's edge is meant."""
    if piece is None:
        return at
    start, end, *there = piece
    return there[0] + at - start if end - start == there[1] - there[0] else there[edge]


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
    places: Packed = field(repr=False, compare=False)
    broken: frozenset[Path] = frozenset()
    grafts: Mapping[Path, Graft] = field(default_factory=dict, repr=False, compare=False)

    @property
    def root(self) -> Place:
        """Where the document and everything in it stands."""
        return tree(self.places)

    def span(self, path: Path = ()) -> Span:
        """Where the value at *path* stands; for a path that does not exist, its nearest ancestor."""
        if found := self._graft(path):
            return found[0].document.span((*found[0].path, *found[1]))
        place = self.root.below(path)
        return self.source.span(place.start, place.end)

    def key_span(self, path: Path) -> Span:
        """Where the key that leads to *path* stands; in a list the value, for the whole document the first key."""
        found = self._graft(path)
        if found and found[1]:
            return found[0].document.key_span((*found[0].path, *found[1]))
        root = self.root
        place = root.below(path)
        if place.key is not None:
            return self.source.span(*place.key)
        if place is root and place.inner:
            first = next(iter(place.inner.values()))
            return self.source.span(*(first.key or (first.start, first.end)))
        return self.span(path)

    def inside(self, path: Path, start: int, end: int) -> Span:
        """Where the characters [start, end) of the string at *path* stand in the file, block scalars included."""
        if found := self._graft(path):
            graft, rest = found
            return graft.document.inside((*graft.path, *rest), *graft.there(rest, start, end))
        value = self.at(path)
        place = self.root.below(path)
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
        return self.root.below(path).style if self.at(path) is not None else None

    def _graft(self, path: Path) -> tuple[Graft, Path] | None:
        """The part that *path* leads into, and what is left of the path there."""
        for length in range(len(path) + 1) if self.grafts else ():
            if graft := self.grafts.get(path[:length]):
                return graft, path[length:]
        return None

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
