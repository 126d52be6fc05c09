"""Time that is agreed not to count, before or after the fact, in the two conventions of contracts.

* `remove`: events and time of the exclusion are neither good nor bad nor there.
* `good`: what was bad in it was good; the budget stays what it is.

Where two of them overlap, nothing is taken twice, and `remove` wins. The ledger itself is never changed by an
exclusion: counts are as they were seen, and an exclusion that is withdrawn leaves no trace in the numbers.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from tocsin.ledger.arrays import Floats
from tocsin.ledger.grain import GRAIN
from tocsin.ledger.model import DAY, Across, Day

REMOVE, GOOD = "remove", "good"


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A stretch [start, end) of unix seconds; *treat* is `remove` or `good`."""

    start: int
    end: int
    treat: str = REMOVE

    def __post_init__(self) -> None:
        if self.treat not in {REMOVE, GOOD}:
            raise ValueError(f"an exclusion is to {REMOVE} or to count as {GOOD}, not to {self.treat!r}")


@dataclass(frozen=True, slots=True, eq=False)
class Excused:
    """A day without what is excluded, and how much of each slice was *removed* or *forgiven* (counted as good)."""

    day: Day
    removed: Floats
    forgiven: Floats


def excuse(day: Day, exclusions: Sequence[Exclusion]) -> Excused:
    """Apply exclusions to the events of a day; of a slice that is excluded in part, the part in proportion."""
    touching = [one for one in exclusions if one.start < day.start + DAY and one.end > day.start]
    if not touching:
        nothing = np.zeros(len(day.total))
        return Excused(day, nothing, nothing)
    removed = _shares(day, (one for one in touching if one.treat == REMOVE))
    forgiven = np.maximum(_shares(day, touching) - removed, 0.0)
    bad = _grains(day.bad * (1 - removed - forgiven), day.bad)
    total = np.maximum(_grains(day.total * (1 - removed), day.total), bad)
    across = day.across and Across(
        np.minimum(_grains(day.across.total * (1 - removed), day.across.total), total),
        np.minimum(_grains(day.across.bad * (1 - removed - forgiven), day.across.bad), bad),
    )
    return Excused(Day(day.ref, day.day, day.step, total, bad, day.covered, day.version, across), removed, forgiven)


def _grains(counts: Floats, before: Floats) -> Floats:
    """Round what is divided, so that sums stay exact."""
    return np.where(counts == before, counts, np.rint(counts / GRAIN) * GRAIN)


def _shares(day: Day, exclusions: Iterable[Exclusion]) -> Floats:
    """The part of each slice that lies in any of the exclusions: differences of the time excluded so far."""
    edges = day.start + np.arange(DAY // day.step + 1, dtype=np.float64) * day.step
    so_far = np.zeros(len(edges))
    end = -np.inf
    for one in sorted(exclusions, key=lambda one: (one.start, one.end)):
        start, end = max(float(one.start), end), max(float(one.end), end)
        so_far += np.clip(edges, start, end) - start
    return np.diff(so_far) / day.step
