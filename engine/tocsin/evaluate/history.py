"""Since when events of an SLI are known: the guard against a long window with a short history.

A service that was born, or born again after days, ten minutes ago has ten minutes of an hour. The compiled rules ask
for the first total within each window at each evaluation (`slo:born:timestamp_seconds`); here that is asked of
the raw expression, and only as often as its answer can change: as long as the first total is still within the window
it stays the first one, and a look that finds no total at all makes everything be asked again.

A pause of at most PAUSE does not make a service young, for the rules and here: where the first total of a window is not
at its start, it is asked once whether there was one shortly before that, which then is in front of the window. Where a
look finds none, another one looks closer: a life of a few minutes may lie between two steps of five.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from math import inf, isfinite

from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.cadence import Cadence
from tocsin.guards import BASE, first_seen, resolution, seen_before
from tocsin.sli import Sli
from tocsin.units import Duration

_NEVER = (inf, -inf)
HOUR, DAY = Duration.of(hours=1), Duration.of(days=1)


@dataclass(slots=True)
class _First:
    """The last answer for one window: unix seconds, or None where there was no total at all."""

    cadence: Cadence = field(default_factory=Cadence)
    at: float | None = None
    resumed: tuple[float, bool] | None = None
    """Of that first total: whether it only came after a pause."""


@dataclass(slots=True)
class History:
    """Asks when events of *sli* were first seen within a window, not more often than *every*."""

    sli: Sli
    every: timedelta
    firsts: dict[Duration, _First] = field(default_factory=dict)
    whole: dict[Duration, tuple[float, float]] = field(default_factory=dict)
    """From when to when a window is known to have a history of its length: until the next question at the earliest."""

    def interrupted(self) -> None:
        """There is no total now, so when it comes back another one will be the first."""
        self.firsts.clear()
        self.whole.clear()

    def share(self, asker: Asker, window: Duration) -> float:
        """The part of *window* since the first total in it; 1 where the source will not say, for a page is safer."""
        since, until = self.whole.get(window, _NEVER)
        if since <= asker.at.timestamp() < until:
            return 1.0
        firsts = self._firsts(asker, window)
        if isinstance(firsts[-1], Unanswered):
            return 1.0
        known = [first for first in firsts if isinstance(first, float)]
        if not known:
            return 0.0
        share = _share(asker.at, min(known), window)
        if share == 1:
            self.whole[window] = asker.at.timestamp(), self._settled(window)
        return 1.0 if share < 1 and self._resumed(asker, window, min(known)) else share

    def observed(self, asker: Asker, window: Duration) -> float:
        """The part of a long *window* since the first total in it; at least a minute of it."""
        firsts = self._firsts(asker, window)
        if isinstance(firsts[-1], Unanswered):
            return 1.0
        known = [first for first in firsts if isinstance(first, float)]
        least = float(resolution(HOUR).seconds / window.seconds)
        return max(least, _share(asker.at, min(known), window)) if known else least

    def _settled(self, window: Duration) -> float:
        """Until when nothing is asked for *window*, and so nothing changes but that time goes on."""
        return min(self._next(self.firsts[one], one) for one in _parts(window))

    def _next(self, found: _First, window: Duration) -> float:
        """When its first total is asked for again: when it leaves the window, or at the cadence."""
        if found.at is None or found.cadence.asked is None:
            return _NEVER[1]
        asked = found.cadence.asked + max(self.every, resolution(window).timedelta)
        return max(asked.timestamp(), found.at + float(window.seconds))

    def _firsts(self, asker: Asker, window: Duration) -> list[float | Unanswered | None]:
        """For *window*, last, and for shorter ones: in one of 30 days history begins on a grid of hours."""
        return [self._first(asker, one) for one in _parts(window)]

    def _first(self, asker: Asker, window: Duration) -> float | Unanswered | None:
        found = self.firsts.setdefault(window, _First())
        if self._due(found, asker.at, window):
            _ask(found, asker, first_seen(f"{self.sli.total(str(BASE))} >= 0", window))
        elif found.cadence.failures:
            asker.still_failing(found.cadence.reason)
        return Unanswered(found.cadence.reason) if found.cadence.failures else found.at

    def _resumed(self, asker: Asker, window: Duration, first: float) -> bool:
        """Whether there were events at most PAUSE before the *first* of *window*, and so before the window."""
        found = self.firsts[window]
        if found.resumed is None or found.resumed[0] != first:
            ago = round(asker.at.timestamp() - first)
            questions = seen_before(f"{self.sli.total(str(BASE))} >= 0", ago, resolution(window))
            seen = _any_rows(asker, questions)
            if isinstance(seen, Unanswered):
                return True
            found.resumed = first, seen
        return found.resumed[1]

    def _due(self, found: _First, at: datetime, window: Duration) -> bool:
        if found.cadence.failures:
            return found.cadence.due(at, self.every)
        if found.at is None:
            return True
        still = at.timestamp() - float(window.seconds) <= found.at <= at.timestamp()
        return not still and found.cadence.due(at, max(self.every, resolution(window).timedelta))


@lru_cache(maxsize=64)
def _parts(window: Duration) -> tuple[Duration, ...]:
    return tuple(sorted({window, *(one for one in (HOUR, DAY) if one < window)}))


def _ask(found: _First, asker: Asker, query: str) -> None:
    answer = asker.complete(query)
    if isinstance(answer, Unanswered):
        found.cadence.failed(asker.at, answer.reason)
        return
    found.cadence.answered(asker.at)
    found.at = next((row.value for row in answer.rows if isfinite(row.value)), None)


def _any_rows(asker: Asker, questions: Iterable[str]) -> bool | Unanswered:
    """Whether one of the questions has rows; the later ones are for where those before have none."""
    for question in questions:
        answer = asker.complete(question)
        if isinstance(answer, Unanswered):
            return answer
        if answer.rows:
            return True
    return False


def _share(at: datetime, first: float, window: Duration) -> float:
    return min(1.0, max(0.0, (at.timestamp() - first) / float(window.seconds)))
