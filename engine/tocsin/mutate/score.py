"""How many mutants were noticed: per file of definitions, and in all."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tocsin.diagnostics import Diagnostic, Severity
from tocsin.mutate.rules import Mutant


@dataclass(frozen=True, slots=True)
class Scores:
    """By file: mutants that were noticed, and all."""

    files: Mapping[str, tuple[int, int]]

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
        return 100 * self.noticed / self.total if self.total else 100.0


def scores(tried: Iterable[tuple[Mutant, bool]]) -> Scores:
    """Count *tried* mutants, each with whether a test noticed it."""
    noticed, total = Counter[str](), Counter[str]()
    for mutant, was_noticed in tried:
        total[mutant.source.path] += 1
        noticed[mutant.source.path] += was_noticed
    return Scores({path: (noticed[path], total[path]) for path in sorted(total)})


def survivor(mutant: Mutant, tests: int, severity: Severity) -> Diagnostic:
    """A mutant that lives, at the definition of its rule."""
    counted = "the one test that asks" if tests == 1 else f"none of the {tests} tests that ask"
    verb = "does not notice" if tests == 1 else "notices"
    reason = f"and {counted} for it {verb}" if tests else "and no test asks for it"
    return Diagnostic("mutate/survivor", mutant.source, f"{mutant.name}: {mutant.words}, {reason}", severity)
