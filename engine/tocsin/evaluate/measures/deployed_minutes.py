"""Unavailable minutes of those in which the service was deployed (Azure's "maximum available minutes").

Twenty minutes down in ten days of deployment are 99.861 %, of a whole month 99.955 %: the denominator decides about a
credit. Minutes are told to be deployed by the contract's `deployed` expression or, without one, by there being a
counter of events at all; the others count nowhere, excluded or not. Whether a deployed minute is down is decided as
for `minutes`.
"""

from collections.abc import Sequence

from tocsin.evaluate.measures import minutes
from tocsin.evaluate.measures.base import Interval, Mark
from tocsin.spec import Exclusion, Measure


def marks(intervals: Sequence[Interval], measure: Measure, _: Sequence[Exclusion] = ()) -> list[Mark]:
    """Each deployed minute is up or down."""
    return minutes.marks([one for one in intervals if one.deployed], measure)
