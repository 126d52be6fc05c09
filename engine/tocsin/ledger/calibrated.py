"""Counting events from any PromQL with a window: a shape in slices, made to add up to exact counts over hours.

`increase` over a slice loses what lies between its samples and those outside, one interval in four or five at a step of
a minute; over six hours that is nothing. So the short windows only say *when*, and the long one how many.
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


def calibrate(shape: Measured, exact: Measured, first: int, step: int) -> Counts:
    """Scale bad and good events of the slices apart, so that those of each long window add up to *exact*.

    *shape* has slices from number *first* on, *exact* as many windows as divide them evenly. Good events are scaled,
    not all of them: then no slice has more bad events than events. Where the long window has no answer, the shape
    counts as it is; where the shape has none, bad events lie where all events are, and those lie evenly.
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
    return Counts.apart(first, step, (bad_slices + good_slices).ravel(), bad_slices.ravel(), seconds)


def _scaled(shape: Floats, wanted: Floats, otherwise: Floats) -> Floats:
    """Rows of *shape* that add up to *wanted*; *otherwise* is their shape where they have none."""
    sums = shape.sum(axis=1, keepdims=True)
    shape = np.where(sums > 0, shape, otherwise)
    sums = shape.sum(axis=1, keepdims=True)
    shape = np.where(sums > 0, shape, 1.0)
    goal = np.where(np.isfinite(wanted), wanted.clip(0.0), np.where(sums[:, 0] > 0, sums[:, 0], 0.0))
    scaled: Floats = shape * (goal / shape.sum(axis=1))[:, None]
    return scaled
