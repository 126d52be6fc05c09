"""Slices of time as events: an SLI counted slice by slice instead of event by event.

With a *target* a slice is bad as a whole when fewer than that part of its events were good (OpenSLO's Timeslices;
exactly the target is good). Without one it is bad by its error ratio (RatioTimeslices). An empty slice is what the
objective says:

* `ignore`: it does not count, and the others count more;
* `good` or `bad`: it counts as such, also where the counter itself is gone. Where an objective is divided by labels, a
  group whose counter is gone cannot be told from one that never was, and is ignored. Where nothing was scraped nobody
  can tell: rules are not evaluated then, and a question about the past takes such slices off again.

Rules record the slice that ends now, once per slice, and add these up; others ask the same by a subquery.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar

from tocsin.sli.base import Counters, Sli
from tocsin.units import Duration, literal

EMPTY = ("ignore", "good", "bad")
_TIE = Decimal("1e-12")
"""A ratio of two floats that should be exactly the target may lie a rounding above it."""
_MOST = 4320
"""Slices of a question, three days of minutes, up to which it looks at `up` in each: every target has one."""


@dataclass(frozen=True, slots=True)
class SlicedSli:
    """The slices of *inner*, each as long as *slice*."""

    kind: ClassVar[str] = "slices"

    inner: Sli
    slice: Duration
    target: Decimal | None = None
    empty: str = "ignore"

    @property
    def by(self) -> tuple[str, ...]:
        """As the events are grouped."""
        return self.inner.by

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:  # noqa: ARG002
        """Bad slices over *window*: their number, or for a rate their part of all that the window has room for."""
        return self._over(self.now()[0], window, function, gone=self.empty == "bad")

    def total(self, window: str, function: str = "rate") -> str:
        """All slices over *window* that count."""
        return self._over(self.now()[1], window, function, gone=self.empty != "ignore")

    def mean(self, window: str) -> str | None:
        """That of the events."""
        return self.inner.mean(window)

    def now(self) -> tuple[str, str]:
        """Whether the slice that ends now is bad (or how much of it), and whether it counts; neither is ever NaN."""
        events = self.inner.total(str(self.slice))
        ratio = f"{self.inner.bad(str(self.slice))} / ({events} > 0)"
        # one NaN would make one of every sum over a window that it is in
        bad = f"({ratio} >= 0)" if self.target is None else f"({ratio} > bool {literal(1 - self.target + _TIE)})"
        if self.empty == "ignore":
            return bad, f"({events} > bool 0)"
        worth = 1 if self.empty == "bad" else 0
        nothing = f"(vector(1) unless on () {events})" if not self.by else ""
        gone = f" or {worth} * {nothing}" if nothing else ""
        counted = f"({events} >= bool 0){f' or {nothing}' if nothing else ''}"
        return f"{bad} or {worth} + 0 * ({events} == 0){gone}", counted

    def counters(self) -> Counters | None:
        """Slices are counted, not events."""
        return None

    def lacks(self) -> str:
        """As the events."""
        return self.inner.lacks()

    def room(self, window: Duration) -> Duration:
        """What holds as many ends of slices as *window* has slices: a moment less than it.

        Prometheus 2 counts both ends of a range, so an hour of minutes would hold 61 of them, and the budget, which
        adds up hours, would count the slice between two of them twice.
        """
        return Duration(window.milliseconds - min(1000, self.slice.milliseconds // 2))

    def _over(self, now: str, window: str, function: str, *, gone: bool) -> str:
        length = Duration.parse(window)
        steps = f"[{self.room(length)}:{self.slice}]"
        slices = f"sum_over_time(({now}){steps})"
        if gone and not self.by and length.milliseconds <= _MOST * self.slice.milliseconds:
            slices = f"({slices} - scalar({self._away(steps)}))"
        if function == "increase":
            return slices
        return f"{slices} * {self.slice.milliseconds / length.milliseconds!r}"

    def _away(self, steps: str) -> str:
        """How many slices count as gone though no target was scraped twice in them, on a server that has `up`."""
        gone = f"(vector(1) unless on () {self.inner.total(str(self.slice))})"
        away = f"count_over_time(({gone} unless on () (max(count_over_time(up[{self.slice}])) > 1)){steps})"
        return f"({away} and on () count(up)) or vector(0)"
