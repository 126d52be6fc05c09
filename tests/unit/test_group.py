"""Who is told what, and when; `Talk` plays the evaluator's loop with a clock of its own."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count, pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.alerts import NOON, channel, notifications, route, seconds, view

from tocsin.evaluate.group import announce
from tocsin.evaluate.memory import GroupKey, GroupState
from tocsin.evaluate.model import AlertView, Identity, Phase
from tocsin.ports import Action, Notification, labels_of
from tocsin.spec import Notifications


class Talk:
    """The conversations of one workspace, tick by tick; closed views are shown once, as the evaluator does."""

    def __init__(self, workspace: tuple[Notifications, ...]) -> None:
        self.workspace = workspace
        self.groups: dict[GroupKey, GroupState] = {}
        self.now = NOON
        self.sent: list[Notification] = []

    def tick(self, at: float, *views: AlertView) -> list[tuple[str, str, tuple[str, ...]]]:
        """Look *at* seconds after noon; what is sent as (channel, action, keys)."""
        self.now = NOON + seconds(at)
        changes, messages = announce(self.groups, views, self.workspace, self.now)
        self.groups = apply(self.groups, changes)
        self.sent += messages
        return [(m.channel, m.action.value, tuple(a.dedup_key for a in m.alerts)) for m in messages]


def apply(
    groups: Mapping[GroupKey, GroupState], changes: Mapping[GroupKey, GroupState | None]
) -> dict[GroupKey, GroupState]:
    """What the store holds after the commit."""
    return {key: state for key, state in {**groups, **changes}.items() if state is not None}


def closed(key: str, at: float) -> AlertView:
    """Show the end of an episode."""
    return over(view(key), NOON + seconds(at))


def over(one: AlertView, at: datetime) -> AlertView:
    """Show the end of *one*."""
    return replace(one, phase=Phase.INACTIVE, resolved_at=at)


EMAIL = notifications(channel("email"), route("email"))


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


def test_a_channel_that_is_gone_is_forgotten_with_its_alerts() -> None:
    """What can no longer be told leaves nothing behind."""
    talk = Talk(EMAIL)
    talk.tick(0, view("a"))
    talk.tick(10, view("a"))
    talk.workspace = ()

    assert (talk.tick(20, closed("a", 20)), talk.groups) == ([], {})


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


def test_a_pending_alert_is_nobodys_business() -> None:
    """Only what has fired is told."""
    talk = Talk(EMAIL)

    assert (talk.tick(0, view("a", fired=None)), talk.groups) == ([], {})


class Conversations(RuleBasedStateMachine):
    """Random alerts, waits and reloads: what was announced on a channel is closed there exactly once."""

    WORKSPACES = (
        notifications(channel("email"), channel("pd", "pagerduty"), route("email", "pd")),
        notifications(
            channel("email"),
            channel("pd", "pagerduty"),
            route("pd", match={"severity": "critical"}, wait=0),
            route("email", group_by=(), interval=60),
        ),
        notifications(channel("email"), channel("pd", "pagerduty"), route("email", "pd", repeat=900)),
    )

    @initialize()
    def begin(self) -> None:
        """Start at noon, with nothing open."""
        self.talk = Talk(self.WORKSPACES[0])
        self.at = 0
        self.open: dict[str, AlertView] = {}
        self.count = 0
        self.changed_at: dict[str, datetime] = {}

    @rule(
        severity=st.sampled_from(("critical", "warning")),
        service=st.sampled_from(("be-camera", "mysql")),
        pod=st.integers(0, 3),
    )
    def fire(self, severity: str, service: str, pod: int) -> None:
        """Open an episode of an alert that is not open; often it is one that was there before."""
        identity = Identity(f"{service}/uptime:fast", (("pod", str(pod)),))
        if all(one.identity != identity for one in self.open.values()):
            self.count += 1
            key, fired = f"k{self.count}", NOON + seconds(self.at)
            self.open[key] = view(key, severity=severity, service=service, fired=fired, identity=identity)

    @rule(wait=st.sampled_from((1, 5, 15, 60, 299, 301, 1_000, 4_000)), ends=st.sets(st.integers(0, 9), max_size=3))
    def tick(self, wait: int, ends: set[int]) -> None:
        """Look again after *wait* seconds, in which some episodes have ended."""
        self.at += wait
        now = NOON + seconds(self.at)
        ended = [key for i, key in enumerate(sorted(self.open)) if i in ends]
        gone = [over(v, now) for k, v in self.open.items() if k in ended]
        for key in ended:
            del self.open[key]
        self.talk.tick(self.at, *self.open.values(), *gone)

    @rule(workspace=st.sampled_from(WORKSPACES))
    def reload(self, workspace: tuple[Notifications, ...]) -> None:
        """Change routes and timers under way."""
        self.talk.workspace = workspace

    def told(self) -> dict[tuple[str, str], list[str]]:
        """For each channel and episode, what was said of it, in order, without repetitions of `firing`."""
        story: dict[tuple[str, str], list[str]] = {}
        for message in self.talk.sent:
            for alert in message.alerts:
                words = story.setdefault((message.channel, alert.dedup_key), [])
                word = "firing" if alert.resolved_at is None else "resolved"
                if word == "resolved" or word not in words:
                    words.append(word)
        return story

    @invariant()
    def every_story_is_in_order(self) -> None:
        """First it fires, then it is resolved at most once; nothing is resolved that was never said to fire."""
        assert all(words in (["firing"], ["firing", "resolved"]) for words in self.told().values())

    @invariant()
    def what_is_untold_is_still_remembered(self) -> None:
        """Whoever heard that it fires and not that it ended will: the conversation still holds it."""
        held = {(key.channel, i.text.dedup_key) for key, state in self.talk.groups.items() for i in state.episodes}
        unfinished = {story for story, words in self.told().items() if words == ["firing"]}

        assert unfinished <= held

    @invariant()
    def messages_of_a_key_are_numbered(self) -> None:
        """The outbox tells a message from its repetition by its number."""
        numbers = [(m.channel, m.dedup_key, m.seq) for m in self.talk.sent]

        assert len(set(numbers)) == len(numbers)

    @invariant()
    def no_reminder_comes_early(self) -> None:
        """Between two messages of a conversation that tell the same lies a repeat_interval."""
        last: dict[tuple[str, str], Notification] = {}
        for message in self.talk.sent:
            before = last.get((message.channel, message.dedup_key))
            if before and message.action is Action.REPEAT and _open(before) == _open(message) == _all(message):
                assert message.evaluated_at - before.evaluated_at >= timedelta(seconds=900)
            last[message.channel, message.dedup_key] = message

    def teardown(self) -> None:
        """In the end everything is resolved, and everybody who was told has heard of it."""
        if not hasattr(self, "talk"):
            return
        end = NOON + seconds(self.at + 1)
        gone = [over(one, end) for one in self.open.values()]
        self.talk.tick(self.at + 1, *gone)
        self.talk.tick(self.at + 10_000)

        assert self.talk.groups == {}
        assert all(words == ["firing", "resolved"] for words in self.told().values())


def _open(message: Notification) -> set[str]:
    return {a.dedup_key for a in message.alerts if a.resolved_at is None}


def _all(message: Notification) -> set[str]:
    return {a.dedup_key for a in message.alerts}


TestConversations = Conversations.TestCase
