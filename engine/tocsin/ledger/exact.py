"""Whether a part of a whole exceeds an exact ratio, for many at once, with no rounding at the boundary.

Counts are floats and exact (`tocsin.ledger.grain`); targets and thresholds are fractions. Products of them as floats
decide all cases but those that lie within a rounding of each other, and those few are compared as fractions: exactly
the slice target is good, exactly the threshold does not fire, exactly the target is met.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Self

import numpy as np
from numpy.typing import NDArray

from tocsin.ledger.arrays import Bools, Floats
from tocsin.ledger.grain import GRAIN

_CLOSE = 2.0**-50
"""Parts of a product within which its rounding (two of 2^-53) could decide."""
_EXACT = 2.0**42
"""Products up to which multiples of a grain are floats, and so are not rounded."""


@dataclass(frozen=True, slots=True, eq=False)
class Ratios:
    """Exact ratios, one for each objective, or one for all; made once, used at every look."""

    exact: tuple[Fraction, ...]
    above: Floats  # numerators
    below: Floats  # denominators

    @classmethod
    def of(cls, ratios: Sequence[Fraction | Decimal]) -> Self:
        """Keep ratios as they are, and as floats."""
        exact = tuple(Fraction(ratio) for ratio in ratios)
        above, below = zip(*(_floats(ratio) for ratio in exact), strict=True) if exact else ((), ())
        return cls(exact, np.array(above, dtype=np.float64), np.array(below, dtype=np.float64))

    @property
    def floats(self) -> Floats:
        """For what is shown and not compared."""
        return self.above / self.below

    def exceeded(self, part: Floats, whole: Floats) -> Bools:
        """Whether *part* is more than the ratio of *whole*; nothing of nothing is not.

        >>> tenth = Ratios.of([Decimal("0.1")])
        >>> tenth.exceeded(np.array([3.0, 3.0, 0.0]), np.array([30.0, 29.0, 0.0])).tolist()
        [False, True, False]
        """
        return self.compared(part, whole) > 0

    def compared(self, part: Floats, whole: Floats) -> NDArray[np.int8]:
        """-1, 0 or 1: *part* is less than the ratio of *whole*, exactly that, or more."""
        left, right = part * self.below, whole * self.above
        signs = np.sign(left - right).astype(np.int8)
        close = (np.abs(left - right) <= _CLOSE * right) & (right > 0)
        exact = (right < _EXACT) & _grained(part) & _grained(whole) & (self.above == np.rint(self.above))
        for at in np.flatnonzero(close & ~exact):
            ratio = self.exact[at if len(self.exact) > 1 else 0]
            difference = Fraction(float(part[at])) - ratio * Fraction(float(whole[at]))
            signs[at] = (difference > 0) - (difference < 0)
        return signs


def _grained(values: Floats) -> Bools:
    """Multiples of a grain: their products with whole numbers are exact."""
    grains = values / GRAIN
    return np.asarray(grains == np.rint(grains))


def _floats(ratio: Fraction) -> tuple[float, float]:
    """Numerator and denominator where floats hold them exactly; else the ratio, rounded, as part of 1."""
    if max(abs(ratio.numerator), ratio.denominator) < 2**53:
        return float(ratio.numerator), float(ratio.denominator)
    return float(ratio), 1.0
