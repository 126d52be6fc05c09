"""Counts in grains of 1/1024 of an event, so that sums are exact in any order.

Increments that are divided among slices in proportion to time are arbitrary floats: their sums depend on the order, and
no two windows that tile a third add up to it to the last bit. Multiples of a power of two do, as long as a sum stays
below 2^43 events. So counts are rounded once, when a day is made, and such that no error adds up: what is rounded is
the running sum, hence any stretch of slices is within one grain of what it was, and the day within half of one.
"""

import numpy as np

from tocsin.ledger.arrays import Floats

GRAIN = 1 / 1024
LARGEST = 2.0**53 * GRAIN
"""Events up to which sums are exact."""


def settle(total: Floats, bad: Floats) -> tuple[Floats, Floats]:
    """Round total and bad events per slice to grains; good and bad are rounded, so that bad never exceeds total.

    >>> total, bad = settle(np.array([1 / 3, 1 / 3, 1 / 3]), np.array([0.0, 1 / 3, 0.0]))
    >>> (total * 1024).tolist(), total.sum(), (bad * 1024).tolist()
    ([341.0, 341.0, 342.0], np.float64(1.0), [0.0, 341.0, 0.0])
    """
    fails = _rounded(np.minimum(bad, total))
    return _rounded(np.maximum(total - bad, 0.0)) + fails, fails


def _rounded(counts: Floats) -> Floats:
    """Round so that an empty slice stays empty: its running sum is that of the slice before."""
    running = np.rint(np.cumsum(counts) / GRAIN)
    return np.diff(running, prepend=0.0) * GRAIN
