"""A place in a document with what stands there: typed access, and notes of what was wrong or is named elsewhere.

The schema has seen the document before and has told about missing keys, unknown keys and wrong types; a node is
silent about those and returns the default, so that one run still finds everything else that is wrong.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from tocsin.diagnostics import Diagnostic, Severity, Span
from tocsin.document import Document, Json, Path
from tocsin.ports import Labels, Rate, labels_of
from tocsin.schema.words import did_you_mean, respelling
from tocsin.spec.service import PromQl
from tocsin.units import Duration, UnitError, parse_decimal, parse_quantity, parse_rate, parse_ratio
from tocsin.windows import Policy

MOST_NAMES = 8
MOST_COMPARED = 2000
"""Comparing takes some 10 µs a name, and one typing error can make thousands of references unknown."""
_LONGEST = Duration.of(days=100 * 365)
"""Prometheus holds durations in 63 bits of nanoseconds (292 years), Python's calendar ends in the year 9999."""


@dataclass(frozen=True, slots=True)
class Reference:
    """A name that has to be defined in some document; *what* is `alert`, `channel`, `interval` or `slo`.

    *rest* is what stands behind the name in its span, such as the tier of `service/slo:tier`.
    """

    what: str
    name: str
    span: Span
    rest: str = ""


@dataclass(frozen=True, slots=True)
class Notes:
    """What reading one document brought to light, and what it has to know of others: burn-rate *policies* by name."""

    findings: list[Diagnostic] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    policies: Mapping[str, Policy] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class Node:
    """What stands at *path*; None where nothing does.

    Not frozen, because that makes one three times as slow to make, and a workspace asks for hundreds of thousands.
    """

    document: Document
    notes: Notes
    path: Path
    value: Json

    @classmethod
    def root(cls, document: Document, notes: Notes) -> "Node":
        """The whole document."""
        return cls(document, notes, (), document.value)

    def __getitem__(self, key: str) -> "Node":
        value = self.value.get(key) if isinstance(self.value, dict) else None
        return Node(self.document, self.notes, (*self.path, key), value)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, dict) and key in self.value

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

    def names(self) -> tuple[str, ...]:
        """The keys of a mapping, as written."""
        return tuple(self.value) if isinstance(self.value, dict) else ()

    def entries(self) -> Iterator["Node"]:
        """The values of a mapping; each knows its key as *name*."""
        return (self[key] for key in self.names())

    def elements(self) -> Iterator["Node"]:
        """The elements of a list."""
        values = self.value if isinstance(self.value, list) else []
        return (Node(self.document, self.notes, (*self.path, n), value) for n, value in enumerate(values))

    def text(self, default: str = "") -> str:
        """A text."""
        return self.value if isinstance(self.value, str) else default

    def text_or_none(self) -> str | None:
        """A text, if there is one."""
        return self.value if isinstance(self.value, str) else None

    def texts(self, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """A list of texts."""
        if not isinstance(self.value, list):
            return default
        return tuple(value for value in self.value if isinstance(value, str))

    def refs(self, service: str) -> tuple[str, ...]:
        """A list of references; those without a service are of this *service*."""
        return tuple(text if "/" in text else f"{service}/{text}" for text in self.texts())

    def flag(self, *, default: bool) -> bool:
        """True or false."""
        return self.value if isinstance(self.value, bool) else default

    def whole(self, default: int) -> int:
        """A whole number."""
        return self.value if isinstance(self.value, int) and not isinstance(self.value, bool) else default

    def labels(self) -> Labels:
        """Label names with their values."""
        return labels_of({node.name: node.value for node in self.entries() if isinstance(node.value, str)})

    def promql(self) -> PromQl | None:
        """An expression with its place, if there is one."""
        if not isinstance(self.value, str) or not self.value.strip():
            return None
        return PromQl(self.value, self.span, self.path)

    def channels(self) -> tuple[str, ...]:
        """Names of channels, noted as references."""
        for node in self.elements():
            if isinstance(node.value, str):
                self.notes.references.append(Reference("channel", node.value, node.span))
        return self.texts()

    def channel_or_none(self) -> str | None:
        """The name of a channel, noted as a reference, if there is one."""
        if isinstance(self.value, str):
            self.notes.references.append(Reference("channel", self.value, self.span))
        return self.text_or_none()

    def rate_or_none(self, longest: Duration | None = None) -> Rate | None:
        """So many in a time, of an hour or *longest*; None where there is none, or it is wrong."""
        if not isinstance(self.value, str):
            return None
        try:
            return parse_rate(self.value, longest)
        except UnitError as error:
            self.report("units/rate", str(error))
            return None

    def duration_or_none(self, default: Duration | None = None, *, positive: bool = True) -> Duration | None:
        """A duration; *default* where there is none, None where it is wrong."""
        if self.value is None:
            return default
        if not isinstance(self.value, str):
            return None
        try:
            duration = Duration.parse(self.value)
        except UnitError as error:
            self.report("units/duration", str(error))
            return None
        if positive and not duration.milliseconds:
            self.report("units/duration", f"{self.name} is {self.value}, but has to be longer than nothing")
            return None
        if duration > _LONGEST:
            self.report("units/duration", f"{self.name} is {self.value}, longer than 100 years")
            return None
        return duration

    def duration(self, default: Duration, *, positive: bool = True) -> Duration:
        """A duration; *default* where there is none or it is wrong."""
        return self.duration_or_none(default, positive=positive) or default

    def ratio(self) -> Decimal | None:
        """A percentage or fraction, if there is one and it is right."""
        if not isinstance(self.value, str | int | float) or isinstance(self.value, bool):
            return None
        try:
            return parse_ratio(self.value)
        except UnitError as error:
            self.report("units/ratio", str(error))
            return None

    def quantity(self) -> Decimal | None:
        """A threshold, if there is one and it is right."""
        if not isinstance(self.value, str | int | float) or isinstance(self.value, bool):
            return None
        try:
            quantity = parse_quantity(self.value)
        except UnitError as error:
            self.report("units/quantity", str(error))
            return None
        if math.isinf(float(quantity)):
            self.report("units/quantity", f"{self.name} is {self.value}, more than Prometheus can hold")
            return None
        return quantity

    def number(self) -> Decimal | None:
        """A plain number, if there is one."""
        if not isinstance(self.value, int | float) or isinstance(self.value, bool):
            return None
        return parse_decimal(self.value)

    def report(
        self,
        code: str,
        message: str,
        hint: str | None = None,
        *,
        span: Span | None = None,
        severity: Severity = Severity.ERROR,
        related: tuple[tuple[Span, str], ...] = (),
        meant: Iterable[str] = (),
    ) -> None:
        """Note a finding at this value, or at *span*; where it is a misspelt name, *meant* are those that exist."""
        place = span or self.span
        fix = respelling(place, str(self.value), meant)
        self.notes.findings.append(Diagnostic(code, place, message, severity, hint, related, fix))

    def report_inside(self, code: str, message: str, hint: str | None, start: int, end: int) -> None:
        """Note a finding at the characters [start, end) of the text that stands here."""
        self.report(code, message, hint, span=self.document.inside(self.path, start, end))


def known_name(name: str, known: Iterable[str]) -> str | None:
    """A hint for an unknown *name*: the nearest known one, else all of them while they are few.

    >>> known_name("emial", ["slack", "email"]), known_name("pager", ["slack", "email"])
    ('did you mean email?', 'known are email, slack')
    """
    names = sorted(name for name in set(known) if name.isprintable())  # the others are mistakes themselves
    if len(names) > MOST_NAMES:
        return did_you_mean(name, names) if len(names) <= MOST_COMPARED else None
    return did_you_mean(name, names) or (f"known are {', '.join(names)}" if names else None)
