"""Threshold: a value that has to stay within bounds; the share of time in which it does."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from tocsin.promql import summed, tidy
from tocsin.sli.base import Counters, Given
from tocsin.sli.query import Form, sampled
from tocsin.units import literal


@dataclass(frozen=True, slots=True)
class ThresholdSli:
    """Samples of *value* below *at_least* or above *at_most* are bad; every row counts, NaN is no sample."""

    kind: ClassVar[str] = "threshold"
    keys: ClassVar[Mapping[str, tuple[Form, ...]]] = {"value": (Form.INSTANT,)}

    value: str
    at_least: Decimal | None = None
    at_most: Decimal | None = None
    by: tuple[str, ...] = ()

    @classmethod
    def read(cls, given: Given) -> Self | None:
        """Read a value with one bound or two."""
        value, at_least, at_most = given["value"].promql(), given["at_least"].quantity(), given["at_most"].quantity()
        if not ("at_least" in given or "at_most" in given):
            message = "a threshold has a bound, this one has neither at_least nor at_most"
            given.report("sli/bounds", message, "add one of them", span=given.key_span)
            return None
        if at_least is not None and at_most is not None and at_least > at_most:
            message = f"no value is at least {literal(at_least)} and at most {literal(at_most)}"
            given["at_most"].report("sli/bounds", message, "exchange the two")
            return None
        wrong = ("at_least" in given and at_least is None) or ("at_most" in given and at_most is None)
        return None if value is None or wrong else cls(value.text, at_least, at_most)

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:  # noqa: ARG002
        """Samples out of bounds."""
        return sampled(self.now()[0], window, function)

    def total(self, window: str, function: str = "rate") -> str:
        """All samples over *window*."""
        return sampled(self.now()[1], window, function)

    def mean(self, _window: str) -> str | None:
        """Samples are counted, not measured."""
        return None

    def now(self) -> tuple[str, str]:
        """How many rows are out of bounds, of how many; both of numbers only, so that one is there with the other."""
        known = f"({tidy(self.value)}) >= -Inf"
        value = f"({known})"
        below = [f"{value} < bool {literal(self.at_least)}"] if self.at_least is not None else []
        above = [f"{value} > bool {literal(self.at_most)}"] if self.at_most is not None else []
        bad = " + ".join(summed(out, self.by) for out in (*below, *above))
        return bad, summed(known, self.by, "count")

    def counters(self) -> Counters | None:
        """Values are looked at, not counted."""
        return None

    def lacks(self) -> str:
        """Both sides come from the same rows."""
        return ""
