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
from typing import NamedTuple

from tocsin.evaluate.model import Identity
from tocsin.notify.page_budgets import followed

SIGNIFICANT = 0.02
"""The share of the budget at which the workbook's fastest tier pages."""
GRACE = timedelta(minutes=5)
_WEEK = timedelta(weeks=1)


class Cost(NamedTuple):
    """The share of a period's budget, and the objective whose budget it is; empty where nobody named one."""

    share: float
    of: str = ""


SpentUntil = Callable[["Incident", datetime, Sequence["Alert"]], Cost | None]
"""What an incident had cost by some time, in the budget that the alerts are about; None where they are about none."""


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
    """A stretch in which an alert fired; what still fires ends with the history.

    *about* says which alert; one that is *censored* may have fired before.
    """

    about: Identity | None = None
    still: bool = False
    censored: bool = False


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
    cost: Cost | None
    """What was gone when the first alert came."""
    reset: timedelta | None
    """From its end to the end of the last alert; negative where that came before, None while one still fires."""
    at_most: bool = False
    """Whether the first alert may have come before that."""

    @property
    def spent(self) -> float | None:
        """The share of the budget that was gone when the first alert came."""
        return None if self.cost is None else self.cost.share

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
    """Those that came within the history."""
    true: int
    """So many of them overlap a significant incident."""
    outside: timedelta
    """How long any alert fired outside significant incidents and the grace after them."""
    per_week: float
    """Pages, those that follow each other closely taken together."""

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
    spent_until: SpentUntil | None = None,
    since: datetime | None = None,
) -> Detection:
    """Measure *alerts* over a *history* of that length; those that begin no more than *together* apart are one page.

    Alerts that came before *since* have told of incidents, and are none of the history. Without *spent_until*, budgets
    are spent evenly.
    """
    if history <= timedelta(0):
        raise ValueError("there is no history to measure alerts over")
    fired = sorted(alerts, key=_start)
    wanted = sorted((one for one in incidents if one.spent >= significant), key=_start)
    hits = [[alert for alert in fired if _overlap(alert, incident, grace)] for incident in wanted]
    graced = merged([Stretch(one.start, one.end + grace) for one in wanted])
    paging = merged(Stretch(max(one.start, since or one.start), one.end) for one in fired if not _over(one, since))
    pages = followed([alert.start for alert in fired], together)
    return Detection(
        incidents=tuple(_found(one, hit, spent_until or _evenly) for one, hit in zip(wanted, hits, strict=True)),
        alerts=sum(not _before(alert, since) for alert in fired),
        true=len({id(alert) for alert in chain.from_iterable(hits) if not _before(alert, since)}),
        outside=_length(paging) - _length(_common(paging, graced)),
        per_week=sum(since is None or at >= since for at in pages) * (_WEEK / history),
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
    cost = spent_until(incident, first, [alert for alert in hits if alert.start <= first])
    reset = None if any(alert.still for alert in hits) else max(alert.end for alert in hits) - incident.end
    late = hits[0].censored and hits[0].start > incident.start
    return Found(incident, len(hits), first - incident.start, cost, reset, late)


def _evenly(incident: Incident, at: datetime, _alerts: Sequence[Alert]) -> Cost:
    return Cost(incident.spent_until(at))


def _before(one: Stretch, since: datetime | None) -> bool:
    return since is not None and one.start < since


def _over(one: Stretch, since: datetime | None) -> bool:
    return since is not None and one.end < since


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
