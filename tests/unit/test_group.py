"""When people are told what; `Talk` plays the evaluator's loop with a clock of its own."""

from dataclasses import replace
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.alerts import NOON, channel, notifications, route, seconds, view
from tests.talks import EMAIL, Talk, closed, over

from tocsin.evaluate.model import Identity
from tocsin.notify.pacing import flapping
from tocsin.ports import Action
from tocsin.spec import Flapping
from tocsin.units import Duration


def test_a_first_message_waits_for_company() -> None:
    """Alerts that fire within group_wait make one message, not two."""
    talk = Talk(EMAIL)
    first = talk.tick(0, view("a"))
    second = talk.tick(5, view("a"), view("b"))
    third = talk.tick(10, view("a"), view("b"))

    assert (first, second, third) == ([], [], [("email", "fire", ("a", "b"))])


def test_nothing_is_said_twice() -> None:
    """Ticks without news say nothing until repeat_interval has passed, then remind."""
    talk = Talk(EMAIL)
    said = [message for at in range(0, 7_230, 10) for message in talk.tick(at, view("a"))]

    assert said == [("email", "fire", ("a",)), ("email", "repeat", ("a",)), ("email", "repeat", ("a",))]
    assert [NOON + seconds(at) for at in (10, 3_610, 7_210)] == [m.evaluated_at for m in talk.sent]


def test_what_resolves_before_it_was_told_is_never_told() -> None:
    """An alert that fires and resolves within group_wait leaves no message and no conversation."""
    talk = Talk(EMAIL)
    said = [*talk.tick(0, view("a")), *talk.tick(5, closed("a", 5)), *talk.tick(60)]

    assert (said, talk.groups) == ([], {})


def test_news_of_a_running_conversation_waits_for_the_interval() -> None:
    """A second alert of the same severity comes group_interval after the first message, together with a third."""
    talk = Talk(EMAIL)
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))
    early = [m for at in (20, 40, 309) for m in talk.tick(at, view("a"), view("b"))]
    due = talk.tick(310, view("a"), view("b"), view("c"))

    assert (early, due) == ([], [("email", "fire", ("a", "b", "c"))])


def test_a_more_severe_alert_does_not_wait_for_the_interval() -> None:
    """A critical alert in a conversation that knows only of a warning waits group_wait alone."""
    talk = Talk(EMAIL)
    warning = view("w", severity="warning")
    talk.tick(0, warning)
    talk.tick(10, warning)
    talk.tick(20, warning, view("c"))

    assert talk.tick(30, warning, view("c")) == [("email", "fire", ("c", "w"))]


def test_the_end_of_the_last_alert_is_told_at_once() -> None:
    """Nothing more can join, so nothing is waited for; the conversation is over."""
    talk = Talk(EMAIL)
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))

    assert talk.tick(15, closed("a", 15)) == [("email", "resolve", ("a",))]
    assert (talk.tick(315), talk.groups) == ([], {})


def test_the_end_of_one_of_two_waits_and_does_not_resolve_the_group() -> None:
    """While one alert is open the message is no RESOLVE; it names both."""
    talk = Talk(EMAIL)
    talk.tick(0, view("a"), view("b"))
    talk.tick(10, view("a"), view("b"))
    early = talk.tick(20, closed("a", 20), view("b"))
    due = talk.tick(310, view("b"))
    last = talk.tick(320, closed("b", 320))

    assert (early, due, last) == ([], [("email", "repeat", ("b", "a"))], [("email", "resolve", ("b",))])


def test_a_new_conversation_has_a_new_key() -> None:
    """The messages of one conversation share a key and count up; the next one of the group starts anew."""
    talk = Talk(EMAIL)
    for start in (0, 400):
        key = f"episode-{start}"
        talk.tick(start, view(key))
        talk.tick(start + 10, view(key))
        talk.tick(start + 20, closed(key, start + 20))
    fire, resolve, fire_again, resolve_again = talk.sent

    assert (fire.dedup_key, fire_again.dedup_key) == (resolve.dedup_key, resolve_again.dedup_key)
    assert fire.dedup_key != fire_again.dedup_key
    assert [m.seq for m in talk.sent] == [0, 1, 0, 1]


def flap(talk: Talk, up: float, down: float, until: float, **more: Any) -> list[tuple[float, str, str]]:
    """One alert that comes and goes from the start to *until*: when each channel was told what."""
    said, at = [], 0.0
    for episode in count():
        key = f"episode-{episode}"
        ticks = [at + second for second in range(int(up))]
        for now in ticks:
            said += [(now, name, action) for name, action, _ in talk.tick(now, view(key, identity=FLAPPING, **more))]
        at += up
        over = view(key, identity=FLAPPING, resolved=NOON + seconds(at), **more)
        said += [(at, name, action) for name, action, _ in talk.tick(at, over)]
        at += down
        if at >= until:
            return said
    raise AssertionError


FLAPPING = Identity("be-camera/HighCpuUsage")
BOTH = notifications(channel("email"), channel("pd", "pagerduty"), route("email", "pd", wait=0))


def test_flapping_within_the_interval_is_told_once() -> None:
    """Five times 3 s up and 3 s down make one FIRE and one RESOLVE, on a channel of groups and on PagerDuty."""
    said = flap(Talk(BOTH), 3, 3, 30)

    assert said == [(0, "email", "fire"), (0, "pd", "fire"), (3, "email", "resolve"), (3, "pd", "resolve")]


@pytest.mark.parametrize("name", ["email", "pd"])
def test_an_hour_of_flapping_is_two_messages_in_an_interval(name: str) -> None:
    """Every 15 s for an hour; each FIRE is followed by its RESOLVE, and says how often it flapped untold."""
    talk = Talk(BOTH)
    said = [(at, action) for at, channel_name, action in flap(talk, 15, 15, 3_600) if channel_name == name]
    fires = [at for at, action in said if action == "fire"]
    notes = [m.notes for m in talk.sent if m.channel == name]

    assert len(said) <= 2 * 3_600 / 300 + 2
    assert [action for _, action in said] == ["fire", "resolve"] * len(fires)
    assert all(later - earlier >= 300 for earlier, later in pairwise(fires))
    assert notes[:3] == [(), (), ("flapped 10 times since 12:00 UTC",)]


def test_a_channel_without_resolves_is_spared_flapping_too() -> None:
    """`send_resolved: false`: one message in an interval."""
    talk = Talk(notifications(channel("email", send_resolved=False), route("email", wait=0)))

    assert flap(talk, 5, 5, 300) == [(0, "email", "fire")]


@pytest.mark.parametrize("name", ["email", "pd"])
def test_what_fires_again_and_stays_is_told_after_the_interval(name: str) -> None:
    """A group_interval after the last message, under a key of its own."""
    talk = Talk(notifications(channel("email"), channel("pd", "pagerduty"), route(name)))
    again = view("b", identity=FLAPPING)
    talk.tick(0, view("a", identity=FLAPPING))
    talk.tick(10, view("a", identity=FLAPPING))
    talk.tick(20, view("a", identity=FLAPPING, resolved=NOON + seconds(20)))
    early = [m for at in (25, 35, 319) for m in talk.tick(at, again)]

    assert (early, talk.tick(320, again)) == ([], [(name, "fire", ("b",))])
    assert talk.sent[-1].dedup_key not in {m.dedup_key for m in talk.sent[:-1]}


@pytest.mark.parametrize("name", ["email", "pd"])
def test_what_comes_back_more_severe_does_not_wait_for_the_interval(name: str) -> None:
    """A critical alert after a warning waits group_wait alone; when it flaps, it is damped like the warning."""
    talk = Talk(notifications(channel("email"), channel("pd", "pagerduty"), route(name, wait=0)))
    for start, severity in ((0, "warning"), (10, "critical"), (20, "critical"), (30, "warning")):
        talk.tick(start, view(f"k{start}", identity=FLAPPING, severity=severity))
        talk.tick(
            start + 5, view(f"k{start}", identity=FLAPPING, severity=severity, resolved=NOON + seconds(start + 5))
        )

    assert [(m.action.value, m.alerts[0].dedup_key) for m in talk.sent] == [
        ("fire", "k0"),
        ("resolve", "k0"),
        ("fire", "k10"),
        ("resolve", "k10"),
    ]


def test_another_alert_has_an_incident_of_its_own_at_once() -> None:
    """On PagerDuty only the alert that flaps waits, not its neighbour."""
    talk = Talk(notifications(channel("pd", "pagerduty"), route("pd", wait=0)))
    talk.tick(0, view("a"))
    talk.tick(5, closed("a", 5))

    assert talk.tick(10, view("b")) == [("pd", "fire", ("b",))]


@given(
    st.lists(st.tuples(st.integers(1, 400), st.integers(1, 400), st.sampled_from(("critical", "warning"))), max_size=9)
)
def test_a_message_that_something_fires_keeps_its_distance(episodes: list[tuple[int, int, str]]) -> None:
    """A FIRE comes a group_interval after the last message about the like or worse, and each has its RESOLVE."""
    talk, at = Talk(BOTH), 0
    for number, (up, down, severity) in enumerate(episodes):
        one = view(f"k{number}", identity=FLAPPING, severity=severity)
        for step in range(0, up, 7):
            talk.tick(at + step, one)
        at += up
        talk.tick(at, over(one, NOON + seconds(at)))
        at += down
    for name in ("email", "pd"):
        said = [(m.action, m.alerts[0].severity, m.evaluated_at) for m in talk.sent if m.channel == name]
        assert [action.value for action, _, _ in said] == ["fire", "resolve"] * (len(said) // 2)
        for before, after in pairwise(said):
            if after[0] is Action.FIRE and (before[1] == "critical" or after[1] == "warning"):
                assert after[2] - before[2] >= seconds(300)


def test_pagerduty_has_one_incident_per_alert() -> None:
    """Each alert is triggered and resolved by its own key, at once when it ends, and never reminded."""
    talk = Talk(notifications(channel("pd", "pagerduty"), route("pd")))
    talk.tick(0, view("a"), view("b"))
    fired = talk.tick(10, view("a"), view("b"))
    one = talk.tick(20, closed("a", 20), view("b"))
    later = [m for at in range(30, 20_000, 600) for m in talk.tick(at, view("b"))]
    two = talk.tick(20_000, closed("b", 20_000))

    assert fired == [("pd", "fire", ("a",)), ("pd", "fire", ("b",))]
    assert (one, later, two) == ([("pd", "resolve", ("a",))], [], [("pd", "resolve", ("b",))])
    assert [m.dedup_key for m in talk.sent] == ["a", "b", "a", "b"]


def test_a_message_has_the_words_of_the_definition() -> None:
    """Summary, description and runbook as the evaluator filled them."""
    talk = Talk(notifications(channel("email"), route("email", wait=0)))
    talk.tick(0, view("a", summary="7 % fail", description="Drain the node.", runbook="https://r.example"))
    (told,) = talk.sent[0].alerts

    assert (told.summary, told.description, told.runbook) == ("7 % fail", "Drain the node.", "https://r.example")


def test_an_announced_alert_without_a_view_is_taken_to_be_open() -> None:
    """Nobody has seen it end, so no RESOLVED is made up."""
    talk = Talk(EMAIL)
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))

    assert talk.tick(20) == []
    assert len(talk.groups) == 1


def test_a_clock_that_is_set_back_delays_nothing() -> None:
    """After the clock jumped back by an hour, the page still comes after one group_wait."""
    talk = Talk(EMAIL)
    talk.tick(0, view("a"))
    talk.tick(-3_600, view("a"))

    assert talk.tick(-3_590, view("a")) == [("email", "fire", ("a",))]


def test_an_end_that_seems_to_lie_ahead_is_told_with_its_group() -> None:
    """An episode has no negative length: this one ends when it began, an hour from now, while another one goes on."""
    talk = Talk(EMAIL)
    for at in (0, 10):
        talk.tick(at, view("a"), view("b"))
    talk.tick(-3_600, closed("a", 0), view("b"))

    assert talk.tick(-3_290, view("b")) == [("email", "repeat", ("b", "a"))]


def test_a_pending_alert_is_nobodys_business() -> None:
    """Only what has fired is told."""
    talk = Talk(EMAIL)

    assert (talk.tick(0, view("a", fired=None)), talk.groups) == ([], {})


def test_what_stands_elsewhere_and_groups_by_itself_is_told_at_once() -> None:
    """An Alertmanager waits and groups by its own timers; ours would only add to them."""
    there = Talk(notifications(channel("am", "alertmanager"), route("am", wait=30, interval=300)))

    assert there.tick(0, view("a")) == [("am", "fire", ("a",))]
    assert there.tick(15, closed("a", 15)) == [("am", "resolve", ("a",))]
    assert there.tick(30, view("b")) == [("am", "fire", ("b",))]


def growing(kind: str, longest: int | None) -> Talk:
    """A route that doubles the wait of what flaps, from five minutes."""
    wait = Duration.of(seconds=300)
    flapping = Flapping(wait, None if longest is None else Duration.of(seconds=longest))
    return Talk(notifications(channel("c", kind), replace(route("c", wait=0), flapping=flapping)))


@pytest.mark.parametrize("kind", ["email", "pagerduty"])
def test_a_wait_that_grows(kind: str) -> None:
    """Told anew after 5, 10, 20 and 40 minutes, and no longer; without `longest` every five minutes."""
    fires = [at for at, _, action in flap(growing(kind, 2_400), 15, 15, 8_000) if action == "fire"]
    steady = [at for at, _, action in flap(growing(kind, None), 15, 15, 3_600) if action == "fire"]
    waits = [after - before for before, after in pairwise(fires)]

    assert [wait // 60 for wait in waits] == [5, 10, 20, 40, 40]
    assert all((after - before) // 60 == 5 for before, after in pairwise(steady))


@pytest.mark.parametrize("kind", ["email", "pagerduty"])
def test_calm_makes_the_wait_short_again(kind: str) -> None:
    """After as long without a sign as it would have waited, the next one is told at once."""
    talk = growing(kind, 2_400)
    told = flap(talk, 15, 15, 3_600)
    calm = 3_600 + 2_500
    talk.tick(calm)

    assert talk.tick(calm + 10, view("new", identity=FLAPPING))[0][1] == "fire"
    assert told


def test_what_flaps_now_can_be_listed() -> None:
    """How often it came and went since the last message, and from when on it is told again; then it is forgotten."""
    talk = Talk(notifications(channel("email"), channel("pd", "pagerduty"), route("email", "pd", wait=10)))
    flap(talk, 12, 12, 150)
    found = {each.key.channel: each for each in flapping(talk.groups, talk.now)}

    assert {name: (each.flaps, each.alert) for name, each in found.items()} == {
        "email": (6, None),
        "pd": (6, FLAPPING),
    }
    assert {each.until - each.since for each in found.values()} == {seconds(300)}
    assert flapping(talk.groups, talk.now + seconds(400)) == ()
