"""How many mutants were noticed: per file of definitions, per kind of mistake, and in all."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.mutate.rules import Mutant

Counted = Mapping[str, tuple[int, int]]
"""Mutants that were noticed and all, by what they were counted by."""


@dataclass(frozen=True, slots=True)
class Tried:
    """A mutant, whether a test noticed it, and how many scenarios ask for its rule."""

    mutant: Mutant
    noticed: bool
    tests: int


@dataclass(frozen=True, slots=True)
class Scores:
    """Mutants that were noticed, and all: by file and by kind."""

    files: Counted
    kinds: Counted

    @property
    def noticed(self) -> int:
        """Mutants that made a test fail."""
        return sum(noticed for noticed, _ in self.files.values())

    @property
    def total(self) -> int:
        """All mutants."""
        return sum(total for _, total in self.files.values())

    @property
    def percent(self) -> float:
        """The share that was noticed; 100 where there was nothing to notice."""
        return _percent(self.noticed, self.total)

    def table(self) -> Iterator[str]:
        """The scores as lines, those of files first; a kind with the fewest noticed comes first."""
        kinds = sorted(self.kinds.items(), key=lambda item: (_percent(*item[1]), item[0]))
        width = max(map(len, (*self.files, *self.kinds)), default=0)
        for name, (noticed, total) in (*self.files.items(), *kinds):
            yield f"  {name:<{width}} {noticed:>6} of {total:>6} {_percent(noticed, total):>6.1f} %"


def _percent(noticed: int, total: int) -> float:
    return 100 * noticed / total if total else 100.0


def scores(tried: Iterable[Tried]) -> Scores:
    """Count mutants."""
    every = list(tried)

    def counted(by: Callable[[Mutant], str]) -> Counted:
        noticed, total = Counter[str](), Counter[str]()
        for each in every:
            total[by(each.mutant)] += 1
            noticed[by(each.mutant)] += each.noticed
        return {name: (noticed[name], total[name]) for name in sorted(total)}

    return Scores(counted(lambda mutant: mutant.source.path), counted(lambda mutant: mutant.kind))


ADVICE = {
    "comparison": "expect the alert to fire in a test where its value is on the wrong side, and not where it is well",
    "boundary": "add a test whose value is exactly the number",
    "threshold looser": "add a test with a value a little beyond the threshold, and expect the alert to fire",
    "threshold tighter": "add a test with a value a little short of the threshold, and expect silence",
    "set operator": "add a test in which only one of the two sides has rows",
    "matcher": "add a test with only the series that the matcher asks for, and expect the alert to fire",
    "matcher dropped": "add a series to a test that differs in this label only, whose values change the answer",
    "aggregation": "give a test two series with different values, so that their sum is not their mean or their maximum",
    "grouping": "give a test two series that differ in this label, only one of them in trouble, and expect that one",
    "window": "ask at a time when the longer window would still, or not yet, see what happened",
    "for dropped": "expect silence once the condition holds, but for a shorter time than `for`",
    "for doubled": "expect the alert to fire as soon as `for` is over",
    "severity": "name the severity where the alert is expected to fire: `firing: [{severity: ...}]`",
}
"""Which test would notice, by kind of mutant."""


def survivor(tried: Tried, severity: Severity) -> Diagnostic:
    """A mutant that lives, at the definition of its rule, with the test that would notice it."""
    mutant = tried.mutant
    message = f"{mutant.ref}: {mutant.name}: {change(mutant)}, and {fate(tried)}"
    return Diagnostic("mutate/survivor", mutant.source, message, severity, hint=advice(tried))


def fate(tried: Tried) -> str:
    """Why it lives."""
    if not tried.tests:
        return "no test asks for it"
    if tried.tests == 1:
        return "the one test that asks for it does not notice"
    return f"none of the {tried.tests} tests that ask for it notices"


def change(mutant: Mutant) -> str:
    """What was changed, and where in the expression."""
    return f"{mutant.words} at `{mutant.where}`" if mutant.where else mutant.words


def advice(tried: Tried) -> str:
    """The test to write."""
    return ADVICE[tried.mutant.kind] if tried.tests else "write a test that expects an alert which needs this rule"
