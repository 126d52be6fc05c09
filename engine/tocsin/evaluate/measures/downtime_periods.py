"""Downtime periods: minutes that are down count only where at least so many of them follow each other (Google Cloud).

Whether a minute is down is decided as for `minutes`. Down minutes that follow each other without a gap are one
downtime period; one shorter than `at_least` does not count at all. A minute that an exclusion takes wholly is no
minute of downtime, so it ends a downtime period; so does one without events that is ignored.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from tocsin.evaluate.measures import minutes
from tocsin.evaluate.measures.base import UNIT, Interval, Mark, excluded
from tocsin.spec import Exclusion, Measure
from tocsin.units import Duration

MINUTE = Duration.of(minutes=1)


def marks(intervals: Sequence[Interval], measure: Measure, exclusions: Sequence[Exclusion] = ()) -> list[Mark]:
    """Each minute is up or down; one in a period that is too short is dropped."""
    found = minutes.marks(intervals, measure)
    least = (measure.at_least or MINUTE).milliseconds
    for first, last in _periods(found, exclusions):
        if sum(one.milliseconds for one in found[first:last]) < least:
            found[first:last] = [replace(one, up=UNIT, dropped=True) for one in found[first:last]]
    return found


def _periods(found: Sequence[Mark], exclusions: Sequence[Exclusion]) -> Iterator[tuple[int, int]]:
    """Where down minutes that follow each other begin and end, as positions in *found*."""
    first: int | None = None
    for place, one in enumerate(found):
        is_down = one.up == 0 and (not exclusions or sum(excluded(one.start, one.end, exclusions)) < one.milliseconds)
        if first is not None and (not is_down or found[place - 1].end != one.start):
            yield first, place
            first = None
        if is_down and first is None:
            first = place
    if first is not None:
        yield first, len(found)
