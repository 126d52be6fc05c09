"""What the evaluator does with a cell, and what is left of it where documented differences are taken away.

Each of them is taken away in one place. `_unseen_is_false` takes away blindness, `_held` lets alerts with hysteresis
outlive a value that is missing as rules do, and `_Rules` answers the questions about an objective with what its rules
have recorded, where that is not the same.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

from tests.parity.cells import Cell, Objective, Watched
from tests.parity.pods import MINUTE
from tests.promql_engine import Engine, EngineSource
from tests.promql_values import Vector, as_vector, nameless

from tocsin.evaluate.asking import Asker
from tocsin.evaluate.history import History
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import Sample, Truth
from tocsin.evaluate.rule import Rest, Seen
from tocsin.evaluate.sight import Sight
from tocsin.evaluate.state import OPEN
from tocsin.evaluate.tick import Watch, turn
from tocsin.extrapolation import Semantics
from tocsin.guards import BASE
from tocsin.plan import plan
from tocsin.plan.births import births_of
from tocsin.plan.conditions import HELD
from tocsin.plan.model import RecordingRule
from tocsin.plan.series import BORN, HOURLY_BORN, KINDS, history, labels, placed, rates, tile_slack
from tocsin.ports import Answer, Labels
from tocsin.sli import RatioSli, Sli, SlicedSli, for_long
from tocsin.spec import Threshold
from tocsin.units import Duration

Firing = tuple[frozenset[Labels], ...]
"""By evaluation: alert, tier and group of what fires."""


@dataclass(frozen=True)
class Judged:
    """What the evaluator did, and what is left of it where documented differences are taken away."""

    evaluator: Firing
    as_rules: Firing
    blind_from: int | None
    """The first evaluation in which it could not see something."""


def evaluated(cell: Cell, semantics: Semantics) -> Judged:
    """Look at each evaluation, with one memory for the evaluator and one for what rules make of the same."""
    engine = Engine(cell.series, semantics, step=cell.step * MINUTE, since=0)
    interval = timedelta(minutes=cell.step)
    watch = Watch(cell.workspace, interval=interval)
    recorded = _Rules(cell, engine) if isinstance(cell, Objective) and cell.excused else None
    rules = Watch(cell.workspace, interval=interval) if recorded else watch
    own, other = Memory(), Memory()
    found, as_rules, blind = list[frozenset[Labels]](), list[frozenset[Labels]](), list[int]()
    for number in range(cell.minutes // cell.step + 1):
        at = number * cell.step * MINUTE
        now = datetime.fromtimestamp(at / 1000, UTC)
        if recorded:
            recorded.record(at)
        sight = _look(watch, EngineSource(engine), now, own)
        blind += [number] * any(_is_blind(rule, seen, own) for rule, seen in sight.seen.items() if rule in watch.rules)
        own, fires = _step(watch, cell, sight, own, now)
        found.append(fires)
        if recorded:
            with recorded.ages():
                sight = _look(rules, EngineSource(engine, recorded.rewritten), now, other)
        if isinstance(cell, Watched):
            sight = _held(cell, sight, engine, at)
        other, fires = _step(rules, cell, _unseen_is_false(sight), other, now)
        as_rules.append(fires)
        if recorded:
            recorded.record_budget(at)
    return Judged(tuple(found), tuple(as_rules), blind[0] if blind else None)


def _is_blind(rule: str, seen: Seen, memory: Memory) -> bool:
    """Whether it could not see something, or does not see any more what it remembers."""
    known = any(i.rule == rule and i.labels not in seen.rows for i in memory.alerts)
    return known or not seen.rows or any(row.truth is Truth.UNKNOWN for row in seen.rows.values())


def _look(watch: Watch, source: EngineSource, now: datetime, memory: Memory) -> Sight:
    sight = watch.look(source, now, memory=memory)
    assert sight.health.ok, sight.health
    assert sight.faults == (), sight.faults
    return sight


def _step(watch: Watch, cell: Cell, sight: Sight, memory: Memory, now: datetime) -> tuple[Memory, frozenset[Labels]]:
    """Step all alerts, and tell which of the cell's fire."""
    turned = turn(watch, sight, memory, now)
    assert turned.faults == (), turned.faults
    alerts = {i: s for i, s in {**memory.alerts, **turned.alerts}.items() if s is not None}
    fires = (cell.named(identity) for identity, state in alerts.items() if state.phase in OPEN)
    return replace(memory, alerts=alerts), frozenset(filter(None, fires))


def _unseen_is_false(sight: Sight) -> Sight:
    """Rules have no third value: what nobody can tell is not so, and what is not mentioned is gone."""
    seen = {
        rule: Seen(
            {
                labels: replace(row, truth=Truth.FALSE) if row.truth is Truth.UNKNOWN else row
                for labels, row in one.rows.items()
            },
            Rest(replace(one.rest.sample, truth=Truth.FALSE)),
            complete=one.complete,
        )
        for rule, one in sight.seen.items()
    }
    return replace(sight, seen=seen)


def _held(cell: Watched, sight: Sight, engine: Engine, at: int) -> Sight:
    """With hysteresis a value that is missing is for five minutes what it was last, for an alert that fires already."""
    condition, ref = cell.rule.condition, cell.rule.ref
    if not isinstance(condition, Threshold) or condition.clear is None or cell.rule.on_missing == "resolve":
        return sight
    seen, clear, up = sight.seen[ref], float(condition.clear), condition.above is not None
    last = as_vector(engine.ask(f"last_over_time(({condition.value.text})[{HELD}:1m])", at))
    held = {}
    for row, value in last.items():
        inside = value >= clear if up else value <= clear
        kept = Sample(Truth.TRUE, value) if inside else None
        held[nameless(row)] = Sample(Truth.FALSE, value, kept=kept)
    rows = {**held, **seen.rows}
    return replace(sight, seen={**sight.seen, ref: replace(seen, rows=rows)})


@dataclass(slots=True)
class _Rules:
    """What the rules of an objective record, and the evaluator's questions as answered from that."""

    cell: Objective
    engine: Engine
    texts: dict[str, str] = field(default_factory=dict)
    """The name of a recording by the question in whose place it is put."""
    longest: list[str] = field(init=False)
    born: list[RecordingRule] = field(init=False)
    told: Sli = field(init=False)
    """The SLI with births as its rules remember them."""

    def __post_init__(self) -> None:
        slo = self.cell.slo
        births = births_of(slo)
        self.told = slo.sli
        if births is not None and isinstance(slo.sli, RatioSli):
            self.told = replace(slo.sli, births=births.within)
        for kind, window, tile, _ in rates(slo, self.cell.tiers):
            name = f"recorded:{kind}:{window}"
            if tile is None:
                self.engine.compiled[name] = self._raw(kind, window)
            else:
                self.engine.compiled[name] = self._mean(f"recorded:{kind}:{tile}", window, tile)
            if tile is not None or self.told != slo.sli or self.cell.kind == "up":
                asked = (getattr(sli, kind)(str(window)) for sli in (slo.sli, for_long(slo.sli)))
                self.texts |= dict.fromkeys(asked, name)
        rules = [rule for group in plan(self.cell.workspace)[0].groups for rule in group.rules]
        wanted = {BORN, HOURLY_BORN}
        self.born = [rule for rule in rules if isinstance(rule, RecordingRule) and rule.record in wanted]
        self.longest = sorted(self.texts, key=len, reverse=True)  # the text of all events is part of that of bad ones

    def record(self, at: int) -> None:
        """Do what has to be done at each evaluation: remember births, or what gauges show."""
        slo = self.cell.slo
        if (births := births_of(slo)) is not None:
            for rule in births.rules():
                self.engine.record(rule.record, rule.expr, rule.labels, at)
        for kind, text in zip(KINDS, slo.sli.now() or (), strict=False):
            self.engine.record(f"now:{kind}", f"{text} >= 0", (), at)
        if self.cell.coarse:
            own = labels(slo)
            self.engine.record(f"slo:total:rate{BASE}", f"recorded:total:{BASE}", own, at)
            self._remember(BORN, at)

    def record_budget(self, at: int) -> None:
        """Do what comes after the alerts, in the group of the budget: they read it at the next evaluation."""
        if self.cell.coarse:
            self._remember(HOURLY_BORN, at)

    def _remember(self, name: str, at: int) -> None:
        for rule in self.born:
            if rule.record == name:
                self.engine.record(rule.record, rule.expr, labels(self.cell.slo), at)

    def rewritten(self, query: str) -> str:
        """The same question with recordings in the place of what they record."""
        for number, text in enumerate(self.longest):
            query = query.replace(text, f"\0{number}\0")
        for number, text in enumerate(self.longest):
            query = query.replace(f"\0{number}\0", self.texts[text])
        return query

    def ages(self) -> AbstractContextManager[object]:
        """Where not every minute is looked at, histories are as old as rules know."""
        if not self.cell.coarse:
            return nullcontext()
        return patch.object(History, "share", lambda _, asker, window: self.age(asker, window))

    def age(self, asker: Asker, window: Duration) -> float:
        """The share of *window* since the first events that rules remember in it; none where they remember none."""
        answer = asker.complete(placed(history(window), self.cell.slo))
        assert isinstance(answer, Answer), answer
        return answer.rows[0].value if answer.rows else 0.0

    def _raw(self, kind: str, window: Duration) -> Callable[[int], Vector]:
        """What a rule has recorded of a window that is computed from what the SLI reads; NaN is not."""
        sli = self.told
        if isinstance(sli, SlicedSli):
            share = sli.slice.milliseconds / window.milliseconds
            text = f"sum_over_time(now:{kind}[{sli.room(window)}]) * {share!r}"
        elif sli.now() is not None:
            text = f"avg_over_time(now:{kind}[{window}])"
        else:
            text = getattr(sli, kind)(str(window))

        def recorded(at: int) -> Vector:
            value = as_vector(self.engine.ask(text, at)) if at >= 0 else {}
            return {labels: number for labels, number in value.items() if number >= 0}

        return recorded

    def _mean(self, name: str, window: Duration, tile: Duration) -> Callable[[int], Vector]:
        """The mean of tiles: the first of now, each other the newest that is not older than it may be."""
        count, slack = window.milliseconds // tile.milliseconds, tile_slack(tile).milliseconds
        known: dict[int, Vector] = {}
        engine, step = self.engine, self.cell.step * MINUTE

        def mean(at: int) -> Vector:
            if at not in known:
                whole: Vector = {}
                for number in range(count):
                    then, newest = at - number * tile.milliseconds, Vector()
                    for time in range(then, max(then - (slack if number else 0), 0) - 1, -step):
                        newest = {**as_vector(engine.compiled[name](time)), **newest}
                    for labels, value in newest.items():
                        whole[labels] = whole.get(labels, 0.0) + value
                known[at] = {labels: value / count for labels, value in whole.items()}
            return known[at]

        return mean
