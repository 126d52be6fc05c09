"""Silence of a sender that is away with the metric source, which has an alert of its own."""

import pytest
from tests.unit.test_received import HOT, RULE, claim, world
from tests.worlds import FIRED, RESOLVED, START, World, seconds

from tocsin.adapters.prometheus_rules import _watched
from tocsin.evaluate.received import Received
from tocsin.evaluate.rulings import Ruling
from tocsin.ports import Labels, WatchedRule, labels_of

SENDERS = "source:senders"


def away(*, back: float = 615, since: float = 75) -> World:
    """A world whose source was away until then, and whose sender said its last word before."""
    there = world(claim(since - 15))
    there.run(0, since - 15)
    there.source.down = "connection refused"
    there.run(since, back - 15)
    there.source.down = ""
    return there


def test_who_is_back_gets_the_time_to_speak_again() -> None:
    """An outage of Prometheus is told once, as the source that does not answer; its first scrape is no second."""
    there = away()
    there.run(615, 900)
    there.received = Received((claim(905),))
    there.run(915, 1_140)

    assert there.told(SENDERS) == []
    assert there.told("source") == [(105, FIRED), (615, RESOLVED)]
    assert there.told(RULE) == [(0, FIRED)]


def test_who_stays_away_is_told_once() -> None:
    """The source answers and the sender does not speak: five minutes later it is silent for its own part."""
    there = away()
    there.run(615, 4_000)

    assert there.told(SENDERS) == [(915, FIRED)]


def test_silence_with_a_source_that_answered_is_told_at_once() -> None:
    """Also soon after an outage, where the last word came behind it."""
    there = away(back=135)
    there.received = Received((claim(140),))
    there.run(135, 400)

    assert there.told(SENDERS) == [(390, FIRED)]


def test_after_a_restart_of_our_own() -> None:
    """Whoever spoke meanwhile was not heard."""
    there = world(claim(0))
    there.run(0, 60)
    there.restart()
    there.run(1_000, 1_045)
    there.received = Received((claim(1_050),))
    there.run(1_060, 1_060)
    there.restart()
    there.run(2_000, 2_300)

    assert there.told(SENDERS) == [(2_300, FIRED)]


def test_after_a_suspended_machine_or_a_clock_that_jumped() -> None:
    """The process went on all the time, and so did its source; senders could not reach it."""
    there = world(claim(0))
    there.run(0, 60)
    there.run(3_660, 3_690)
    assert there.told(SENDERS) == []

    there.received = Received((claim(3_700),))
    there.run(3_705, 3_900)
    assert there.told(SENDERS) == []
    assert there.told(RULE) == [(0, FIRED)]


def test_a_source_that_fails_now_and_then_hides_no_silence() -> None:
    """One look in five without an answer stops no clock for good."""
    there = world(claim(0))
    for place in range(60):
        there.source.down = "timeout" if place % 5 == 4 else ""
        there.tick(15 * place)

    assert [kind for _, kind in there.told(SENDERS)] == [FIRED]
    assert there.told("source") == []


@pytest.mark.parametrize(("pending", "told"), [((labels_of(HOT),), False), ((), True)])
def test_a_rule_that_begins_anew_is_no_silence(pending: tuple[Labels, ...], told: bool) -> None:
    """A restarted Prometheus waits for `for` again and says nothing; one that fires and says nothing is silent."""
    there = away()
    rule = WatchedRule("TooHot", (), True, START + seconds(610), (labels_of(HOT),), pending=pending)
    there.received = Received(there.received.claims, (Ruling(rule),))
    there.run(615, 1_500)

    assert bool(there.told(SENDERS)) is told
    assert there.told(RULE) == [(0, FIRED)]


def test_what_a_prometheus_calls_pending() -> None:
    """It is among the alerts of the rule, and told apart by its state."""
    alerts = [{"labels": {"pod": pod}, "state": state} for pod, state in (("a", "firing"), ("b", "pending"))]
    rule = {"name": "TooHot", "health": "ok", "lastEvaluation": "2026-11-01T00:00:00Z", "alerts": alerts}
    watched = _watched(rule)

    assert (watched.alerts, watched.pending) == (((("pod", "a"),), (("pod", "b"),)), ((("pod", "b"),),))
