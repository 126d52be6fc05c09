"""A definition as it will be written: mappings and lists in order, with the comments that belong to each entry.

Everything that is not said is left out, so importers put in what they have without asking first.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from tocsin.importers.ledger import Given, Place
from tocsin.importers.remarks import Remark, Where


@dataclass(frozen=True, slots=True)
class Exactly:
    """A token of YAML that is written as it is: a number, a percentage, true or false."""

    text: str


@dataclass(frozen=True, slots=True)
class Query:
    """PromQL: a block where it is long, whose last line break means nothing."""

    text: str


@dataclass(slots=True)
class Entry:
    """One key or list element; *origins* are what it was made from, and their comments become its own."""

    key: str
    value: "str | Exactly | Query | Mapping | Listing | Inline"
    origins: tuple[Place, ...] = ()
    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    below: list[str] = field(default_factory=list)

    @property
    def inside(self) -> "list[Entry]":
        """The entries of its value."""
        return self.value.entries if isinstance(self.value, Mapping | Listing) else []


@dataclass(slots=True)
class Mapping:
    """A mapping in block style; *tail* are comments at the end of a document."""

    entries: list[Entry] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)

    def put(
        self,
        key: str,
        value: "str | Exactly | Query | Mapping | Listing | Inline | None",
        *origins: Given,
        notes: Iterable[str] = (),
    ) -> None:
        """Add *value* unless there is none; *notes* become comments above it."""
        if value is None or value == "" or (isinstance(value, Mapping | Listing) and not value.entries):
            return
        self.entries.append(Entry(key, value, places(origins), list(notes)))

    def texts(self, key: str, texts: "dict[str, str]", origin: Given | None = None) -> None:
        """Add a mapping of texts, each with its own comments."""
        inner = Mapping()
        for name, text in texts.items():
            inner.entries.append(Entry(name, text, places([origin[name]]) if origin is not None else ()))
        self.put(key, inner, *([origin] if origin is not None else []))


@dataclass(slots=True)
class Listing:
    """A list in block style."""

    entries: list[Entry] = field(default_factory=list)

    def add(self, value: Mapping, *origins: Given, notes: Iterable[str] = ()) -> None:
        """Add an element."""
        self.entries.append(Entry("", value, places(origins), list(notes)))


@dataclass(frozen=True, slots=True)
class Inline:
    """A short list or mapping on one line: `[page, fast]`, `{calendar: month}`."""

    items: "Sequence[str | Exactly] | dict[str, str | Exactly]"


def from_json(text: str) -> Mapping | None:
    """A mapping that was written as JSON; None where it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return None
    made = _drafted(value)
    if value == {}:
        return Mapping()
    return made if isinstance(made, Mapping) else None


_TEXTS = frozenset({"prometheus", "labels", "reason"})
"""Keys below which every character of a text counts; elsewhere a long text is PromQL."""


def _drafted(value: object, *, words: bool = False) -> "str | Exactly | Query | Mapping | Listing | Inline":
    if value == {}:
        return Inline({})
    if isinstance(value, dict):
        inner = Mapping()
        for key, each in value.items():
            inner.entries.append(Entry(str(key), _drafted(each, words=words or key in _TEXTS)))
        return inner
    if isinstance(value, list):
        if all(isinstance(each, str) for each in value):
            return Inline(value)
        listing = Listing()
        for each in value:
            made = _drafted(each, words=words)
            if isinstance(made, Mapping):
                listing.add(made)
        return listing
    if isinstance(value, str):
        return Query(value) if not words and ("\n" in value or "(" in value) else value
    return Exactly(json.dumps(value))


def places(origins: Iterable[Given]) -> tuple[Place, ...]:
    """Where *origins* stand."""
    return tuple(origin.place for origin in origins)


def attach(bodies: Iterable[Mapping], said: Iterable[Remark]) -> list[Remark]:
    """Give each comment to the entry made from the nearest thing around what it speaks of; return those without one."""
    made: dict[Place, Entry] = {}
    for body in bodies:
        for each in _all(body.entries):
            for place in each.origins:
                made.setdefault(place, each)
    left: list[Remark] = []
    above: dict[int, list[str]] = {}
    for comment in said:
        prefixes = (comment.path[:length] for length in range(len(comment.path), -1, -1))
        path = next((path for path in prefixes if (comment.file, comment.index, path) in made), None)
        entry = made[comment.file, comment.index, path] if path is not None else None
        if entry is None:
            left.append(comment)
        elif comment.where is Where.BELOW:
            entry.below.append(comment.text)
        elif comment.where is Where.BESIDE and path == comment.path and not entry.inside:
            entry.beside.append(comment.text)
        else:
            lines = above.setdefault(id(entry), [])
            entry.above.insert(len(lines), comment.text)
            lines.append(comment.text)
    return left


def attach_rest(body: Mapping, left: Iterable[Remark]) -> None:
    """Say what belongs to nothing in particular at the top of the definition, or at its end."""
    left = list(left)
    body.entries[0].above[:0] = [comment.text for comment in left if comment.where is not Where.BELOW]
    body.tail += [comment.text for comment in left if comment.where is Where.BELOW]


def _all(entries: Iterable[Entry]) -> Iterator[Entry]:
    for entry in entries:
        yield entry
        yield from _all(entry.inside)
