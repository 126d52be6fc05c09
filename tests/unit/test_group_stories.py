"""Random alerts, waits and reloads: every story that a channel hears is in order and has its end."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import ClassVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from tests.alerts import NOON, SPAN, channel, notifications, route, seconds, view
from tests.talks import Talk, over

from tocsin.evaluate.model import AlertView, Identity
from tocsin.ports import Action, Notification
from tocsin.spec import ChannelSpec, Digest, Hours, Notifications, Route, Stretch
from tocsin.units import Duration

INNER = route("pd", match={"service": "mysql"})


def quiet(*parts: ChannelSpec | Route) -> tuple[Notifications, ...]:
    """One document whose routes may name `half`, which is every other quarter of an hour."""
    (document,) = notifications(*parts)
    quarters = tuple((minute, minute + 15) for minute in range(0, 24 * 60, 30))
    return (replace(document, hours={"half": Hours("half", (Stretch(times=quarters),), SPAN)}),)


class Conversations(RuleBasedStateMachine):
    """Random alerts, waits and reloads: what was announced on a channel is closed there exactly once."""

    WORKSPACES = (
        quiet(
            channel("email"),
            channel("pd", "pagerduty"),
            route(
                "email", match={"severity": "critical"}, goes_on=True, inside=(route("pd", match={"service": "mysql"}),)
            ),
            replace(route("email", "pd"), mute=("half",)),
        ),
        quiet(channel("email"), channel("pd", "pagerduty"), replace(route("email", "pd", wait=0), active=("half",))),
        notifications(channel("email"), channel("pd", "pagerduty"), route("email", "pd")),
        notifications(
            channel("email"),
            channel("pd", "pagerduty"),
            route("pd", match={"severity": "critical"}, wait=0),
            route("email", group_by=(), interval=60),
        ),
        notifications(channel("email"), channel("pd", "pagerduty"), route("email", "pd", repeat=900)),
    )

    STORIES: ClassVar[tuple[list[str], ...]] = (["firing"], ["firing", "resolved"])

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
        assert all(words in self.STORIES for words in self.told().values())

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
        assert all(words in self.STORIES and words[-1] == "resolved" for words in self.told().values())


def _open(message: Notification) -> set[str]:
    return {a.dedup_key for a in message.alerts if a.resolved_at is None}


def _all(message: Notification) -> set[str]:
    return {a.dedup_key for a in message.alerts}


class Digests(Conversations):
    """The same where mail comes by digest, in which an alert may be told of when it is over."""

    STORIES = (["firing"], ["firing", "resolved"], ["resolved"])
    DIGESTS = (
        notifications(
            channel("email"),
            channel("pd", "pagerduty"),
            route("pd", match={"severity": "critical"}),
            replace(route("email", group_by=()), digest=Digest(every=Duration.of(minutes=20))),
        ),
        quiet(
            channel("email"),
            channel("pd", "pagerduty"),
            replace(route("email", "pd"), digest=Digest(every=Duration.of(hours=1)), mute=("half",)),
        ),
        Conversations.WORKSPACES[2],
    )

    @initialize()
    def begin(self) -> None:
        """Start at noon, with nothing open."""
        super().begin()
        self.talk.workspace = self.DIGESTS[0]

    @rule(workspace=st.sampled_from(DIGESTS))
    def reload(self, workspace: tuple[Notifications, ...]) -> None:
        """Change routes and timers under way."""
        self.talk.workspace = workspace


TestConversations = Conversations.TestCase
TestDigests = Digests.TestCase
