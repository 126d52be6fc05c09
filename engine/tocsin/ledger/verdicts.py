"""What a slice of time was like, which is not what budgets of events add up.

Such a budget counts every event once, so it takes an increment with whatever it says of when
(`tocsin.ledger.samples`). A verdict is about one slice. An increment that came over its start may lie before it: with
it the first minute of an outage had some good events and was not down, and the first one after it bad ones. So a slice
is judged by increments between two samples within it, as `increase` over it is by a server; by all that was counted in
it where there is no other, which a server does not see at all. While nobody looked nothing is judged: what a counter
rose by over a gap is spread over it for budgets, and says nothing of any slice in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from tocsin.ledger.arrays import Bools, Floats
from tocsin.ledger.grain import GRAIN
from tocsin.ledger.model import Across

_ROUNDED = 4 * GRAIN
"""Events that rounding may leave of none."""


@dataclass(frozen=True, slots=True, eq=False)
class Within:
    """Events of slices while they were looked at: all of them, and those to judge by."""

    total: Floats
    bad: Floats
    inner: Floats
    inner_bad: Floats

    @classmethod
    def of(cls, total: Floats, bad: Floats, across: Across | None, looked: Bools, width: int) -> Self:
        """Of slices of *width* units each."""
        looked = looked.reshape(-1, width)
        all_of, failed = ((each.reshape(-1, width) * looked).sum(axis=1) for each in (total, bad))
        if across is None:
            return cls(all_of, failed, all_of, failed)
        begins = looked.copy()  # units before which nobody looked, or another slice was
        begins[:, 1:] &= ~looked[:, :-1]
        over, over_failed = ((each.reshape(-1, width) * begins).sum(axis=1) for each in (across.total, across.bad))
        enough = all_of - over > _ROUNDED
        return cls(
            all_of, failed, np.where(enough, all_of - over, all_of), np.where(enough, failed - over_failed, failed)
        )

    def good(self) -> Floats:
        """The good ratio of each slice, NaN where nothing can be judged."""
        good = np.clip(self.inner - self.inner_bad, 0.0, None)
        good[good <= np.minimum(_ROUNDED, self.inner / 2)] = 0.0
        ratio = np.divide(good, self.inner, out=np.full(len(good), np.nan), where=self.inner > 0)
        return np.asarray(np.minimum(ratio, 1.0))


def joined(parts: Sequence[Across | None], size: int) -> Across | None:
    """Those of units that follow each other, *size* of them in each part."""
    if not any(parts):
        return None
    nothing = Across(np.zeros(size), np.zeros(size))
    return Across(*(np.concatenate([getattr(one or nothing, name) for one in parts]) for name in ("total", "bad")))
