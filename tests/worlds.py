"""A world that ticks: an evaluator over a fake source, and traffic whose every window is known exactly."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import AlertEvent, AlertView, EventKind
from tocsin.evaluate.received import Received, heard, removed
from tocsin.evaluate.renaming import carried
from tocsin.evaluate.sight import Turn
from tocsin.evaluate.tick import Spread, Watch, turn
from tocsin.spec import AlertRule, Slo
from tocsin.workspace import Workspace

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = 86_400.0
KEPT = 600
"""Seconds for which a page stays open after its condition went."""
FIRED, RESOLVED, BLIND, SIGHTED = EventKind.FIRED, EventKind.RESOLVED, EventKind.BLIND, EventKind.SIGHTED


def seconds(count: float) -> timedelta:
    """Shorter."""
    return timedelta(seconds=count)


@dataclass
class World:
    """An evaluator that ticks over a fake source, and remembers as the service does."""

    workspace: Workspace
    source: FakeSource = field(default_factory=FakeSource)
    memory: Memory = field(default_factory=Memory)
    happened: list[tuple[float, str, AlertEvent]] = field(default_factory=list)
    last: Turn | None = None
    received: Received = field(default_factory=Received)
    """What others say of alerts."""
    spread: Spread = map
    aside: Spread = map

    def __post_init__(self) -> None:
        self.watch = Watch(self.workspace)

    def tick(self, second: float) -> Turn:
        """One tick at *second* after the start."""
        now = START + seconds(second)
        known = carried(self.memory, self.watch.rules)
        self.memory = known.memory
        self.watch.renamed(known.names)
        sight = self.watch.look(self.source, now, memory=self.memory, spread=self.spread, aside=self.aside)
        gone = removed(self.memory.alerts, self.watch.rules)
        sight = replace(sight, heard=heard(self.received, self.watch.rules, now, gone))
        turned = turn(self.watch, sight, self.memory, now)
        alerts = {i: s for i, s in {**self.memory.alerts, **turned.alerts}.items() if s is not None}
        views = {**self.memory.views, **{view.identity: view for view in turned.views}}
        self.memory = replace(self.memory, alerts=alerts, views=views)
        self.happened += [(second, identity.rule, event) for identity, event in turned.events]
        self.last = turned
        return turned

    def run(self, start: float, end: float, step: float = 15) -> None:
        """Tick on a grid, both ends included."""
        while start <= end:
            self.tick(start)
            start += step

    def restart(self, workspace: Workspace | None = None) -> None:
        """Lose everything but the store."""
        self.workspace = workspace or self.workspace
        self.watch = Watch(self.workspace)

    def told(self, rule: str, kinds: Iterable[EventKind] = (FIRED, RESOLVED)) -> list[tuple[float, EventKind]]:
        """When people were told of one rule."""
        return [(second, e.kind) for second, who, e in self.happened if who == rule and e.kind in kinds]

    def blind(self, rule: str) -> list[str]:
        """The first labels of the instances of a rule that nobody can look at."""
        return [
            i.labels[0][1]
            for i, state in self.memory.alerts.items()
            if i.rule == rule and state.blind_since is not None
        ]

    def view(self, rule: str) -> AlertView:
        """The one open view of a rule."""
        assert self.last is not None
        [view] = [v for v in self.last.views if v.identity.rule == rule]
        return view


def uptime(**settings: object) -> Slo:
    """`shop/uptime`: 99.9 % over 30 days of traffic called `shop`."""
    return builders.slo(sli=TrafficSli("shop"), **settings)  # type: ignore[arg-type]


def world(*stretches: Stretch, gone: float = float("inf"), alerts: tuple[AlertRule, ...] = ()) -> World:
    """One SLO over the given traffic."""
    made = World(builders.workspace(builders.service(slos=(uptime(),), alerts=alerts)))
    made.source.traffic["shop"] = Traffic(START, stretches, gone)
    return made


def incident(errors: float, length: float, *, rate: float = 10, after: float = 3_600) -> tuple[Stretch, ...]:
    """Forty clean days, *length* seconds of errors, and clean again."""
    return (
        Stretch(-40 * DAY, 0, 10),
        Stretch(0, length, rate, errors),
        Stretch(length, length + after, 10),
    )
