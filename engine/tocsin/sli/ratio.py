"""Ratio: a counter of bad (or good) events beside a counter of all events."""

from dataclasses import dataclass
from typing import ClassVar

from tocsin.promql import over


@dataclass(frozen=True, slots=True)
class RatioSli:
    """Events told apart by a selector; exactly one of *bad_events* and *good_events* is given."""

    kind: ClassVar[str] = "ratio"
    keys: ClassVar[tuple[str, ...]] = ("bad", "good", "total")

    total_events: str
    bad_events: str | None = None
    good_events: str | None = None

    def bad(self, window: str, function: str = "rate") -> str:
        """Bad events over *window*; 0 where there are events and no bad series yet."""
        total = self.total(window, function)
        if self.bad_events is not None:
            return f"(sum({function}({over(self.bad_events, window)})) or 0 * {total})"
        good = f"sum({function}({over(self.good_events or '', window)}))"
        return f"clamp_min({total} - ({good} or 0 * {total}), 0)"

    def total(self, window: str, function: str = "rate") -> str:
        """All events over *window*."""
        return f"sum({function}({over(self.total_events, window)}))"

    def mean(self, _window: str) -> str | None:
        """Events are counted, not measured."""
        return None
