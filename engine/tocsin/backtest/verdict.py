"""What a replay comes to: pages and tickets, how often, for whom, and how well they told of incidents."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from tocsin.backtest.detection import Alert, Detection, Incident, detection
from tocsin.backtest.replay import Episode, Replay
from tocsin.notify.page_budgets import TOGETHER, Pages, Spending
from tocsin.ports import Action
from tocsin.spec import PageBudget

WEEK = timedelta(weeks=1)


@dataclass(frozen=True, slots=True)
class Fired:
    """One rule over the history."""

    rule: str
    severity: str
    episodes: int
    firing: timedelta


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one set of definitions did; *found* is None where nobody said what went wrong."""

    name: str
    replay: Replay
    left_out: tuple[tuple[str, str], ...]
    fired: tuple[Fired, ...]
    pages: int
    tickets: int
    pages_per_week: float
    """Pages that come closely after each other taken together."""
    messages: Mapping[str, int]
    """How often each channel would have told that something is wrong, reminders not counted."""
    found: Detection | None
    elsewhere: tuple[Incident, ...] = ()
    """Incidents of another time than what was replayed: nobody could have paged for them."""
    budgets: tuple[Spending, ...] = ()
    """Of each page budget the stretch of time with the most pages."""

    @property
    def detection_time(self) -> timedelta | None:
        """The median over the incidents that were paged for."""
        after = [one.after for one in self.found.incidents if one.after is not None] if self.found else []
        return timedelta(seconds=median(each.total_seconds() for each in after)) if after else None


def judge(  # noqa: PLR0917 - what was done, and what it is measured by
    name: str,
    replay: Replay,
    incidents: Sequence[Incident] | None,
    left_out: tuple[tuple[str, str], ...] = (),
    spent: Callable[[datetime, datetime], float] | None = None,
    page_budgets: Sequence[PageBudget] = (),
) -> Verdict:
    """Measure pages against *incidents*, which all deserve one; *spent* is the share of budget of a stretch of time."""
    told = Pages()
    told.add(replay.messages)
    pages = [episode for episode in replay.episodes if episode.pages]
    alerts = [_alert(episode, replay.ticks.end) for episode in pages]
    history = max(replay.ticks.length, replay.ticks.step)

    def until(incident: Incident, at: datetime) -> float:
        return spent(incident.start, min(at, incident.end)) if spent else incident.spent_until(at)

    ticks = replay.ticks
    elsewhere = tuple(one for one in incidents or () if one.end < ticks.start or one.start > ticks.end)
    inside = [one for one in incidents or () if one not in elsewhere]
    found = detection(inside, alerts, history, significant=0.0, together=TOGETHER, spent_until=until)
    return Verdict(
        name=name,
        replay=replay,
        left_out=left_out,
        fired=_fired(replay),
        pages=len(pages),
        tickets=len(replay.episodes) - len(pages),
        pages_per_week=found.per_week,
        messages=dict(sorted(Counter(m.channel for m in replay.messages if m.action is Action.FIRE).items())),
        found=None if incidents is None else found,
        elsewhere=elsewhere,
        budgets=tuple(told.worst(budget) or Spending(budget, 0, ticks.end) for budget in page_budgets),
    )


def _alert(episode: Episode, end: datetime) -> Alert:
    return Alert(episode.fired_at, episode.resolved_at or end)


def _fired(replay: Replay) -> tuple[Fired, ...]:
    by_rule: dict[str, list[Episode]] = {}
    for episode in replay.episodes:
        by_rule.setdefault(episode.rule, []).append(episode)
    end = replay.ticks.end
    return tuple(
        Fired(
            rule,
            some[0].view.severity,
            len(some),
            sum(((each.resolved_at or end) - each.fired_at for each in some), start=timedelta()),
        )
        for rule, some in sorted(by_rule.items())
    )
