"""Sets of values that a comparison lets through: a stretch of numbers with holes, and NaN or not."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import inf, isnan

MIRROR: Mapping[str, str] = {">": "<", "<": ">", ">=": "<=", "<=": ">=", "==": "==", "!=": "!="}
"""A comparison read from right to left."""
_OPPOSITE: Mapping[str, str] = {">": "<=", "<": ">=", ">=": "<", "<=": ">", "==": "!=", "!=": "=="}


@dataclass(frozen=True, slots=True)
class Values:
    """The numbers from *low* to *high*, each end with it unless it is *above* or *below* alone, without *but*."""

    low: float = -inf
    high: float = inf
    above: bool = False
    below: bool = False
    but: frozenset[float] = frozenset()
    nan: bool = True

    @property
    def none(self) -> bool:
        """Whether there is no such value."""
        if self.nan or self.low < self.high:
            return False
        return self.low > self.high or self.above or self.below or self.low in self.but

    def meet(self, other: "Values") -> "Values":
        """The values that are in both."""
        low = max(self.low, other.low)
        high = min(self.high, other.high)
        return Values(
            low,
            high,
            above=any(each.above for each in (self, other) if each.low == low),
            below=any(each.below for each in (self, other) if each.high == high),
            but=self.but | other.but,
            nan=self.nan and other.nan,
        )

    def within(self, other: "Values") -> bool:
        """Whether every one of these values is one of *other*."""
        both = self.meet(other)
        same = (both.low, both.high, both.above, both.below, both.nan)
        mine = (self.low, self.high, self.above, self.below, self.nan)
        return self.none or (same == mine and all(self.meet(passing("==", hole)).none for hole in other.but))


def passing(op: str, bound: float) -> Values:
    """The values for which `value op bound` is true.

    >>> passing(">", 5).meet(passing("<", 2)).none, passing(">=", 5).meet(passing("<=", 5)).none
    (True, False)
    """
    if isnan(bound):
        return Values() if op == "!=" else Values(inf, -inf, nan=False)
    if op == "!=":
        return Values(but=frozenset({bound}))
    low = bound if op in {">", ">=", "=="} else -inf
    high = bound if op in {"<", "<=", "=="} else inf
    return Values(low, high, above=op == ">", below=op == "<", nan=False)


def failing(op: str, bound: float) -> Values:
    """The values for which `value op bound` is false: the others, and NaN unless it is true for that."""
    return replace(passing(_OPPOSITE[op], bound), nan=op != "!=") if not isnan(bound) else passing("!=", bound)
