"""A straight line through a history, and between which values it lies at any time, by robust methods.

The slope is the median of the slopes of all pairs of points (Theil and Sen), with the interval of Kendall's test of a
trend; both are SciPy's `theilslopes`. The value in the middle of the history is the median of the means of all pairs of
residuals (Hodges and Lehmann). 29 % of outliers move neither far.

What nobody knows of the line is its slope, and its value in the middle; at a time away from there both count, as the
square root of the sum of their squares. For independent errors the second is the first times the spread of the times,
as in least squares: so the interval of the slope alone makes the band, which is narrowest in the middle.

Errors that resemble the ones before tell less than as many independent ones. The band is wider by what their ranks'
correlation from one to the next says (as in Hamed and Rao, "A modified Mann-Kendall trend test for autocorrelated
data", 1998), which is less than the true one by two and four times itself in as many errors as there are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, sqrt
from typing import Any

MOST_ALIKE = 0.95
"""Beyond that few points cannot tell a trend from a walk."""


@dataclass(frozen=True, slots=True)
class Span:
    """A value between two others, by the confidence of the forecast."""

    low: float
    likely: float
    high: float


@dataclass(frozen=True, slots=True)
class Line:
    """*slope* a day; in the *middle* of the history, in days, the value is *height*; times *spread* around it."""

    slope: Span
    middle: float
    height: float
    spread: float

    def at(self, day: float) -> Span:
        """The value on a day after the middle of the history."""
        away = day - self.middle
        value, reach = self.height + self.slope.likely * away, hypot(away, self.spread)
        below, above = self.slope.likely - self.slope.low, self.slope.high - self.slope.likely
        return Span(value - below * reach, value, value + above * reach)


def line(days: Sequence[float], values: Sequence[float], confidence: float) -> Line:
    """The line through *values* on *days*, which must be five at least."""
    import numpy as np  # noqa: PLC0415  # a second of loading, with SciPy, that nobody else has to wait for
    from scipy.stats import theilslopes  # noqa: PLC0415

    x, y = np.asarray(days), np.asarray(values)
    slope, _, low, high = (float(each) for each in theilslopes(y, x, confidence))
    middle = float(x.mean())
    rest = y - slope * (x - middle)
    wide = _wider(rest)
    around = Span(slope - (slope - low) * wide, slope, slope + (high - slope) * wide)
    one, other = np.triu_indices(len(rest))
    return Line(around, middle, float(np.median((rest[one] + rest[other]) / 2)), float(x.std()))


def _wider(rest: Any) -> float:
    """By how much, for errors in their order."""
    from scipy.stats import rankdata  # noqa: PLC0415

    many = len(rest)
    ranks = rankdata(rest) - (many + 1) / 2
    if not ranks.any():
        return 1.0
    seen = float(ranks[1:] @ ranks[:-1] / (ranks @ ranks))
    alike = min(max((many * seen + 2) / (many - 4), 0.0), MOST_ALIKE)
    return sqrt((1 + alike) / (1 - alike))
