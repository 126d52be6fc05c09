"""Uptime as the mean over intervals of their good ratio: Amazon S3's `100 % - average of the error rates`.

An interval in which 5 % of the requests fail costs 5 % of itself. One without events counts by `empty`: `good` and
`bad` as such, `ignore` not at all.
"""

from collections.abc import Sequence

from tocsin.evaluate.measures.base import EMPTY, Interval, Mark
from tocsin.spec import Exclusion, Measure


def marks(intervals: Sequence[Interval], measure: Measure, _: Sequence[Exclusion] = ()) -> list[Mark]:
    """Each interval counts as its good ratio."""
    empty = EMPTY[measure.empty]
    return [Mark(one.start, one.end, empty if one.good is None else one.up, one.good is None) for one in intervals]
