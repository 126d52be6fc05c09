"""Ratio: a counter of bad (or good) events beside a counter of all events."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Self

from tocsin.promql import is_windowed, metric_name, over, summed
from tocsin.sli.base import Counters, Given
from tocsin.sli.newborn import born_within, countable, with_births
from tocsin.sli.query import Form, UnitOfWindowError, events, seconds_of, unit_of

_FORMS = (Form.SELECTOR, Form.WINDOWED)
Births = Callable[[str, str], str]
"""What each series of a selector has counted that was born within a window, with the label `newborn.MARK`."""


@dataclass(frozen=True, slots=True)
class RatioSli:
    """Events told apart by their counters; exactly one of *bad_events* and *good_events* is given.

    All texts are plain selectors, or all are PromQL with `$window`. *missing_errors* and *new_series* are guards that
    an objective sets: whether no bad series at all means that no event was bad, and whether a series that is born
    counts from zero (`newborn`). *births* is a cheaper way to tell births than to look for them in each window.
    """

    kind: ClassVar[str] = "ratio"
    keys: ClassVar[Mapping[str, tuple[Form, ...]]] = {"bad": _FORMS, "good": _FORMS, "total": _FORMS}

    total_events: str
    bad_events: str | None = None
    good_events: str | None = None
    by: tuple[str, ...] = ()
    missing_errors: bool = True
    new_series: bool = False
    births: Births | None = None

    @classmethod
    def read(cls, given: Given) -> Self | None:
        """Read bad or good events, and all."""
        keys = [key for key in ("bad", "good") if key in given]
        if len(keys) != 1:
            seen = "has both bad and good events" if keys else "has neither bad nor good events"
            message = f"a ratio needs either bad or good events, this one {seen}"
            given.report("sli/events", message, "keep one", span=given.key_span)
            return None
        bad, good, total = given["bad"].promql(), given["good"].promql(), given["total"].promql()
        of = bad or good
        if total is None or of is None or not _alike(given, {keys[0]: of.text, "total": total.text}):
            return None
        return cls(total.text, bad_events=bad.text if bad else None, good_events=good.text if good else None)

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """Bad events over *window*; 0 where there are events and no bad series yet."""
        if self.bad_events is not None:
            bad = self._events(self.bad_events, window, function)
            zero = total or events(self.total_events, window, function, self.by)  # as many rows, for less
            return f"({bad} or 0 * {zero})" if self.missing_errors else f"({bad})"
        total = total or self.total(window, function)
        good = self._events(self.good_events or "", window, function)
        return f"clamp_min({total} - ({good} or 0 * {total}), 0)"

    def total(self, window: str, function: str = "rate") -> str:
        """All events over *window*."""
        return self._events(self.total_events, window, function)

    def mean(self, _window: str) -> str | None:
        """Events are counted, not measured."""
        return None

    def now(self) -> tuple[str, str] | None:
        """Events are counted, not looked at."""
        return None

    def counters(self) -> Counters | None:
        """Both counters, where they are plain selectors that look at the present."""
        part = self.bad_events or self.good_events or ""
        if not countable(part, self.total_events):
            return None
        return Counters(
            self.total_events,
            part,
            good=self.bad_events is None,
            needed=self.bad_events is not None and not self.missing_errors,
            births=self.counts_births(),
        )

    def lacks(self) -> str:
        """Without a series of bad events there were none."""
        return "" if self.missing_errors else "a series of bad events"

    def counts_births(self) -> bool:
        """Whether the events with which a series is born can be counted.

        Good events have to be series of all events: with counters of different targets, births in one of them alone
        would look like errors.
        """
        part = self.bad_events or self.good_events or ""
        if not countable(part, self.total_events):
            return False
        return self.bad_events is not None or metric_name(part) == metric_name(self.total_events)

    def _events(self, text: str, window: str, function: str) -> str:
        if self.births is not None:
            born = self.births(text, window)
        elif self.new_series and self.counts_births():
            born = born_within(text, self.total_events, window)
        else:
            return events(text, window, function, self.by)
        seconds = f" / {seconds_of(window)}" if function == "rate" else ""
        return summed(f"\n  {with_births(f'({born}){seconds}', f'{function}({over(text, window)})')}\n", self.by)


def _alike(given: Given, texts: Mapping[str, str]) -> bool:
    """Whether both texts say their window, or neither, and count in the same unit."""
    windowed = [key for key, text in texts.items() if is_windowed(text)]
    if not windowed:
        return True
    if plain := next((key for key in texts if key not in windowed), None):
        given[plain].report(
            "sli/window",
            f"{windowed[0]} says with $window where its window goes, and {plain} does not",
            "write both as plain selectors, or both with $window, such as sum(rate(http_requests_total[$window]))",
        )
        return False
    units = {}
    for key in windowed:
        try:
            units[key] = unit_of(texts[key])
        except UnitOfWindowError as error:
            given[key].report_inside("sli/window", error.message, error.hint, error.start, error.end)
            return False
    if len(set(units.values())) > 1:
        rate, other = sorted(units, key=lambda key: units[key] != "rate")
        given[other].report(
            "sli/window",
            f"{rate} counts events per second, {other} counts them per window",
            "use rate() in both, or increase() in both",
        )
        return False
    return True
