"""What a back-test counts, and what it replays before that: alerts come to its start as open as they were."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from tocsin.backtest.detection import GRACE, Incident
from tocsin.backtest.ticks import Ticks
from tocsin.evaluate.rule import Rule
from tocsin.spec import Composite, Service, Threshold

BEFORE = timedelta(days=1)
"""What is open may have been so for a while: it flaps, or could not be seen."""
BETWEEN = timedelta(weeks=1)
"""An alert whose value hovers between its bounds fires for as long as it does."""
MOST = timedelta(days=30)
"""An incident that began longer ago is not waited for."""


@dataclass(frozen=True, slots=True)
class Period:
    """*ticks* count; *whole* has those before them, too, as far as there is a history.

    They should begin when *wanted*; *first* is when the history begins, where that is known.
    """

    ticks: Ticks
    whole: Ticks
    wanted: datetime
    first: datetime | None = None

    @classmethod
    def of(cls, ticks: Ticks, wanted: datetime, first: datetime | None) -> "Period":
        """Begin when *wanted*, and not before the *first* sample."""
        start = wanted if first is None else min(max(wanted, first), ticks.start)
        return cls(ticks, Ticks.between(start, ticks.end, ticks.step), wanted, first)

    @property
    def complete(self) -> bool:
        """Whether history reaches back as far as is wanted."""
        return self.first is None or self.first <= self.wanted + self.ticks.step


def lead(services: Iterable[Service], rules: Mapping[str, Rule], composites: Mapping[str, Composite]) -> timedelta:
    """How long alerts have to be watched until what they did before no longer matters.

    Any of *rules* has had the time to fire and to be over, one made of others after these (*composites* come behind
    their parts).
    """
    takes = {ref: (rule.timing.for_.timedelta + rule.timing.keep_firing_for.timedelta) for ref, rule in rules.items()}
    for ref, composite in composites.items():
        takes[ref] += max((takes.get(part.ref, timedelta()) for part in composite.parts()), default=timedelta())
    hovers = any(
        isinstance(alert.condition, Threshold) and alert.condition.clear is not None
        for service in services
        for alert in service.alerts
    )
    return (BETWEEN if hovers else BEFORE) + max(takes.values(), default=timedelta())


def begun(start: datetime, incidents: Iterable[Incident]) -> datetime:
    """When the first of the *incidents* began that reach into what begins at *start*; *start* where none does."""
    reaching = [one.start for one in incidents if start - MOST <= one.start and one.end + GRACE >= start]
    return min([start, *reaching])
