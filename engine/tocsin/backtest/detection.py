"""How well alerts told of incidents: precision, recall, times, budget at the page, pages per week.

An incident is significant if it spent a share of the period's budget that is worth being woken up for. An alert is true
if it overlaps a significant incident or the *grace* after it, in which alerts come that were under way. Everything is
counted by alert and by incident, never by minute: one hit must not credit a whole stretch ("point adjustment"), nor a
long alert count more than a short one. (Tatbul et al., "Precision and Recall for Time Series", NeurIPS 2018.)
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain

SIGNIFICANT = 0.02
"""The share of the budget at which the workbook's fastest tier pages."""
GRACE = timedelta(minutes=5)
_WEEK = timedelta(weeks=1)

SpentUntil = Callable[["Incident", datetime], float]


@dataclass(frozen=True, slots=True)
class Stretch:
    """From *start* until *end*, which is not before it."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"it ends at {self.end:%Y-%m-%dT%H:%M:%S%z}, before it starts")


@dataclass(frozen=True, slots=True)
class Alert(Stretch):
    """A stretch in which an alert fired; what still fires ends with the history."""


@dataclass(frozen=True, slots=True)
class Incident(Stretch):
    """A stretch in which something was wrong; *spent* is the share of the period's budget that it cost."""

    spent: float
    name: str = ""

    def spent_until(self, at: datetime) -> float:
        """What it had cost by then, if it cost as much in every minute."""
        if at >= self.end:
            return self.spent
        return self.spent * max((at - self.start) / (self.end - self.start), 0.0)


@dataclass(frozen=True, slots=True)
class Found:
    """What alerts made of one incident: *alerts* of them overlap it; without one the rest is None."""

    incident: Incident
    alerts: int
    after: timedelta | None
    """From its start to the first alert; 0 where one fired already."""
    spent: float | None
    """The share of the budget that was gone when the first alert came."""
    reset: timedelta | None
    """From its end to the end of the last alert; negative where that came before."""

    @property
    def flaps(self) -> int:
        """How often it was told of again."""
        return max(self.alerts - 1, 0)


@dataclass(frozen=True, slots=True)
class Detection:
    """The measures of one back-test."""

    incidents: tuple[Found, ...]
    """The significant ones, in order of time."""
    alerts: int
    true: int
    """So many of the alerts overlap a significant incident."""
    outside: timedelta
    """How long any alert fired outside significant incidents and the grace after them."""
    per_week: float
    """Pages, alerts that follow each other closely taken together."""

    @property
    def precision(self) -> float | None:
        """True alerts of all; None without alerts."""
        return self.true / self.alerts if self.alerts else None

    @property
    def recall(self) -> float | None:
        """Significant incidents with an alert, of all; None without incidents."""
        return sum(found.alerts > 0 for found in self.incidents) / len(self.incidents) if self.incidents else None


def detection(
    incidents: Iterable[Incident],
    alerts: Iterable[Alert],
    history: timedelta,
    *,
    significant: float = SIGNIFICANT,
    grace: timedelta = GRACE,
    together: timedelta = timedelta(0),
    spent_until: SpentUntil = Incident.spent_until,
) -> Detection:
    """Measure *alerts* over a *history* of that length; those no more than *together* apart are one page.

    *spent_until* says what an incident had cost by some time; without it, budgets are spent evenly.
    """
    if history <= timedelta(0):
        raise ValueError("there is no history to measure alerts over")
    fired = sorted(alerts, key=_start)
    wanted = sorted((one for one in incidents if one.spent >= significant), key=_start)
    hits = [[alert for alert in fired if _overlap(alert, incident, grace)] for incident in wanted]
    graced = merged([Stretch(one.start, one.end + grace) for one in wanted])
    paging = merged(fired)
    return Detection(
        incidents=tuple(_found(one, hit, spent_until) for one, hit in zip(wanted, hits, strict=True)),
        alerts=len(fired),
        true=len({id(alert) for alert in chain.from_iterable(hits)}),
        outside=_length(paging) - _length(_common(paging, graced)),
        per_week=len(merged(fired, together)) * (_WEEK / history),
    )


def merged(stretches: Iterable[Stretch], gap: timedelta = timedelta(0)) -> tuple[Stretch, ...]:
    """Stretches that overlap, touch, or are no more than *gap* apart become one; in order of time."""
    whole: list[Stretch] = []
    for one in sorted(stretches, key=_start):
        if whole and one.start <= whole[-1].end + gap:
            whole[-1] = Stretch(whole[-1].start, max(whole[-1].end, one.end))
        else:
            whole.append(Stretch(one.start, one.end))
    return tuple(whole)


def _found(incident: Incident, hits: Sequence[Alert], spent_until: SpentUntil) -> Found:
    if not hits:
        return Found(incident, 0, None, None, None)
    first = max(hits[0].start, incident.start)
    last = max(alert.end for alert in hits)
    return Found(incident, len(hits), first - incident.start, spent_until(incident, first), last - incident.end)


def _overlap(alert: Alert, incident: Incident, grace: timedelta) -> bool:
    return alert.start <= incident.end + grace and alert.end >= incident.start


def _common(ones: Iterable[Stretch], others: Sequence[Stretch]) -> list[Stretch]:
    """What lies in both; each side is merged already."""
    pairs = ((max(a.start, b.start), min(a.end, b.end)) for a in ones for b in others)
    return [Stretch(start, end) for start, end in pairs if start < end]


def _length(stretches: Iterable[Stretch]) -> timedelta:
    return sum((one.end - one.start for one in stretches), start=timedelta(0))


def _start(one: Stretch) -> datetime:
    return one.start
