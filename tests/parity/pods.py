"""What happens to one target, scrape by scrape, as its counters or its gauge show it."""

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

from tocsin.extrapolation import Sample

MINUTE = 60_000
GRAIN = 5_000
"""Milliseconds: scrapes and phases are multiples of it."""


@dataclass(frozen=True)
class Stretch:
    """What one target does for some minutes.

    *kind* is `normal`, `idle` (no event), `gap` (no sample), `stale` (marked as stale, then no sample), `reset` (starts
    from zero again, then normal), or `nan` (one sample that is no number, then normal). *errors* is the bad share.
    """

    minutes: int
    kind: str = "normal"
    events: int = 100
    errors: Fraction = Fraction(0)


@dataclass(frozen=True)
class Pod:
    """One target: when it is scraped, and what happens to it; *seed* makes its traffic uneven, None leaves it even."""

    every: int
    phase: int
    stretches: tuple[Stretch, ...]
    seed: int | None = None
    late_errors: bool = False
    """Its series of errors appears with its first errors."""

    def counters(self, until: int) -> tuple[list[Sample], list[Sample]]:
        """Good and bad events since the beginning, scrape by scrape, in milliseconds."""
        chance = random.Random(self.seed)
        good, bad, counts = list[Sample](), list[Sample](), [0, 0]
        for time, stretch, first in self._scrapes(until):
            if stretch is None:
                good += [(time, None)] if good else []
                bad += [(time, None)] if bad else []
                continue
            if stretch.kind == "reset" and first:
                counts[:] = [0, 0]
            happened = 0 if stretch.kind == "idle" else stretch.events * self.every // MINUTE
            if self.seed is not None and happened:
                happened = chance.randrange(2 * happened + 1)
            wrong = round(happened * stretch.errors)
            counts[:] = [counts[0] + happened - wrong, counts[1] + wrong]
            odd = stretch.kind == "nan" and first
            good.append((time, float("nan") if odd else float(counts[0])))
            if not self.late_errors or counts[1] or bad:
                bad.append((time, float("nan") if odd else float(counts[1])))
        return good, bad

    def gauge(self, until: int, reading: Callable[[int, bool], float]) -> list[Sample]:
        """What *reading* makes of the seconds and of being well at each scrape; while it is idle the last one stays."""
        chance = random.Random(self.seed)
        samples, value = list[Sample](), reading(0, False)
        for time, stretch, first in self._scrapes(until):
            if stretch is None:
                samples += [(time, None)] if samples else []
                continue
            if stretch.kind != "idle":
                wrong = (chance.random() if self.seed is not None else Fraction(1, 2)) <= stretch.errors
                value = 0.0 if stretch.kind == "reset" and first else reading(time // 1000, wrong)
            samples.append((time, float("nan") if stretch.kind == "nan" and first else value))
        return samples

    def level(self, until: int) -> list[Sample]:
        """A gauge between 0 and 12 that is the higher the more errors there are, and uneven as traffic is."""
        chance = random.Random(self.seed)
        samples, value = list[Sample](), 0.0
        for time, stretch, first in self._scrapes(until):
            if stretch is None:
                samples += [(time, None)] if samples else []
                continue
            if stretch.kind != "idle":
                value = float(LEVELS.get(stretch.errors, 2) + (chance.randint(-2, 2) if self.seed is not None else 0))
                value = 0.0 if stretch.kind == "reset" and first else value
            samples.append((time, float("nan") if stretch.kind == "nan" and first else value))
        return samples

    def _scrapes(self, until: int) -> Iterator[tuple[int, Stretch | None, bool]]:
        """When there is a sample, in which stretch, and whether it is its first; None is a mark of staleness."""
        start = 0
        for stretch in self.stretches:
            end = start + stretch.minutes * MINUTE
            first = -(-(start - self.phase) // self.every) * self.every + self.phase
            times = range(first, min(end, until + 1), self.every)
            if stretch.kind == "stale":
                yield from ((time, None, True) for time in times[:1])
            elif stretch.kind != "gap":
                yield from ((time, stretch, time == times[0]) for time in times)
            start = end


LEVELS: Mapping[Fraction, int] = {
    Fraction(0): 2, Fraction(1, 100): 4, Fraction(1, 10): 6, Fraction(1, 2): 8, Fraction(1): 10,
}  # fmt: skip
"""What a gauge shows while such a share of events is bad."""
