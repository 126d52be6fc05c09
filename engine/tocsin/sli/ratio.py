"""Ratio: a counter of bad (or good) events beside a counter of all events."""

from dataclasses import dataclass
from typing import ClassVar

from tocsin.promql import over, summed


@dataclass(frozen=True, slots=True)
class RatioSli:
    """Events told apart by a selector; exactly one of *bad_events* and *good_events* is given."""

    kind: ClassVar[str] = "ratio"
    keys: ClassVar[tuple[str, ...]] = ("bad", "good", "total")

    total_events: str
    bad_events: str | None = None
    good_events: str | None = None
    by: tuple[str, ...] = ()

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """Bad events over *window*; 0 where there are events and no bad series yet."""
        total = total or self.total(window, function)
        if self.bad_events is not None:
            return f"({summed(f'{function}({over(self.bad_events, window)})', self.by)} or 0 * {total})"
        good = summed(f"{function}({over(self.good_events or '', window)})", self.by)
        return f"clamp_min({total} - ({good} or 0 * {total}), 0)"

    def total(self, window: str, function: str = "rate") -> str:
        """All events over *window*."""
        return summed(f"{function}({over(self.total_events, window)})", self.by)

    def mean(self, _window: str) -> str | None:
        """Events are counted, not measured."""
        return None

    def now(self) -> tuple[str, str] | None:
        """Events are counted, not looked at."""
        return None
