"""What each exclusion took out of a period: the trail that an auditor follows from figure to figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tocsin.evaluate.measures.base import UNIT, Mark, shares
from tocsin.spec import Exclusion


@dataclass(frozen=True, slots=True)
class Taken:
    """What one exclusion did to a contract, in milliseconds.

    *removed* left the period, *forgiven* counts as up; *spared* is how much of both was measured as downtime.
    """

    exclusion: Exclusion
    removed: int
    forgiven: int
    spared: Fraction


@dataclass(frozen=True, slots=True)
class Excluded:
    """What one exclusion did to a budget, in events (or slices, where those are counted).

    *removed* left the budget, *forgiven* counts as good; *spared* is how much of both had been bad.
    """

    exclusion: Exclusion
    removed: float = 0.0
    forgiven: float = 0.0
    spared: float = 0.0


def audit(marks: Sequence[Mark], exclusions: Sequence[Exclusion]) -> tuple[Taken, ...]:
    """One line for each exclusion, in their order; *marks* are those that would count without any.

    What they removed and forgave adds up to what `tally` left out, for each moment is taken by one of them. An
    exclusion outside the period, or of time that counts nowhere, took nothing.
    """
    if not exclusions:
        return ()
    removed, forgiven, spared = ([0] * len(exclusions) for _ in range(3))
    places = {id(one): place for place, one in enumerate(exclusions)}
    for mark in marks:
        for length, taker in shares(mark.start, mark.end, exclusions):
            place = places[id(taker)]
            if taker.treat != "remove":
                forgiven[place] += length
            elif mark.up is not None:
                removed[place] += length
            spared[place] += length * (UNIT - mark.up) if mark.up is not None else 0
    return tuple(
        Taken(one, removed[place], forgiven[place], Fraction(spared[place], UNIT))
        for place, one in enumerate(exclusions)
    )
