"""Which series must still be there for an empty answer to mean "no", instead of "nobody can see it".

An expression that filters returns only what is true. An instance that it no longer returns is false for good if the
series that could have produced it still exist; if they do not, a scrape may have failed. What must exist is read from
the expression as a small tree:

- a *Selector* is there if one of its series agrees with the instance in the labels that the result has from it;
- of *All* (operands, arguments) each must be there; nothing to ask for, as below `absent()`, is always there;
- of *Either* (the sides of an `or`) each that could have produced the instance must be there. A side that selects
  `job="a"` cannot have produced `job="b"`, which is how `up{job="a"} == 0 or up{job="b"} == 0` is told apart.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tocsin.ports import Labels, Row

NAME = "__name__"
Series = Mapping[str, tuple[Labels, ...]]
"""The series that each selector has now."""


@dataclass(frozen=True, slots=True)
class Scope:
    """The labels that come unchanged from a selector into the result: those in *only* (None: all), not in *without*."""

    only: frozenset[str] | None = None
    without: frozenset[str] = frozenset()

    def within(self, labels: frozenset[str]) -> "Scope":
        """Fewer: nothing but *labels* is kept."""
        return Scope(labels if self.only is None else self.only & labels, self.without)

    def minus(self, labels: frozenset[str]) -> "Scope":
        """Fewer: *labels* are dropped or written anew."""
        return Scope(self.only, self.without | labels)

    def holds(self, label: str) -> bool:
        """Whether *label* is one of them."""
        return (self.only is None or label in self.only) and label not in self.without


EVERYTHING = Scope()
NOTHING = frozenset[str]()


@dataclass(frozen=True, slots=True)
class Selector:
    """A plain selector; *equal* are its `label="value"` matchers whose labels are in *scope*."""

    text: str
    scope: Scope = EVERYTHING
    equal: Labels = ()

    def there(self, labels: Labels, series: Series) -> bool:
        """Whether a series agrees with an instance with *labels*."""
        wanted = dict(labels)
        return any(
            all(not self.scope.holds(name) or wanted.get(name, value) == value for name, value in one)
            for one in series.get(self.text, ())
        )

    def possible(self, labels: Labels) -> bool:
        """Whether an instance with *labels* can come from it."""
        wanted = dict(labels)
        return all(wanted.get(name, value) == value for name, value in self.equal)

    def texts(self) -> Iterator[str]:
        """What to ask for."""
        yield self.text


@dataclass(frozen=True, slots=True)
class All:
    """Each part is needed."""

    parts: "tuple[Need, ...]" = ()

    def there(self, labels: Labels, series: Series) -> bool:
        """Whether each part is there."""
        return all(part.there(labels, series) for part in self.parts)

    def possible(self, labels: Labels) -> bool:
        """Whether no part excludes an instance with *labels*."""
        return all(part.possible(labels) for part in self.parts)

    def texts(self) -> Iterator[str]:
        """What to ask for."""
        for part in self.parts:
            yield from part.texts()


@dataclass(frozen=True, slots=True)
class Either:
    """One of two sides has produced the instance, and nobody remembers which."""

    sides: "tuple[Need, ...]"

    def there(self, labels: Labels, series: Series) -> bool:
        """Whether each side that could have produced an instance with *labels* is there."""
        possible = [side for side in self.sides if side.possible(labels)]
        return bool(possible) and all(side.there(labels, series) for side in possible)

    def possible(self, labels: Labels) -> bool:
        """Whether a side could have produced an instance with *labels*."""
        return any(side.possible(labels) for side in self.sides)

    def texts(self) -> Iterator[str]:
        """What to ask for."""
        for side in self.sides:
            yield from side.texts()


Need = Selector | All | Either


def carried(need: Need, series: Series) -> frozenset[str]:
    """The names of labels that come into the result from any of the *series*."""
    match need:
        case Selector():
            return frozenset(name for one in series.get(need.text, ()) for name, _ in one if need.scope.holds(name))
        case All():
            parts = need.parts
        case Either():
            parts = need.sides
    return frozenset().union(*(carried(part, series) for part in parts))


def identity(row: Row) -> Labels:
    """The labels of a row, without the name of its metric."""
    return tuple((name, value) for name, value in row.labels if name != NAME)


def selectors(need: Need) -> tuple[str, ...]:
    """What to ask for, each once."""
    return tuple(dict.fromkeys(need.texts()))
