"""Probe: a gauge that says at each scrape whether something is well; a sample is an event."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Self

from tocsin.promql import metric_name, over, summed, tidy
from tocsin.sli.base import Counters, Given
from tocsin.sli.query import Form
from tocsin.units import Duration, literal

BOOLEAN_METRICS = frozenset({"up", "probe_success"})
"""Metrics that are 0 or 1 by definition: their samples can be summed without a subquery."""


@dataclass(frozen=True, slots=True)
class ProbeSli:
    """Samples of *up* below *at_least* (and NaN) are bad; several series count together.

    `up` and `probe_success` are counted sample by sample; any other gauge is looked at once per evaluation interval
    of the server.
    """

    kind: ClassVar[str] = "probe"
    keys: ClassVar[Mapping[str, tuple[Form, ...]]] = {"up": (Form.SELECTOR,)}

    up: str
    at_least: Decimal
    by: tuple[str, ...] = ()

    @classmethod
    def read(cls, given: Given) -> Self | None:
        """Read the gauge, and what it has to be."""
        up = given["up"].promql()
        at_least = given["at_least"].quantity() if "at_least" in given else Decimal(1)
        return cls(up.text, at_least) if up is not None and at_least is not None else None

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """Samples that are too low."""
        if self._boolean():
            good = summed(f"sum_over_time({over(self.up, window)})", self.by)
        else:
            good = summed(f"sum_over_time(({self._good()})[{window}:])", self.by)
        if total is not None:
            return f"clamp_min({total} - {_scaled(good, window, function)}, 0)"
        return _scaled(f"{self._samples(window)} - {good}", window, function)

    def total(self, window: str, function: str = "rate") -> str:
        """All samples over *window*."""
        return _scaled(self._samples(window), window, function)

    def mean(self, _window: str) -> str | None:
        """Samples are counted, not measured."""
        return None

    def now(self) -> tuple[str, str] | None:
        """How many series are too low, of how many."""
        return summed(f"1 - ({self._good()})", self.by), summed(tidy(self.up), self.by, "count")

    def counters(self) -> Counters | None:
        """Probes are looked at, not counted."""
        return None

    def lacks(self) -> str:
        """Both sides come from the same series."""
        return ""

    def _boolean(self) -> bool:
        return self.at_least == 1 and metric_name(self.up) in BOOLEAN_METRICS

    def _samples(self, window: str) -> str:
        return summed(f"count_over_time({over(self.up, window if self._boolean() else window + ':')})", self.by)

    def _good(self) -> str:
        return f"{tidy(self.up)} >= bool {literal(self.at_least)}"


def _scaled(events: str, window: str, function: str) -> str:
    """Events of the window, or per second like a counter's rate."""
    if function == "increase":
        return f"({events})"
    return f"({events}) / {Duration.parse(window).milliseconds // 1000}"
