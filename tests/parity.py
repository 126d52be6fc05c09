"""One made-up objective over made-up series, judged by compiled rules in promtool and by the evaluator in memory.

A Cell says everything: an objective, and what its counters do. `cells()` makes them up, `firing` is what the evaluator
does minute by minute (`as_rules`: with the differences of docs/parity.md taken away, each in one place), `judge` asks
promtool whether the compiled rules do the same, for many cells in one process.
"""

import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from math import isnan
from pathlib import Path

from hypothesis import strategies as st
from tests import builders
from tests.promql_engine import Engine, EngineSource
from tests.promql_values import Vector

from tocsin.adapters.promtool import Promtool, find_promtool
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import Truth
from tocsin.evaluate.rule import Rest, Seen
from tocsin.evaluate.sight import Sight
from tocsin.evaluate.state import OPEN
from tocsin.evaluate.tick import Watch, turn
from tocsin.extrapolation import Sample, Semantics
from tocsin.guards import TRAFFIC_MEMORY, Guards
from tocsin.plan import plan
from tocsin.plan.births import births_of
from tocsin.plan.model import RecordingRule
from tocsin.plan.series import rates, raw_limit, tile_slack
from tocsin.ports import Labels, labels_of
from tocsin.promql_syntax import Version
from tocsin.sli import LatencySli, RatioSli, for_long
from tocsin.spec import Slo
from tocsin.spec.service import NoTraffic
from tocsin.targets.prometheus import rule_file
from tocsin.units import Duration
from tocsin.windows import Tier, windows_of

MINUTE = 60_000
GRAIN = 5_000
"""Milliseconds: scrapes and phases are multiples of it."""
PERIOD = Duration.of(days=30)

Firing = tuple[frozenset[Labels], ...]
"""By minute: alert, tier and group of what fires."""


@dataclass(frozen=True)
class Stretch:
    """What the counters of one pod do for some minutes.

    *kind* is `normal`, `idle` (no event), `gap` (no sample), `stale` (marked as stale, then no sample), `reset` (starts
    from zero again, then normal), or `nan` (one sample that is no number, then normal). *errors* is the bad share.
    """

    minutes: int
    kind: str = "normal"
    events: int = 100
    errors: Fraction = Fraction(0)


@dataclass(frozen=True)
class Pod:
    """One target: when it is scraped, and what happens to it; *seed* makes its traffic uneven, None leaves it even."""

    every: int
    phase: int
    stretches: tuple[Stretch, ...]
    seed: int | None = None
    late_errors: bool = False
    """Its series of errors appears with its first errors."""

    def counters(self, until: int) -> tuple[list[Sample], list[Sample]]:
        """Good and bad events since the beginning, scrape by scrape, in milliseconds."""
        chance = random.Random(self.seed)
        good, bad = list[Sample](), list[Sample]()
        counts, start = [0, 0], 0
        for stretch in self.stretches:
            end = start + stretch.minutes * MINUTE
            first = True
            for time in range(-(-(start - self.phase) // self.every) * self.every + self.phase, end, self.every):
                if time > until:
                    break
                self._scrape(stretch, time, counts, chance, first, good, bad)
                first = False
            start = end
        return good, bad

    def _scrape(
        self, stretch: Stretch, time: int, counts: list[int], chance: random.Random, first: bool,
        good: list[Sample], bad: list[Sample],
    ) -> None:  # fmt: skip
        if stretch.kind in {"gap", "stale"}:
            if stretch.kind == "stale" and first:
                good += [(time, None)] if good else []
                bad += [(time, None)] if bad else []
            return
        if stretch.kind == "reset" and first:
            counts[:] = [0, 0]
        happened = 0 if stretch.kind == "idle" else stretch.events * self.every // MINUTE
        if self.seed is not None and happened:
            happened = chance.randrange(2 * happened + 1)
        wrong = round(happened * stretch.errors)
        counts[:] = [counts[0] + happened - wrong, counts[1] + wrong]
        odd = stretch.kind == "nan" and first
        good.append((time, float("nan") if odd else float(counts[0])))
        if not self.late_errors or counts[1] or bad:
            bad.append((time, float("nan") if odd else float(counts[1])))


@dataclass(frozen=True)
class Cell:
    """An objective with its series, looked at in each of so many *minutes*."""

    kind: str
    target: str
    tiers: tuple[Tier, ...]
    guards: Guards
    no_traffic: NoTraffic
    pods: tuple[Pod, ...]
    minutes: int
    divided: bool = False
    known: bool = False
    """Whether targets can be told apart: only then are births counted."""

    @cached_property
    def slo(self) -> Slo:
        """The objective."""
        by = ("route",) if self.divided else ()
        return builders.slo(
            sli=replace(KINDS[self.kind], by=by),
            target=self.target,
            tiers=self.tiers,
            no_traffic=self.no_traffic,
            guards=self.guards,
        )

    @cached_property
    def series(self) -> Mapping[Labels, Sequence[Sample]]:
        """The samples of all pods; a divided objective has a route for each of them."""
        found: dict[Labels, Sequence[Sample]] = {}
        for number, pod in enumerate(self.pods):
            good, bad = pod.counters(self.minutes * MINUTE)
            own = {"job": "shop", "pod": f"p{number}", "route": f"/{number}"}
            own |= {"instance": f"10.0.0.{number}:80"} if self.known else {}
            if self.kind == "latency":
                both = dict(bad)
                total = [(t, v if v is None else v + (both.get(t) or 0.0)) for t, v in good]
                found[labels_of({**own, "__name__": "took_seconds_count"})] = total
                found[labels_of({**own, "__name__": "took_seconds_bucket", "le": "0.5"})] = good
            else:
                found[labels_of({**own, "__name__": "requests_total", "code": "200"})] = good
                found[labels_of({**own, "__name__": "requests_total", "code": "500"})] = bad
        return {labels: samples for labels, samples in found.items() if samples}

    @property
    def counts_births(self) -> bool:
        """Whether series of it may count from zero."""
        return self.known and births_of(self.slo) is not None

    @property
    def tiled(self) -> frozenset[Duration]:
        """The windows that rules put together from recorded shorter ones."""
        limit = raw_limit(self.slo)
        windows = {*windows_of(self.tiers)} | ({TRAFFIC_MEMORY} if self.no_traffic.alert else set())
        return frozenset(window for window in windows if window > limit)


_TOTAL = 'requests_total{job="shop"}'
KINDS: Mapping[str, RatioSli | LatencySli] = {
    "bad": RatioSli(_TOTAL, bad_events='requests_total{job="shop",code="500"}'),
    "good": RatioSli(_TOTAL, good_events='requests_total{job="shop",code="200"}'),
    "windowed": RatioSli(
        f"sum by (route) (increase({_TOTAL}[$window]))",
        bad_events='sum by (route) (increase(requests_total{job="shop",code="500"}[$window]))',
    ),
    "latency": LatencySli('took_seconds{job="shop"}', Decimal("0.5")),
}


# --- the evaluator -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """What the evaluator did, and what is left of it where documented differences are taken away."""

    evaluator: Firing
    as_rules: Firing
    blind_from: int | None
    """The first minute in which it could not see something."""


def evaluated(cell: Cell, semantics: Semantics) -> Judged:
    """Look at each minute, with one memory for the evaluator and one for what rules make of the same.

    The differences of docs/parity.md are taken away in one place each: `_tiles` answers windows that rules put together
    with the sum of what was recorded, `_births` remembers births as rules do, `_unseen_is_false` takes away blindness.
    """
    engine = Engine(cell.series, semantics)
    watch = Watch(builders.workspace(builders.service(slos=(cell.slo,))), interval=timedelta(minutes=1))
    rules = watch
    told, births = _births(cell)
    tiles = _tiles(cell, told, engine)
    apart = bool(cell.tiled or births)
    if apart:
        rules = Watch(watch.workspace, interval=timedelta(minutes=1))
    own, other = Memory(), Memory()
    found, as_rules, blind = list[frozenset[Labels]](), list[frozenset[Labels]](), list[int]()
    for minute in range(cell.minutes + 1):
        now = datetime.fromtimestamp(minute * 60, UTC)
        for rule in births:
            engine.record(rule.record, rule.expr, rule.labels, minute * MINUTE)
        sight = _look(watch, EngineSource(engine), now, own)
        blind += [minute] * any(_is_blind(seen) for rule, seen in sight.seen.items() if rule in watch.rules)
        own, fires = _step(watch, sight, own, now)
        found.append(fires)
        if apart:
            sight = _look(rules, EngineSource(engine, tiles), now, other)
        other, fires = _step(rules, _unseen_is_false(sight), other, now)
        as_rules.append(fires)
    return Judged(tuple(found), tuple(as_rules), blind[0] if blind else None)


def _is_blind(seen: Seen) -> bool:
    return not seen.rows or any(row.truth is Truth.UNKNOWN for row in seen.rows.values())


def _look(watch: Watch, source: EngineSource, now: datetime, memory: Memory) -> Sight:
    sight = watch.look(source, now, memory=memory)
    assert sight.health.ok, sight.health
    assert sight.faults == (), sight.faults
    return sight


def _step(watch: Watch, sight: Sight, memory: Memory, now: datetime) -> tuple[Memory, frozenset[Labels]]:
    """Step all alerts, and tell which of the objective's fire."""
    turned = turn(watch, sight, memory, now)
    assert turned.faults == (), turned.faults
    alerts = {i: s for i, s in {**memory.alerts, **turned.alerts}.items() if s is not None}
    fires = [i for i, s in alerts.items() if s.phase in OPEN and i.rule.startswith("shop/uptime:")]
    return replace(memory, alerts=alerts), frozenset(_which(i.rule, i.labels) for i in fires)


def _which(rule: str, group: Labels) -> Labels:
    tier = rule.rpartition(":")[2]
    name = {"alertname": "TrafficAbsent"} if tier == "no-traffic" else {"alertname": "ErrorBudgetBurn", "tier": tier}
    return labels_of({**name, **dict(group)})


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


def _tiles(cell: Cell, rules: Slo, engine: Engine) -> Callable[[str], str]:
    """Answer long windows with the mean of the recorded windows that rules put them together from."""
    slo, told = cell.slo, rules.sli
    texts: dict[str, str] = {}
    for kind, window, tile, _ in rates(slo, cell.tiers):
        name = f"recorded:{kind}:{window}"
        if tile is None:
            engine.compiled[name] = _recorded(engine, getattr(told, kind)(str(window)))
        else:
            engine.compiled[name] = _mean(engine, f"recorded:{kind}:{tile}", window, tile)
        if tile is not None or told != slo.sli:
            other = name if tile is not None else getattr(told, kind)(str(window))
            texts |= {getattr(sli, kind)(str(window)): other for sli in (slo.sli, for_long(slo.sli))}

    longest = sorted(texts, key=len, reverse=True)  # the text of all events is part of that of bad ones

    def rewritten(query: str) -> str:
        for number, text in enumerate(longest):
            query = query.replace(text, f"\0{number}\0")
        for number, text in enumerate(longest):
            query = query.replace(f"\0{number}\0", texts[text])
        return query

    return rewritten


def _births(cell: Cell) -> tuple[Slo, Sequence[RecordingRule]]:
    """The objective with births as its rules remember them, and the rules that do."""
    slo, births = cell.slo, births_of(cell.slo)
    if births is None or not isinstance(slo.sli, RatioSli):
        return slo, ()
    return replace(slo, sli=replace(slo.sli, births=births.within)), tuple(births.rules())


def _recorded(engine: Engine, text: str) -> Callable[[int], Vector]:
    """What a rule has recorded; NaN is not."""

    def recorded(at: int) -> Vector:
        value = engine.ask(text, at) if at >= 0 else {}
        assert not isinstance(value, float)
        return {labels: number for labels, number in value.items() if number >= 0}

    return recorded


def _mean(engine: Engine, name: str, window: Duration, tile: Duration) -> Callable[[int], Vector]:
    """The mean of tiles: the first of now, each other the newest that is not older than it may be."""
    count, slack = window.milliseconds // tile.milliseconds, tile_slack(tile).milliseconds
    known: dict[int, Vector] = {}

    def mean(at: int) -> Vector:
        if at not in known:
            whole: Vector = {}
            for number in range(count):
                then, newest = at - number * tile.milliseconds, Vector()
                for time in range(then, max(then - (slack if number else 0), 0) - 1, -MINUTE):
                    value = engine.compiled[name](time)
                    assert not isinstance(value, float)
                    newest = {**value, **newest}
                for labels, value in newest.items():
                    whole[labels] = whole.get(labels, 0.0) + value
            known[at] = {labels: value / count for labels, value in whole.items()}
        return known[at]

    return mean


# --- promtool ------------------------------------------------------------------------------------------------


def promtool() -> Promtool:
    """The one beside the project's own tools, or that on PATH."""
    local = Path(__file__).parents[1] / ".tools/bin/promtool"
    return find_promtool(str(local) if local.exists() else None, deadline=300)


def semantics_of(tool: Promtool) -> Semantics:
    """How that version reads ranges."""
    return Semantics.of(Version(*tool.version))


def judge(
    tool: Promtool, cells: Sequence[tuple[Cell, Firing]], change: Callable[[Cell, str], str] = lambda _, rules: rules
) -> list[str]:
    """What differs for each cell between what is expected and what its rules do, in promtool's words; one process.

    *change* may break the rules, to see that it is noticed.
    """
    files, tests = {}, []
    for number, (cell, expected) in enumerate(cells):
        groups = plan(builders.workspace(builders.service(slos=(cell.slo,))))[0].groups
        files[f"rules{number}.yml"] = change(cell, rule_file(tuple(g for g in groups if g.name.startswith("slo:"))))
        files[f"test{number}.yml"] = json.dumps(_test(f"rules{number}.yml", cell, expected))
        tests.append(f"test{number}.yml")
    reports = tool.test_rules(files, tests)
    return [
        "\n".join(
            [*reports[test].faults, *(f"{miss.expr}: {miss.got} {miss.error or ''}" for miss in reports[test].misses)]
        )
        for test in tests
    ]


def _test(rules: str, cell: Cell, expected: Firing) -> Mapping[str, object]:
    expr = 'count by (alertname, tier, route) (ALERTS{alertname!="SliBroken",alertstate="firing"})'
    return {
        "rule_files": [rules],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": f"{GRAIN}ms",
                "input_series": [
                    {"series": _written(labels), "values": _values(samples)} for labels, samples in cell.series.items()
                ],
                "promql_expr_test": [
                    {
                        "expr": f"{expr} # {minute}",
                        "eval_time": f"{minute}m",
                        "exp_samples": [{"labels": _written(labels), "value": 1} for labels in sorted(fires)],
                    }
                    for minute, fires in enumerate(expected)
                ],
            }
        ],
    }


def _written(labels: Labels) -> str:
    return "{" + ",".join(f'{name}="{value}"' for name, value in labels) + "}"


def _values(samples: Sequence[Sample]) -> str:
    """Samples in promtool's notation, one for each GRAIN."""
    told, place = list[str](), 0
    for time, value in samples:
        if (missing := time // GRAIN - place) > 0:
            told.append("_" if missing == 1 else f"_x{missing}")
        told.append("stale" if value is None else "NaN" if isnan(value) else f"{value:.0f}")
        place = time // GRAIN + 1
    return " ".join(told)


# --- making cells up -----------------------------------------------------------------------------------------

_WINDOWS = [("10m", "2m"), ("15m", "5m"), ("20m", "3m"), ("30m", "5m"), ("1h", "5m"), ("2h", "10m")]
_ERRORS = [Fraction(0), Fraction(1, 100), Fraction(1, 10), Fraction(1, 2), Fraction(1)]


@st.composite
def tiers(draw: st.DrawFn, target: Decimal) -> tuple[Tier, ...]:
    """One or two tiers, whose thresholds are odd numbers: that a ratio is exactly one of them means nothing."""
    found = []
    for name in ("fast", "slow")[: draw(st.integers(1, 2))]:
        long, short = (Duration.parse(text) for text in draw(st.sampled_from(_WINDOWS)))
        threshold = draw(st.sampled_from(["0.0123", "0.0517", "0.1313", "0.4111"]))
        share = Decimal(threshold) * long.milliseconds / (PERIOD.milliseconds * (1 - target))
        severity = draw(st.sampled_from(["page", "ticket"]))
        found.append(Tier(name, severity, round(share, 9), long, short))
    return tuple(found)


@st.composite
def guards(draw: st.DrawFn) -> Guards:
    """Any of them off, or set."""
    return Guards(
        cold_start=draw(st.booleans()),
        missing_errors=draw(st.booleans()),
        new_series=True,
        min_bad_events=draw(st.sampled_from([3, 0, 10])),
        significance=draw(st.sampled_from([None, Decimal("0.01")])),
        flapping=draw(st.booleans()),
        keep_firing_for=draw(st.sampled_from([None, Duration.of(minutes=3), Duration.of(seconds=90)])),
    )


@st.composite
def pods(draw: st.DrawFn, minutes: int) -> Pod:
    """A target whose counters do any of these things in any order."""
    every = draw(st.sampled_from([30_000, 60_000, 15_000]))
    stretches, left = list[Stretch](), minutes
    while left > 0 and len(stretches) < 8:
        kind = draw(st.sampled_from(["normal", "normal", "normal", "idle", "gap", "reset", "nan", "stale"]))
        length = draw(st.integers(1, 30))
        errors = draw(st.sampled_from(_ERRORS)) if kind in {"normal", "reset", "nan"} else Fraction(0)
        stretches.append(Stretch(min(length, left), kind, draw(st.sampled_from([120, 12, 1200])), errors))
        left -= length
    return Pod(
        every=every,
        phase=draw(st.integers(0, every // GRAIN - 1)) * GRAIN,
        stretches=(*stretches, Stretch(max(left, 0) + 1)),
        seed=draw(st.one_of(st.none(), st.integers(0, 1000))),
        late_errors=draw(st.booleans()),
    )


@st.composite
def cells(draw: st.DrawFn) -> Cell:
    """Any objective over one or two pods."""
    target = draw(st.sampled_from(["0.99", "0.9", "0.999"]))
    watched = draw(tiers(Decimal(target)))
    longest = max(tier.long for tier in watched).milliseconds // MINUTE
    minutes = draw(st.integers(10, min(longest + 50, 140)))
    alert = draw(st.booleans())
    return Cell(
        kind=draw(st.sampled_from(list(KINDS))),
        target=target,
        tiers=watched,
        guards=draw(guards()),
        no_traffic=NoTraffic(alert=alert, for_=Duration.of(minutes=draw(st.sampled_from([10, 0, 3]))), reason=None),
        pods=tuple(draw(pods(minutes)) for _ in range(draw(st.integers(1, 2)))),
        minutes=minutes,
        divided=draw(st.booleans()),
        known=draw(st.booleans()),
    )
