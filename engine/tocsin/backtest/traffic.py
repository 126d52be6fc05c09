"""An objective's alerts over a whole history: counted once by the ledger, asked tick by tick as the evaluator asks.

The windows of burn rates are differences of running sums, so ten tiers over thirty days cost no more than one. To have
a server evaluate the rules' expressions instead is dear, because of the guard of new series (decision 0021). The ledger
counts births, too, and reads every sample once.

Not every tick is asked. One at which every alert is as true or false as at the tick before cannot change what is quiet,
nor what fires.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from tocsin.backtest.running import Traffic
from tocsin.backtest.stops import Stops
from tocsin.backtest.ticks import Ticks
from tocsin.errors import SourceError
from tocsin.evaluate.absence import Texts
from tocsin.evaluate.asking import MARK, Asker
from tocsin.evaluate.burn import union
from tocsin.evaluate.grouped import GroupedQuestion, question_of
from tocsin.evaluate.rule import Seen
from tocsin.evaluate.slo import SloQuestion
from tocsin.guards import (
    BASE,
    PAUSE,
    RAW_LIMIT,
    TRAFFIC_MEMORY,
    enough,
    first_seen,
    resolution,
    seen_before,
)
from tocsin.ledger.arrays import Bools, Floats
from tocsin.ledger.counts import Counts
from tocsin.ports import Answer, Labels, RangeAnswer, Row, labels_of
from tocsin.sli import for_long
from tocsin.spec import Slo
from tocsin.units import Duration
from tocsin.windows import Tier, windows_of

_ALIVE = "vector(1)"
_OFFSET = " offset "
Ask = Callable[[Stops, float], Mapping[str, float]]
"""What one question is answered with for a group at an instant (unix seconds), by the mark of the row."""


@dataclass(slots=True, eq=False)
class Counted:
    """A metric source that answers what an SLO's question asks, out of what was counted."""

    slo: Slo
    groups: Mapping[Labels, Stops]
    asks: dict[str, Ask]
    before: frozenset[str] = frozenset()
    """What asks for a life before the one of now, without its offset, which every look knows anew."""

    @classmethod
    def of(cls, slo: Slo, groups: Mapping[Labels, Stops]) -> "Counted":
        """Know the texts that the question will use."""
        windows = tuple(sorted({*windows_of(slo.tiers), BASE}))
        quick = tuple(window for window in windows if window <= RAW_LIMIT)
        asks: dict[str, Ask] = {_ALIVE: lambda _, __: {"": 1.0}}
        for some in (quick, *((window,) for window in windows if window > RAW_LIMIT)):
            asks[union(slo.sli, some)] = _rates(some)
        total, texts = for_long(slo.sli).total(str(BASE)), Texts.of(slo)
        for window in (*windows, Duration.of(hours=1), Duration.of(days=1), slo.window):
            asks[first_seen(f"{total} >= 0", window)] = _first(window)
        asks[texts.past] = lambda stops, at: {name: float(each[0]) for name, each in stops.past(np.array([at])).items()}
        asks[texts.began] = lambda stops, at: {"began": float(stops.began(np.array([at]))[0])}
        before = frozenset(query.rpartition(_OFFSET)[0] for query in seen_before(f"{total} >= 0", 0, BASE))
        return cls(slo, groups, asks, before)

    def instant(self, query: str, at: datetime) -> Answer:
        """Rows of every group."""
        life, _, ago = query.rpartition(_OFFSET)
        answer = _looked(Duration.parse(ago.removesuffix(")"))) if life in self.before else self.asks.get(query)
        if answer is None:
            raise SourceError("a back-test does not count budgets")
        rows, seconds = [], at.timestamp()
        for group, stops in self.groups.items():
            for name, value in answer(stops, seconds).items():
                if not np.isnan(value):
                    rows.append(Row(labels_of(dict(group) | ({MARK: name} if name else {})), value))
        return Answer(tuple(rows), at)

    def range(self, _query: str, _start: datetime, _end: datetime, _step: timedelta) -> RangeAnswer:
        """Nothing that alerts of an SLO ask."""
        raise SourceError("a back-test has no slices here")

    def raw(self, _selector: str, _start: datetime, _end: datetime) -> RangeAnswer:
        """As above."""
        raise SourceError("a back-test has no samples here")


def _rates(windows: Sequence[Duration]) -> Ask:
    def answer(stops: Stops, at: float) -> Mapping[str, float]:
        found = {}
        for window in windows:
            bad, total = stops.traffic.over(float(window.seconds), np.array([at]))
            found[f"bad:{window}"], found[f"total:{window}"] = float(bad[0]), float(total[0])
        return found

    return answer


def _first(window: Duration) -> Ask:
    reach = float(window.seconds + resolution(window).seconds)
    return lambda stops, at: {"": float(stops.traffic.first(reach, np.array([at]))[0])}


def _looked(ago: Duration) -> Ask:
    """Whether somebody looked in the PAUSE that ended so long *ago*; the value is that time."""

    def answer(stops: Stops, at: float) -> Mapping[str, float]:
        end = at - float(ago.seconds)
        return {"": end} if stops.traffic.looked(float(PAUSE.seconds), np.array([end]))[0] else {}

    return answer


@dataclass(slots=True, eq=False)
class SloReplay:
    """The alerts of one objective, tick by tick."""

    slo: Slo
    groups: Mapping[Labels, Stops]
    due: Bools
    """The ticks at which an alert that is quiet or fires may change."""
    question: SloQuestion | GroupedQuestion = field(init=False)
    source: Counted = field(init=False)

    def __post_init__(self) -> None:
        self.question = question_of(self.slo, timedelta())  # nothing is asked less often than it may change
        self.source = Counted.of(self.slo, self.groups)

    @classmethod
    def of(cls, slo: Slo, counts: Mapping[Labels, Counts], ticks: Ticks) -> "SloReplay":
        """Find the ticks that matter."""
        groups = {group: Stops.of(slo, Traffic.of(slo, each)) for group, each in sorted(counts.items())}
        due = np.zeros(len(ticks.seconds), dtype=np.bool_)
        for stops in groups.values():
            due |= _due(slo, stops, ticks.seconds)
        due[:1] = True
        return cls(slo, groups, due)

    @property
    def first(self) -> datetime | None:
        """When somebody first looked."""
        return min((at for stops in self.groups.values() if (at := stops.traffic.begin) is not None), default=None)

    def ask(self, at: datetime, opened: Mapping[str, set[Labels]]) -> Mapping[str, Seen]:
        """What the question sees at *at*; its own memory is that of a question that is asked less often."""
        asker = Asker(self.source, at)
        if isinstance(self.question, GroupedQuestion):
            return self.question.ask(asker, {group for some in opened.values() for group in some}).seen
        return self.question.ask(asker).seen

    def spent(self, start: datetime, end: datetime, group: Labels) -> float:
        """The share of its period's budget that the *group* lost in [start, end), by average traffic of all history.

        Where there is no such group, that of the one that lost most.
        """
        some = [self.groups[group]] if group in self.groups else list(self.groups.values())
        return max((self._share(each.traffic, start, end) for each in some), default=0.0)

    def _share(self, traffic: Traffic, start: datetime, end: datetime) -> float:
        bad = np.diff(np.interp([start.timestamp(), end.timestamp()], traffic.edges, traffic.bad))[0]
        seconds = traffic.seen[-1] * (traffic.edges[1] - traffic.edges[0])
        rate = traffic.total[-1] / seconds if seconds > 0 else 0.0
        allowed = rate * float(self.slo.window.seconds) * float(1 - self.slo.target)
        return float(bad / allowed) if allowed > 0 else 0.0


def _due(slo: Slo, stops: Stops, at: Floats) -> Bools:
    """Where the truth of an alert is otherwise than at the tick before: what `burn` and `absent` say, for all ticks."""
    traffic = stops.traffic
    events = {window: traffic.over(float(window.seconds), at) for window in windows_of(slo.tiers)}
    patterns = [_truths(slo, tier, events, traffic, at) for tier in slo.tiers]
    _, now = traffic.over(float(BASE.seconds), at)
    idle = ~(now > 0)
    patterns.append(np.where(np.isnan(now), 2, np.where(idle, 1, 0)))
    if slo.no_traffic.alert:
        patterns.append(np.where(idle & stops.absent(at), 1, 0))
        patterns.append(np.where(at - stops.last(at) >= float(TRAFFIC_MEMORY.seconds), 1, 0))
    changed = [np.diff(pattern, prepend=pattern[:1]) != 0 for pattern in patterns]
    return np.asarray(np.any(changed, axis=0))


def _truths(
    slo: Slo, tier: Tier, events: Mapping[Duration, tuple[Floats, Floats]], traffic: Traffic, at: Floats
) -> Floats:
    """0 for false, 1 for true, 2 for unknown, with the guards of the objective."""
    threshold, seconds = float(tier.threshold(slo.window, slo.target)), float(tier.long.seconds)
    long, short = (_ratio(*events[window]) for window in (tier.long, tier.short))
    if slo.guards.cold_start:
        long = np.where(long > 0, long * traffic.known(seconds, at), long)
    calm = (long <= threshold) | (short <= threshold)
    unknown = ~calm & (np.isnan(long) | np.isnan(short))
    found = np.where(unknown, 2.0, np.where(calm, 0.0, 1.0))
    if slo.sli.now() is None:
        bad, total = events[tier.long]
        for place in np.flatnonzero(found == 1):
            if not enough(slo.guards, threshold, float(bad[place] * seconds), float(total[place] * seconds)):
                found[place] = 0.0
    return found


def _ratio(bad: Floats, total: Floats) -> Floats:
    return np.asarray(np.divide(bad, total, out=np.full(len(bad), np.nan), where=total > 0))
