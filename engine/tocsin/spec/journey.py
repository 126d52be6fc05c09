"""Journey: an objective over several services, combined per time slice."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from tocsin.diagnostics import Span
from tocsin.units import Duration


@dataclass(frozen=True, slots=True)
class Member:
    """A leaf of the tree: another service's SLO; *weight* counts only below a weighted node."""

    ref: str
    span: Span


@dataclass(frozen=True, slots=True)
class Combine:
    """An inner node: *how* its parts make up the whole.

    `series` (all are needed), `parallel` (one is enough), `k_of_n` (*need* of them are), `weighted` (their mean;
    *weights* pair with *parts*) or `worst_of` (the one that is worst over the window in question).
    """

    how: str
    parts: tuple["Member | Combine", ...]
    weights: tuple[Decimal, ...]
    span: Span
    need: int = 0


def members(combine: Combine) -> Iterator[Member]:
    """The leaves below *combine*, in the order they are written."""
    for part in combine.parts:
        if isinstance(part, Member):
            yield part
        else:
            yield from members(part)


@dataclass(frozen=True, slots=True)
class Missing:
    """What a member without data counts as (`good`, `bad` or `ignore`) once it is missing for *after*."""

    after: Duration
    count_as: str


@dataclass(frozen=True, slots=True)
class JourneySlo:
    """One objective of a journey."""

    journey: str
    name: str
    target: Decimal
    window: Duration
    slice: Duration
    combine: Combine
    missing: Missing
    page: tuple[str, ...]
    description: str
    span: Span

    @property
    def ref(self) -> str:
        """How others name it: `journey/slo`."""
        return f"{self.journey}/{self.name}"


@dataclass(frozen=True, slots=True)
class Journey:
    """A path of a user through several services."""

    name: str
    title: str
    description: str
    owner: str
    slos: tuple[JourneySlo, ...]
    span: Span
