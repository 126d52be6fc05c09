"""Freshness: how long ago something last succeeded; the share of time in which that is recent enough."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from tocsin.promql import summed, tidy
from tocsin.sli.base import Counters, Given
from tocsin.sli.query import Form, sampled
from tocsin.units import literal


@dataclass(frozen=True, slots=True)
class FreshnessSli:
    """Samples in which *last_success* (unix seconds) is longer ago than *within* seconds are bad; every row counts."""

    kind: ClassVar[str] = "freshness"
    keys: ClassVar[Mapping[str, tuple[Form, ...]]] = {"last_success": (Form.INSTANT,)}

    last_success: str
    within: Decimal
    by: tuple[str, ...] = ()

    @classmethod
    def read(cls, given: Given) -> Self | None:
        """Read the time of the last success and the age that it may have."""
        last_success, within = given["last_success"].promql(), given["within"].duration_or_none()
        if last_success is None or within is None:
            return None
        return cls(last_success.text, Decimal(within.milliseconds) / 1000)

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:  # noqa: ARG002
        """Samples with too old a success."""
        return sampled(self.now()[0], window, function)

    def total(self, window: str, function: str = "rate") -> str:
        """All samples over *window*."""
        return sampled(self.now()[1], window, function)

    def mean(self, _window: str) -> str | None:
        """Samples are counted, not measured."""
        return None

    def now(self) -> tuple[str, str]:
        """How many rows are too old, of how many; both of numbers only, so that one is there with the other."""
        known = f"({tidy(self.last_success)}) >= -Inf"
        bad = summed(f"(time() - ({known})) > bool {literal(self.within)}", self.by)
        return bad, summed(known, self.by, "count")

    def counters(self) -> Counters | None:
        """Ages are looked at, not counted."""
        return None

    def lacks(self) -> str:
        """Both sides come from the same rows."""
        return ""
