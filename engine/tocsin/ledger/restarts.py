"""When a process started anew: a counter that fell says so, and speaks for those of its target that outran themselves.

A counter that passes its old value before the next scrape shows no reset: from 92 over 0 to 354 looks like 262 events
and was 354. So it happens to errors, which are few before an incident and many in it (one restart in thirty days cost a
budget a tenth of a percent). All counters of a process start anew at once, so one of them that fell is evidence for the
others. It is no proof: an exporter may tell of many processes. So only a counter that has at least doubled is taken to
have started anew with the one that fell: if it did not, no more than what it counted there is counted twice.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from tocsin.ledger.arrays import Bools, Floats

Fall = tuple[float, float]
"""Two samples of a counter that fell: the process started anew between them."""


class Sampled(Protocol):
    """A counter's samples."""

    @property
    def times(self) -> Floats:
        """Unix seconds, ascending."""
        ...

    @property
    def values(self) -> Floats:
        """What was counted at each of them."""
        ...


def falls(members: Sequence[Sampled], before: Sequence[Fall] = ()) -> tuple[Fall, ...]:
    """When counters of one target fell, each once, in order of the later sample; *before* is what is remembered."""
    found = set(before)
    for one in members:
        for place in np.flatnonzero(np.diff(one.values) < 0).tolist():
            found.add((float(one.times[place]), float(one.times[place + 1])))
    return tuple(sorted(found, key=lambda fall: (fall[1], fall[0])))


def restarts(times: Floats, values: Floats, others: Sequence[Fall]) -> Bools:
    """Between which consecutive samples a counter started anew, by itself and by the *others* of its target.

    >>> restarts(np.array([0.0, 15.0, 30.0]), np.array([92.0, 354.0, 360.0]), [(0.0, 15.0)]).tolist()
    [True, False]
    >>> restarts(np.array([0.0, 15.0, 30.0]), np.array([92.0, 154.0, 360.0]), [(0.0, 15.0)]).tolist()
    [False, False]
    """
    anew = np.asarray(np.diff(values) < 0)
    if others and len(times) > 1:
        since, until = np.asarray(others, dtype=np.float64).T
        later = np.searchsorted(times, until, side="left")
        inside = (later > 0) & (later < len(times))
        earlier = later[inside] - 1
        earlier = earlier[times[earlier] <= since[inside]]
        anew[earlier] |= values[earlier + 1] >= 2 * values[earlier]
    return anew
