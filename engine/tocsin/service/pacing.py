"""Asking a metric source no faster than agreed."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from tocsin.ports import Answer, MetricSource, RangeAnswer


class PacedSource:
    """A MetricSource that is asked no more than so many questions in a minute; *wait* is how to wait for one's turn."""

    BURST = 10.0
    """Seconds' worth of questions that may go out at once."""

    def __init__(self, source: MetricSource, per_minute: int, wait: Callable[[float], object] = time.sleep) -> None:
        self._source = source
        self._gap = 60.0 / per_minute
        self._wait = wait
        self._free = 0.0

    def _turn(self) -> None:
        now = time.monotonic()
        self._free = max(self._free, now - self.BURST) + self._gap
        if self._free > now:
            self._wait(self._free - now)

    def instant(self, query: str, at: datetime) -> Answer:
        """Ask the source when it is time."""
        self._turn()
        return self._source.instant(query, at)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Ask the source when it is time."""
        self._turn()
        return self._source.range(query, start, end, step)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Ask the source when it is time."""
        self._turn()
        return self._source.raw(selector, start, end)
