"""What is taken over from a document, and what is not: nothing is dropped without a word.

Values are reached through `Given` alone, and whoever reads one has it marked. When an importer is done, `Ledger.settle`
tells everything that nobody read, so that a key which an importer does not know is a loss and never a silence.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.document import Document, Json, Path
from tocsin.schema.words import shown
from tocsin.units import Duration, UnitError, parse_decimal

_TRUE = frozenset({"true", "y", "yes", "on"})
_FALSE = frozenset({"false", "n", "no", "off"})
_UNREAD = "the importer has no place for it"

Place = tuple[str, int, Path]
"""A value: the file, the document in it, and the path in that."""


class Fate(StrEnum):
    """What became of something: not taken over, taken over otherwise, or put beside what was there."""

    LOST = "lost"
    CHANGED = "changed"
    ADDED = "added"


@dataclass(frozen=True, slots=True)
class Loss:
    """One difference between the source and what was made of it; *why* says also what to do."""

    fate: Fate
    span: Span
    what: str
    why: str


@dataclass(slots=True)
class Ledger:
    """What was read of all documents, the losses, and the mistakes that were found."""

    losses: list[Loss] = field(default_factory=list)
    findings: list[Diagnostic] = field(default_factory=list)
    used: set[Place] = field(default_factory=set)

    def note(self, fate: Fate, span: Span, what: str, why: str) -> None:
        """Tell what became of something."""
        self.losses.append(Loss(fate, span, what, why))

    def refuse(self, span: Span, message: str, hint: str | None = None) -> None:
        """Tell a mistake that the program which the file was written for would not take either."""
        self.findings.append(Diagnostic("import/invalid", span, message, Severity.ERROR, hint))

    def settle(self, root: "Given") -> None:
        """Tell as lost whatever nobody read below *root*: a whole branch once."""
        for branch in self._unread(root):
            branch.lose(_UNREAD)

    def _unread(self, node: "Given") -> Iterator["Given"]:
        if node.place in self.used:
            return
        children = [*node.entries(), *node.elements()]
        if not children or not any(self._touched(child) for child in children):
            yield node
            return
        for child in children:
            yield from self._unread(child)

    def _touched(self, node: "Given") -> bool:
        if node.place in self.used:
            return True
        return any(self._touched(child) for child in (*node.entries(), *node.elements()))


@dataclass(frozen=True, slots=True)
class Given:
    """What stands at *path* of a document that somebody else's program understands; None where nothing does."""

    document: Document
    ledger: Ledger
    path: Path
    value: Json

    @classmethod
    def root(cls, document: Document, ledger: Ledger) -> "Given":
        """The whole document."""
        return cls(document, ledger, (), document.value)

    def __getitem__(self, key: str) -> "Given":
        value = self.value.get(key) if isinstance(self.value, Mapping) else None
        return Given(self.document, self.ledger, (*self.path, key), value)

    def either(self, key: str) -> "Given":
        """What stands at *key*, or this where nothing does."""
        return self[key] if key in self else self  # noqa: SIM401 -- it has no get

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, Mapping) and key in self.value

    @property
    def name(self) -> str:
        """The key that leads here."""
        return str(self.path[-1]) if self.path else ""

    @property
    def span(self) -> Span:
        """Where the value stands."""
        return self.document.span(self.path)

    @property
    def key_span(self) -> Span:
        """Where the key stands."""
        return self.document.key_span(self.path)

    @property
    def broken(self) -> bool:
        """Whether the YAML reader refused the value; that was told already."""
        return self.path in self.document.broken

    @property
    def place(self) -> Place:
        """What tells this value from all others."""
        return self.document.path, self.document.index, self.path

    @property
    def source(self) -> str:
        """File and line, as a comment says it."""
        span = self.key_span
        return f" imported from {span.path}:{span.line}"

    def entries(self) -> Iterator["Given"]:
        """The values of a mapping; each knows its key as *name*."""
        return (self[key] for key in self.value) if isinstance(self.value, Mapping) else iter(())

    def elements(self) -> Iterator["Given"]:
        """The elements of a list."""
        values = self.value if isinstance(self.value, list) else []
        return (Given(self.document, self.ledger, (*self.path, n), value) for n, value in enumerate(values))

    def use(self) -> "Given":
        """Mark the whole branch as taken over."""
        self.ledger.used.add(self.place)
        return self

    def lose(self, why: str) -> None:
        """Tell that this branch is not taken over."""
        self.use()
        if not self.broken:
            self.ledger.note(Fate.LOST, self.key_span, self.told(), why)

    def change(self, why: str) -> None:
        """Tell that this is taken over as something else."""
        self.ledger.note(Fate.CHANGED, self.key_span, self.told(), why)

    def refuse(self, message: str, hint: str | None = None) -> None:
        """Tell a mistake at this value."""
        self.use()
        if not self.broken:
            self.ledger.refuse(self.span, message, hint)

    def told(self) -> str:
        """The key with its value, short enough for a line.

        A list or a mapping is told by its key alone.
        """
        name = next((str(step) for step in reversed(self.path) if isinstance(step, str)), "the document")
        if self.path and isinstance(self.path[-1], int):
            title = next((self[key].value for key in ("name", "alert", "record") if key in self), None)
            name = f"{name.removesuffix('s')} {title}" if isinstance(title, str) else f"{name}[{self.path[-1]}]"
        return name if isinstance(self.value, Mapping | list) or self.value is None else f"{name}: {_short(self.value)}"

    # --- values, each marked as read ---------------------------------------------------------------------------

    def text(self, default: str = "") -> str:
        """A text; null is no text."""
        if isinstance(self.value, Mapping | list):
            self.refuse(f"{self.name} is {shown(self.value)}, expected a text")
            return default
        self.use()
        return str(self.value) if self.value is not None else default

    def texts(self) -> dict[str, str]:
        """A mapping of texts; null is the empty text."""
        if self.value is not None and not isinstance(self.value, Mapping):
            self.refuse(f"{self.name} is {shown(self.value)}, expected a mapping of texts")
            return {}
        if not self.value:
            self.use()
        return {entry.name: entry.text() for entry in self.entries() if not entry.broken or entry.value is not None}

    def flag(self, *, default: bool) -> bool:
        """True or false, in any spelling of YAML 1.1."""
        if self.value is None:
            return default
        text = self.text().lower()
        if text not in _TRUE | _FALSE:
            self.refuse(f"{self.name} is {_short(text)}, expected true or false")
            return default
        return text in _TRUE

    def whole(self, default: int) -> int:
        """A whole number."""
        if self.value is None:
            return default
        text = self.text()
        try:
            number = int(text.replace("_", ""), 0)
        except ValueError:
            number = 2**63
        if not -(2**63) <= number < 2**63:
            self.refuse(f"{self.name} is {_short(text)}, expected a whole number of 64 bits")
            return default
        return number

    def number(self) -> Decimal | None:
        """A number, exactly as written; None where there is none."""
        if self.value is None:
            return None
        text = self.text()
        try:
            return parse_decimal(text)
        except UnitError:
            self.refuse(f"{self.name} is {_short(text)}, expected a number")
            return None

    def duration(self) -> Duration | None:
        """A duration as Prometheus writes it; a bare 0 is one, too."""
        if self.value is None:
            return None
        text = self.text().strip()
        try:
            return Duration(0) if text == "0" else Duration.parse(text)
        except UnitError as error:
            self.refuse(f"{self.name}: {error}")
            return None


def _short(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= 60 else f"{text[:57]}..."
