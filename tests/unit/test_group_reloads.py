"""Routes that change while alerts are open: everybody goes on hearing what they should, once, and where it began."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alerts import channel, notifications, route, view
from tests.talks import Talk, closed

from tocsin.adapters.codec import decode, encode
from tocsin.evaluate.memory import GroupKey, GroupState
from tocsin.evaluate.model import Acknowledgement
from tocsin.ports import Action
from tocsin.spec import Digest, Hours, Notifications, Route, Stretch
from tocsin.spec.notifications import Escalation
from tocsin.units import Duration

HOUR = 3_600
CHANNELS = (channel("email"), channel("slack"), channel("pd", "pagerduty"))


def document(*routes: Route) -> tuple[Notifications, ...]:
    """Three channels and these routes."""
    return notifications(*CHANNELS, *routes)


def told(*routes: Route) -> Talk:
    """A talk in which people have been told of `a` at 10 s, by *routes*."""
    talk = Talk(document(*routes))
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))
    assert talk.sent
    return talk


def reminders(talk: Talk, until: int, step: int = 600) -> list[tuple[int, str, str]]:
    """What is said of `a` until then, and when."""
    return [(at, name, action) for at in range(600, until, step) for name, action, _ in talk.tick(at, view("a"))]


EDITED = {
    "matchers": route("email", match={"severity": "critical"}, repeat=HOUR),
    "group_by": route("email", group_by=("slo",), repeat=HOUR),
    "nested": route("slack", inside=(route("email", match={"severity": "critical"}, repeat=HOUR),)),
}


@pytest.mark.parametrize("name", EDITED)
def test_an_open_alert_goes_on_with_the_route_that_it_matches_now(name: str) -> None:
    """Its reminders come as that route says, it is not told anew, and it ends where it began."""
    talk = told(route("email", repeat=2 * HOUR))
    talk.workspace = document(EDITED[name])
    said = reminders(talk, 2 * HOUR + 100)

    assert said == [(4_200, "email", "repeat")]
    assert talk.tick(7_700, closed("a", 7_700)) == [("email", "resolve", ("a",))]
    assert len({message.dedup_key for message in talk.sent}) == 1
    assert talk.tick(9_000) == []
    assert talk.groups == {}


def test_a_narrower_route_before_it() -> None:
    """The old route is still there, but it is another one that takes the alert now."""
    talk = told(route("email", repeat=4 * HOUR))
    talk.workspace = document(route("email", match={"severity": "critical"}, repeat=HOUR), route("email"))

    assert reminders(talk, 2 * HOUR) == [(4_200, "email", "repeat")]


def test_without_any_route_the_old_settings_hold() -> None:
    """Also after a restart, which reads what was stored; and also once a route is there again."""
    talk = told(route("email", repeat=2 * HOUR))
    talk.workspace = document()
    talk.groups = {key: decode(GroupState, encode(state)) for key, state in talk.groups.items()}
    said = reminders(talk, 3 * HOUR)
    talk.workspace = document(route("email", match={"severity": "critical"}, repeat=HOUR))

    assert said == [(7_800, "email", "repeat")]
    assert talk.tick(11_400, view("a")) == [("email", "repeat", ("a",))]
    assert talk.tick(11_500, closed("a", 11_500)) == [("email", "resolve", ("a",))]


def test_another_receiver() -> None:
    """The new one is told once, the old one is not reminded any more, and both hear the end."""
    talk = told(route("email"))
    talk.workspace = document(route("slack"))

    said = [(at, *m[:2]) for at in range(20, 2 * HOUR, 10) for m in talk.tick(at, view("a"))]
    assert said == [(30, "slack", "fire"), (3_630, "slack", "repeat")]
    assert talk.tick(7_300, closed("a", 7_300)) == [("email", "resolve", ("a",)), ("slack", "resolve", ("a",))]


def test_another_receiver_amid_a_conversation() -> None:
    """The old one's message still counts it, with why it is not repeated there."""
    talk = Talk(document(route("email")))
    pair = (view("a"), view("b", severity="warning"))
    talk.tick(0, *pair)
    talk.tick(10, *pair)
    talk.workspace = document(route("slack", match={"severity": "critical"}), route("email"))
    said = [m for at in range(20, 3_620, 10) for m in talk.tick(at, *pair)]

    assert said == [("slack", "fire", ("a",)), ("email", "repeat", ("b", "a"))]
    assert ("muted", "its routes lead elsewhere now") in talk.sent[-1].alerts[1].facts
    assert [each.muted for each in talk.sent[-1].alerts] == [False, True]


def test_a_channel_with_a_new_name() -> None:
    """PagerDuty gets what it knows under the same key, so nobody is paged twice, and the incident is closed."""
    talk = told(route("pd"))
    talk.workspace = notifications(channel("pager", "pagerduty"), route("pager"))
    said = [m for at in (20, 30, 7_000) for m in talk.tick(at, view("a"))]
    said += talk.tick(7_010, closed("a", 7_010))

    assert said == [("pager", "fire", ("a",)), ("pager", "resolve", ("a",)), ("pd", "resolve", ("a",))]
    assert {message.dedup_key for message in talk.sent} == {"a"}
    assert talk.tick(7_020) == []
    assert {key.channel for key, state in talk.groups.items() if state.episodes} == set()


def test_back_to_the_old_receiver() -> None:
    """It goes on in its conversation, and does not begin a second one."""
    talk = told(route("email"))
    for at, name in ((20, "slack"), (40, "email")):
        talk.workspace = document(route(name))
        talk.tick(at, view("a"))

    assert reminders(talk, 2 * HOUR) == [(4_200, "email", "repeat")]
    assert talk.tick(7_300, closed("a", 7_300)) == [("email", "resolve", ("a",))]


def test_a_channel_that_is_named_stays_named() -> None:
    """An alert that names its channels keeps them whatever routes do; the route gives the timers."""
    named = view("a", notify=("slack",))
    talk = Talk(document(route("email", repeat=2 * HOUR)))
    talk.tick(0, named)
    talk.tick(10, named)
    talk.workspace = document(route("email", match={"severity": "critical"}, repeat=HOUR))
    said = [(at, *m) for at in range(600, 4_300, 600) for m in talk.tick(at, named)]
    talk.workspace = document(route("email", match={"severity": "critical"}, repeat=HOUR))
    moved = view("a", notify=("email",))

    assert said == [(4_200, "slack", "repeat", ("a",))]
    assert [m for at in (4_300, 4_310, 7_910) for m in talk.tick(at, moved)] == [
        ("email", "fire", ("a",)), ("email", "repeat", ("a",)),
    ]  # fmt: skip


def test_what_waits_for_company_has_not_to_wait_again() -> None:
    """It has waited before its route was edited."""
    talk = Talk(document(route("email", wait=300)))
    talk.tick(0, view("a"))
    talk.workspace = document(route("email", match={"severity": "critical"}, wait=300))
    talk.tick(290, view("a"))

    assert talk.tick(300, view("a")) == [("email", "fire", ("a",))]


def test_quiet_hours_are_those_of_the_route_that_it_matches_now() -> None:
    """The edited route is quiet, so nobody is reminded."""
    talk = told(route("email"))
    quiet = replace(route("email", match={"severity": "critical"}), mute=("always",))
    always = {"always": Hours("always", (Stretch(),), quiet.span)}
    talk.workspace = (replace(document(quiet)[0], hours=always),)

    assert reminders(talk, 3 * HOUR) == []
    assert talk.tick(11_000, closed("a", 11_000)) == [("email", "resolve", ("a",))]


def test_escalation_goes_on() -> None:
    """It counts from when people were first told, by whatever route; who has it is asked no more."""
    steps = (Escalation(Duration.of(hours=1), ("pd",)),)
    talk = told(replace(route("email", repeat=4 * HOUR), escalate=steps))
    talk.workspace = document(replace(route("email", match={"severity": "critical"}, repeat=4 * HOUR), escalate=steps))
    early = talk.tick(3_000, view("a"))
    said = [m for at in (3_610, 3_620) for m in talk.tick(at, view("a"))]
    talk.workspace = document(route("email", match={"severity": "critical"}, repeat=4 * HOUR))
    later = [m for at in range(4_000, 9_000, 500) for m in talk.tick(at, view("a"))]

    assert (early, said, later) == ([], [("pd", "fire", ("a",))], [])
    assert talk.tick(9_000, closed("a", 9_000)) == [("email", "resolve", ("a",)), ("pd", "resolve", ("a",))]


def test_what_somebody_has_is_not_told_anew() -> None:
    """An acknowledged alert whose route is edited stays quiet, and is closed."""
    talk = told(route("email"))
    mine = replace(view("a"), acknowledged=Acknowledgement("ann", view("a").started_at, ""))
    talk.workspace = document(route("email", match={"severity": "critical"}))

    assert [m for at in range(20, 3 * HOUR, 600) for m in talk.tick(at, mine)] == []
    assert talk.tick(11_000, closed("a", 11_000)) == [("email", "resolve", ("a",))]


DAILY = Digest(at=13 * 60)


def test_a_route_that_becomes_a_digest() -> None:
    """What was told by itself is closed by itself, where it began, and not repeated meanwhile."""
    talk = told(route("email", group_by=()))
    talk.workspace = document(replace(route("email", group_by=()), digest=DAILY))
    said = [(at, *m) for at in (600, 3_500, 3_600, 9_000) for m in talk.tick(at, view("a"), view("b"))]
    end = talk.tick(9_100, closed("a", 9_100), view("b"))

    assert said == [(3_600, "email", "fire", ("b",))]
    assert end == [("email", "resolve", ("a",))]
    assert talk.sent[-1].dedup_key == talk.sent[0].dedup_key
    assert talk.tick(9_200, closed("b", 9_200)) == []
    assert talk.tick(3_600 + 24 * HOUR) == [("email", "resolve", ("b",))]


def test_a_digest_whose_route_is_edited() -> None:
    """It still tells of what is over, and of what fires; what it told of goes on being counted."""
    talk = Talk(document(replace(route("email", group_by=()), digest=DAILY)))
    talk.tick(0, view("a"), view("b"))
    talk.tick(60, closed("a", 60), view("b"))
    talk.workspace = document(replace(route("email", match={"severity": "critical"}, group_by=()), digest=DAILY))
    early = talk.tick(120, view("b"))
    said = talk.tick(HOUR, view("b"))

    assert early == []
    assert sorted(key for _, _, keys in said for key in keys) == ["a", "b"]
    assert [talk.tick(at, view("b")) for at in (2 * HOUR, 25 * HOUR, 49 * HOUR)] == [[], [], []]
    assert talk.tick(49 * HOUR + 60, closed("b", 49 * HOUR + 60)) == []
    assert [m[:2] for m in talk.tick(73 * HOUR)] == [("email", "resolve")]


def test_two_digests_of_one_instant() -> None:
    """The clock was set back: the second one is no copy of the first, which nobody would be sent."""
    talk = Talk(document(replace(route("email"), digest=DAILY)))
    for key in "ab":
        talk.tick(0, view(key))
        talk.tick(24 * HOUR, view(key))
        talk.tick(25 * HOUR, closed(key, 25 * HOUR))
        talk.groups = {}

    assert len({message.dedup_key for message in talk.sent}) == len(talk.sent) == 2


def test_a_digest_of_a_channel_with_incidents_is_none() -> None:
    """`route/digest` says so; nothing is closed there that was never opened."""
    talk = Talk(document(replace(route("pd", wait=600), digest=DAILY)))
    talk.tick(0, view("a"))
    assert talk.tick(60, closed("a", 60)) == []
    assert talk.groups == {}


ROUTES = st.builds(
    lambda to, match, by, digest: replace(
        route(to, match=match, group_by=by, wait=0, repeat=HOUR), digest=DAILY if digest else None
    ),
    st.sampled_from(("email", "slack", "pd")),
    st.sampled_from(({}, {"severity": "critical"}, {"service": "be-camera"}, {"service": "other"})),
    st.sampled_from(((), ("service",), ("slo",))),
    st.booleans(),
)


@settings(max_examples=100)
@given(st.lists(st.lists(ROUTES, max_size=3), min_size=2, max_size=5))
def test_whatever_is_edited_everybody_hears_of_an_alert_once_and_of_its_end(trees: list[list[Route]]) -> None:
    """On each channel one opening and then one end; nothing comes after it, and no channel hears an end alone."""
    talk = Talk(())
    for number, tree in enumerate(trees):
        talk.workspace = document(*tree)
        for at in range(0, 3 * HOUR, 1_200):
            talk.tick(number * 3 * HOUR + at, view("a"))
    end = len(trees) * 3 * HOUR
    talk.tick(end, closed("a", end))
    for later in range(1_200, 48 * HOUR, 1_200):
        talk.tick(end + later)

    for name in ("email", "slack", "pd"):
        told = [message for message in talk.sent if message.channel == name]
        actions = [message.action for message in told]
        only_digest = len(told) == 1 and told[0].notes[0].startswith("a digest: ")
        assert actions.count(Action.FIRE) <= 1
        assert actions[-1:] == ([Action.RESOLVE] if told else [])
        assert actions.count(Action.RESOLVE) == bool(told)
        assert only_digest or not told or actions[0] is Action.FIRE
        moments = [message.evaluated_at for message in told if message.action is not Action.RESOLVE]
        assert all((b - a).total_seconds() >= HOUR for a, b in pairwise(moments))
    assert talk.groups == {}


def test_keys_have_not_changed() -> None:
    """What an earlier release stored is still understood: it has no timers."""
    state = decode(GroupState, '{"opened_at":"2026-11-23T12:00:00+00:00"}')

    assert (state.timers, state.episodes, GroupKey("email", "*").labels) == (None, (), ())
