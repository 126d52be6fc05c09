"""What every SLI kind can say about itself, and what it is read from."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol, Self

from tocsin.diagnostics import Span
from tocsin.sli.query import Form
from tocsin.units import Duration


class Text(Protocol):
    """A PromQL text as it was written."""

    @property
    def text(self) -> str:
        """The text itself."""
        ...


class Given(Protocol):
    """What stands below a kind's key in a document; the schema has told about missing keys and wrong types."""

    def __getitem__(self, key: str) -> "Given":
        """What stands below *key*."""
        ...

    def __contains__(self, key: str) -> bool:
        """Whether *key* was written."""
        ...

    @property
    def key_span(self) -> Span:
        """Where the key stands."""
        ...

    def promql(self) -> Text | None:
        """A PromQL text, if there is one."""
        ...

    def quantity(self) -> Decimal | None:
        """A threshold, if there is one and it is right."""
        ...

    def flag(self, *, default: bool) -> bool:
        """True or false."""
        ...

    def duration_or_none(self) -> Duration | None:
        """A duration, if there is one and it is right."""
        ...

    def report(self, code: str, message: str, hint: str | None = None, *, span: Span | None = None) -> None:
        """Note what is wrong here, or at *span*."""
        ...

    def report_inside(self, code: str, message: str, hint: str | None, start: int, end: int) -> None:
        """Note what is wrong with the characters [start, end) of the text that stands here."""
        ...


@dataclass(frozen=True, slots=True)
class Counters:
    """Plain selectors of counters whose increments are the events of an SLI, sample by sample.

    *part* counts bad events, or good ones if *good*. While no series of *part* exists, none of its events happened,
    unless it is *needed*: then nothing is known. *births* says whether a series that is born counts from zero.
    """

    total: str
    part: str
    good: bool = False
    needed: bool = False
    births: bool = True


class Sli(Protocol):
    """A source of bad and total events.

    `bad` and `total` return a PromQL vector expression with at most one row for each group, which carries exactly the
    labels *by* (without grouping: one row without labels). *function* is `rate` (per second) or `increase` (events in
    the window); *window* is a Prometheus duration. `bad` is 0, not absent, where there are events but no bad ones
    (theory: a missing error series must not hide the SLO).
    """

    kind: ClassVar[str]

    @property
    def by(self) -> tuple[str, ...]:
        """The labels that rows are told apart by; `dataclasses.replace(sli, by=…)` groups an SLI."""
        ...

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """Bad events over *window*; *total* is a cheaper text (a recorded series) with the rows of `self.total`."""
        ...

    def total(self, window: str, function: str = "rate") -> str:
        """All events over *window*."""
        ...

    def mean(self, window: str) -> str | None:
        """Mean of what was observed over *window*, in seconds; None for a kind that only counts."""
        ...

    def now(self) -> tuple[str, str] | None:
        """How many samples are bad and how many there are, this instant; None for a kind that counts events.

        A kind that looks at gauges would read every sample again for each window. Rules record these two instead and
        average the recordings; the averages are numbers of series, so they are divided by each other and not by time.
        """
        ...

    def counters(self) -> Counters | None:
        """The counters behind the SLI; None where it is any other PromQL, which only a server can evaluate."""
        ...

    def lacks(self) -> str:
        """What does not exist where there are events and no bad ones, not even 0; empty where that cannot be."""
        ...


class SliKind(Sli, Protocol):
    """A kind that can be written in a document, below the key *kind*."""

    keys: ClassVar[Mapping[str, tuple[Form, ...]]]
    """The keys below the kind's own that hold PromQL, and the forms that it may have."""

    @classmethod
    def read(cls, given: Given) -> Self | None:
        """Read what stands below the kind's key; None where it cannot be told what it counts."""
        ...
