"""The stories that every objective has to survive, as events per tick."""

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from tocsin.proofs.feed import Story

TRAFFIC = 10**8
"""Events per tick: so many that every error ratio is a whole number of them, and that counters stay exact."""
JUST_BELOW = Fraction(99, 100)


@dataclass(frozen=True, slots=True)
class Phase:
    """*ticks* with a share of bad events among *traffic* events each."""

    ticks: int
    errors: Fraction = Fraction(0)
    traffic: int = TRAFFIC


def story(*phases: Phase, resets: tuple[int, ...] = (), error_series_from: int = 0) -> Story:
    """Tick 0 is the first scrape, at which nothing has happened yet."""
    good, bad = [0], [0]
    for phase in phases:
        ill = int(phase.errors * phase.traffic)
        good += [phase.traffic - ill] * phase.ticks
        bad += [ill] * phase.ticks
    return Story(tuple(good), tuple(bad), resets, error_series_from)


def ten_times(window: int, threshold: Fraction) -> Fraction:
    """About ten times the threshold, so that the alert fires in the middle of a tick and not at its edge."""
    return threshold * window / (window // 10 + Fraction(1, 2))


def just_over(window: int, threshold: Fraction) -> Fraction:
    """So little above the threshold that, from just below it, a sixth of the window passes until the alert fires."""
    ticks = window // 6 + Fraction(1, 2)
    gap = 1 - JUST_BELOW
    return threshold * (1 + gap * (window / ticks - 1))


def percentage(share: Fraction) -> str:
    """A share of events in words.

    >>> percentage(Fraction(1, 70)), percentage(Fraction(1))
    ('1.429%', '100%')
    """
    return f"{Decimal(float(share * 100)):.4g}%"


def sampled(*phases: tuple[int, int | None]) -> Story:
    """A gauge that is well (0), ill (1) or not there (None), so many ticks each; it is well at tick 0."""
    ills: list[int | None] = [0]
    for ticks, ill in phases:
        ills += [ill] * ticks
    return Story(tuple(None if ill is None else 1 - ill for ill in ills), tuple(ills))
