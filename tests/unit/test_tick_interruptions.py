"""What comes between two ticks: sources that cannot be asked, restarts, reloads, rules that are removed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import ClassVar

import pytest
from tests import builders
from tests.worlds import BLIND, DAY, FIRED, KEPT, RESOLVED, START, World, incident, seconds, world

from tocsin.evaluate.model import Identity, Phase
from tocsin.evaluate.rule import dedup_key
from tocsin.evaluate.tick import Watch, turn
from tocsin.ports import Row, labels_of
from tocsin.spec import AlertRule


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

    @pytest.mark.parametrize("jump", [3_600, -3_600])
    def test_a_restart_across_a_jump_of_the_clock(self, jump: float) -> None:
        """What is pending goes on, and waits for as long as is left of it: the jump is no time that was observed."""
        alert = builders.alert(value="q", above="5", for_="10m")
        there = World(builders.workspace(builders.service(alerts=(alert,))))
        there.source.scripts["q"] = lambda _: (Row((), 9.0),)
        there.run(0, 60)
        there.restart()
        there.run(60 + jump, 700 + jump)
        [(fired, _)] = there.told("shop/QueueTooLong")

        assert 600 - there.watch.stride.total_seconds() <= fired - jump <= 600

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


class TestClockSetBack:
    """The machine that both run on, or our own, is told that it is earlier."""

    LEVEL: ClassVar = {"__name__": "level", "job": "shop"}
    UP: ClassVar = {"__name__": "up", "job": "shop"}

    def lab(self, until: float) -> World:
        """A level that is beyond its bound from 600 s on; its target was scraped up to then."""
        alert = builders.alert(name="TooHigh", value="level", above="5")
        there = World(builders.workspace(builders.service(alerts=(alert,))))
        for at in range(0, int(until) + 1, 15):
            there.source.add(self.LEVEL, [(START + seconds(at), 9.0 if at >= 600 else 1.0)])
            there.source.add(self.UP, [(START + seconds(at), 1.0)])
        there.source.scripts |= {
            f"count(count_over_time(up[{ms}ms]))": partial(self.scraped, there, ms)
            for ms in (300_000, *(1_000 * each for each in range(1, 301)))
        }
        return there

    def scraped(self, there: World, ms: int, at: datetime) -> tuple[Row, ...]:
        """What Prometheus counts in a window."""
        points = there.source.series[labels_of(self.UP)]
        inside = [t for t, _ in points if at.timestamp() - ms / 1000 < t <= at.timestamp()]
        return (Row((), 1.0),) if inside else ()

    def test_the_past_ends_nothing(self) -> None:
        """What was fine ten minutes ago fires now: no RESOLVED, one alert says why, also after a reload."""
        there = self.lab(900)
        there.run(0, 900)
        there.run(310, 700)
        before, there.watch = there.watch, Watch(there.workspace)
        there.watch.inherit(before)
        there.run(715, 850)

        assert there.told("shop/TooHigh") == [(600, FIRED)]
        assert there.told("source") == [(340, FIRED)]
        assert there.view("source").reason.startswith("has samples that are later than now by up to")

        there.source.add(self.LEVEL, [(START + seconds(at), 1.0) for at in range(915, 1_000, 15)])
        there.run(915, 960)
        assert there.told("shop/TooHigh") == [(600, FIRED), (915, RESOLVED)]

    def test_who_had_been_ahead_sees_the_present(self) -> None:
        """Our own clock was an hour ahead and is right again: the source has nothing later, and is believed."""
        there = self.lab(900)
        there.tick(4_500)
        there.run(300, 630)

        assert there.told("shop/TooHigh") == [(600, FIRED)]
        assert there.told("source") == []

    def test_a_step_of_some_seconds(self) -> None:
        """The same sample is seen as before."""
        there = self.lab(900)
        there.run(590, 605, step=5)
        there.tick(598)
        there.run(603, 620, step=5)

        assert there.told("shop/TooHigh") == [(600, FIRED)]
