"""When budgets are spent at the present pace: `tocsin.budget.exhaustion_with_roll_off` for many objectives at once.

Errors that a rolling window holds leave it at times that are known. So what remains is followed along the edges of the
grid, on which they leave, and the first stretch in which nothing is left is divided in proportion. Only objectives that
would be spent within a window without roll-off are looked at: it can but postpone the end.
"""

import numpy as np

from tocsin.ledger.arrays import Floats, Seconds
from tocsin.ledger.budgets import Budgets, Windows
from tocsin.ledger.series import Series

_TOGETHER = 512
"""Objectives at once, so that what is held meanwhile stays small: edges times this."""


def exhaustions(series: Series, windows: Windows, now: int, state: Budgets, pace: Floats) -> Floats:
    """Seconds until each budget is spent at burn rate *pace*; infinity for those that last.

    Rolling windows end now; the period of a calendar ends later, nothing leaves it before, and what lasts until its end
    lasts. What is unknown lasts for NaN.
    """
    length, remaining = windows.counted, state.remaining
    straight = np.divide(
        np.maximum(remaining, 0) * length, pace, out=np.full(len(length), np.inf), where=(pace > 0) & np.isfinite(pace)
    )
    straight = np.where(remaining <= 0, 0.0, straight)
    horizon = np.where(windows.end > now, windows.end - now, windows.length)
    lasts = np.where(straight <= horizon, straight, np.inf)
    rolling = np.flatnonzero(np.isfinite(lasts) & (lasts > 0) & (windows.end <= now))
    for at in range(0, len(rolling), _TOGETHER):
        some = rolling[at : at + _TOGETHER]
        for start in np.unique(windows.start[some]):
            columns = some[windows.start[some] == start]
            spending = pace[columns] / windows.counted[columns]
            lasts[columns] = _with_roll_off(series, int(start), now, columns, state=state, spending=spending)
    return np.where(np.isnan(remaining) | ~np.isfinite(pace), np.nan, lasts)


def _with_roll_off(
    series: Series, start: int, now: int, columns: Seconds, *, state: Budgets, spending: Floats
) -> Floats:
    """Shapes (edges, columns): what remains when the window's start has come to each edge.

    *spending* is which part of each budget is spent in a second.
    """
    edges = series.edges[: series.used]
    inside = edges[(edges > start) & (edges < now)]
    times = np.concatenate(([start], inside, [now])).astype(np.int64)
    ahead = (times - start).astype(np.float64)[:, None]
    left_off = series.before(times, columns)
    left_off -= left_off[0].copy()
    left_off /= state.allowed[columns]
    after = state.remaining[columns] - ahead * spending + left_off
    spent = after <= 0
    first = np.argmax(spent, axis=0)
    which = np.arange(len(columns))
    before, then = after[first - 1, which], after[first, which]
    part = np.divide(before, before - then, out=np.ones(len(columns)), where=before > then)
    found = ahead[first - 1, 0] + part * (ahead[first, 0] - ahead[first - 1, 0])
    return np.where(spent.any(axis=0), found, np.inf)
