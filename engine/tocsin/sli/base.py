"""What every SLI kind can say about itself."""

from typing import ClassVar, Protocol


class Sli(Protocol):
    """A source of bad and total events.

    Both methods return a PromQL vector expression with at most one row without labels. *function* is `rate` (per
    second) or `increase` (events in the window); *window* is a Prometheus duration. `bad` is 0, not absent, where
    there are events but no bad ones (theory: a missing error series must not hide the SLO).
    """

    kind: ClassVar[str]
    keys: ClassVar[tuple[str, ...]]
    """The keys below the kind's own that hold selectors."""

    def bad(self, window: str, function: str = "rate") -> str:
        """Bad events over *window*."""
        ...

    def total(self, window: str, function: str = "rate") -> str:
        """All events over *window*."""
        ...

    def mean(self, window: str) -> str | None:
        """Mean of what was observed over *window*, in seconds; None for a kind that only counts."""
        ...
