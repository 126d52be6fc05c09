"""One SLO's questions: what is refused, what is young, what stops, what comes and goes."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests import builders
from tests.fakes import FakeSource, Stretch, Traffic, TrafficSli

from tocsin.evaluate.absence import Past, absent
from tocsin.evaluate.asking import Asker
from tocsin.evaluate.cadence import Cadence
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import EventKind, SloStatus, Truth
from tocsin.evaluate.slo import SloQuestion, SloSight
from tocsin.evaluate.tick import Watch, turn
from tocsin.spec import Slo
from tocsin.windows import QUICK_RESET

START = datetime(2026, 11, 1, tzinfo=UTC)
DAY = 86_400.0
TOO_MANY = "execution: query processing would load too many samples into memory in query execution"


def uptime(**settings: object) -> Slo:
    """`shop/uptime`: 99.9 % over 30 days of traffic called `shop`."""
    return builders.slo(sli=TrafficSli("shop"), **settings)  # type: ignore[arg-type]


class Scene:
    """One question over traffic, asked as often as a test likes."""

    def __init__(self, *stretches: Stretch, gone: float = math.inf, slo: Slo | None = None) -> None:
        self.source = FakeSource(traffic={"shop": Traffic(START, stretches, gone)})
        self.slo = slo or uptime()
        self.asker = Asker(self.source, START)
        self.forget()

    def forget(self) -> None:
        """Start a new process."""
        self.question = SloQuestion(self.slo, timedelta(seconds=60))

    def look(self, second: float) -> SloSight:
        """Ask once."""
        self.asker = Asker(self.source, START + timedelta(seconds=second))
        return self.question.ask(self.asker)

    def truth(self, second: float, rule: str = "fast") -> Truth:
        """What one rule is at one instant."""
        return self.look(second).seen[f"shop/uptime:{rule}"].rows[()].truth

    def first(self, rule: str, start: float, end: float, step: float = 15) -> float | None:
        """The first second at which *rule* is true."""
        while start <= end:
            if self.truth(start, rule) is Truth.TRUE:
                return start
            start += step
        return None


OUTAGE = (Stretch(-40 * DAY, 0, 10), Stretch(0, DAY, 10, 1.0))


class TestRefused:
    """A server that refuses one question answers the others."""

    def test_a_long_window(self) -> None:
        """A total outage pages although three days are too much for the server; only that window's tier is blind."""
        scene = Scene(*OUTAGE)
        scene.source.refuses = {"[3d]": TOO_MANY}
        sight = scene.look(120)

        truths = {rule: seen.rows[()].truth for rule, seen in sight.seen.items()}
        assert truths["shop/uptime:fast"] is Truth.TRUE
        assert truths["shop/uptime:slow"] is Truth.FALSE
        assert truths["shop/uptime:trickle"] is Truth.UNKNOWN
        assert sight.seen["shop/uptime:trickle"].rows[()].reason == TOO_MANY
        assert (sight.status.state, scene.asker.failures) == ("burning", [TOO_MANY])

    def test_it_is_asked_less_and_less(self) -> None:
        """A question that always fails costs a few attempts in an hour, and is a failure of every look meanwhile."""
        scene = Scene(*OUTAGE)
        scene.source.refuses = {"[3d]": TOO_MANY, "[30d]": "timeout: query timed out"}
        for second in range(0, 3_600, 15):
            scene.look(second)
            assert set(scene.asker.failures) == {TOO_MANY, "timeout: query timed out"}

        assert sum("[3d]:rate" in query for query in scene.source.asked) < 12
        assert sum("[30d]:increase" in query for query in scene.source.asked) < 12

    def test_it_recovers(self) -> None:
        """When the server has enough memory again the tier sees again."""
        scene = Scene(*OUTAGE)
        scene.source.refuses = {"[3d]": TOO_MANY}
        scene.look(0)
        scene.source.refuses = {}

        assert scene.truth(15, "trickle") is Truth.FALSE
        assert scene.asker.failures == []

    def test_cadence(self) -> None:
        """Attempts after 15 s, 30 s, 1 min … of a cadence of a minute, never more than 16 min apart."""
        cadence, now, waits = Cadence(), START, []
        for _ in range(9):
            cadence.failed(now, "no")
            since = now
            while not cadence.due(now, timedelta(minutes=1)):
                now += timedelta(seconds=15)
            waits.append((now - since).total_seconds())

        assert waits == [15, 30, 60, 120, 240, 480, 960, 960, 960]


class TestYoung:
    """Short histories."""

    def test_reborn(self) -> None:
        """A service that comes back after days is as young for an old process as for a new one."""
        scene = Scene(Stretch(-40 * DAY, 0, 10, 0.001), Stretch(3 * DAY, 4 * DAY, 10, 0.02))
        traffic = scene.source.traffic["shop"]
        for second in range(-120, 1, 60):
            scene.look(second)
        traffic.gone = 0
        for hour in range(1, 72):
            scene.look(hour * 3_600.0)
        scene.source.traffic["shop"] = Traffic(START, (Stretch(3 * DAY, 4 * DAY, 10, 0.05),))
        old = scene.first("fast", 3 * DAY + 15, 3 * DAY + 3_600)
        scene.forget()

        assert old == scene.first("fast", 3 * DAY + 15, 3 * DAY + 3_600)
        assert old is not None
        assert 1_037 < old - 3 * DAY < 1_037 + 75

    def test_a_gap_within_the_window(self) -> None:
        """When the old part has left the window, the young one counts from its own beginning."""
        scene = Scene(Stretch(-40 * DAY, 0, 10), Stretch(3_000, DAY, 10, 0.05), gone=0)
        for second in range(-60, 3_000, 60):
            scene.look(second)
        scene.source.traffic["shop"] = Traffic(START, (Stretch(3_000, DAY, 10, 0.05),))

        assert scene.first("fast", 3_000, 9_000, 60) == pytest.approx(3_000 + 1_080, abs=60)

    def test_budget_of_a_young_service(self) -> None:
        """1 % of errors for two minutes is no exhausted budget, for that is one of 30 days."""
        status = Scene(Stretch(0, DAY, 10, 0.01)).look(120).status

        assert status.remaining == pytest.approx(1 - 0.01 * 60 / (0.001 * 30 * DAY))
        assert status.allowed == pytest.approx(0.001 * 1_200 * 30 * DAY / 60)
        assert (status.state, status.reason) == ("healthy", "1m of 30d observed")
        assert status.sli == pytest.approx(0.99)

    @pytest.mark.parametrize(("hours", "share"), [(3, "2h 55m"), (30, "1d 5h")])
    def test_history_is_found_on_any_grid(self, hours: int, share: str) -> None:
        """The beginning is known to a few minutes, for a day, although 30 days are searched in steps of hours."""
        status = Scene(Stretch(0, DAY * 9, 10, 0.0001)).look(hours * 3_600).status

        assert status.reason == f"{share} of 30d observed"

    def test_budget_of_a_whole_window(self) -> None:
        """With a full window nothing is scaled (vector B3: 600 of a million)."""
        status = Scene(Stretch(-40 * DAY, 0, 10), Stretch(0, DAY, 10, 0.0006)).look(DAY).status

        assert status.allowed == pytest.approx(0.001 * 30 * DAY * 10)
        assert "observed" not in status.reason

    def test_a_page_says_so(self) -> None:
        """What the budget is counted over is a line of the page."""
        sight = Scene(Stretch(0, DAY, 10, 1.0)).look(600)

        [sample] = sight.seen["shop/uptime:fast"].rows.values()
        assert sample.truth is Truth.TRUE
        assert dict(sample.facts)["budget counted over"] == "9m of 30d"


class TestStops:
    """Absence of traffic, by the definition of the rules."""

    def test_without_tiers(self) -> None:
        """Ten events an hour are known to have stopped after hours, also where no tier asks for long windows."""
        scene = Scene(Stretch(-40 * DAY, 0, 10 / 3_600), slo=uptime(tiers=()))
        found = scene.first("no-traffic", 0, 6 * 3_600, 60)

        assert found is not None
        assert 1.5 * 3_600 < found < 2 * 3_600

    def test_nothing_is_asked_while_there_is_traffic(self) -> None:
        """The question reads a day of samples."""
        scene = Scene(Stretch(-40 * DAY, DAY, 10))
        scene.look(0)

        assert not [query for query in scene.source.asked if "avg_over_time" in query]

    def test_refused(self) -> None:
        """A server that will not say leaves it unknown."""
        scene = Scene(Stretch(-40 * DAY, 0, 10))
        scene.source.refuses = {"[1d]:rate": TOO_MANY}

        assert scene.truth(600, "no-traffic") is Truth.UNKNOWN

    def test_nan(self) -> None:
        """A total that is no number in five minutes says nothing of the counter."""
        sample = absent(uptime(), Past(), math.nan, START)

        assert sample.truth is Truth.UNKNOWN

    def test_rare(self) -> None:
        """A pause in which few events were to be expected is no absence."""
        past = Past(0.01, START.timestamp() - 1_500, START.timestamp() - DAY, week=0.01)
        sample = absent(uptime(), past, 0.0, START)

        assert (sample.truth, sample.reason) == (
            Truth.FALSE,
            "the counter stands still, but only 15 events were to be expected",
        )


class Bucketless(TrafficSli):
    """A latency whose bucket does not exist: events, and nothing that says how many were slow."""

    def bad(self, window: str, function: str = "rate", total: str | None = None) -> str:
        """A counter that is not there."""
        return f"bad:nothing[{window}]:{function}"


def test_missing_bucket() -> None:
    """Traffic without its bad series is unknown for that reason, and is told as a question without an answer."""
    scene = Scene(Stretch(-40 * DAY, DAY, 10), slo=builders.slo(sli=Bucketless("shop")))
    sight = scene.look(60)

    assert (sight.status.state, sight.status.reason) == ("unknown", "its bad series are missing")
    assert sight.seen["shop/uptime:fast"].rows[()].reason == "its bad series are missing"
    assert scene.asker.failures == ["shop/uptime: its bad series are missing"]


def flapping(slo: Slo) -> list[EventKind]:
    """Twelve bad stretches of five minutes with six good minutes between them, tick by tick."""
    stretches = [Stretch(-40 * DAY, 0, 10)]
    for index in range(12):
        stretches += [
            Stretch(index * 660, index * 660 + 300, 10, 1.0),
            Stretch(index * 660 + 300, index * 660 + 660, 10),
        ]
    stretches.append(Stretch(12 * 660, DAY, 10))
    source = FakeSource(traffic={"shop": Traffic(START, stretches)})
    watch, memory, told = Watch(builders.workspace(builders.service(slos=(slo,)))), Memory(), []
    for second in range(0, 12 * 660 + 1_500, 15):
        now = START + timedelta(seconds=second)
        turned = turn(watch, watch.look(source, now, memory=memory), memory, now)
        alerts = {i: s for i, s in {**memory.alerts, **turned.alerts}.items() if s is not None}
        memory = replace(memory, alerts=alerts)
        told += [event.kind for i, event in turned.events if i.rule == "shop/uptime:fast"]
    return [kind for kind in told if kind in {EventKind.FIRED, EventKind.RESOLVED}]


def test_flapping_is_one_page() -> None:
    """Errors that come and go every few minutes are one incident, as in the compiled rules."""
    assert flapping(uptime()) == [EventKind.FIRED, EventKind.RESOLVED]


def test_flapping_with_a_quick_reset() -> None:
    """With a short window of a minute the alert stays open for two, so pauses of six minutes end it, by choice."""
    assert len(flapping(uptime(tiers=QUICK_RESET))) == 24


def test_unreachable_budget_is_asked_again_at_once() -> None:
    """What an unreachable source could not count is counted with its first answer."""
    scene = Scene(Stretch(-40 * DAY, DAY, 10))
    for second in range(0, 3_600, 15):
        scene.asker = Asker(scene.source, START + timedelta(seconds=second), unreachable="connection refused")
        scene.question.ask(scene.asker)
    status: SloStatus = scene.look(3_600).status

    assert status.remaining == 1.0


@pytest.mark.parametrize(
    ("known", "truth", "words"),
    [
        ({}, Truth.FALSE, "nothing is missed in the first day"),
        ({"day": 1.0}, Truth.TRUE, "no event in the last 1h"),
        ({"day": 1.0, "began": -DAY - 6_000}, Truth.TRUE, "no event in the last 1h"),
        ({"day": 1.0, "began": -DAY - 1_800}, Truth.FALSE, "as yesterday"),
        ({"day": 0.0}, Truth.FALSE, "as yesterday"),
        ({"day": 1.0, "week": 0.0}, Truth.FALSE, "a week ago it had no traffic either"),
        ({"day": 0.0, "week": 1.0}, Truth.TRUE, "no event in the last 1h"),
    ],
)
def test_former_days(known: dict[str, float], truth: Truth, words: str) -> None:
    """A week ago decides; where it is not known, yesterday, if its traffic was there since the pause began."""
    now = START.timestamp()
    began = {name: now + value for name, value in known.items() if name == "began"}
    past = Past(0.5, now - 3_600, now - DAY, **{**known, **began})
    sample = absent(uptime(), past, 0.0, START)

    assert (sample.truth, words in sample.reason) == (truth, True), sample.reason
