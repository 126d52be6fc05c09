"""Counting events from any PromQL with a window: a shape in slices, made to add up to exact counts over hours.

`increase` over a slice loses what lies between its samples and those outside, one interval in four or five at a step of
a minute; over six hours that is nothing. So the short windows only say *when*, and the long one how many.

Short windows are longer than slices, so that they hold two samples. Where events are bad each slice's *own* window is
looked at, too: it says what was counted within the slice, and the rest is as if it had come over its start.
"""

from dataclasses import dataclass

import numpy as np

from tocsin.ledger.arrays import Floats
from tocsin.ledger.counts import Counts


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """Bad and total events of consecutive windows; NaN where the source had no answer."""

    total: Floats
    bad: Floats


def calibrate(shape: Measured, exact: Measured, first: int, step: int, own: Measured | None = None) -> Counts:
    """Scale bad and good events of the slices apart, so that those of each long window add up to *exact*.

    *shape* has slices from number *first* on, *exact* as many windows as divide them evenly. Good events are scaled,
    not all of them: then no slice has more bad events than events. Where the long window has no answer, the shape
    counts as it is; where the shape has none, bad events lie where all events are, and those lie evenly. *own* are the
    slices by themselves, NaN where nobody asked.
    """
    windows = len(exact.total)
    covered = np.isfinite(shape.total)
    total, bad = np.nan_to_num(shape.total).clip(0.0), np.nan_to_num(shape.bad).clip(0.0)
    wanted_bad = np.minimum(exact.bad, exact.total)
    all_of = total.reshape(windows, -1)
    bad_of = bad.reshape(windows, -1)
    good_of = (all_of - bad_of).clip(0.0)
    bad_slices = _scaled(bad_of, wanted_bad, all_of)
    good_slices = _scaled(good_of, exact.total - wanted_bad, all_of)
    seconds = np.where(covered, float(step), 0.0)
    fails, goods = bad_slices.ravel(), good_slices.ravel()
    if own is None:
        return Counts.apart(first, step, fails + goods, fails, seconds)
    good, bad = _outside(goods, fails, own)
    return Counts(first, step, fails + goods, fails, seconds, good + bad, bad)


def sharpened(shape: Measured, own: Measured, slices: float) -> Measured:
    """A *shape* of windows of so many *slices* with the slices' *own* looks where somebody asked for them.

    What is counted grows between two samples, what is looked at is there in one: a slice knows all its looks by itself.
    One without any among those that were asked for is as covered as before.
    """
    asked = np.flatnonzero(np.isfinite(own.total))
    if not len(asked):
        return shape
    total, bad = shape.total.copy(), shape.bad.copy()
    inside = slice(int(asked[0]), int(asked[-1]) + 1)
    covered = np.isfinite(total[inside])
    total[inside] = np.where(covered, np.nan_to_num(own.total[inside]) * slices, np.nan)
    bad[inside] = np.where(covered, np.nan_to_num(own.bad[inside]) * slices, np.nan)
    return Measured(total, bad)


def _outside(goods: Floats, fails: Floats, own: Measured) -> tuple[Floats, Floats]:
    """Good and bad events without as many as there can be in the ratio of a slice's *own*; none where that is empty."""
    own_bad = np.nan_to_num(own.bad).clip(0.0)
    own_good = (np.nan_to_num(own.total) - own_bad).clip(0.0)
    parts = [
        np.divide(all_of, some, out=np.full(len(some), np.inf), where=some > 0)
        for all_of, some in ((goods, own_good), (fails, own_bad))
    ]
    scale = np.minimum(*parts)
    known = np.isfinite(scale)
    scale = np.where(known, scale, 0.0)
    good, bad = (goods - scale * own_good).clip(0.0), (fails - scale * own_bad).clip(0.0)
    return np.where(known, good, 0.0), np.where(known, bad, 0.0)


def _scaled(shape: Floats, wanted: Floats, otherwise: Floats) -> Floats:
    """Rows of *shape* that add up to *wanted*; *otherwise* is their shape where they have none."""
    sums = shape.sum(axis=1, keepdims=True)
    shape = np.where(sums > 0, shape, otherwise)
    sums = shape.sum(axis=1, keepdims=True)
    shape = np.where(sums > 0, shape, 1.0)
    goal = np.where(np.isfinite(wanted), wanted.clip(0.0), np.where(sums[:, 0] > 0, sums[:, 0], 0.0))
    scaled: Floats = shape * (goal / shape.sum(axis=1))[:, None]
    return scaled
