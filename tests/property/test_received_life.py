"""Alerts of senders, from what Alertmanager's API is told to the messages, under any sequence of words and silences.

Senders come and go, the metric source says what its rules do or says nothing, an alert is evaluated by us as well, the
process restarts with or without what it heard, people silence. Beside the evaluator stands a short account of what was
said; every end has to be in it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests import alerts, builders
from tests.fakes import FakeSource
from tests.worlds import START, seconds

from tocsin.errors import SourceUnreachableError
from tocsin.evaluate.claims import Claim
from tocsin.evaluate.memory import Commit, Memory, remembered
from tocsin.evaluate.model import AlertEvent, EventKind, Identity
from tocsin.evaluate.received import foreign
from tocsin.evaluate.rulings import Ruling
from tocsin.evaluate.state import OPEN
from tocsin.evaluate.tick import Watch, turn
from tocsin.matchers import equal
from tocsin.notify.group import announce
from tocsin.notify.muting import NOTHING
from tocsin.notify.silences import Silence
from tocsin.ports import Action, Labels, Notification, Row, WatchedRule, labels_of
from tocsin.service.inbox import Inbox

PODS = ("a", "b")
FOUR = timedelta(minutes=4)
WAIT = 30
"""Seconds of the route's group_wait."""
DOCUMENTS = alerts.notifications(
    alerts.channel("pager", "pagerduty"), alerts.channel("mail"), alerts.route("pager", "mail", wait=WAIT)
)
WORKSPACE = builders.workspace(
    builders.service(alerts=(builders.alert("Deep", value="depth", above="5", severity="critical"),))
)
OURS = "shop/Deep"
SILENCE = Silence("s", equal({"alertname": "TooHot"}), START, START + timedelta(days=9), "me", "quiet", START)


@dataclass
class Shelf:
    """A store of claims in memory."""

    claims: dict[str, Claim] = field(default_factory=dict)

    def all(self) -> tuple[Claim, ...]:
        """Everything."""
        return tuple(self.claims.values())

    def put(self, claims: Mapping[str, Claim]) -> None:
        """Add or replace."""
        self.claims |= claims

    def forget(self, fingerprints: Iterable[str]) -> None:
        """Remove."""
        for name in fingerprints:
            self.claims.pop(name, None)


def labels(pod: str) -> Labels:
    """Of an alert that none of our rules evaluates."""
    return labels_of({"alertname": "TooHot", "service": "kiln", "severity": "critical", "pod": pod})


class Life(RuleBasedStateMachine):
    """A process with an inbox, and what was said to it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.shelf = Shelf()
        self.memory = Memory()
        self.silenced = False
        self.toggled = False
        self.heard_since = self.now
        self.depth = 0.0
        self.source = FakeSource()
        self.source.scripts["depth"] = lambda _: (Row((), self.depth),)
        self.words: dict[Labels, Claim] = {}
        self.there: tuple[WatchedRule, ...] = ()
        self.asked: tuple[WatchedRule, ...] = ()
        self.events: dict[Identity, list[AlertEvent]] = {}
        self.sent: list[Notification] = []
        self.watch = Watch(WORKSPACE)
        self.shown = {labels_of(dict(each.labels)) for each in self.watch.rules.values() if each.id == OURS}
        self.inbox = Inbox(self.shelf, self.ask_rules)

    def ask_rules(self, _: tuple[Claim, ...], __: int) -> tuple[Ruling, ...]:
        """What the metric source says of its rules, whose series are there."""
        if self.source.down:
            self.asked = ()
            raise SourceUnreachableError(self.source.down)
        self.asked = self.there
        every = tuple({pair for each in (*self.words, *map(labels, PODS)) for pair in each})
        return tuple(Ruling(each, external=every) for each in self.there)

    # --- what happens ---

    @rule(pods=st.sets(st.sampled_from((*PODS, "ours")), min_size=1), fires=st.booleans(), tells=st.booleans())
    def say(self, pods: set[str], fires: bool, tells: bool) -> None:
        """A sender says that alerts fire, or that they are over."""
        claims = []
        for pod in sorted(pods):
            mine = next(iter(self.shown)) if pod == "ours" else labels(pod)
            ends = self.now + FOUR if fires else self.now
            claims.append(Claim(mine, (), self.now, ends, self.now, tells))
        self.inbox.put(claims)
        for claim in claims:
            before = self.words.get(claim.labels)
            known = before is not None and not before.ended and before.tells_end
            self.words[claim.labels] = replace(claim, tells_end=claim.tells_end or known)

    @rule(times=st.integers(1, 20))
    def go_on(self, times: int) -> None:
        """Ticks."""
        for _ in range(times):
            self.tick(15)

    @rule(gap=st.integers(60, 3_000))
    def sleep(self, gap: int) -> None:
        """The machine is suspended."""
        self.tick(gap)

    @rule(down=st.booleans())
    def reach(self, down: bool) -> None:
        """The metric source dies, or is back."""
        self.source.down = "connection refused" if down else ""

    @rule(depth=st.sampled_from([0.0, 9.0, float("nan")]))
    def measure(self, depth: float) -> None:
        """What our own rule sees."""
        self.depth = depth

    @rule(healthy=st.booleans(), has=st.sets(st.sampled_from(PODS)), ours=st.booleans())
    def evaluate_there(self, healthy: bool, has: set[str], ours: bool) -> None:
        """Prometheus evaluates its rules."""
        hot = WatchedRule("TooHot", (), healthy, self.now, tuple(labels(pod) for pod in sorted(has)))
        mine = next(iter(self.shown))
        deep = WatchedRule("Deep", (), healthy, self.now, (mine,) if ours else ())
        self.there = (hot, deep)

    @rule(healthy=st.booleans(), has=st.sets(st.sampled_from(PODS)))
    def fall_silent(self, healthy: bool, has: set[str]) -> None:
        """Prometheus says what fires and nothing more, and evaluates its rules later."""
        self.say(set(PODS), fires=True, tells=True)
        self.go_on(20)
        self.evaluate_there(healthy, has, ours=False)
        self.go_on(5)

    @rule()
    def silence(self) -> None:
        """Somebody silences, or ends it."""
        self.silenced = not self.silenced
        self.toggled = True

    @rule(lost=st.booleans())
    def restart(self, lost: bool) -> None:
        """A new process on the same state; the inbox may be lost."""
        if lost:
            self.shelf.claims.clear()
            self.words.clear()
        self.asked = ()
        self.watch = Watch(WORKSPACE)
        self.inbox = Inbox(self.shelf, self.ask_rules)
        self.inbox.load()

    def tick(self, gap: int) -> None:
        """What the evaluator's loop does."""
        self.now += seconds(gap)
        if self.toggled:  # heard of at the first look
            self.heard_since, self.toggled = self.now, False
        heard = self.inbox.read(self.watch.rules, self.now)
        sight = replace(self.watch.look(self.source, self.now, memory=self.memory), heard=heard)
        turned = turn(self.watch, sight, self.memory, self.now)
        muting = replace(NOTHING, silences=(SILENCE,) if self.silenced else ())
        views = muting.over(turned.views, self.now)
        groups, outbox = announce(self.memory.groups, views, DOCUMENTS, self.now)
        self.sent += outbox
        self.memory = remembered(self.memory, Commit(self.now, turned.alerts, views, groups, outbox))
        for identity, event in turned.events:
            if event.kind in {EventKind.FIRED, EventKind.RESOLVED}:
                self.events.setdefault(identity, []).append(event)
            if event.kind is EventKind.RESOLVED:
                assert self.is_over(identity), f"{identity} ended without evidence: {event.reason}"
        self.inbox.tidy(heard, self.memory, self.now)

    # --- the account ---

    def said(self, mine: Labels) -> bool | None:
        """Whether the sender of *mine* says that it fires; None where nobody knows."""
        word = self.words.get(mine)
        if word is None:
            return None
        if word.ended or (word.ends_at <= self.now and not word.tells_end):
            return False
        if word.ends_at > self.now:
            return True
        for each in self.asked:
            since = each.evaluated_at is not None and each.evaluated_at > word.said_at
            if each.name == dict(mine)["alertname"] and each.healthy and since and mine not in each.alerts:
                return False
        return None

    def is_over(self, identity: Identity) -> bool:
        """Whether somebody who knows says so: of ours our own look first, else the sender."""
        if identity.rule.startswith("source"):
            return True
        mine = next(iter(self.shown)) if identity.rule == OURS else labels(dict(identity.labels)["pod"])
        said = self.said(mine)
        if identity.rule != OURS:
            return said is False
        seen = not self.source.down and self.depth == 0.0
        blind = bool(self.source.down) or self.depth not in {0.0, 9.0}
        return said is not True and (seen or (blind and said is False))

    @invariant()
    def episodes_alternate(self) -> None:
        """FIRED, RESOLVED, FIRED, …: never two pages for one incident, never an end without a page."""
        for events in self.events.values():
            kinds = [event.kind for event in events]
            assert kinds == ([EventKind.FIRED, EventKind.RESOLVED] * len(kinds))[: len(kinds)]

    @invariant()
    def every_page_is_closed_once_or_open(self) -> None:
        """An incident of the pager is opened once, closed at most once and afterwards, and is open till then."""
        told: dict[str, list[Action]] = {}
        for message in self.sent:
            if message.channel == "pager":
                told.setdefault(message.dedup_key, []).append(message.action)
        opened = {view.dedup_key for view in self.memory.views.values()}
        for key, actions in told.items():
            assert actions in ([Action.FIRE], [Action.FIRE, Action.RESOLVE])
            assert (actions == [Action.FIRE]) is (key in opened)

    @invariant()
    def nobody_is_left_untold(self) -> None:
        """What has fired, and was not silenced, for longer than group_wait, and flaps not, was told."""
        told = {message.dedup_key for message in self.sent if message.channel == "pager"}
        for view in self.memory.views.values():
            fired = max(view.fired_at or self.now, self.heard_since)
            if (
                view.identity.rule.startswith("source")
                or self.silenced
                or self.toggled
                or len(self.events[view.identity]) > 1
            ):
                continue
            assert view.dedup_key in told or self.now - fired <= seconds(WAIT) or view.muted

    @invariant()
    def what_nobody_knows_is_blind(self) -> None:
        """An open alert of a sender that has fallen silent says so."""
        for identity, state in self.memory.alerts.items():
            if identity.rule.startswith("received:") and state.phase in OPEN and self.memory.committed_at == self.now:
                word = self.words.get(labels(dict(identity.labels)["pod"]))
                if word is not None and word.said_at < self.now - FOUR and word.tells_end and not word.ended:
                    assert state.blind_since is not None


def test_the_names_are_those_of_the_evaluator() -> None:
    """Else the account would speak of other alerts."""
    made, mine = foreign(Claim(labels("a"), (), START, START, START))

    assert (made.id, dict(mine)["pod"]) == ("received:TooHot", "a")
    assert OURS in Watch(WORKSPACE).rules


Life.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestLife = Life.TestCase
