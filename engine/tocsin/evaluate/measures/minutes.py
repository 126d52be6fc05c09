"""Unavailable minutes: a minute is up or down as a whole, by the rule of the contract (Amazon EC2, Azure).

A minute is down where its error ratio is strictly above `errors_above`; without that, where all attempts fail. One
without events counts by `empty`.

Contracts that count minutes differ in what a partial minute is, and many do not say. With intervals shorter than a
minute (that divide it) parts of a minute are seen, and `partial_minute` says how they count: `continuous` for what
they are (10 s of outage are 10 s), `up` not at all (0; Google: "partial minutes will not be counted"), `down` as a
whole minute (60 s).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from itertools import groupby

from tocsin.evaluate.measures.base import EMPTY, UNIT, Interval, Mark
from tocsin.spec import Exclusion, Measure

MINUTE_SECONDS = 60


def marks(intervals: Sequence[Interval], measure: Measure, _: Sequence[Exclusion] = ()) -> list[Mark]:
    """Each minute is up or down."""
    empty, is_down = EMPTY[measure.empty], _rule(measure)
    found = [
        Mark(one.start, one.end, empty if one.up is None else 0 if is_down(one.up) else UNIT, one.good is None)
        for one in intervals
    ]
    whole = measure.partial_minute == "continuous" or measure.interval.milliseconds >= MINUTE_SECONDS * 1000
    return found if whole else list(_by_minute(found, measure.partial_minute))


def _rule(measure: Measure) -> Callable[[int], bool]:
    """Whether so much of an interval being good is down; exact, so that 10 % of errors are not above 10 %."""
    if measure.errors_above is None:
        return lambda up: up == 0
    least = UNIT * (1 - Fraction(measure.errors_above))
    return lambda up: up < least


def _by_minute(found: Sequence[Mark], partial: str) -> Iterator[Mark]:
    """Make a minute that is partly down wholly down, or up; minutes are those of the clock."""
    for _, minute in groupby(found, lambda one: int(one.start.timestamp()) // MINUTE_SECONDS):
        parts = list(minute)
        down = [one.up == 0 for one in parts if one.up is not None]
        if all(down) or not any(down):
            yield from parts
        elif partial == "down":
            yield from (one if one.up is None else replace(one, up=0) for one in parts)
        else:
            yield from (replace(one, up=UNIT, dropped=True) if one.up == 0 else one for one in parts)
