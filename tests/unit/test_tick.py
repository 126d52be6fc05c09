"""Look and turn, tick by tick, over traffic whose every window is known exactly."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

import pytest
from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import AlertEvent, AlertView, EventKind, Identity, Phase, Truth
from tocsin.evaluate.rule import dedup_key
from tocsin.evaluate.tick import Turn, Watch, turn
from tocsin.ports import Row, labels_of
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

    def __post_init__(self) -> None:
        self.watch = Watch(self.workspace)

    def tick(self, second: float) -> Turn:
        """One tick at *second* after the start."""
        now = START + seconds(second)
        sight = self.watch.look(self.source, now, memory=self.memory)
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


class TestBurnRates:
    """The closed forms of multi-window burn-rate alerts, observed on a grid of 15 s."""

    @pytest.mark.parametrize(
        ("errors", "length", "fires", "clears"),
        [
            (1.0, 300, 0.864, 9.928),
            (0.15, 600, 5.76, 14.52),
            (0.5, 600, 1.728, 14.856),
            (0.02, 3_600, 43.2, 61.4),
        ],
    )
    def test_page_in_the_exact_minute(self, errors: float, length: float, fires: float, clears: float) -> None:
        """The page comes with the first tick after the closed form's exact minute; the end, ten minutes after its."""
        there = world(*incident(errors, length))
        there.run(-60, 75 * 60)

        times = [second for second, _ in there.told("shop/uptime:fast")]
        assert [kind for _, kind in there.told("shop/uptime:fast")] == [FIRED, RESOLVED]
        assert [_next_tick(fires * 60), _next_tick(clears * 60) + KEPT] == times

    def test_the_end_names_the_rate_that_ended_it(self) -> None:
        """The long window is still far above its threshold then; "back to 83x" would be nonsense."""
        there = world(*incident(0.5, 600))
        there.run(-60, 1_500)
        [over] = [event for _, rule, event in there.happened if rule.endswith(":fast") and event.kind is RESOLVED]

        assert over.reason.startswith("burn rate is back to ")
        assert over.reason.endswith("x over 5m")
        assert float(over.reason.removeprefix("burn rate is back to ").removesuffix("x over 5m")) < 14.4

    def test_short_incident_is_silent(self) -> None:
        """15 % for 5 minutes stay below 2 % of the budget: nobody is woken up."""
        there = world(*incident(0.15, 300))
        there.run(-60, 3_600)

        assert there.told("shop/uptime:fast") == []

    def test_dropped_traffic(self) -> None:
        """When an outage takes nine tenths of the traffic along, the page comes at 7.65 min, not at 0.86."""
        there = world(*incident(1.0, 1_200, rate=1))
        there.run(-60, 1_200)

        assert (_next_tick(7.6487252125 * 60), FIRED) == there.told("shop/uptime:fast")[0]

    def test_slower_tiers(self) -> None:
        """1 % never pages by the fast tier, and by the steady one after 216 min (exactly there is not above)."""
        there = world(*incident(0.01, 5 * 3_600))
        there.run(0, 15_000, step=60)

        assert there.told("shop/uptime:fast") == []
        assert there.told("shop/uptime:steady") == [(216 * 60 + 60, FIRED)]

    def test_cold_start(self) -> None:
        """2 % from the first request on page after 44 min, as for an old service, not with the first sample."""
        there = world(Stretch(0, DAY, 10, 0.02))
        there.run(15, 3_600)

        [(second, kind)] = there.told("shop/uptime:fast")
        assert kind is FIRED
        assert 43 * 60 <= second <= 45 * 60

    def test_cold_outage(self) -> None:
        """A new service that fails from its first request on pages within two minutes."""
        there = world(Stretch(0, DAY, 10, 1.0))
        there.run(15, 300)

        [(second, kind)] = there.told("shop/uptime:fast")
        assert kind is FIRED
        assert second <= 120

    def test_low_traffic_gap_keeps_the_page(self) -> None:
        """When requests stop in the middle of an incident, 0/0 does not resolve it."""
        there = world(Stretch(-40 * DAY, 0, 10), Stretch(0, 600, 10, 1.0), Stretch(5_000, 9_000, 10))
        there.run(-60, 3_000)

        assert [kind for _, kind in there.told("shop/uptime:fast")] == [FIRED]
        assert there.view("shop/uptime:fast").blind_since is not None

        there.run(3_000, 5_700)
        assert [kind for _, kind in there.told("shop/uptime:fast")] == [FIRED, RESOLVED]

    def test_message(self) -> None:
        """The page names service, objective, burn rate, budget left, and since when."""
        there = world(*incident(0.15, 3_600))
        there.run(-60, 600)
        view = there.view("shop/uptime:fast")

        facts = dict(view.facts)
        assert (view.service, view.severity, view.phase) == ("shop", "critical", Phase.FIRING)
        assert facts["SLO"] == "shop/uptime 99.9% over 30d"
        assert facts["burn rate"] == "25x over 1h, 150x over 5m (pages at 14.4x)"
        assert facts["error ratio"] == "2.5% over 1h, 15% over 5m"
        assert facts["budget left"] == "96.5%"
        assert facts["budget exhausted in"] == "4h 38m at 150x"
        assert view.started_at == START + seconds(360)
        assert (
            dict(view.labels).items()
            >= {
                "service": "shop",
                "slo": "uptime",
                "tier": "fast",
                "severity": "critical",
                "ref": "shop/uptime",
                "alertname": "ErrorBudgetBurn",
            }.items()
        )

    def test_status(self) -> None:
        """The status carries counts, burn rates and state."""
        there = world(*incident(1.0, 300))
        there.run(-60, 240)
        assert there.last is not None
        [slo] = there.last.snapshot.slos

        assert slo.state == "burning"
        assert slo.total == pytest.approx(30 * DAY * 10)
        assert slo.used == pytest.approx(2_400, abs=600)
        assert slo.remaining == pytest.approx(1 - slo.used / slo.allowed)  # type: ignore[operator]
        assert [b.truth for b in slo.burns] == [Truth.TRUE, Truth.TRUE, Truth.FALSE, Truth.FALSE]


class TestNoTraffic:
    """The request counter stops: burn rates know nothing, so somebody must be told."""

    @pytest.mark.parametrize("gone", [0.0, float("inf")])
    def test_counter_stops(self, gone: float) -> None:
        """A counter that stops or is gone fires after `for`, and resolves ten minutes after the first requests."""
        there = world(Stretch(-40 * DAY, 0, 10), Stretch(3_600, 7_200, 10), gone=float("inf"))
        there.source.traffic["shop"].gone = gone
        there.run(-60, 3_500)
        there.source.traffic["shop"].gone = float("inf")
        there.run(3_500, 4_300)

        told = there.told("shop/uptime:no-traffic")
        assert [kind for _, kind in told] == [FIRED, RESOLVED]
        assert 300 + 600 <= told[0][0] <= 300 + 600 + 30
        assert told[1][0] <= 3_630 + KEPT

    def test_never_seen(self) -> None:
        """A service that never had traffic does not fire."""
        there = world()
        there.run(0, 3_600, step=60)

        assert there.told("shop/uptime:no-traffic") == []

    def test_quiet_service(self) -> None:
        """Ten requests an hour: a pause of ten minutes is chance, a pause of hours is not."""
        there = world(Stretch(-40 * DAY, 0, 10 / 3_600))
        there.run(-60, 4 * 3_600, step=60)

        [(second, kind)] = there.told("shop/uptime:no-traffic")
        assert kind is FIRED
        assert 3_600 < second < 4 * 3_600

    def test_a_day_of_silence(self) -> None:
        """A counter that stood still for a whole day is that of a service out of use: the alert ends, and says so."""
        there = world(Stretch(-40 * DAY, 0, 10))
        there.run(-60, 2_000)
        there.run(2_000, DAY - 1_200, step=600)
        there.run(DAY - 1_200, DAY + 1_800, step=60)

        told = there.told("shop/uptime:no-traffic")
        assert [kind for _, kind in told] == [FIRED, RESOLVED]
        assert DAY - 600 <= told[1][0] <= DAY + 1_800
        [over] = [event for _, rule, event in there.happened if rule.endswith(":no-traffic") and event.kind is RESOLVED]
        assert over.reason == "no traffic in the last 1d: it counts as out of use"

    def test_a_counter_that_is_gone_resolves_nothing(self) -> None:
        """When the series are gone for days nobody could look: the alert stays open."""
        there = world(Stretch(-40 * DAY, 0, 10), gone=0)
        there.run(-60, 2_000)
        there.run(2_000, 3 * DAY, step=600)

        assert [kind for _, kind in there.told("shop/uptime:no-traffic")] == [FIRED]

    def test_a_source_that_lost_its_data_resolves_nothing(self) -> None:
        """A counter that is there again and stands still says nothing of the day before."""
        there = world(Stretch(-40 * DAY, 0, 10))
        there.run(-60, 2_000)
        there.source.traffic["shop"] = Traffic(START, (Stretch(2_000, 2_000, 0),))
        there.run(2_000, DAY / 2, step=600)

        assert [kind for _, kind in there.told("shop/uptime:no-traffic")] == [FIRED]


class TestBlind:
    """Not being able to look."""

    def test_source_dies_while_an_alert_fires(self) -> None:
        """No RESOLVED while the source is away; exactly one when it is back and the service is well."""
        there = world(*incident(1.0, 300, after=DAY))
        there.run(-60, 240)
        there.source.down = "connection refused"
        there.run(255, 3_000)

        assert there.told("shop/uptime:fast", (FIRED, RESOLVED, BLIND)) == [(60, FIRED), (255, BLIND)]
        assert there.view("shop/uptime:fast").reason == "connection refused"
        assert dict(there.view("shop/uptime:fast").facts)["SLO"]

        there.source.down = ""
        there.run(3_015, 4_000)
        assert there.told("shop/uptime:fast")[1:] == [(3_015 + KEPT, RESOLVED)]

    def test_one_meta_alert(self) -> None:
        """Three looks without an answer fire one alert for the source, not one for each rule; it resolves by itself."""
        there = world(*incident(0, 0, after=DAY))
        there.run(0, 60)
        there.source.down = "timed out after 5 s"
        there.run(75, 300)
        there.source.down = ""
        there.run(315, 345)

        assert [(s, r, e.kind) for s, r, e in there.happened if e.kind in {FIRED, RESOLVED}] == [
            (105, "source", FIRED),
            (315, "source", RESOLVED),
        ]

    def test_source_comes_back_after_a_restart(self) -> None:
        """The alert about the source survives a restart of the evaluator, and stays one."""
        there = world(*incident(0, 0, after=DAY))
        there.source.down = "timed out after 5 s"
        there.run(0, 60)
        there.restart()
        there.run(75, 150)
        there.source.down = ""
        there.tick(165)

        assert [kind for _, kind in there.told("source")] == [FIRED, RESOLVED]

    def test_dead_source_is_asked_once(self) -> None:
        """A look at a dead source costs one question, not one for each rule."""
        there = world(*incident(0, 0), alerts=tuple(builders.alert(f"A{i}", value="up", above="1") for i in range(20)))
        there.source.down = "timed out after 5 s"
        there.tick(0)

        assert there.source.asked == ["vector(1)"]

    def test_questions_that_fail(self) -> None:
        """A rule whose question fails for good is told of by a warning, and blinds nobody else."""
        there = world(*incident(1.0, 300), alerts=(builders.alert("Broken", value="sum(", above="1"),))
        there.run(-60, 120)

        assert there.told("source:questions") == [(-30, FIRED)]
        assert there.told("shop/uptime:fast") == [(60, FIRED)]
        assert there.told("source") == []

    def test_partial_answers_resolve_nothing(self) -> None:
        """An answer with rows missing is no evidence that all is well."""
        there = world(*incident(1.0, 300, after=DAY))
        there.run(-60, 240)
        there.source.partial = True
        there.run(255, 1_200)
        there.source.partial = False
        there.run(1_215, 1_815)

        assert there.told("shop/uptime:fast") == [(60, FIRED), (1_215 + KEPT, RESOLVED)]

    def test_nobody_sees_more_than_there_is(self) -> None:
        """While blind, the status says unknown and why, and keeps the last known budget."""
        there = world(*incident(0, 0, after=DAY))
        there.run(0, 60)
        there.source.down = "HTTP 503 Service Unavailable"
        there.tick(75)
        assert there.last is not None
        [slo] = there.last.snapshot.slos

        assert (slo.state, slo.reason) == ("unknown", "HTTP 503 Service Unavailable")
        assert slo.remaining == 1.0
        assert not there.last.snapshot.source.ok


class TestThresholds:
    """Alerts on a value or an expression."""

    QUEUE = 'queue{job="x"}'

    def queue(self, alert: AlertRule, values: Mapping[str, Sequence[float]]) -> World:
        """A queue length by camera, one value for every 15 s; the list's end is the series' end."""
        there = World(builders.workspace(builders.service(alerts=(alert,))))
        for camera, points in values.items():
            labels = {"__name__": "queue", "job": "x", "camera": camera}
            there.source.add(labels, ((START + seconds(15 * i), v) for i, v in enumerate(points)))
        return there

    def test_each_row_is_an_alert(self) -> None:
        """Instances are told apart by the labels of their rows, without the metric's name."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100"), {"a": [200], "b": [100], "c": [300]})
        there.tick(0)
        assert there.last is not None

        assert {view.identity: view.title for view in there.last.views} == {
            Identity(
                "shop/QueueTooLong", labels_of({"camera": camera, "job": "x"})
            ): f"QueueTooLong on shop ({camera}, x)"
            for camera in ("a", "c")
        }

    def test_comparison_is_strict(self) -> None:
        """Exactly the threshold is neither above nor below it."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100", below="100"), {"a": [100, 100.5, 99.5]})
        there.tick(0)
        assert there.told("shop/QueueTooLong") == []

        there.run(15, 30)
        assert there.told("shop/QueueTooLong") == [(15, FIRED)]

    @pytest.mark.parametrize(
        "alert",
        [
            builders.alert(value=QUEUE, above="100"),
            builders.alert(expr=f"{QUEUE} > 100"),
            builders.alert(expr=f"100 < ({QUEUE})"),
        ],
    )
    def test_a_missing_row_is_blind(self, alert: AlertRule) -> None:
        """A series that ends (a failed scrape) does not resolve its alert; a value within bounds does."""
        there = self.queue(alert, {"a": [200] * 4, "b": [200] * 3 + [50]})
        there.source.scripts["(" + self.QUEUE + ")"] = lambda at: there.source.instant(self.QUEUE, at).rows
        there.run(0, 45)
        there.run(600, 630)
        told = [(s, dict(i.labels)["camera"]) for s, i, e in self.by_camera(there) if e is RESOLVED]
        assert told == [(45, "b")]

        blind = [dict(i.labels)["camera"] for _, i, e in self.by_camera(there) if e is BLIND]
        assert blind == ["a"]

    def by_camera(self, there: World) -> list[tuple[float, Identity, EventKind]]:
        """Events with identities."""
        assert there.last is not None
        found = []
        for identity, state in there.memory.alerts.items():
            if state.resolved_at:
                found.append(((state.resolved_at - START).total_seconds(), identity, RESOLVED))
            if state.blind_since:
                found.append(((state.blind_since - START).total_seconds(), identity, BLIND))
        return found

    @pytest.mark.parametrize(
        ("policy", "kinds"),
        [("keep", [FIRED]), ("resolve", [FIRED, RESOLVED]), ("fire", [FIRED, FIRED])],
    )
    def test_on_missing(self, policy: str, kinds: list[EventKind]) -> None:
        """What a missing row means is the rule's to say; with `fire`, no row at all is one more alert."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100", on_missing=policy), {"a": [200] * 4})
        there.run(0, 45)
        there.run(600, 630)

        assert kinds == [kind for _, kind in there.told("shop/QueueTooLong")]

    def test_fire_on_missing_resolves(self) -> None:
        """With `fire`, rows that come back resolve the alert about their absence."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100", on_missing="fire"), {"a": [1] * 4})
        there.run(0, 45)
        assert there.told("shop/QueueTooLong") == []

        there.run(600, 615)
        labels = {"__name__": "queue", "job": "x", "camera": "a"}
        there.source.add(labels, [(START + seconds(630), 1.0)])
        there.run(630, 645)

        assert there.told("shop/QueueTooLong") == [(600, FIRED), (630, RESOLVED)]

    def test_fire_on_missing_needs_all_rows_gone(self) -> None:
        """With `fire`, one camera that is taken away fires nothing, neither now nor for ever."""
        alert = builders.alert(value=self.QUEUE, above="100", on_missing="fire")
        there = self.queue(alert, {"a": [200, 1, 1, 1], "b": [1] * 60})
        there.run(0, 885)

        assert there.told("shop/QueueTooLong") == [(0, FIRED), (15, RESOLVED)]
        assert [i for i, state in there.memory.alerts.items() if state.phase is not Phase.INACTIVE] == []

    def test_a_quiet_row_that_ends_is_not_blind_for_ever(self) -> None:
        """A camera whose value was NaN, and that is gone, is in no list of blind rules any more."""
        there = self.queue(
            builders.alert(value=self.QUEUE, above="100"), {"a": [1, float("nan")], "b": [200, 1, float("nan"), 1]}
        )
        there.run(0, 15)
        assert there.blind("shop/QueueTooLong") == ["a"]

        there.source.down = "connection refused"
        there.tick(600)
        assert there.blind("shop/QueueTooLong") == ["a"]

        there.source.down = ""
        there.tick(615)
        assert [i.labels[0][1] for i in there.memory.alerts if i.labels] == ["b"]

    def test_a_storm_is_forgotten(self) -> None:
        """States of pods that fired once are kept for a day; who fires again afterwards gets a new key."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100"), {str(i): [200, 1] for i in range(300)})
        keys = {view.dedup_key for view in there.tick(0).views}
        there.run(15, 30)
        there.run(3_600, 22 * 3_600, step=3_600)
        assert len(there.memory.alerts) == 300

        there.run(24 * 3_600, 25 * 3_600, step=3_600)
        assert there.memory.alerts == {}

        at = START + seconds(26 * 3_600)
        there.source.add({"__name__": "queue", "job": "x", "camera": "7"}, [(at, 200.0)])
        [view] = there.tick(26 * 3_600).views
        assert view.dedup_key not in keys

    def test_nan_is_unknown(self) -> None:
        """NaN is neither above nor below; it resolves nothing."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100"), {"a": [200, float("nan"), float("nan"), 1]})
        there.run(0, 30)
        assert there.told("shop/QueueTooLong", (FIRED, RESOLVED, BLIND)) == [(0, FIRED), (15, BLIND)]

        there.tick(45)
        assert there.told("shop/QueueTooLong", (RESOLVED,)) == [(45, RESOLVED)]

    def test_a_description_is_told_beside_the_summary_and_not_twice(self) -> None:
        """Its holes are filled; without a summary it is the summary."""
        rule = replace(builders.alert(value=self.QUEUE, above="100"), description="{{ value }} frames wait")
        told = []
        for one in (replace(rule, summary="too long"), rule):
            there = self.queue(one, {"a": [200]})
            there.tick(0)
            told += [(view.summary, view.description) for view in there.memory.views.values()]

        assert told == [("too long", "200 frames wait"), ("200 frames wait", "")]

    def test_for(self) -> None:
        """`for` is honoured per row."""
        there = self.queue(
            builders.alert(value=self.QUEUE, above="100", for_="1m"), {"a": [200] * 9, "b": [1, 200] * 5}
        )
        there.run(0, 120)

        assert there.told("shop/QueueTooLong") == [(60, FIRED)]

    def test_pending_is_shown_but_not_told(self) -> None:
        """A pending alert is on the page, and among no views that are stored or announced."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100", for_="1m"), {"a": [200] * 9})
        turned = there.tick(0)

        assert turned.views == ()
        assert [view.phase for view in turned.snapshot.alerts] == [Phase.PENDING]

    def test_quiet_rows_are_not_stored(self) -> None:
        """Ten thousand healthy rows are no ten thousand states."""
        there = self.queue(builders.alert(value=self.QUEUE, above="100"), {str(i): [1] for i in range(100)})
        turned = there.tick(0)

        assert (turned.alerts, turned.views) == ({}, ())


class TestExpressions:
    """Expressions that only return what is true."""

    EXPR = "queue > 100 and camera_up == 1"

    def there(self) -> World:
        """One rule, whose result is scripted and whose selectors have real series."""
        made = World(builders.workspace(builders.service(alerts=(builders.alert(expr=self.EXPR),))))
        for name in ("queue", "camera_up"):
            for camera in ("a", "b"):
                labels = {"__name__": name, "camera": camera, "pod": f"{name}-{camera}"}
                made.source.add(labels, ((START + seconds(15 * i), 1.0) for i in range(5)))
        made.result = ["a", "b"]  # type: ignore[attr-defined]
        made.source.scripts[self.EXPR] = lambda _: tuple(
            Row((("camera", camera),), 200.0)
            for camera in made.result  # type: ignore[attr-defined]
        )
        return made

    def test_gone_with_series_present(self) -> None:
        """An instance whose series are still there, and that is not in the result, is resolved."""
        there = self.there()
        there.run(0, 30)
        there.result = ["b"]  # type: ignore[attr-defined]
        there.tick(45)

        resolved = {i for i, state in there.memory.alerts.items() if state.resolved_at}
        assert resolved == {Identity("shop/QueueTooLong", (("camera", "a"),))}

    def test_gone_with_its_series(self) -> None:
        """One camera's series ended, the other's did not: the first is blind, though the selector has rows."""
        there = self.there()
        there.run(0, 30)
        labels = {"__name__": "queue", "camera": "b", "pod": "queue-b"}
        there.source.add(labels, [(START + seconds(600), 1.0)])
        labels = {"__name__": "camera_up", "camera": "b", "pod": "camera_up-b"}
        there.source.add(labels, [(START + seconds(600), 1.0)])
        there.result = []  # type: ignore[attr-defined]
        there.tick(600)

        states = {dict(i.labels)["camera"]: s.phase for i, s in there.memory.alerts.items()}
        assert states == {"a": Phase.FIRING, "b": Phase.INACTIVE}

    def test_presence_is_asked_only_when_needed(self) -> None:
        """A quiet rule costs one question."""
        there = self.there()
        there.result = []  # type: ignore[attr-defined]
        there.tick(0)

        assert there.source.asked == ["vector(1)", self.EXPR]

    def test_absent_resolves(self) -> None:
        """An `absent()` alert resolves when its series are back: nothing else could be evidence."""
        expr = 'absent(up{job="x"})'
        there = World(builders.workspace(builders.service(alerts=(builders.alert(expr=expr),))))
        there.source.scripts[expr] = lambda at: (Row((("job", "x"),), 1.0),) if at < START + seconds(30) else ()
        there.run(0, 30)

        assert [kind for _, kind in there.told("shop/QueueTooLong")] == [FIRED, RESOLVED]

    @pytest.mark.parametrize(
        ("present", "kinds"),
        [({"a", "b"}, [FIRED, RESOLVED]), ({"a"}, [FIRED]), ({"b"}, [FIRED]), (set(), [FIRED])],
    )
    def test_either_side_of_an_or(self, present: set[str], kinds: list[EventKind]) -> None:
        """An `or` is over only when the series of both its sides are there: nobody remembers which one was true."""
        expr, row = "a > 1 or b > 2", (("pod", "p"),)
        there = World(builders.workspace(builders.service(alerts=(builders.alert(expr=expr),))))
        there.source.scripts[expr] = lambda at: (Row(row, 3.0),) if at < START + seconds(30) else ()
        for name in present:
            there.source.add({"__name__": name, "pod": "p"}, [(START + seconds(30), 1.0)])
        there.run(0, 30)

        assert [kind for _, kind in there.told("shop/QueueTooLong")] == kinds

    @pytest.mark.parametrize(
        "alert",
        [
            builders.alert(expr="count(up == 0) > 0"),
            builders.alert(expr="count(up == 0) > 0", on_missing="resolve"),
            builders.alert(value="count(up == 0)", above="0"),
        ],
    )
    @pytest.mark.parametrize("scraped", [True, False])
    def test_a_value_that_filters(self, alert: AlertRule, scraped: bool) -> None:
        """`count(up == 0)` has no row when all is well: that resolves it, unless `up` itself is gone."""
        there = World(builders.workspace(builders.service(alerts=(alert,))))
        there.source.scripts["count(up == 0)"] = lambda at: (Row((), 1.0),) if at < START + seconds(30) else ()
        if scraped:
            there.source.add({"__name__": "up", "job": "x"}, [(START + seconds(30), 1.0)])
        there.run(0, 30)

        resolved = scraped or alert.on_missing == "resolve"
        assert [kind for _, kind in there.told("shop/QueueTooLong")] == [FIRED, RESOLVED][: 1 + resolved]
        assert there.source.asked.count("up") == 1

    def test_absent_compared(self) -> None:
        """`absent(x) == 1` is `absent(x)`."""
        there = World(builders.workspace(builders.service(alerts=(builders.alert(expr="absent(up) == 1"),))))
        there.source.scripts["absent(up)"] = lambda at: (Row((), 1.0),) if at < START + seconds(30) else ()
        there.run(0, 30)

        assert [kind for _, kind in there.told("shop/QueueTooLong")] == [FIRED, RESOLVED]


class TestLifecycle:
    """Restart, reload, removal."""

    def test_removed_rule(self) -> None:
        """A rule that is deleted while it fires is closed once, with the reason, and its number is not used again."""
        there = world(*incident(1.0, 3_600))
        there.run(-60, 120)
        before = there.workspace
        there.restart(builders.workspace())
        turned = there.tick(135)

        closed = {v.identity.rule: v for v in turned.views}["shop/uptime:fast"]
        assert (closed.reason, closed.resolved_at, closed.phase) == (
            "rule removed",
            START + seconds(135),
            Phase.INACTIVE,
        )
        started = START + seconds(60)
        assert closed.dedup_key == dedup_key(Identity("shop/uptime:fast"), 1, started)
        assert closed.title == "shop/uptime burns its error budget too fast (fast)"
        assert there.tick(150).views == ()

        there.restart(before)
        there.tick(165)
        started = START + seconds(165)
        assert there.view("shop/uptime:fast").dedup_key == dedup_key(Identity("shop/uptime:fast"), 2, started)

    def test_a_removed_rule_is_forgotten(self) -> None:
        """A day after it was closed, nothing is left of a rule that is not there any more."""
        there = world(*incident(1.0, 3_600))
        there.run(-60, 120)
        there.restart(builders.workspace())
        there.tick(135)
        there.tick(DAY)
        assert {i.rule for i in there.memory.alerts} >= {"shop/uptime:fast"}

        there.tick(DAY + 135)
        assert there.memory.alerts == {}

    BY_POD, BY_JOB = "sum by (pod) (q)", "sum by (job) (q)"

    def changed(self, before: AlertRule, after: AlertRule, *, row: bool = True) -> World:
        """A rule that fires for a pod, and after a restart asks by job; *row* says whether that has an answer."""
        there = World(builders.workspace(builders.service(alerts=(before,))))
        there.source.scripts[self.BY_POD] = lambda _: (Row((("pod", "p"),), 9.0),)
        there.source.scripts[self.BY_JOB] = lambda _: (Row((("job", "j"),), 9.0),) if row else ()
        there.run(0, 15)
        there.restart(builders.workspace(builders.service(alerts=(after,))))
        return there

    @pytest.mark.parametrize("row", [True, False])
    def test_a_rule_that_asks_otherwise(self, row: bool) -> None:
        """What a changed rule does not name any more is closed once, and says why; a dead source closes nothing."""
        there = self.changed(
            builders.alert(value=self.BY_POD, above="5"), builders.alert(expr=f"{self.BY_JOB} > 5"), row=row
        )
        there.source.down = "connection refused"
        there.tick(30)
        there.source.down = ""
        assert there.told("shop/QueueTooLong") == [(0, FIRED)]

        turned = there.tick(45)
        [closed] = [v for v in turned.views if v.resolved_at]
        assert dict(closed.identity.labels) == {"pod": "p"}
        assert closed.reason == "the rule was changed, and what it asks now does not name this any more"
        assert sorted(there.told("shop/QueueTooLong")) == [(0, FIRED), *[(45, FIRED)] * row, (45, RESOLVED)]

    def test_a_rule_that_asks_the_same(self) -> None:
        """Another threshold, another spelling or another form of the same question closes nothing."""
        there = self.changed(
            builders.alert(value=self.BY_POD, above="5"), builders.alert(expr="sum by(pod)  (q) > 100")
        )
        there.source.scripts[self.BY_POD] = lambda _: ()
        there.run(30, 60)

        assert there.told("shop/QueueTooLong", (FIRED, RESOLVED, BLIND)) == [(0, FIRED), (30, BLIND)]

    def test_restart_in_the_middle(self) -> None:
        """After a restart the resolve comes, and no second page."""
        there = world(*incident(1.0, 300, after=DAY))
        there.run(-60, 240)
        there.restart()
        there.run(255, 1_500)

        assert [kind for _, kind in there.told("shop/uptime:fast")] == [FIRED, RESOLVED]

    def test_reload_forgets_nothing_it_needs(self) -> None:
        """A reload while the source is down does not start counting anew, and keeps what it knew of unchanged rules."""
        there = world(*incident(0, 0, after=DAY))
        there.run(0, 60)
        there.source.down = "connection refused"
        there.run(75, 90)
        before = there.watch
        there.restart()
        there.watch.inherit(before)
        there.tick(105)
        assert there.last is not None

        assert there.told("source") == [(105, FIRED)]
        assert there.last.snapshot.slos[0].remaining == 1.0
        assert there.last.snapshot.source.since == START + seconds(75)

    def test_turn_is_pure(self) -> None:
        """The same sight and memory give the same turn."""
        there = world(*incident(1.0, 300))
        there.run(-60, 120)
        now = START + seconds(135)
        sight = there.watch.look(there.source, now)

        assert turn(there.watch, sight, there.memory, now) == turn(there.watch, sight, there.memory, now)

    def test_questions_in_parallel(self) -> None:
        """Asking with several threads sees the same."""
        alone, together = world(*incident(1.0, 300)), world(*incident(1.0, 300))
        now = START + seconds(120)
        with ThreadPoolExecutor(4) as pool:
            parallel = together.watch.look(together.source, now, spread=pool.map)

        assert alone.watch.look(alone.source, now) == parallel


def _next_tick(second: float) -> float:
    """The first tick of the grid after *second*: an exact tie is not above a strict threshold yet."""
    return (second // 15 + 1) * 15
