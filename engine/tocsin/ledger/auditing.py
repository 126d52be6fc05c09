"""What each exclusion took out of a day of an objective: the trail from the figures as counted to those that are told.

Exclusions are applied one after the other, those that remove first, and each is answerable for what it changes. So
what they took adds up, however they overlap: as counted, less all that was taken, is what is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.ledger.arrays import Floats, Seconds
from tocsin.ledger.exclusions import REMOVE, Exclusion
from tocsin.ledger.methods import Method
from tocsin.ledger.model import DAY, Day


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """What the exclusion in *place* took of slices that begin *at* unix seconds, in units of the method.

    *removed* left the budget; *forgiven* stayed and counts as good; *spared* is how much of both had been bad. A slice
    that nobody saw, and that is there now as a good one, was removed less than not at all: -1.
    """

    place: int
    at: Seconds
    removed: Floats
    forgiven: Floats
    spared: Floats

    def between(self, start: float, end: float) -> tuple[float, float, float]:
        """Sums over the slices that begin in [start, end)."""
        within = (self.at >= start) & (self.at < end)
        removed, forgiven, spared = (float(each[within].sum()) for each in (self.removed, self.forgiven, self.spared))
        return removed, forgiven, spared


def takes(method: Method, day: Day, exclusions: Sequence[Exclusion]) -> tuple[Take, ...]:
    """One line for each exclusion that touches the *day*."""
    touching = [
        (place, one) for place, one in enumerate(exclusions) if one.start < day.start + DAY and one.end > day.start
    ]
    if not touching:
        return ()
    found: list[Take] = []
    applied: list[Exclusion] = []
    before = method.units(day)
    for place, one in sorted(touching, key=lambda each: each[1].treat != REMOVE):
        applied.append(one)
        after = method.units(day, applied)
        removed = before.total - after.total
        forgiven = np.zeros(len(removed))
        if one.treat != REMOVE:  # all that would be gone otherwise
            forgiven = before.total - method.units(day, [*applied[:-1], Exclusion(one.start, one.end)]).total
        spared = before.bad - after.bad
        some = np.flatnonzero((removed != 0) | (forgiven != 0) | (spared != 0))
        at = after.start + some.astype(np.int64) * after.step
        found.append(Take(place, at, removed[some], forgiven[some], spared[some]))
        before = after
    return tuple(found)


def together(some: Iterable[Take], count: int, start: float, end: float) -> list[tuple[float, float, float]]:
    """For each of *count* exclusions what it removed, forgave and spared in the slices that begin in [start, end)."""
    sums = np.zeros((count, 3))
    for take in some:
        sums[take.place] += take.between(start, end)
    return [(float(removed), float(forgiven), float(spared)) for removed, forgiven, spared in sums]
