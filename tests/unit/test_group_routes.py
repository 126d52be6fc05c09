"""Who is told: routes, names, channels that come and go, and reloads under way."""

from dataclasses import replace

import pytest
from tests.alerts import NOON, channel, notifications, route, view
from tests.talks import EMAIL, Talk, closed

from tocsin.adapters.codec import decode, encode
from tocsin.evaluate.memory import GroupState
from tocsin.evaluate.model import Acknowledgement, Identity
from tocsin.ports import Action, labels_of
from tocsin.spec import Digest
from tocsin.units import Duration


def test_the_definition_names_the_channels_and_the_route_the_timers() -> None:
    """`notify` of an alert wins over the route's `to`; the first route that matches gives timers and grouping."""
    workspace = notifications(
        channel("email"),
        channel("slack"),
        route("email", match={"severity": "critical"}, wait=20),
        route("email", "slack", wait=40),
    )
    talk = Talk(workspace)
    named = view("a", notify=("slack", "nobody"))
    warning = view("b", severity="warning")
    said = {at: talk.tick(at, named, warning) for at in (0, 20, 40)}

    assert said[20] == [("slack", "fire", ("a",))]
    assert said[40] == [("email", "fire", ("b",)), ("slack", "fire", ("b",))]


def test_groups_are_told_apart_by_the_labels_of_group_by() -> None:
    """Two services make two messages when a route groups by service, and one when it groups by nothing."""
    views = (view("a"), view("b", service="be-auth"))
    apart, together = Talk(EMAIL), Talk(notifications(channel("email"), route("email", group_by=())))
    for talk in (apart, together):
        talk.tick(0, *views)

    assert apart.tick(10, *views) == [("email", "fire", ("b",)), ("email", "fire", ("a",))]
    assert together.tick(10, *views) == [("email", "fire", ("b", "a"))]


def test_without_a_route_alertmanagers_timers_hold() -> None:
    """An alert that names its channel needs no route: 30 s, 5 min, 4 h, grouped by service."""
    talk = Talk(notifications(channel("email")))
    named = view("a", notify=("email",))
    said = {at: talk.tick(at, named) for at in (0, 29, 30, 14_429, 14_430)}

    assert [at for at, messages in said.items() if messages] == [30, 14_430]


OWN = (
    Identity("source"),
    Identity("source:questions"),
)


@pytest.mark.parametrize("identity", OWN, ids=lambda identity: identity.rule)
def test_what_tocsin_says_of_itself_needs_no_route(identity: Identity) -> None:
    """That the metric source is down goes to every channel where no route takes it, with the default timers."""
    talk = Talk(notifications(channel("email"), channel("pd", "pagerduty"), route("email", match={"service": "shop"})))
    down = view("a", service="tocsin", identity=identity, labels=labels_of({"ref": "source"}))
    said = {at: talk.tick(at, down) for at in (0, 29, 30)}

    assert said == {0: [], 29: [], 30: [("email", "fire", ("a",)), ("pd", "fire", ("a",))]}


def test_a_route_for_what_tocsin_says_of_itself_is_followed() -> None:
    """A route that matches decides, as for any other alert."""
    routes = (route("email", match={"service": "tocsin"}, wait=0), route("slack", match={"service": "shop"}))
    talk = Talk(notifications(channel("email"), channel("slack"), *routes))

    assert talk.tick(0, view("a", service="tocsin", identity=OWN[0])) == [("email", "fire", ("a",))]


def test_what_a_definition_says_needs_a_route_or_a_name() -> None:
    """An alert of a service that neither names a channel nor has a route goes nowhere, also if it is called tocsin."""
    talk = Talk(notifications(channel("email")))

    assert [talk.tick(at, view("a"), view("b", service="tocsin")) for at in (0, 30)] == [[], []]


def test_a_channel_without_resolves_hears_none() -> None:
    """`send_resolved: false` is honoured; the conversation still ends."""
    talk = Talk(notifications(channel("email", send_resolved=False), route("email")))
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))

    assert (talk.tick(20, closed("a", 20)), talk.tick(310), talk.groups) == ([], [], {})


def test_an_announced_alert_is_closed_where_it_was_announced() -> None:
    """After a reload that routes elsewhere, the old channel still hears the end, and the new one hears the alert."""
    talk = Talk(notifications(channel("email"), channel("slack"), route("email")))
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))
    talk.workspace = notifications(channel("email"), channel("slack"), route("slack"))
    talk.tick(20, view("a"))
    fired = talk.tick(30, view("a"))
    ended = talk.tick(40, closed("a", 40))

    assert fired == [("slack", "fire", ("a",))]
    assert ended == [("email", "resolve", ("a",)), ("slack", "resolve", ("a",))]


def test_a_renamed_route_does_not_announce_again() -> None:
    """What a channel knows from one conversation does not come again in another one."""
    talk = Talk(EMAIL)
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))
    talk.workspace = notifications(channel("email"), route("email", match={"severity": "critical"}))
    again = [m for at in (20, 30, 400) for m in talk.tick(at, view("a"))]

    assert (again, talk.tick(410, closed("a", 410))) == ([], [("email", "resolve", ("a",))])


def test_a_channel_that_comes_back_hears_the_end() -> None:
    """While a channel is not configured its conversation is kept, as long as the alert is open."""
    talk = Talk(EMAIL)
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))
    talk.workspace = ()
    gone = talk.tick(20, view("a"))
    talk.workspace = EMAIL
    back = talk.tick(30, view("a"))

    assert (gone, back, talk.tick(40, closed("a", 40))) == ([], [], [("email", "resolve", ("a",))])


@pytest.mark.parametrize("kind", ["email", "pagerduty"])
def test_a_channel_that_is_gone_is_told_the_end_and_nothing_else(kind: str) -> None:
    """For whoever still has it: no reminder, no other alert, one RESOLVE of each incident, or of all."""
    alone = kind == "pagerduty"
    talk = Talk(notifications(channel("pd", kind), route("pd")))
    pair = (view("a"), view("b"))
    talk.tick(0, *pair)
    talk.tick(10, *pair)
    taken = (replace(pair[0], acknowledged=Acknowledgement("ana", NOON)), pair[1])
    talk.workspace = ()
    talk.groups = {key: decode(GroupState, encode(state)) for key, state in talk.groups.items()}
    said = [talk.tick(at, *taken, view("c")) for at in (20, 90, 20_000)]
    said += [talk.tick(20_010, closed("a", 20_010), pair[1], view("c"))]
    said += [talk.tick(at, pair[1], view("c")) for at in (20_020, 40_000)]
    said += [talk.tick(40_010, closed("b", 40_010), view("c"))]

    first = [("pd", "resolve", ("a",))] if alone else []
    assert said == [[], [], [], first, [], [], [("pd", "resolve", ("b",) if alone else ("a", "b"))]]
    fired, ended = ({m.dedup_key for m in talk.sent if m.action is action} for action in (Action.FIRE, Action.RESOLVE))
    assert fired == ended
    assert talk.groups == {}


def test_a_channel_that_is_gone_and_had_a_digest() -> None:
    """What that has told of is remembered while it fires, in case the channel comes back."""
    document = notifications(channel("email"), replace(route("email"), digest=Digest(every=Duration.of(hours=1))))
    talk = Talk(document)
    said = [talk.tick(at, view("a")) for at in (0, 3_600)]
    talk.workspace = ()
    said += [talk.tick(3_700, view("a"))]
    talk.workspace = document
    said += [talk.tick(at, view("a")) for at in (3_800, 20_000)]
    talk.workspace = ()

    assert [len(each) for each in said] == [0, 1, 0, 0, 0]
    assert (talk.tick(30_000, closed("a", 30_000)), talk.groups) == ([], {})


def test_a_channel_that_is_gone_and_was_told_of_no_ends() -> None:
    """Nor is it then."""
    talk = Talk(notifications(channel("email", send_resolved=False), route("email")))
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))
    talk.workspace = ()

    assert (talk.tick(20, closed("a", 20)), talk.groups) == ([], {})


INNER = (
    route(
        "email", match={"severity": "critical"}, wait=20, inside=(route("slack", match={"service": "shop"}, wait=40),)
    ),
    route("email", wait=60),
)


def test_the_deepest_route_that_matches_decides() -> None:
    """Its channels and its timers; what none inside it takes is left to the route around."""
    talk = Talk(notifications(channel("email"), channel("slack"), *INNER))
    views = (view("a", service="shop"), view("b"), view("c", severity="warning"))
    said = {at: talk.tick(at, *views) for at in (0, 20, 40, 60)}

    assert [said[at] for at in (20, 40)] == [[("email", "fire", ("b",))], [("slack", "fire", ("a",))]]
    assert sorted(key.route for key in talk.groups) == ["*", "severity=critical", "severity=critical > service=shop"]


def test_a_route_that_goes_on_leads_to_the_next_one_too() -> None:
    """Each channel is told once, by the first route that leads to it."""
    routes = (route("email", match={"service": "shop"}, wait=0, goes_on=True), route("email", "slack", wait=0))
    talk = Talk(notifications(channel("email"), channel("slack"), *routes))

    assert talk.tick(0, view("a", service="shop")) == [("email", "fire", ("a",)), ("slack", "fire", ("a",))]
    assert talk.tick(10, view("a", service="shop")) == []


def test_routes_of_the_same_match_have_names_of_their_own() -> None:
    """Two of them, where the first goes on, are two conversations with their own timers; the first keeps its name."""
    routes = (route("email", wait=0, goes_on=True), route("slack", wait=10))
    talk = Talk(notifications(channel("email"), channel("slack"), *routes))

    assert [talk.tick(at, view("a")) for at in (0, 10)] == [[("email", "fire", ("a",))], [("slack", "fire", ("a",))]]
    assert sorted((key.channel, key.route) for key in talk.groups) == [("email", "*"), ("slack", "* #2")]


def test_an_alert_that_names_its_channels_goes_there_once() -> None:
    """Also where several routes match; the first gives the timers."""
    routes = (route("email", wait=10, goes_on=True), route("slack", wait=0))
    talk = Talk(notifications(channel("email"), channel("slack"), *routes))
    named = view("a", notify=("slack",))

    assert [talk.tick(at, named) for at in (0, 10, 20)] == [[], [("slack", "fire", ("a",))], []]
