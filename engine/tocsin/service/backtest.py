"""A back-test of definitions: history is read once, and then replayed."""

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from tocsin.backtest.detection import Cost
from tocsin.backtest.period import Period, lead
from tocsin.backtest.replay import Member, Replay, replay
from tocsin.backtest.stops import HISTORY
from tocsin.backtest.ticks import Ticks
from tocsin.backtest.traffic import SloReplay
from tocsin.backtest.travelled import JourneyReplay
from tocsin.backtest.values import AlertReplay, Table
from tocsin.errors import SourceError, SourceUnreachableError, UnavailableError
from tocsin.evaluate import burn
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.counting import LATE, LONG, counted
from tocsin.evaluate.journey import LOOKED_BACK, members
from tocsin.evaluate.measured import RAN, Measured
from tocsin.evaluate.model import Identity
from tocsin.evaluate.questions import QUESTIONS
from tocsin.evaluate.tick import Watch
from tocsin.guards import TRAFFIC_MEMORY
from tocsin.ledger.counts import Counts
from tocsin.ledger.methods import events_of
from tocsin.notify.muting import muting_of
from tocsin.plan.journey import paging_tiers
from tocsin.ports import Labels, MetricSource
from tocsin.sli import Sli
from tocsin.spec import AlertRule, JourneySlo, Service, Slo
from tocsin.windows import windows_of
from tocsin.workspace import Workspace

ASKERS = 2
"""Questions at a time: the server's work and ours overlap."""
_EVERYTHING = 10**9


@dataclass(frozen=True, slots=True)
class Replayed:
    """What came of it; *left_out* says of each rule that was not replayed why."""

    replay: Replay
    period: Period
    objectives: tuple[SloReplay | JourneyReplay, ...]
    left_out: tuple[tuple[str, str], ...]
    unseen: tuple[tuple[str, str], ...] = ()
    """What there was nothing to see of, and why."""

    def spent(self, about: Iterable[Identity], start: datetime, end: datetime) -> Cost | None:
        """The most that one of the objectives lost between two times that the alerts *about* are of.

        An alert that is of none is about those of its service.
        """
        costs = [
            Cost(each.spent(start, end, identity.labels), each.slo.ref)
            for identity in about
            for each in self.objectives
            if _is_about(identity.rule, each.slo.ref)
        ]
        return max(costs, key=lambda cost: cost.share, default=None)


def _is_about(rule: str, ref: str) -> bool:
    """A tier is about its objective, any other alert about those of its service."""
    owner, _, tier = rule.partition(":")
    return owner == ref if tier else owner.partition("/")[0] == ref.partition("/")[0]


@dataclass(slots=True, eq=False)
class Reading:
    """A history that is read once for all definitions; there are no samples from before *first*."""

    source: MetricSource
    period: Period
    first: datetime | None = None
    counts: dict[tuple[Sli, int], Mapping[Labels, Counts]] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)

    @property
    def ticks(self) -> Ticks:
        """All that are replayed."""
        return self.period.whole

    def traffic(self, slo: Slo) -> Mapping[Labels, Counts]:
        """What *slo* counted, from the longest window before the first tick on, or from the week of its pauses."""
        needed = HISTORY if slo.no_traffic.alert else TRAFFIC_MEMORY
        since = self.ticks.start - max([*windows_of(slo.tiers), needed]).timedelta
        if self.first is not None:
            since = max(since, self.first)
        start, end = int(since.timestamp()) // LONG * LONG, int(self.ticks.end.timestamp())
        sli = events_of(slo.sli)
        key = (sli, start)
        if key not in self.counts:
            self.counts[key] = counted(self.source, sli, start, end, end + LATE)
        return self.counts[key]

    def table(self, text: str) -> Table:
        """The rows of an expression at all ticks."""
        if text not in self.tables:
            ticks = self.ticks
            self.tables[text] = Table.of(self.source.range(text, ticks.start, ticks.end, ticks.step), ticks)
        return self.tables[text]


def lead_of(workspace: Workspace) -> timedelta:
    """How long before the first tick that counts the alerts of *workspace* have to be watched."""
    watch = Watch(workspace)
    return lead(workspace.services, watch.rules, watch.combined)


@dataclass(frozen=True, slots=True)
class _Part:
    member: Member
    rules: tuple[str, ...]


def run(workspace: Workspace, reading: Reading) -> Replayed:
    """Replay all alerts of *workspace*; raises UnavailableError where the source does not answer."""
    watch = Watch(workspace)
    jobs: list[tuple[str, Callable[[], _Part]]] = []
    for service in workspace.services:
        jobs += [(slo.ref, partial(_objective, reading, service, slo)) for slo in service.slos]
        asked = [alert for alert in service.alerts if type(alert.condition) in QUESTIONS]
        jobs += [(alert.ref, partial(_alert, reading, alert)) for alert in asked]
    measured = watch.composites.measured
    jobs += [(slo.ref, partial(_journey, reading, measured, slo)) for slo in measured.journeys.values()]
    with ThreadPoolExecutor(ASKERS) as pool:
        found = list(pool.map(_attempt, jobs))
    parts = [part for part in found if isinstance(part, _Part)]
    left_out = [part for part in found if not isinstance(part, _Part)]
    left_out += [(f"sla:{one.name}", "alerts of contracts are not replayed") for one in workspace.slas]
    members = [(part.member, part.rules) for part in parts]
    first = reading.first or min((one.member.first for one in parts if one.member.first is not None), default=None)
    result = replay(
        members,
        watch.rules,
        watch.combined,
        workspace.notifications,
        reading.ticks,
        muting=muting_of(workspace),
        counted=reading.period.ticks,
        known=first,
    )
    objectives = tuple(part.member for part in parts if isinstance(part.member, SloReplay | JourneyReplay))
    unseen = tuple(sorted(one for part in parts if (one := _unseen(part.member)) is not None))
    return Replayed(result, replace(reading.period, first=first), objectives, tuple(sorted(left_out)), unseen)


def _unseen(member: Member) -> tuple[str, str] | None:
    if member.first is not None:
        return None
    if isinstance(member, SloReplay):
        return member.slo.ref, "no events were counted in all this time"
    if isinstance(member, AlertReplay) and member.compares and member.alert.on_missing != "fire":
        return member.alert.ref, "its expression has no rows in all this time"
    return None


def _attempt(job: tuple[str, Callable[[], _Part]]) -> _Part | tuple[str, str]:
    ref, work = job
    try:
        return work()
    except SourceUnreachableError as error:
        raise UnavailableError(f"the metric source does not answer: {error}") from error
    except SourceError as error:
        return ref, str(error)


def _objective(reading: Reading, service: Service, slo: Slo) -> _Part:
    member = SloReplay.of(slo, reading.traffic(slo), reading.ticks)
    return _Part(member, tuple(rule.id for rule in burn.rules(service, slo)))


def _alert(reading: Reading, alert: AlertRule) -> _Part:
    member = AlertReplay.of(alert, reading.source, reading.ticks, reading.table)
    return _Part(member, (alert.ref,))


def _journey(reading: Reading, measured: Measured, slo: JourneySlo) -> _Part:
    ticks, tiers = reading.ticks, paging_tiers(slo)
    if not tiers:
        raise SourceError(f"slices of {slo.slice} are too long for a burn-rate alert")
    since = ticks.start - max(tier.long.timedelta for tier in tiers) - slo.slice.timedelta - LOOKED_BACK
    if reading.first is not None:
        since = max(since, reading.first)
    asker = Asker(reading.source, ticks.end, ranges=_EVERYTHING)
    names = (*members(slo.combine), *([RAN] if slo.missing.count_as != "ignore" else []))
    books = {name: measured.book((name, slo.slice.milliseconds, 0), events=False) for name in names}
    for book in books.values():
        book.refresh(asker, since, timedelta())
        if book.reason:
            raise SourceError(book.reason)
    ran = books.pop(RAN, None)
    asleep = frozenset[int]() if ran is None else ran.between()
    return _Part(JourneyReplay.of(slo, books, ticks, asleep), (f"{slo.ref}:burn",))
