"""What is compared: an objective or an alert, with its series, looked at again and again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cached_property
from typing import Protocol

from tests import builders
from tests.parity.pods import MINUTE, Pod

from tocsin.evaluate.model import Identity
from tocsin.extrapolation import Sample
from tocsin.guards import TRAFFIC_MEMORY, Guards
from tocsin.plan import RecordingRule, RuleGroup, plan
from tocsin.plan.births import births_of
from tocsin.plan.series import HOURLY_BORN, raw_limit
from tocsin.ports import Labels, labels_of
from tocsin.sli import FreshnessSli, LatencySli, ProbeSli, RatioSli, RawSli, Sli, SlicedSli, ThresholdSli, guarded
from tocsin.spec import AlertRule, Slo
from tocsin.spec.service import NoTraffic
from tocsin.units import Duration
from tocsin.windows import Tier, windows_of
from tocsin.workspace import Workspace

Series = Mapping[Labels, Sequence[Sample]]


class Cell(Protocol):
    """One question to both, hashable, so that nothing is judged twice."""

    @property
    def minutes(self) -> int:
        """How long it goes on."""
        ...

    @property
    def step(self) -> int:
        """Minutes from one evaluation to the next."""
        ...

    @property
    def workspace(self) -> Workspace:
        """Where it is defined."""
        ...

    @property
    def series(self) -> Series:
        """All samples."""
        ...

    def compiled(self) -> Sequence[RuleGroup]:
        """Its rules, as far as alerts read them, group by group in the order of evaluation."""
        ...

    @property
    def by(self) -> tuple[str, ...]:
        """The labels that tell its alerts apart in what is compared."""
        ...

    @property
    def excused(self) -> bool:
        """Whether it differs by choice in other ways than by being blind."""
        ...

    def named(self, identity: Identity) -> Labels:
        """What rules call an alert of the evaluator, by those labels; empty where it is not compared."""
        ...


@dataclass(frozen=True)
class Sliced:
    """Budgeting by slices of so many *minutes*; without a *target* a slice is bad by its error ratio."""

    minutes: int
    target: str | None
    empty: str


@dataclass(frozen=True)
class Objective:
    """An objective over counters or gauges."""

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
    sliced: Sliced | None = None
    step: int = 1

    by = ("alertname", "tier", "route")

    @cached_property
    def slo(self) -> Slo:
        """The objective."""
        by = ("route",) if self.divided else ()
        guards = self.guards
        sli: Sli = replace(KINDS[self.kind], by=by)  # type: ignore[type-var]  # every kind is a dataclass
        if self.sliced is not None:
            target = None if self.sliced.target is None else Decimal(self.sliced.target)
            inner = guarded(sli, missing_errors=guards.missing_errors, new_series=guards.new_series)
            sli = SlicedSli(inner, Duration.of(minutes=self.sliced.minutes), target, self.sliced.empty)
        return builders.slo(
            sli=sli, target=self.target, tiers=self.tiers, no_traffic=self.no_traffic, guards=self.guards
        )

    @cached_property
    def workspace(self) -> Workspace:
        """With nothing else in it."""
        return builders.workspace(builders.service(slos=(self.slo,)))

    def compiled(self) -> Sequence[RuleGroup]:
        """All but what is said of the budget."""
        alerts, budget = (_groups(self, name) for name in ("slo:", "slo-budget:"))
        hourly = [
            replace(group, rules=[r for r in group.rules if isinstance(r, RecordingRule) and r.record == HOURLY_BORN])
            for group in budget
        ]
        return [*alerts, *(hourly if self.coarse else ())]

    @cached_property
    def series(self) -> Series:
        """The samples of all pods; a divided objective has a route for each of them."""
        found: dict[Labels, Sequence[Sample]] = {}
        for number, pod in enumerate(self.pods):
            own = {"job": "shop", "pod": f"p{number}", "route": f"/{number}"}
            own |= {"instance": f"10.0.0.{number}:80"} if self.known else {}
            named = self._samples(pod)
            found |= {labels_of({**own, **more}): samples for more, samples in named}
        return {labels: samples for labels, samples in found.items() if samples}

    def _samples(self, pod: Pod) -> list[tuple[Mapping[str, str], Sequence[Sample]]]:
        until = self.minutes * MINUTE
        if self.kind in READINGS:
            name, reading = READINGS[self.kind]
            return [({"__name__": name}, pod.gauge(until, reading))]
        good, bad = pod.counters(until)
        if self.kind != "latency":
            return [({"__name__": "requests_total", "code": c}, s) for c, s in (("200", good), ("500", bad))]
        both = dict(bad)
        total = [(t, v if v is None else v + (both.get(t) or 0.0)) for t, v in good]
        return [
            ({"__name__": "took_seconds_count"}, total),
            ({"__name__": "took_seconds_bucket", "le": "0.5"}, good),
        ]

    @property
    def coarse(self) -> bool:
        """Whether there are minutes that nobody looks at."""
        return self.step > 1 and self.sliced is None

    @property
    def excused(self) -> bool:
        """Windows that are put together, births that are remembered, samples that are counted, coarse ages."""
        return bool(self.tiled or self.counts_births or self.kind == "up" or self.coarse)

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

    def named(self, identity: Identity) -> Labels:
        """By tier and group."""
        rule, _, tier = identity.rule.rpartition(":")
        if rule != self.slo.ref:
            return ()
        name = (
            {"alertname": "TrafficAbsent"} if tier == "no-traffic" else {"alertname": "ErrorBudgetBurn", "tier": tier}
        )
        return labels_of({**name, **dict(identity.labels)})


@dataclass(frozen=True)
class Watched:
    """An alert on a value."""

    rule: AlertRule
    pods: tuple[Pod, ...]
    minutes: int

    step = 1
    by = ("alertname", "pod")
    excused = False

    @cached_property
    def workspace(self) -> Workspace:
        """With nothing else in it."""
        return builders.workspace(builders.service(alerts=(self.rule,)))

    def compiled(self) -> Sequence[RuleGroup]:
        """The one alert."""
        return _groups(self, "alerts:")

    @cached_property
    def series(self) -> Series:
        """The level of each pod."""
        found = {
            labels_of({"__name__": "depth", "job": "shop", "pod": f"p{number}"}): pod.level(self.minutes * MINUTE)
            for number, pod in enumerate(self.pods)
        }
        return {labels: samples for labels, samples in found.items() if samples}

    def named(self, identity: Identity) -> Labels:
        """By pod, where its row has one."""
        if identity.rule != self.rule.ref:
            return ()
        row = {name: value for name, value in identity.labels if name in self.by}
        return labels_of({"alertname": self.rule.name, **row})


def _groups(cell: Cell, name: str) -> list[RuleGroup]:
    return [group for group in plan(cell.workspace)[0].groups if group.name.startswith(name)]


_TOTAL = 'requests_total{job="shop"}'
KINDS: Mapping[str, Sli] = {
    "bad": RatioSli(_TOTAL, bad_events='requests_total{job="shop",code="500"}'),
    "good": RatioSli(_TOTAL, good_events='requests_total{job="shop",code="200"}'),
    "windowed": RatioSli(
        f"sum by (route) (increase({_TOTAL}[$window]))",
        bad_events='sum by (route) (increase(requests_total{job="shop",code="500"}[$window]))',
    ),
    "latency": LatencySli('took_seconds{job="shop"}', Decimal("0.5")),
    "up": ProbeSli('probe_success{job="shop"}', Decimal(1)),
    "probe": ProbeSli('camera_online{job="shop"}', Decimal(1)),
    "most": ThresholdSli('depth{job="shop"}', at_most=Decimal(5)),
    "between": ThresholdSli('depth{job="shop"}', at_least=Decimal(1), at_most=Decimal(5)),
    "freshness": FreshnessSli('last_backup{job="shop"}', Decimal(120)),
    "raw": RawSli(error_ratio='error_share{job="shop"}'),
    "success": RawSli(success_ratio='1 - error_share{job="shop"}'),
}
READINGS: Mapping[str, tuple[str, Callable[[int, bool], float]]] = {
    "up": ("probe_success", lambda _, wrong: float(not wrong)),
    "probe": ("camera_online", lambda _, wrong: float(not wrong)),
    "most": ("depth", lambda _, wrong: 9.0 if wrong else 3.0),
    "between": ("depth", lambda second, wrong: float(second % 2 * 9) if wrong else 5.0),
    "freshness": ("last_backup", lambda second, wrong: float(second - (300 if wrong else 20))),
    "raw": ("error_share", lambda _, wrong: float(wrong)),
    "success": ("error_share", lambda _, wrong: float(wrong)),
}
"""The gauge of each kind that looks at one, and what it shows when."""
COUNTERS = tuple(kind for kind in KINDS if kind not in READINGS)
