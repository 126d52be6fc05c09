"""Availability algebra of one slice: good ratios of parts to that of the whole, in floats and with gaps.

Within a slice the requests of parts meet errors independently; where that is not known, `tocsin.budget.bounds` says
what remains. A part that is None is left out.
"""

from collections.abc import Sequence
from math import fsum, prod

Ratio = float | None


def series(parts: Sequence[Ratio]) -> Ratio:
    """All parts are needed.

    >>> series([0.999, 0.9995, 0.99])
    0.988515495
    """
    known = [r for r in parts if r is not None]
    return prod(known) if known else None


def parallel(parts: Sequence[Ratio]) -> Ratio:
    """One part is enough.

    >>> round(parallel([0.99, 0.95, 0.9]), 12)
    0.99995
    """
    known = [r for r in parts if r is not None]
    return 1.0 - prod(1.0 - r for r in known) if known else None


def at_least(need: int, parts: Sequence[Ratio]) -> Ratio:
    """*need* of the parts are enough; None where fewer are known than are needed.

    >>> round(at_least(2, [0.99, 0.98, 0.95]), 12)
    0.99832
    """
    known = [r for r in parts if r is not None]
    if len(known) < need:
        return None
    ways = [1.0] + [0.0] * need  # so many are good, the last one: at least *need*
    for ratio in known:
        ways[need] += ways[need - 1] * ratio
        for good in range(need - 1, 0, -1):
            ways[good] = ways[good] * (1.0 - ratio) + ways[good - 1] * ratio
        ways[0] *= 1.0 - ratio
    return ways[need]


def weighted(weights: Sequence[float], parts: Sequence[Ratio]) -> Ratio:
    """The mean by weight.

    >>> [round(weighted([1, 4, 3], [0.99, 0.999, third]), 12) for third in (0.95, None)]
    [0.9795, 0.9972]
    """
    pairs = [(w, r) for w, r in zip(weights, parts, strict=True) if r is not None]
    whole = fsum(w for w, _ in pairs)
    return fsum(w * r for w, r in pairs) / whole if whole else None
