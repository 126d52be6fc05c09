"""What a new statement about a day is, beside the one that is held; and the same day in coarser slices."""

from enum import Enum

import numpy as np

from tocsin.ledger.model import DAY, Across, Day

UNFINISHED = 2
"""Slices at the end of a statement that may gain: one was still running, and one lay between two scrapes."""


class Change(Enum):
    """How a statement relates to the one before it."""

    SAME = "same"
    MORE = "more"
    """The day went on: nothing that was said before is said otherwise, but that its last slices may gain events."""
    OTHER = "other"
    """Late data, a back-fill, a correction: a restatement."""


def change(held: Day, new: Day) -> Change:
    """Compare statements; one in finer slices is no news if it comes to the same.

    >>> from datetime import date
    >>> from dataclasses import replace
    >>> from tocsin.ledger.model import empty
    >>> night = empty("a/b", date(2026, 3, 1))
    >>> noon = replace(night, covered=np.arange(1440) < 720)
    >>> gap = replace(noon, covered=(np.arange(1440) < 600) | (np.arange(1440) >= 900))
    >>> change(night, noon), change(noon, noon), change(noon, gap)
    (<Change.MORE: 'more'>, <Change.SAME: 'same'>, <Change.OTHER: 'other'>)
    """
    if new.step != held.step:
        finer = new.step < held.step and held.step % new.step == 0
        new = coarser(new, held.step) if finer else new
        if new.step != held.step:
            return Change.OTHER
    pairs = [(held.total, new.total), (held.bad, new.bad), (held.covered, new.covered)]
    if (held.across is None) != (new.across is None):
        return Change.OTHER
    if held.across is not None and new.across is not None:
        pairs += [(held.across.total, new.across.total), (held.across.bad, new.across.bad)]
    if all(np.array_equal(before, after) for before, after in pairs):
        return Change.SAME
    until = int(np.flatnonzero(held.covered | (held.total > 0)).max(initial=-1)) + 1
    firm = max(until - UNFINISHED, 0)
    kept = all(np.array_equal(before[:firm], after[:firm]) for before, after in pairs)
    gained = all(
        (np.cumsum(after[firm:until]) >= np.cumsum(before[firm:until])).all()  # rounding may shift a grain between two
        for before, after in pairs
    )
    return Change.MORE if kept and gained else Change.OTHER


def still_seen(held: Day, new: Day) -> Day:
    """A new statement, with what is held of the slices that nobody can see any more.

    A source forgets what is old, or loses what it had; that is no reason to unlearn it. Of a day that is held in other
    slices, whichever covers more is right.

    >>> from datetime import date
    >>> from dataclasses import replace
    >>> from tocsin.ledger.model import empty
    >>> nothing = empty("a/b", date(2026, 3, 1))
    >>> held = replace(nothing, covered=np.arange(1440) < 720)
    >>> int(still_seen(held, nothing).covered.sum())
    720
    """
    if held.step != new.step:
        return new if new.covered.sum() * new.step > held.covered.sum() * held.step else held
    gone = held.covered & ~new.covered
    if not gone.any():
        return new
    total, bad = np.where(gone, held.total, new.total), np.where(gone, held.bad, new.bad)
    before, after = (one.across or Across(np.zeros(len(total)), np.zeros(len(total))) for one in (held, new))
    across = Across(np.where(gone, before.total, after.total), np.where(gone, before.bad, after.bad))
    return Day(new.ref, new.day, new.step, total, bad, held.covered | new.covered, new.version, across)


def coarser(day: Day, step: int) -> Day:
    """Add slices up to longer ones of *step* seconds.

    A day stays as it is where that would blur what was seen: a longer slice is covered or it is not, so one that is
    covered in part would add to the coverage of windows, or take from it. It stays, too, where slices do not tile.
    What came over the start of the first of them came over the start of all.

    >>> from datetime import date
    >>> from tocsin.ledger.model import empty
    >>> coarser(empty("a/b", date(2026, 3, 1)), 3600).total.shape
    (24,)
    """
    if step <= day.step or step % day.step or DAY % step:
        return day
    shape = (DAY // step, step // day.step)
    seen = day.covered.reshape(shape)
    covered = np.asarray(seen.all(axis=1))
    if (seen.any(axis=1) != covered).any():
        return day
    total, bad = day.total.reshape(shape).sum(axis=1), day.bad.reshape(shape).sum(axis=1)
    across = day.across and Across(*(each.reshape(shape)[:, 0] for each in (day.across.total, day.across.bad)))
    return Day(day.ref, day.day, step, total, np.minimum(bad, total), covered, day.version, across)
