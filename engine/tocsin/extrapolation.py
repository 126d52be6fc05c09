"""What Prometheus makes of a counter: `rate` and `increase` over a window, number for number, by version.

A range selector takes the samples in the window. Their rise, resets added, is stretched to the window's ends: to an end
that is less than 1.1 mean spacings away, else by half a spacing, and at the start never to where a counter would be
below zero. (Prometheus, `promql/functions.go`, `extrapolatedRate`.) Two things changed on the way:

- up to 2.50 the zero comes before the 1.1 spacings, from 2.51 on after them (#13725): a counter that starts small and
  late in its window loses up to half a spacing;
- from 3.0 on windows are open on the left (#13904): of samples on a grid one fewer is in a window.

Operations are done in Prometheus' order, so that equal samples give equal floats.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

from tocsin.promql_syntax.versions import Version

Sample = tuple[int, float | None]
"""Unix milliseconds, ascending, and the value; None where Prometheus marked the series as stale."""

_CLOSE = 1.1
"""An end that is so many mean spacings away, or less, is taken for part of the series."""


@dataclass(frozen=True, slots=True)
class Semantics:
    """How a version of Prometheus reads windows; the defaults are those of 3.0."""

    open_left: bool = True
    """Whether a sample exactly at the start of a window lies outside."""
    zero_first: bool = False
    """Whether the way to zero is taken off before the start is found too far away."""

    @classmethod
    def of(cls, version: Version) -> "Semantics":
        """The semantics of *version*.

        >>> Semantics.of(Version.of("2.42"))
        Semantics(open_left=False, zero_first=True)
        """
        return cls(open_left=version >= Version(3, 0), zero_first=version < Version(2, 51))


PROM2 = Semantics.of(Version(2, 42))
PROM2_51 = Semantics.of(Version(2, 51))
PROM3 = Semantics.of(Version(3, 0))


def in_window(
    samples: Sequence[Sample],
    at: int,
    window: int,
    semantics: Semantics = PROM3,
) -> list[tuple[int, float]]:
    """The samples of `[at - window, at]`, or `(at - window, at]`, in milliseconds; marks of staleness are none."""
    first = bisect_right if semantics.open_left else bisect_left
    low = first(samples, at - window, key=_time)
    high = bisect_right(samples, at, key=_time)
    return [(time, value) for time, value in samples[low:high] if value is not None]


def increase(samples: Sequence[Sample], at: int, window: int, semantics: Semantics = PROM3) -> float | None:
    """`increase(counter[window])` at *at*, both in milliseconds; None with fewer than two samples in the window.

    >>> counter = [(60_000, 80.0), (120_000, 180.0), (180_000, 280.0), (240_000, 380.0)]
    >>> [round(increase(counter, 240_000, 300_000, mode), 9) for mode in (PROM2, PROM2_51)]
    [380.0, 350.0]
    """
    found = _stretched(samples, at, window, semantics)
    return None if found is None else found[0] * found[1]


def rate(samples: Sequence[Sample], at: int, window: int, semantics: Semantics = PROM3) -> float | None:
    """`rate(counter[window])` at *at*: the increase per second."""
    found = _stretched(samples, at, window, semantics)
    return None if found is None else found[0] * (found[1] / (window / 1000))


def _stretched(samples: Sequence[Sample], at: int, window: int, semantics: Semantics) -> tuple[float, float] | None:
    """The rise between the first and the last sample of the window, and the factor that stretches it to the window."""
    inside = in_window(samples, at, window, semantics)
    if len(inside) < 2:
        return None
    (first_time, first), (last_time, last) = inside[0], inside[-1]
    rise = last - first
    before = first
    for _, value in inside[1:]:
        if value < before:
            rise += before
        before = value
    covered = (last_time - first_time) / 1000
    spacing = covered / (len(inside) - 1)
    to_start, to_end = (first_time - (at - window)) / 1000, (at - last_time) / 1000
    to_zero = covered * (first / rise) if rise > 0 and first >= 0 else inf
    if semantics.zero_first:
        to_start = _reached(min(to_start, to_zero), spacing)
    else:
        to_start = min(_reached(to_start, spacing), to_zero)
    return rise, (covered + to_start + _reached(to_end, spacing)) / covered


def _reached(distance: float, spacing: float) -> float:
    """How far the series is taken to go on towards an end at that *distance*."""
    return distance if distance < spacing * _CLOSE else spacing / 2


def _time(sample: Sample) -> int:
    return sample[0]
