"""A question that is slow holds up its own alert, and no other."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

import pytest
from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli
from tests.worlds import BLIND, DAY, FIRED, RESOLVED, START, World, seconds

from tocsin.evaluate.asking import MARK, Asker
from tocsin.evaluate.late import AGAIN, Answers, Jobs, Roll
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.tick import Watch
from tocsin.ports import Answer, RangeAnswer, Row
from tocsin.service.lanes import Lanes
from tocsin.spec import Combine, Journey, JourneySlo, Missing
from tocsin.spec.journey import Member
from tocsin.units import Duration
from tocsin.workspace import Workspace

FRESH = timedelta(minutes=1)


@dataclass
class Looks:
    """Looks that ask one question, whose answer is the second of the look that asked."""

    roll: Roll[str, int] = field(default_factory=Roll)
    asker: Asker = field(default_factory=lambda: Asker(FakeSource(), START))

    def begin(self, second: int, fails: str = "") -> tuple[Jobs, Jobs]:
        """What runs, and what runs aside."""
        self.asker = Asker(FakeSource(), START + seconds(second))

        def ask(asker: Asker) -> int:
            if fails:
                asker.failures.append(fails)
            return second

        return self.roll.begin(self.asker, {"slow": ask})

    def end(self) -> Answers[str, int]:
        """What is known."""
        return self.roll.end(self.asker, FRESH)

    def prompt(self, second: int, fails: str = "") -> Answers[str, int]:
        """A look that has its answer."""
        for job in self.begin(second, fails)[0]:
            job()
        return self.end()

    def late(self, second: int, fails: str = "") -> Answers[str, int]:
        """A look after which the answer comes."""
        prompt, aside = self.begin(second, fails)
        found = self.end()
        for job in (*prompt, *aside):
            job()
        return found


class TestRoll:
    """The questions over looks, without threads."""

    def test_what_is_answered_in_time_is_forgotten(self) -> None:
        """Nothing of it is left for the next look."""
        looks = Looks()
        [job], aside = looks.begin(0)
        job()

        assert aside == []
        assert looks.end() == Answers({"slow": 0}, (), ())
        assert not looks.roll.late

    def test_what_is_being_asked_is_not_asked_again(self) -> None:
        """Its answer is waited for, however many looks that takes."""
        looks = Looks()
        looks.begin(0)
        assert looks.end() == Answers({}, ("slow",), ())

        assert looks.begin(15) == ([], [])
        assert looks.end() == Answers({}, ("slow",), ())

    def test_a_late_answer_is_the_next_look_s(self) -> None:
        """And so on, one look late each time."""
        looks = Looks()
        assert looks.late(0).waited == ("slow",)

        assert looks.late(15) == Answers({"slow": 0}, (), ())
        assert looks.late(30) == Answers({"slow": 15}, (), ())

    def test_the_last_answer_stands_in_once(self) -> None:
        """A busy moment blinds nobody: what was answered in time a look ago counts until the late answer comes."""
        looks = Looks()
        looks.prompt(0)
        looks.begin(15)
        assert looks.end() == Answers({"slow": 0}, (), ())

        looks.begin(30)
        assert looks.end() == Answers({}, ("slow",), ())

    @pytest.mark.parametrize(("second", "fails"), [(75, ""), (15, "500")])
    def test_an_answer_that_does_not_stand_in(self, second: int, fails: str) -> None:
        """One that is too old; and one of a look in which something failed, whose failure would go untold."""
        looks = Looks()
        looks.prompt(0, fails)
        looks.begin(second)

        assert looks.end() == Answers({}, ("slow",), ())

    def test_an_old_answer_is_none(self) -> None:
        """After a suspended machine nobody knows."""
        looks = Looks()
        looks.late(0)

        assert looks.late(75) == Answers({}, ("slow",), ())

    def test_one_that_is_prompt_again_is_waited_for_again(self) -> None:
        """The new answer counts, not the late one."""
        looks = Looks()
        looks.late(0)
        prompt, [job] = looks.begin(15)
        job()

        assert prompt == []
        assert looks.end().found == {"slow": 15}
        assert len(looks.begin(30)[0]) == 1

    def test_a_failure_that_came_late_is_told_once(self) -> None:
        """It is one of the look that takes the answer."""
        looks = Looks()
        assert looks.late(0, "timed out").failures == ()
        assert looks.late(15).failures == ("timed out",)
        assert looks.late(30).failures == ()

    def test_it_is_waited_for_again_now_and_then(self) -> None:
        """Else a question that a busy moment made slow would be late for ever; one that fails is left aside."""
        well, ill = Looks(), Looks()
        for look in range(AGAIN):
            well.late(15 * look)
            ill.late(15 * look, "timed out")

        assert [len(jobs) for jobs in well.begin(15 * AGAIN)] == [1, 0]
        assert [len(jobs) for jobs in ill.begin(15 * AGAIN)] == [0, 1]

    def test_a_question_that_is_gone_is_forgotten(self) -> None:
        """Its rule was removed."""
        looks = Looks()
        looks.late(0)

        assert looks.roll.begin(looks.asker, {}) == ([], [])
        assert looks.end() == Answers({}, (), ())


class Slow(FakeSource):
    """Answers what contains `slow` when it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def instant(self, query: str, at: datetime) -> Answer:
        """Wait."""
        if "slow" in query:
            self.go.wait(30)
        return super().instant(query, at)


@dataclass
class Place(World):
    """A world whose source can be slow."""

    source: Slow = field(default_factory=Slow)


@pytest.fixture
def there() -> Iterator[Place]:
    """Two alerts, one of which is asked slowly."""
    alerts = tuple(builders.alert(name, value=name.lower(), above="1") for name in ("Slow", "Fast"))
    there = Place(builders.workspace(builders.service(alerts=alerts)))
    there.source.scripts = {name: lambda _: (Row((), 2.0),) for name in ("slow", "fast")}
    with Lanes(timedelta(seconds=60), timedelta(milliseconds=100)) as lanes:
        there.spread, there.aside = lanes.spread, lanes.aside
        yield there
        there.source.go.set()


def answered(there: Place) -> None:
    """Wait until the answer to the slow question has come, if it is still out."""
    asking = there.watch.alert_roll.late.get("shop/Slow")
    for _ in range(1_000):
        if asking is None or asking.done:
            return
        threading.Event().wait(0.01)
    raise AssertionError


class TestLook:
    """A whole look, with threads."""

    def test_others_do_not_wait(self, there: Place) -> None:
        """What could be asked is decided, what could not is unknown and told as a failure of the look."""
        turned = there.tick(0)

        assert there.told("shop/Fast") == [(0, FIRED)]
        assert there.told("shop/Slow") == []
        assert there.watch.strikes == 1
        assert turned.snapshot.source.ok

    def test_a_late_answer_counts(self, there: Place) -> None:
        """The alert begins one look late."""
        there.tick(0)
        there.source.go.set()
        answered(there)
        there.tick(15)

        assert there.told("shop/Slow") == [(15, FIRED)]
        assert there.watch.strikes == 0

    def test_no_answer_resolves_nothing(self, there: Place) -> None:
        """An alert whose question hangs is blind until it is answered."""
        there.tick(0)
        there.source.go.set()
        answered(there)
        there.tick(15)
        answered(there)
        there.source.go.clear()
        there.source.scripts["slow"] = lambda _: (Row((), 0.0),)
        there.tick(30)
        there.tick(45)
        kinds = [kind for _, kind in there.told("shop/Slow", (FIRED, RESOLVED, BLIND))]
        assert kinds == [BLIND, FIRED, BLIND]

        there.source.go.set()
        answered(there)
        there.tick(60)
        assert there.told("shop/Slow") == [(15, FIRED), (60, RESOLVED)]

    def test_a_reload_goes_on_waiting_for_the_same_question(self, there: Place) -> None:
        """It is not asked a second time, and its answer is taken; one that was changed is asked anew."""
        there.tick(0)
        before = there.watch
        there.restart()
        there.watch.inherit(before)
        assert there.watch.alert_roll.late.keys() == {"shop/Slow"}

        other = builders.alert("Slow", value="slow + 1", above="1")
        there.restart(builders.workspace(builders.service(alerts=(other,))))
        there.watch.inherit(before)
        assert not there.watch.alert_roll.late


class Crowd:
    """Rates for every mark; what contains `stuck` waits until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.asked: list[str] = []

    def instant(self, query: str, at: datetime) -> Answer:
        """Read the marks."""
        self.asked.append(query)
        if "stuck" in query:
            self.go.wait(30)
        marks = [piece.split('"')[0] for piece in query.split(f'"{MARK}", "')[1:]]
        rows = [Row(((MARK, mark),), 0.002 if "bad" in mark else 7.0) for mark in marks]
        return Answer(tuple(rows or [Row((), at.timestamp() - 86_400)]), at)

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Nobody asks for it."""
        raise NotImplementedError

    def raw(self, selector: str, start: datetime, end: datetime) -> RangeAnswer:
        """Nobody asks for it."""
        raise NotImplementedError


def test_one_of_many_that_are_asked_together() -> None:
    """An objective that hangs takes its neighbours in one request along for no longer than a look waits."""
    slos = [builders.slo(name=f"slo-{n}", target="0.999", sli=TrafficSli(f"t{n}")) for n in range(40)]
    slos[7] = builders.slo(name="slo-7", target="0.999", sli=TrafficSli("stuck"))
    watch = Watch(builders.workspace(builders.service(slos=tuple(slos))), together=True)
    source = Crowd()
    with Lanes(timedelta(seconds=60), timedelta(milliseconds=200)) as lanes:
        first = watch.look(source, START, memory=Memory(), spread=lanes.spread, aside=lanes.aside)
        began, asked = time.monotonic(), len(source.asked)
        second = watch.look(source, START + seconds(15), memory=Memory(), spread=lanes.spread, aside=lanes.aside)
        took, later = time.monotonic() - began, source.asked[asked:]
        source.go.set()

    for sight in (first, second):
        assert [slo.name for slo in sight.slos if slo.state == "unknown"] == ["slo-7"]
        assert sight.late == 1
    assert not any("stuck" in query for query in later)
    assert took < 5


class SlowHistory(FakeSource):
    """Ranges are answered when they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.go = threading.Event()

    def range(self, query: str, start: datetime, end: datetime, step: timedelta) -> RangeAnswer:
        """Wait."""
        self.go.wait(30)
        return super().range(query, start, end, step)


def test_a_journey_whose_slices_come_late() -> None:
    """It is what it was for a minute, then unknown, and known again when the slices have come."""
    slos = [replace(builders.slo("up", service=name, sli=TrafficSli(name)), tiers=()) for name in ("a", "b")]
    parts = tuple(Member(f"{name}/up", builders.SPAN) for name in ("a", "b"))
    slo = JourneySlo(
        "buying", "all", Decimal("0.99"), Duration.of(days=1), Duration.of(minutes=1),
        Combine("series", parts, (Decimal(1), Decimal(1)), builders.SPAN),
        Missing(Duration(0), "bad"), ("email",), "", builders.SPAN,
    )  # fmt: skip
    path = Journey("buying", "", "", "", (slo,), builders.SPAN)
    services = tuple(builders.service(one.service, slos=(one,)) for one in slos)
    watch, source = Watch(Workspace(services=services, journeys=(path,))), SlowHistory()
    for name in ("a", "b"):
        source.traffic[name] = Traffic(START, (Stretch(-9 * DAY, 9 * DAY, 10),))

    def state(second: int) -> str:
        now = START + seconds(second)
        return watch.look(source, now, spread=lanes.spread, aside=lanes.aside).journeys[0].state

    def wait() -> None:
        for _ in range(1_000):
            if all(asking.done for asking in watch.slice_roll.late.values()):
                return
            time.sleep(0.01)
        raise AssertionError

    with Lanes(timedelta(seconds=60), timedelta(milliseconds=200)) as lanes:
        source.go.set()
        state(0)
        wait()
        assert state(15) == "healthy"
        source.go.clear()
        assert [state(second) for second in (75, 90)] == ["healthy", "unknown"]
        source.go.set()
        wait()
        assert state(105) == "healthy"
