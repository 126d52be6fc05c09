"""What a replay comes to: pages and tickets, how often, for whom, and how well they told of incidents."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from tocsin.backtest.detection import GRACE, Alert, Cost, Detection, Incident, detection
from tocsin.backtest.period import Period
from tocsin.backtest.replay import Episode, Replay
from tocsin.evaluate.model import Identity
from tocsin.notify.page_budgets import TOGETHER, Pages, Spending
from tocsin.ports import Action
from tocsin.spec import PageBudget

WEEK = timedelta(weeks=1)
Spent = Callable[[Iterable[Identity], datetime, datetime], Cost | None]
"""What the objectives that some alerts are about lost between two times."""


@dataclass(frozen=True, slots=True)
class Fired:
    """One rule over the history; *already* of its alerts fired when it began, and are not among its *episodes*."""

    rule: str
    severity: str
    episodes: int
    firing: timedelta
    already: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one set of definitions did; *found* is None where nobody said what went wrong."""

    name: str
    replay: Replay
    period: Period
    left_out: tuple[tuple[str, str], ...]
    fired: tuple[Fired, ...]
    pages: int
    """Those that came within the history, as tickets."""
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
    unseen: tuple[tuple[str, str], ...] = ()
    """What there was nothing to see of, and why: quiet is no good news."""
    pages_already: int = 0
    """Those that fired when the history began."""
    tickets_already: int = 0

    @property
    def detection_time(self) -> timedelta | None:
        """The median over the incidents that were paged for."""
        after = [one.after for one in self.found.incidents if one.after is not None] if self.found else []
        return timedelta(seconds=median(each.total_seconds() for each in after)) if after else None


def judge(  # noqa: PLR0917 - what was done, and what it is measured by
    name: str,
    replay: Replay,
    period: Period,
    incidents: Sequence[Incident] | None,
    left_out: tuple[tuple[str, str], ...] = (),
    spent: Spent | None = None,
    page_budgets: Sequence[PageBudget] = (),
    unseen: tuple[tuple[str, str], ...] = (),
) -> Verdict:
    """Measure pages against *incidents*, which all deserve one; *spent* says what they had cost by then."""
    told, ticks = Pages(), replay.ticks
    told.add(replay.messages)
    alerts = [_alert(each, ticks.end) for each in (*replay.earlier, *replay.episodes) if each.pages]
    history = max(ticks.length, ticks.step)

    def until(incident: Incident, at: datetime, pages: Sequence[Alert]) -> Cost | None:
        about = [page.about for page in pages if page.about is not None]
        return spent(about, incident.start, min(at, incident.end)) if spent else None

    elsewhere = tuple(one for one in incidents or () if one.end + GRACE < ticks.start or one.start > ticks.end)
    inside = [one for one in incidents or () if one not in elsewhere]
    found = detection(inside, alerts, history, significant=0.0, together=TOGETHER, spent_until=until, since=ticks.start)
    count = Counter((each.pages, replay.already(each)) for each in replay.episodes)
    return Verdict(
        name=name,
        replay=replay,
        period=period,
        left_out=left_out,
        fired=_fired(replay),
        pages=count[True, False],
        tickets=count[False, False],
        pages_per_week=found.per_week,
        messages=dict(sorted(Counter(m.channel for m in replay.messages if m.action is Action.FIRE).items())),
        found=None if incidents is None else found,
        elsewhere=elsewhere,
        budgets=tuple(told.worst(budget) or Spending(budget, 0, ticks.end) for budget in page_budgets),
        unseen=unseen,
        pages_already=count[True, True],
        tickets_already=count[False, True],
    )


def _alert(each: Episode, end: datetime) -> Alert:
    return Alert(each.fired_at, each.resolved_at or end, each.view.identity, each.resolved_at is None, each.censored)


def _fired(replay: Replay) -> tuple[Fired, ...]:
    by_rule: dict[str, list[Episode]] = {}
    for episode in replay.episodes:
        by_rule.setdefault(episode.rule, []).append(episode)
    start, end = replay.ticks.start, replay.ticks.end
    made = []
    for rule, some in sorted(by_rule.items()):
        firing = sum(((each.resolved_at or end) - max(each.fired_at, start) for each in some), start=timedelta())
        already = sum(replay.already(each) for each in some)
        made.append(Fired(rule, some[0].view.severity, len(some) - already, firing, already))
    return tuple(made)
