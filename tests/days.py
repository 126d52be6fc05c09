"""Days of the ledger, as tests make them."""

from collections.abc import Sequence
from datetime import date, timedelta

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from tocsin.ledger.grain import GRAIN
from tocsin.ledger.model import DAY, Across, Day

FIRST = date(2026, 3, 1)


def day_of(
    total: float | Sequence[float] | NDArray[np.float64] = 10.0,
    bad: float | Sequence[float] | NDArray[np.float64] = 0.0,
    *,
    ref: str = "be-camera/uptime",
    day: date = FIRST,
    step: int = 60,
    seen: tuple[int, int] | None = None,
) -> Day:
    """A day of equal slices, or of given ones; covered as a whole, or in the slices [from, to) that were *seen*."""
    count = DAY // step
    covered = np.ones(count, dtype=np.bool_)
    totals = np.array(np.broadcast_to(np.asarray(total, dtype=np.float64), (count,)))
    bads = np.array(np.broadcast_to(np.asarray(bad, dtype=np.float64), (count,)))
    if seen is not None:
        covered = (np.arange(count) >= seen[0]) & (np.arange(count) < seen[1])
        totals, bads = totals * covered, bads * covered
    return Day(ref, day, step, totals, bads, covered)


@st.composite
def days(draw: st.DrawFn, *, ref: str = "be-camera/uptime", day: date = FIRST, step: int = 60) -> Day:
    """Any traffic in grains: idle, steady or bursty, with gaps; some know what came over the starts of slices."""
    count = DAY // step
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    level = draw(st.sampled_from([0.0, 0.3, 7.0, 400.0, 1e6]))
    total = np.rint(random.exponential(1.0, count) * level / GRAIN) * GRAIN
    bad = np.rint(total * random.choice([0.0, 0.0, 1e-3, 0.05, 1.0], count) / GRAIN) * GRAIN
    covered = random.random(count) >= draw(st.sampled_from([0.0, 0.1, 0.9]))
    bad, share = np.minimum(bad, total), draw(st.sampled_from([None, 0.0, 0.25, 1.0]))
    across = None if share is None else Across(*(np.rint(each * share / GRAIN) * GRAIN for each in (total, bad)))
    return Day(ref, day, step, total, bad, covered, across=across)


def following(first: Day, later: int) -> date:
    """The date so many days after."""
    return first.day + timedelta(days=later)
