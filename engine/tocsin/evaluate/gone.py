"""Slices in which a counter was gone while its source looked at others, where these count as good or bad.

By itself a counter that is gone says nothing: its targets may be gone, or the source was. Every server that scrapes has
`up`. So where that was there, and the counter had been there before, the counter was looked at and was gone: the slice
is empty, also if the counter comes back and tells what it counted meanwhile. Where nobody scraped nobody can tell. A
group of a divided objective that is gone cannot be told from one that never was. Rules say the same while they are
evaluated, for a server that does not run evaluates nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from tocsin.evaluate.slices import complete, instant
from tocsin.guards import BASE
from tocsin.ledger.counts import COVERED, Counts
from tocsin.ledger.methods import IGNORE, events_of
from tocsin.ledger.model import MINUTE
from tocsin.ports import Labels, MetricSource
from tocsin.sli import Sli, SlicedSli, for_long
from tocsin.units import Duration

RAN = "count(count_over_time(up[2m]))"
"""Asked where the middle of its window is that of a minute: the least in which each target has a sample."""
MEMORY, GRID = Duration.of(days=30), Duration.of(minutes=30)
"""How far back a counter was there before, and on which grid that is looked for."""
_REQUEST = 360
"""Minutes that are asked for at once: thousands of targets have `up`."""


@dataclass(slots=True)
class Gone:
    """Looks for minutes in which the counter of *sli* was gone; what was asked for once is remembered."""

    sli: Sli
    _ran: set[int] = field(default_factory=set)
    """Numbers of minutes in which the source scraped something, up to minute *_until*."""
    _until: int = 0
    _there: dict[int, bool] = field(default_factory=dict)
    """By the number of a minute, whether there was a counter before."""

    def marked(
        self, source: MetricSource, found: Mapping[Labels, Counts], since: int, until: int
    ) -> dict[Labels, Counts]:
        """*found*, in which those minutes of [*since*, *until*) were looked at and empty, where such slices count."""
        first, last = since // MINUTE, until // MINUTE
        if not isinstance(self.sli, SlicedSli) or self.sli.empty == IGNORE or self.sli.by or first >= last:
            return dict(found)
        counts = found.get((), Counts.none(first, 0))
        known = counts.within(first, last)
        gaps = known.looked < COVERED * MINUTE
        if gaps[0] and not self._was_there(source, first):
            gaps[: len(gaps) if gaps.all() else int(gaps.argmin())] = False
        places = np.flatnonzero(gaps)
        if not len(places):
            return dict(found)
        self._look(source, first + int(places[0]), first + int(places[-1]) + 1)
        seen = places[[first + place in self._ran for place in places.tolist()]]
        return {**found, (): counts + _emptied(known, seen)}

    def _was_there(self, source: MetricSource, minute: int) -> bool:
        if minute not in self._there:
            total = for_long(events_of(self.sli)).total(str(BASE))
            answer = source.instant(f"count_over_time(({total})[{MEMORY}:{GRID}])", instant(minute * MINUTE * 1000))
            self._there[minute] = bool(answer.rows)
        return self._there[minute]

    def _look(self, source: MetricSource, low: int, high: int) -> None:
        for first in range(max(low, self._until), high, _REQUEST):
            last = min(first + _REQUEST, high)
            start, end = (instant((number * MINUTE + 3 * MINUTE // 2) * 1000) for number in (first, last - 1))
            for row in complete(source.range(RAN, start, end, timedelta(seconds=MINUTE))).rows:
                self._ran.update(int(at) // MINUTE - 1 for at, _ in row.points)
        self._until = max(self._until, high)


def _emptied(known: Counts, seen: NDArray[np.intp]) -> Counts:
    """What makes minutes *seen* out of those that are *known*, and empty but for what was counted while looked at."""
    found = Counts.none(known.first, len(known.looked))
    found.looked[seen] = MINUTE - known.looked[seen]
    unseen = seen[known.looked[seen] <= 0]
    for name in ("total", "bad", "total_across", "bad_across"):
        getattr(found, name)[unseen] = -getattr(known, name)[unseen]
    return found
