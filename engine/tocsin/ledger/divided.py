"""The groups of a divided objective: which of them are held, and when they were looked at.

A group is looked at while its objective is, from when it is first known: the series of a pod or a route come and go,
and while others of the objective are seen, one without series has nothing to be seen. So a group that is gone keeps
what it spent for as long as the window reaches back to it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date

import numpy as np

from tocsin.ledger.arrays import Bools
from tocsin.ledger.model import MINUTE, Day, empty


def parted(days: Iterable[Day], start: int) -> Mapping[str, list[Day]]:
    """Days by group, in order, of each group of which anything is known from *start* (unix time) on.

    >>> noon = replace(empty('a/b{pod="1"}', date(2026, 3, 1)), covered=np.arange(1440) < 720)
    >>> evening = replace(empty('a/b{pod="2"}', date(2026, 3, 1)), covered=np.arange(1440) >= 720)
    >>> {ref: int(one.covered.sum()) for ref, (one,) in parted([noon, evening], 0).items()}
    {'a/b{pod="1"}': 1440, 'a/b{pod="2"}': 720}
    """
    own: dict[str, dict[date, Day]] = {}
    looked: dict[date, Bools] = {}
    for day in days:
        own.setdefault(day.ref, {})[day.day] = day
        minutes = np.repeat(day.covered, day.step // MINUTE)
        looked[day.day] = looked.get(day.day, False) | minutes
    found = {}
    for ref, held in sorted(own.items()):
        known = min((at for day in held.values() if (at := day.first_known(start)) is not None), default=None)
        if known is not None:
            every = ((held.get(day) or empty(ref, day), seen) for day, seen in sorted(looked.items()))
            found[ref] = [_looked(day, seen, known) for day, seen in every]
    return found


def _looked(day: Day, seen: Bools, since: int) -> Day:
    """The day with the minutes that were *seen* from *since* on, as far as they fill its slices."""
    later = day.start + MINUTE * np.arange(len(seen)) >= since
    return replace(day, covered=day.covered | (seen & later).reshape(len(day.covered), -1).all(axis=1))
