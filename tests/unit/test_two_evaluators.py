"""Two evaluators on one state whose store goes away: one key, one end, and what may be a second message says so."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest
from tests import alerts, builders
from tests.fakes import FakeSource, HandClock
from tests.unit.test_loop import Bell, Recorder

from tocsin.adapters.store import SqlStore
from tocsin.errors import FencedError, UnavailableError
from tocsin.evaluate.memory import Commit, Letter, Memory
from tocsin.evaluate.tick import Watch
from tocsin.ports import Action, Notification
from tocsin.service.board import Board, Standing
from tocsin.service.detour import Detour
from tocsin.service.leading import DOUBT
from tocsin.service.loop import Evaluator
from tocsin.service.overlap import OVERLAP
from tocsin.service.scheduler import Due
from tocsin.service.telemetry import Telemetry

STEP = timedelta(seconds=15)
ROUTES = alerts.notifications(
    alerts.channel("email"),
    alerts.channel("pagerduty", "pagerduty"),
    alerts.route("email", "pagerduty", wait=0, interval=0),
)


class Shelf(SqlStore):
    """A store that can be away."""

    away = False

    def _there(self) -> None:
        if self.away:
            raise UnavailableError("the state store is away")

    def load(self) -> Memory:
        """Fail while it is away."""
        self._there()
        return super().load()

    def commit(self, commit: Commit) -> None:
        """Fail while it is away."""
        self._there()
        super().commit(commit)

    def letters_about(self, dedup_key: str) -> tuple[Letter, ...]:
        """Fail while it is away."""
        self._there()
        return super().letters_about(dedup_key)


@dataclass
class Replica:
    """One evaluator, with a view of its own and channels that keep what went past the outbox."""

    evaluator: Evaluator
    source: FakeSource
    store: Shelf
    mail: Recorder
    pager: Recorder
    leads: bool = False

    def keys(self, action: Action) -> set[str]:
        """The incidents that it opened or closed at PagerDuty, past the outbox."""
        ours = [message for message in self.pager.sent if "TooHigh" in message.alerts[0].title]
        return {message.dedup_key for message in ours if message.action is action}


@dataclass
class Pair:
    """Both, on one grid of instants; *first* leads until the test says otherwise."""

    first: Replica
    second: Replica
    clock: HandClock
    delivered: list[Notification] = field(default_factory=list)

    def level(self, value: float, *only: Replica) -> None:
        """What both see from now on, or *only* some."""
        for replica in only or (self.first, self.second):
            replica.source.series.clear()
            labels = {"__name__": "level", "job": "shop"}
            replica.source.add(labels, ((self.clock.at + i * STEP, value) for i in range(400)))

    def away(self, *, away: bool = True) -> None:
        """Take the store from both, or give it back."""
        self.first.store.away = self.second.store.away = away

    def tick(self, count: int = 1) -> None:
        """Evaluate the next slots: who follows looks before the one that leads has stored."""
        for _ in range(count):
            self.clock.at += STEP
            for replica in sorted((self.first, self.second), key=lambda each: each.leads):
                (replica.evaluator.tick if replica.leads else replica.evaluator.shadow)(Due(self.clock.at))
                assert replica.evaluator.detour.wait(10)
            self.deliver()

    def deliver(self) -> None:
        """Send what is in the outbox."""
        store = self.second.store if self.first.store.away else self.first.store
        if store.away:
            return
        for channel in ("email", "pagerduty"):
            for parcel in store.lease(channel, self.clock.at, self.clock.at + STEP, 100):
                self.delivered.append(parcel.notification)
                store.settle(parcel, self.first.mail.send(parcel.notification, self.clock.at), self.clock.at, None)

    def leads_open(self) -> None:
        """The one that stands by cannot ask for the lease, and leads, too."""
        self.second.leads, self.second.evaluator.doubt = True, DOUBT
        self.second.evaluator.lead(None, anew=True)

    def gets_lease(self, winner: Replica, *, anew: bool = False) -> None:
        """The store is back, and the lapsed lease is the *winner*'s; the other one follows."""
        self.away(away=False)
        loser = self.second if winner is self.first else self.first
        winner.evaluator.doubt = loser.evaluator.doubt = ""
        winner.evaluator.lead(self.clock.at + STEP, anew=anew)
        if loser.leads:
            loser.evaluator.give_way()
        winner.leads, loser.leads = True, False

    def pages(self, action: Action) -> list[str]:
        """The keys of what went to PagerDuty about the level, by whichever way, in order."""
        sent = [*self.first.pager.sent, *self.second.pager.sent, *self.delivered]
        ours = [m for m in sent if m.channel == "pagerduty" and "TooHigh" in m.alerts[0].title]
        return [m.dedup_key for m in ours if m.action is action]


def replica(state: str, clock: HandClock, stack: ExitStack) -> Replica:
    """One evaluator with one alert above 5 of `level`."""
    store, source, mail, pager = Shelf(state), FakeSource(), Recorder(), Recorder("pagerduty", idempotent=True)
    stack.callback(store.close)
    alert = builders.alert("TooHigh", value="level", above="5", severity="critical")
    workspace = builders.workspace(builders.service(alerts=(alert,)))
    evaluator = Evaluator(
        watch=Watch(workspace, interval=STEP),
        notifications=ROUTES,
        memory=Memory(),
        source=source,
        store=store,
        deliverer=Bell(),
        board=Board(Standing(workspace, STEP, clock.at)),
        telemetry=Telemetry("0"),
        clock=clock,
        detour=Detour({"email": mail, "pagerduty": pager}, clock),
        unstored=DOUBT,
    )
    return Replica(evaluator, source, store, mail, pager)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """All is well, stored, and known to the one that stands by."""
    clock = HandClock(alerts.NOON)
    with ExitStack() as stack:
        state = str(tmp_path / "state.db")
        made = Pair(replica(state, clock, stack), replica(state, clock, stack), clock)
        made.first.leads = True
        made.first.evaluator.lead(None, anew=True)
        made.level(0)
        made.tick(2)
        yield made


@pytest.mark.parametrize("first_wins", [True, False])
def test_what_begins_while_the_store_is_away_has_one_key(
    pair: Pair, caplog: pytest.LogCaptureFixture, *, first_wins: bool
) -> None:
    """The one that stands by leads only later, and knows the first instant all the same; its end is told once."""
    pair.away()
    pair.level(10)
    pair.tick(3)
    pair.leads_open()
    pair.tick(2)
    assert pair.first.keys(Action.FIRE) == pair.second.keys(Action.FIRE)
    assert len(pair.first.keys(Action.FIRE)) == 1

    pair.gets_lease(pair.first if first_wins else pair.second)
    pair.tick(3)
    pair.level(0)
    pair.tick(3)
    assert pair.pages(Action.RESOLVE) == list(pair.first.keys(Action.FIRE))
    assert [m.notes for m in (*pair.first.mail.sent, *pair.second.mail.sent) if m.action is Action.FIRE] == [
        (DOUBT,)
    ] * 2


@pytest.mark.parametrize("first_wins", [True, False])
def test_an_incident_that_only_the_loser_knows_is_closed_once(pair: Pair, *, first_wins: bool) -> None:
    """Their Prometheus servers show the fault at different instants: two keys, and each is closed once."""
    pair.away()
    pair.level(10, pair.first)
    pair.tick(1)
    pair.level(10)
    pair.tick(2)
    pair.leads_open()
    pair.tick(2)
    both = pair.first.keys(Action.FIRE) | pair.second.keys(Action.FIRE)
    assert len(both) == 2

    winner, loser = (pair.first, pair.second) if first_wins else (pair.second, pair.first)
    pair.gets_lease(winner)
    pair.tick(4)
    assert pair.pages(Action.RESOLVE) == list(loser.keys(Action.FIRE))  # the other incident is open

    pair.level(0)
    pair.tick(3)
    assert sorted(pair.pages(Action.RESOLVE)) == sorted(both)


def test_an_incident_is_not_closed_while_nobody_can_look(pair: Pair) -> None:
    """The one that leads now has not told it, and its source is down: what the loser opened stays open."""
    pair.away()
    pair.level(10, pair.first)
    pair.tick(2)
    pair.level(0, pair.second)
    pair.gets_lease(pair.second, anew=True)
    pair.first.source.down = pair.second.source.down = "connection refused"
    pair.tick(5)
    assert pair.pages(Action.RESOLVE) == []

    pair.first.source.down = pair.second.source.down = ""
    pair.level(0)
    pair.tick(3)
    assert pair.pages(Action.RESOLVE) == list(pair.first.keys(Action.FIRE))


def test_who_takes_a_lapsed_lease_says_that_another_one_may_have_told_it(pair: Pair) -> None:
    """The store was away for less than two leases; the leader told past the outbox, and the other one got the lease."""
    pair.away()
    pair.level(10)
    pair.tick(2)
    pair.gets_lease(pair.second, anew=True)
    pair.tick(2)
    pair.level(0)
    pair.tick(2)
    pair.level(10)
    pair.tick(2)

    mails = [(m.action, m.notes) for m in pair.delivered if m.channel == "email"]
    assert mails == [(Action.FIRE, (OVERLAP,)), (Action.RESOLVE, ()), (Action.FIRE, ())]
    assert set(pair.pages(Action.FIRE)[:2]) == pair.first.keys(Action.FIRE)


def test_what_waits_for_company_says_so_later(pair: Pair) -> None:
    """It fired while nobody could tell who leads, and group_wait is longer than that time."""
    slow = alerts.notifications(alerts.channel("email"), alerts.route("email", wait=60, interval=0))
    pair.first.evaluator.notifications = pair.second.evaluator.notifications = slow
    pair.away()
    pair.level(10)
    pair.tick(2)
    pair.gets_lease(pair.second, anew=True)
    pair.tick(6)

    assert [m.notes for m in pair.delivered] == [(OVERLAP,)]


def test_the_end_of_what_is_stored_as_open_is_told(pair: Pair) -> None:
    """It comes while the store is away and the leader is dead: the one that stands by saw it, and nobody was told."""
    pair.level(10)
    pair.tick(2)
    pair.away()
    pair.first.source.down = "dead"
    pair.level(0, pair.second)
    pair.tick(3)
    pair.gets_lease(pair.second, anew=True)
    pair.tick(1)

    assert pair.pages(Action.RESOLVE) == pair.pages(Action.FIRE)
    assert [m.notes for m in pair.delivered if m.action is Action.RESOLVE] == [
        (OVERLAP,)
    ] * 2  # the first may have, too


def test_who_comes_back_to_the_lease_overwrites_nothing(pair: Pair) -> None:
    """Another one has led, stored and told meanwhile, what this one did not see: its incident gets its end."""
    pair.first.store.away = True
    pair.gets_lease(pair.second, anew=True)
    pair.first.leads = pair.first.store.away = True  # it has not noticed
    pair.level(10, pair.second)
    pair.tick(3)
    told = pair.pages(Action.FIRE)
    pair.gets_lease(pair.first)
    pair.level(0)
    pair.tick(4)

    assert len(told) == 1
    assert pair.pages(Action.RESOLVE) == told


def test_nothing_is_closed_before_the_one_that_leads_has_stored(pair: Pair) -> None:
    """It goes on with the same incident: an end that overtakes its page would leave it open."""
    pair.away()
    pair.level(10)
    pair.tick(2)
    pair.gets_lease(pair.second, anew=True)
    pair.level(0, pair.first)
    pair.first.evaluator.shadow(Due(pair.clock.at))
    pair.deliver()
    assert pair.pages(Action.RESOLVE) == []

    pair.tick(2)
    pair.level(0)
    pair.tick(2)
    assert [m.action for m in pair.delivered if m.channel == "pagerduty"] == [Action.FIRE, Action.RESOLVE]


def test_a_commit_that_is_fenced_off_forgets_nothing_that_was_sent(pair: Pair) -> None:
    """The lease had lapsed and is its own again: what went past the outbox is not sent anew."""
    pair.away()
    pair.level(10)
    pair.tick(1)
    pair.away(away=False)
    pair.first.store.fence = 99
    with pytest.raises(FencedError):
        pair.first.evaluator.tick(Due(pair.clock.at + STEP))
    pair.first.store.fence = None
    pair.first.evaluator.lead(pair.clock.at + STEP, anew=False)
    pair.tick(2)

    assert [m for m in pair.delivered if m.action is Action.FIRE] == []
    assert pair.first.mail.said == [Action.FIRE]
