"""What every SLI kind can say about itself."""

from typing import ClassVar, Protocol


class Sli(Protocol):
    """A source of bad and total events.

    `bad` and `total` return a PromQL vector expression with at most one row for each group, which carries exactly the
    labels *by* (without grouping: one row without labels). *function* is `rate` (per second) or `increase` (events in
    the window); *window* is a Prometheus duration. `bad` is 0, not absent, where there are events but no bad ones
    (theory: a missing error series must not hide the SLO).
    """

    kind: ClassVar[str]
    keys: ClassVar[tuple[str, ...]]
    """The keys below the kind's own that hold PromQL."""

    @property
    def by(self) -> tuple[str, ...]:
        """The labels that rows are told apart by; `dataclasses.replace(sli, by=…)` groups an SLI."""
        ...

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """Bad events over *window*; *total* is a cheaper text (a recorded series) with the rows of `self.total`."""
        ...

    def total(self, window: str, function: str = "rate") -> str:
        """All events over *window*."""
        ...

    def mean(self, window: str) -> str | None:
        """Mean of what was observed over *window*, in seconds; None for a kind that only counts."""
        ...

    def now(self) -> tuple[str, str] | None:
        """How many samples are bad and how many there are, this instant; None for a kind that counts events.

        A kind that looks at gauges would read every sample again for each window. Rules record these two instead and
        average the recordings; the averages are numbers of series, so they are divided by each other and not by time.
        """
        ...
