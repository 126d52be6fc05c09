"""An SLO divided by labels: a budget and alerts for each value, one question for all of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli
from tests.reading import places, read

from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import Phase, Truth
from tocsin.evaluate.slices import Slices
from tocsin.evaluate.slo import SloSight
from tocsin.evaluate.standing import Standing
from tocsin.evaluate.tick import Watch, turn
from tocsin.ledger.arrays import Floats
from tocsin.plan import plan
from tocsin.plan.model import AlertingRule, RecordingRule
from tocsin.ports import Answer, Labels, RangeAnswer, Row, labels_of
from tocsin.spec import Slo

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = 86_400.0
GOOD, BAD = (Stretch(-40 * DAY, 9 * DAY, 10),), (Stretch(-40 * DAY, 0, 10), Stretch(0, 9 * DAY, 10, 1.0))
SLO = replace(builders.slo(), sli=TrafficSli("shop", by=("route",)))
A, B = (("route", "/a"),), (("route", "/b"),)


@dataclass
class Divided:
    """A metric source whose answers have the rows of several others, each with its route."""

    routes: Mapping[str, FakeSource]
    asked: list[str] = field(default_factory=list)

    def instant(self, query: str, at: datetime) -> Answer:
        """The rows of all routes."""
        self.asked.append(query)
        if query == "vector(1)":
            return Answer((Row((), 1.0),), at)
        rows = [
            Row(labels_of({**dict(row.labels), "route": route}), row.value)
            for route, source in self.routes.items()
            for row in source.instant(query, at).rows
        ]
        return Answer(tuple(rows), at)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Nothing asks for one."""
        raise AssertionError(query, start, end, step)

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Nothing asks for samples."""
        raise AssertionError(selector, start, end)


@dataclass
class Books:
    """A ledger that holds 1,000 events of each group, and how many of them were bad; the groups that were *fresh*."""

    bad: dict[Labels, float]
    fresh: frozenset[Labels] = frozenset()
    floor: float = 0.9

    def groups(self, _slo: Slo, _at: datetime, *, lately: timedelta | None = None) -> list[Labels]:
        """Those with the most bad events first."""
        return [
            group for group in sorted(self.bad, key=lambda each: -self.bad[each]) if not lately or group in self.fresh
        ]

    def standing(self, slo: Slo, group: Labels, at: datetime) -> Standing:
        """All of the window was seen."""
        start, until = at - slo.window.timedelta, at - timedelta(minutes=5)
        return Standing(start, until, at, start, 1000, self.bad[group], (until - start).total_seconds())

    def leaving(self, _slo: Slo, _group: Labels, _standing: Standing) -> Floats:
        """Nothing does."""
        return np.zeros(0)

    def fill(self, _book: Slices, _slo: Slo, _since: datetime) -> None:
        """Nothing is asked for."""


class Scene:
    """A watch over routes, tick by tick."""

    def __init__(self, **routes: tuple[Stretch, ...]) -> None:
        self.source = Divided(
            {f"/{name}": FakeSource(traffic={"shop": Traffic(START, each)}) for name, each in routes.items()}
        )
        self.memory = Memory()
        self.forget()

    def forget(self, ledger: "Books | None" = None) -> None:
        """Start a new process."""
        self.watch = Watch(builders.workspace(builders.service(slos=(SLO,))), ledger=ledger)

    def look(self, second: float) -> SloSight:
        """Look once, and remember what became of the alerts."""
        now = START + timedelta(seconds=second)
        sight = self.watch.look(self.source, now, memory=self.memory)
        turned = turn(self.watch, sight, self.memory, now)
        alerts = {i: s for i, s in {**self.memory.alerts, **turned.alerts}.items() if s is not None}
        self.memory = Memory(alerts)
        return SloSight(sight.seen, sight.slos[0])

    def firing(self, rule: str = "fast") -> dict[Labels, bool]:
        """The groups whose alert is open, and whether it is blind."""
        return {
            identity.labels: state.blind_since is not None
            for identity, state in self.memory.alerts.items()
            if identity.rule == f"shop/uptime:{rule}" and state.phase in {Phase.FIRING, Phase.RECOVERING}
        }


def test_each_group_has_its_own_alert() -> None:
    """An outage of one route pages for that route; the status is that of the worst."""
    scene = Scene(a=GOOD, b=BAD)
    sight = scene.look(120)

    assert {group: sample.truth for group, sample in sight.seen["shop/uptime:fast"].rows.items()} == {
        A: Truth.FALSE,
        B: Truth.TRUE,
    }
    assert (sight.status.state, sight.status.reason[:31]) == ("burning", "route=/b, the worst of 2 groups")
    assert scene.firing() == {B: False}


def test_groups_cost_no_more_questions() -> None:
    """Whatever is asked for one group is there for all others."""
    one, many = Scene(a=BAD), Scene(**dict.fromkeys("abcdefgh", BAD))
    for second in range(0, 3_600, 15):
        one.look(second)
        many.look(second)

    assert len(many.source.asked) == len(one.source.asked)


def test_a_group_that_vanishes_is_blind() -> None:
    """Its open alert stays open, because nobody can look; the others are not touched. A day later it is out of use."""
    scene = Scene(a=GOOD, b=BAD)
    scene.look(120)
    scene.source.routes = {"/a": scene.source.routes["/a"]}
    scene.look(135)
    assert scene.firing() == {B: True}

    scene.forget()
    for second in (150, 3_600, 40_000):
        scene.look(second)
    assert scene.firing() == {B: True}

    for second in range(86_600, 88_200, 60):
        scene.look(second)
    assert scene.firing() == {}


def test_a_group_that_is_gone_keeps_its_budget() -> None:
    """Days after its series are gone what it spent is spent, also for a process that never saw it; it has no alerts."""
    scene, books = Scene(a=GOOD), Books({A: 0.0, B: 500.0})
    scene.forget(books)
    gone = scene.look(120)
    books.bad = {A: 0.0}
    let_go = scene.look(180)

    assert (gone.status.state, gone.status.used) == ("exhausted", 500)
    assert gone.status.reason == "route=/b, the worst of 2 groups: no budget is left; its series are gone"
    assert gone.seen["shop/uptime:fast"].rows.keys() == {A}
    assert scene.firing() == {}
    assert (let_go.status.state, let_go.status.reason[:24]) == ("healthy", "route=/a, the only group")


def test_a_group_that_is_gone_is_out_of_use_after_a_day() -> None:
    """Until then it is not taken for healthy: perhaps it cannot be seen."""
    scene, books = Scene(a=GOOD), Books({A: 0.0, B: 0.5}, fresh=frozenset([B]))
    scene.forget(books)
    first = scene.look(120)
    books.fresh = frozenset()
    later = scene.look(180)

    assert (first.status.state, first.status.reason) == (
        "unknown",
        "route=/b, the worst of 2 groups: its series are gone",
    )
    assert (later.status.state, later.status.reason) == (
        "healthy",
        "route=/b, the worst of 2 groups: its series are gone",
    )


def test_a_group_that_is_replaced() -> None:
    """Its counter is gone while another one has traffic: that is no absence."""
    ends = (Stretch(-40 * DAY, 0, 10),)
    scene = Scene(a=ends, b=GOOD)
    source = scene.source.routes["/a"]
    source.traffic["shop"] = replace(source.traffic["shop"], gone=0.0)
    rows = scene.look(900).seen["shop/uptime:no-traffic"].rows

    assert rows[A].truth is Truth.FALSE
    assert rows[A].reason == "it is gone, and others have traffic: values come and go"


def test_a_source_that_refuses() -> None:
    """Nobody knows of any group then; what is open stays open."""
    scene = Scene(a=GOOD, b=BAD)
    scene.look(120)
    scene.source.routes["/a"].refuses = {"label_replace": "no"}
    sight = scene.look(135)

    assert (sight.status.state, sight.seen["shop/uptime:fast"].rows[A].truth) == ("unknown", Truth.UNKNOWN)
    assert scene.firing() == {B: True}


def test_nothing_is_there_yet() -> None:
    """Without any series there is no group, and that is unknown rather than healthy."""
    sight = Scene().look(0)

    assert (sight.status.state, sight.status.reason) == ("unknown", "no group was seen yet")
    assert sight.seen["shop/uptime:fast"].rows == {}


def test_there_can_be_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """A label with a value for every user must not end the evaluator, and must not go unnoticed."""
    monkeypatch.setattr("tocsin.evaluate.grouped.MOST_GROUPS", 2)
    scene = Scene(a=GOOD, b=GOOD, c=GOOD)
    now = START + timedelta(seconds=60)
    sight = scene.watch.look(scene.source, now)

    assert len(sight.seen["shop/uptime:fast"].rows) == 2
    assert sight.questions == ("shop/uptime: more than 2 groups; the other 1 are not watched",)


GROUPED = """
slis: {a: {ratio: {bad: b, total: t}}}
slos:
  x: {sli: a, target: 99%, group_by: [zone, route]}
  y: {sli: a, target: 99%, group_by: [service, le]}
"""


def test_reading() -> None:
    """Labels are sorted; those that Tocsin sets, and the bound of a bucket, cannot divide an objective."""
    workspace, findings = read("Service", GROUPED)
    x, y = workspace.services[0].slos

    assert (x.sli.by, y.sli.by) == (("route", "zone"), ())
    assert places(findings) == [(7, 39, "slo/group-by"), (7, 48, "slo/group-by")]


def test_a_label_of_the_service_divides_nothing() -> None:
    """It would be put over that of every row, and two rows that fire would be one alert."""
    _, findings = read("Service", "labels: {route: all}" + GROUPED)
    assert places(findings)[0] == (4, 10, "slo/group-by")
    assert "a/x is divided by route" in findings[0].message


def test_rules_name_the_group() -> None:
    """Both sides are grouped, and the summary says which group it is."""
    workspace, _ = read("Service", GROUPED.replace("service, le", "route"))
    (group,) = (group for group in plan(workspace)[0].groups if group.name == "slo:a/x")
    fast = next(rule for rule in group.rules if isinstance(rule, AlertingRule))
    total = next(r for r in group.rules if isinstance(r, RecordingRule) and r.record == "slo:total:rate5m")

    assert total.expr.startswith("sum by (route, zone) (")
    assert dict(fast.annotations)["summary"].startswith("a/x (route {{ $labels.route }}) (zone {{ $labels.zone }})")


def test_journeys_and_contracts_need_a_single_one() -> None:
    """There is no answer to which of its groups a journey would need."""
    text = GROUPED.replace("service, le", "route") + (
        "---\napiVersion: tocsin/v1\nkind: Journey\nname: j\nslos:\n"
        "  z: {target: 99%, window: 30d, combine: {series: [a/x]}}\n"
        "---\napiVersion: tocsin/v1\nkind: SLA\nname: s\ncustomer: c\ncovers: a/x\ntarget: 99%\n"
        "period: {calendar: month, timezone: UTC}\ncredits: [{below: 99%, credit: 10%}]\n"
    )
    _, findings = read("Service", text)

    assert [(f.code, f.message) for f in findings] == [
        ("reference/divided", "a/x is one objective for each route, zone, and a journey needs a single one"),
        ("reference/divided", "a/x is one objective for each route, zone, and an SLA needs a single one"),
    ]
