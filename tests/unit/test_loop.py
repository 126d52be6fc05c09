"""The tick loop: what goes wrong inside a tick is told, costs nothing that can be kept, and never ends the process."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests import alerts, builders
from tests.alerts import SPAN
from tests.databases import read_only
from tests.fakes import FakeSource

from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Commit, Memory, joined, remembered
from tocsin.evaluate.tick import Watch
from tocsin.matchers import LabelMatcher
from tocsin.notify.silences import Silence
from tocsin.ports import Action, Delivery, Notification, Outcome, Rate, labels_of
from tocsin.service.board import Board, Standing
from tocsin.service.detour import AGAIN_AFTER, Detour
from tocsin.service.dispatch import REPEATED
from tocsin.service.doctor import orphans
from tocsin.service.loop import Evaluator
from tocsin.service.paged import Paged
from tocsin.service.scheduler import Due
from tocsin.service.shaping import status_of
from tocsin.service.telemetry import Telemetry
from tocsin.spec import PageBudget

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
STEP = timedelta(seconds=15)


@dataclass
class HandClock:
    """Moved by hand."""

    at: datetime = NOON

    def now(self) -> datetime:
        """Return *at*."""
        return self.at


@dataclass
class Recorder:
    """A channel that keeps what it is asked to send; *outcomes* are its next answers, then it accepts."""

    name: str = "email"
    idempotent: bool = False
    joins: bool = True
    rate: Rate | None = None
    sent: list[Notification] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    def send(self, notification: Notification, now: datetime) -> Delivery:
        """Keep it, once the gate is open."""
        assert self.gate.wait(10)
        self.sent.append(notification)
        return Delivery(self.outcomes.pop(0) if self.outcomes else Outcome.SENT)

    @property
    def said(self) -> list[Action]:
        """What it was asked, in order."""
        return [notification.action for notification in self.sent]


@dataclass
class Bell:
    """Counts how often the courier was woken."""

    rung: int = 0

    def wake(self) -> None:
        """Count."""
        self.rung += 1


@dataclass
class Rig:
    """An evaluator with one alert above 5 of `level`, on a real database."""

    evaluator: Evaluator
    source: FakeSource
    store: SqlStore
    bell: Bell
    board: Board
    telemetry: Telemetry
    clock: HandClock
    channel: Recorder

    def level(self, value: float) -> None:
        """What the source shows from now on."""
        self.source.series.clear()
        labels = {"__name__": "level", "job": "shop"}
        self.source.add(labels, ((self.clock.at + i * STEP, value) for i in range(50)))

    def tick(self) -> None:
        """Evaluate the next slot, and let what is under way past the outbox end."""
        self.clock.at += STEP
        self.evaluator.tick(Due(self.clock.at))
        if self.channel.gate.is_set():
            assert self.evaluator.detour.wait(10)

    def count(self, name: str, **labels: str) -> float:
        """One of Tocsin's own metrics."""
        return self.telemetry.registry.get_sample_value(name, labels) or 0.0

    def outbox(self) -> list[Notification]:
        """What the store would give to the courier."""
        later = self.clock.at + timedelta(days=1)
        parcels = self.store.lease("email", later, later + STEP, 100)
        return [parcel.notification for parcel in parcels]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """All is well, and stored."""
    store, source, clock, telemetry = SqlStore(str(tmp_path / "state.db")), FakeSource(), HandClock(), Telemetry("0")
    workspace = builders.workspace(
        builders.service(alerts=(builders.alert("TooHigh", value="level", above="5", severity="critical"),))
    )
    board, bell, channel = Board(Standing(workspace, STEP, NOON)), Bell(), Recorder()
    evaluator = Evaluator(
        watch=Watch(workspace, interval=STEP),
        notifications=alerts.notifications(alerts.channel("email"), alerts.route("email", wait=0, interval=0)),
        memory=Memory(),
        source=source,
        store=store,
        deliverer=bell,
        board=board,
        telemetry=telemetry,
        clock=clock,
        detour=Detour({"email": channel}, clock),
    )
    made = Rig(evaluator, source, store, bell, board, telemetry, clock, channel)
    try:
        made.level(0)
        made.tick()
        yield made
    finally:
        channel.gate.set()
        evaluator.detour.wait(10)
        store.close()


def test_a_tick_stores_and_wakes_the_courier(rig: Rig) -> None:
    """The message is in the outbox with the state that caused it."""
    rig.level(10)
    rig.tick()

    assert [notification.action for notification in rig.outbox()] == [Action.FIRE]
    assert rig.store.load().alerts == rig.evaluator.memory.alerts
    assert rig.bell.rung == 2


def test_an_error_inside_a_tick_is_told_and_the_next_tick_is_sound(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """A bug in one tick must not end the evaluator, nor leave half a change behind."""
    before, routes = rig.evaluator.memory, rig.evaluator.notifications
    nonsense: Any = None
    rig.evaluator.notifications = nonsense
    rig.level(10)
    rig.tick()

    assert rig.count("tocsin_ticks_total", outcome="failed") == 1
    assert "TypeError" in rig.board.read().tick_error
    assert "Traceback" in caplog.text
    assert before is rig.evaluator.memory

    rig.evaluator.notifications = routes
    rig.tick()

    assert rig.board.read().tick_error == ""
    assert len(rig.board.read().open_alerts()) == 1


def test_a_bug_in_one_rule_is_counted_and_logged_once(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """The tick is good, the rule is blind, and the log is not filled with the same line every 15 seconds."""

    def bug(_at: datetime) -> tuple[()]:
        raise ZeroDivisionError("a bug")

    rig.level(10)
    rig.tick()
    rig.source.scripts["level"] = bug
    rig.tick()
    rig.tick()

    assert (rig.count("tocsin_faults_total"), rig.count("tocsin_ticks_total", outcome="failed")) == (2, 0)
    assert [r.fault.split(" (")[0] for r in caplog.records if hasattr(r, "fault")] == [
        "shop/TooHigh: ZeroDivisionError: a bug"
    ]
    [view] = rig.board.read().open_alerts()
    assert view.blind_since is not None


def test_missed_and_forced_ticks_are_counted(rig: Rig) -> None:
    """So that somebody can alert on them."""
    rig.evaluator.tick(Due(NOON, missed=3, forced=True))

    assert (rig.count("tocsin_missed_ticks_total"), rig.count("tocsin_forced_ticks_total")) == (3, 1)


def test_when_the_clock_was_set_back_what_waits_is_due(rig: Rig) -> None:
    """A page that failed a moment before is tried again, and not in an hour."""
    rig.level(10)
    rig.tick()
    now = rig.clock.at
    [parcel] = rig.store.lease("email", now, now + STEP, 10)
    rig.store.settle(parcel, Delivery(Outcome.RETRY), now, now + STEP)
    rig.clock.at -= timedelta(minutes=50)
    earlier = rig.clock.at + STEP
    assert rig.store.lease("email", earlier, earlier + STEP, 10) == ()

    rig.evaluator.tick(Due(rig.clock.at, forced=True))
    [parcel] = rig.store.lease("email", earlier, earlier + STEP, 10)
    assert parcel.notification.action is Action.FIRE


def test_a_source_that_fails_is_counted_and_shown(rig: Rig) -> None:
    """Blindness is no failed tick."""
    rig.source.down = "connection refused"
    rig.tick()
    snapshot = rig.board.read().snapshot

    assert (rig.count("tocsin_source_failures_total"), rig.count("tocsin_ticks_total", outcome="failed")) == (1, 0)
    assert snapshot is not None
    assert not snapshot.source.ok


def test_a_page_budget_that_is_overspent(rig: Rig) -> None:
    """The page goes out and says so; the metrics, the API and an alert of Tocsin's own tell it, and that is no page."""
    [document] = rig.evaluator.notifications
    rare = PageBudget("calm", Rate(1, timedelta(days=1)), (), None, SPAN)
    rig.evaluator.notifications = (replace(document, page_budgets=(rare,)),)
    rig.evaluator.paged = Paged(rig.store)
    for level in (9, 0, 9):
        rig.level(level)
        rig.tick()
        rig.clock.at += timedelta(minutes=6)
    rig.tick()
    [own] = [one for one in rig.board.read().alerts if one.identity.rule == "source:pages"]
    [spending] = rig.board.read().page_budgets

    assert len(rig.store.fires(NOON)) == 2
    assert spending.over
    assert (own.severity, own.reason) == ("info", "page budget calm is overspent: 2 pages in 1d, bearable are 1")
    assert rig.store.fires(NOON)[-1].notes == (own.reason,)
    assert status_of(rig.board.read()).page_budgets[0].overspent


def test_a_silence_that_is_about_to_end(rig: Rig) -> None:
    """Whoever made it is reminded while something fires that it mutes; prolonged or for nothing it is not told of."""
    matchers = (LabelMatcher("alertname", "TooHigh"),)
    hour = Silence("s1", matchers, NOON, NOON + timedelta(hours=1), "ana", "deploy", NOON)
    rig.evaluator.silences = lambda: (hour,)

    def reminders() -> list[tuple[str, str]]:
        rig.tick()
        rig.tick()
        mine = [one for one in rig.board.read().open_alerts() if one.identity.rule == "source:silences"]
        return [(one.severity, one.reason) for one in mine]

    rig.clock.at = NOON + timedelta(minutes=46)
    assert reminders() == [], "nothing fires that it mutes"
    rig.level(9)
    said = "that of ana (deploy) ends at 13:00 UTC, and still fires what it mutes: TooHigh on shop (shop)"
    assert reminders() == [("info", said)]
    hour = replace(hour, ends_at=NOON + timedelta(hours=2))
    assert reminders() == []

    rig.clock.at = NOON + timedelta(minutes=100)
    hour = replace(hour, ends_at=rig.clock.at + timedelta(minutes=20), starts_at=rig.clock.at)
    rig.level(9)
    assert reminders() == [], "a short one is told of in its last quarter"


def test_what_flaps_is_on_the_board(rig: Rig) -> None:
    """It came back twice since people were told, and was over before they were told again."""
    rig.evaluator.notifications = alerts.notifications(alerts.channel("email"), alerts.route("email", wait=0))
    for value in (9, 0, 9, 0, 9, 0):
        rig.level(value)
        rig.tick()

    [flap] = rig.board.read().flapping
    assert (flap.key.channel, flap.flaps) == ("email", 2)


class TestStoreThatCannotBeWritten:
    """The database refuses every write, for real."""

    def test_pages_go_out_past_the_outbox(self, rig: Rig) -> None:
        """What should page, pages; and everybody can see that the state is not stored."""
        read_only(rig.store)
        rig.level(10)
        rig.tick()

        assert rig.channel.said == [Action.FIRE]
        assert "readonly" in rig.board.read().commit_error
        assert rig.count("tocsin_commit_failures_total") == 1
        assert len(rig.board.read().open_alerts()) == 1

    def test_nothing_is_sent_twice_or_lost_when_it_works_again(self, rig: Rig) -> None:
        """What went out directly never gets into the outbox, and the state catches up."""
        read_only(rig.store)
        rig.level(10)
        for _ in range(4):
            rig.tick()
        read_only(rig.store, on=False)
        rig.tick()

        assert rig.channel.said == [Action.FIRE]
        assert rig.outbox() == []
        assert rig.board.read().commit_error == ""
        assert rig.store.load().alerts == rig.evaluator.memory.alerts
        assert rig.store.load().groups == rig.evaluator.memory.groups

    def test_the_end_of_what_was_told_directly_is_an_ordinary_end(self, rig: Rig) -> None:
        """The page went out past the outbox; the resolve must not claim that nobody heard of it."""
        read_only(rig.store)
        rig.level(10)
        rig.tick()
        rig.tick()
        read_only(rig.store, on=False)
        rig.level(0)
        rig.tick()

        assert [(told.action, told.notes) for told in rig.outbox()] == [(Action.RESOLVE, ())]

    def test_a_whole_incident_may_happen_meanwhile(self, rig: Rig) -> None:
        """The resolve follows its page, and both are in the history afterwards."""
        read_only(rig.store)
        rig.level(10)
        rig.tick()
        rig.level(0)
        rig.tick()
        rig.tick()
        read_only(rig.store, on=False)
        rig.tick()

        assert rig.channel.said == [Action.FIRE, Action.RESOLVE]
        assert rig.outbox() == []
        assert len(rig.store.history(severity=None, status="resolved", limit=9)) == 1

    def test_what_could_not_be_sent_is_kept_for_the_outbox(self, rig: Rig) -> None:
        """A receiver that is away at the same time loses nothing."""
        read_only(rig.store)
        rig.channel.outcomes = [Outcome.RETRY]
        rig.level(10)
        rig.tick()
        read_only(rig.store, on=False)
        rig.tick()

        assert [notification.action for notification in rig.outbox()] == [Action.FIRE]

    def test_where_others_may_lead_each_says_that_it_may_be_a_repeat(self, rig: Rig) -> None:
        """Also what could not be sent meanwhile, for another evaluator may have sent it; and never twice."""
        rig.evaluator.unstored = "a repeat?"
        read_only(rig.store)
        rig.channel.outcomes = [Outcome.RETRY] * 2
        rig.level(10)
        rig.tick()
        rig.clock.at += AGAIN_AFTER
        rig.tick()
        read_only(rig.store, on=False)
        rig.tick()

        assert [message.notes for message in rig.channel.sent] == [("a repeat?",)] * 2
        assert [message.notes for message in rig.outbox()] == [("a repeat?",)]

    def test_a_file_says_nothing_of_repeats(self, rig: Rig) -> None:
        """Its lock tells that nobody else leads."""
        read_only(rig.store)
        rig.level(10)
        rig.tick()

        assert [message.notes for message in rig.channel.sent] == [()]

    def test_what_may_have_arrived_says_so_and_is_not_sent_for_ever(self, rig: Rig) -> None:
        """A receiver takes it and does not answer: five attempts over ten minutes, then the outbox has the word."""
        read_only(rig.store)
        rig.channel.outcomes = [Outcome.UNKNOWN] * 9
        rig.level(10)
        began, sent = rig.clock.at, list[int]()
        for _ in range(50):
            rig.tick()
            if len(rig.channel.sent) > len(sent):
                sent.append(round((rig.clock.at - began).total_seconds()))
        read_only(rig.store, on=False)
        rig.tick()

        assert sent == [15, 30, 90, 330, 630]
        assert [message.notes for message in rig.channel.sent] == [(), *[(REPEATED,)] * 4]
        assert [message.notes for message in rig.outbox()] == [(REPEATED,)]

    def test_a_receiver_that_joins_copies_is_asked_on(self, rig: Rig) -> None:
        """PagerDuty makes one incident of all of them."""
        read_only(rig.store)
        rig.channel.idempotent = True
        rig.channel.outcomes = [Outcome.UNKNOWN] * 9
        rig.level(10)
        for _ in range(9):
            rig.tick()
            rig.clock.at += AGAIN_AFTER

        assert [message.notes for message in rig.channel.sent] == [()] * 9

    def test_attempts_keep_a_distance(self, rig: Rig) -> None:
        """A receiver in trouble is not asked again at every tick of a second."""
        read_only(rig.store)
        rig.channel.outcomes = [Outcome.RETRY] * 9
        rig.level(10)
        rig.tick()
        rig.evaluator.tick(Due(rig.clock.at + timedelta(seconds=1)))
        rig.evaluator.detour.wait(10)

        assert len(rig.channel.sent) == 1

        rig.clock.at += AGAIN_AFTER
        rig.tick()

        assert len(rig.channel.sent) == 2

    def test_a_resolve_never_overtakes_its_page(self, rig: Rig) -> None:
        """While the page is under way past the outbox, what follows waits, also when the store works again."""
        read_only(rig.store)
        rig.channel.gate.clear()
        rig.level(10)
        rig.tick()
        rig.level(0)
        read_only(rig.store, on=False)
        rig.tick()

        assert rig.outbox() == []

        rig.channel.gate.set()
        rig.evaluator.detour.wait(10)
        rig.tick()

        assert rig.channel.said == [Action.FIRE]
        assert [notification.action for notification in rig.outbox()] == [Action.RESOLVE]

    def test_a_stop_stores_what_it_can(self, rig: Rig) -> None:
        """The last chance before the process ends."""
        read_only(rig.store)
        rig.level(10)
        rig.tick()
        read_only(rig.store, on=False)
        rig.evaluator.finish(1)

        assert rig.store.load().alerts == rig.evaluator.memory.alerts


def test_joined_commits_say_the_last_word(rig: Rig) -> None:
    """Of two states of one alert the later is stored; messages keep their order."""
    first, second = alerts.message(seq=0), alerts.message(action=Action.RESOLVE, seq=1)
    view, later = alerts.view(), alerts.view(resolved=NOON + STEP)
    whole = joined(Commit(NOON, views=(view,), outbox=(first,)), Commit(NOON + STEP, views=(later,), outbox=(second,)))

    assert (NOON + STEP, (later,), (first, second)) == (whole.at, whole.views, whole.outbox)


def test_memory_forgets_what_a_commit_forgets(rig: Rig) -> None:
    """None takes away, and a closed episode is left to the store."""
    rig.level(10)
    rig.tick()
    identity = next(iter(rig.evaluator.memory.views))
    state = rig.evaluator.memory.alerts[identity]
    gone = remembered(rig.evaluator.memory, Commit(NOON, alerts={identity: None}))

    assert identity in rig.evaluator.memory.alerts
    assert identity not in gone.alerts
    assert labels_of({"job": "shop"}) == identity.labels
    assert state.episode == 1


def test_rules_without_sight_are_listed(rig: Rig) -> None:
    """A rule that is quiet because nobody can look is not the same as one that is quiet."""
    rig.source.down = "connection refused"
    rig.tick()
    blind = rig.board.read().blind

    assert [each.rule for each in blind] == ["shop/TooHigh", "source:questions"]
    assert rig.count("tocsin_blind_alerts") == len(rig.evaluator.memory.alerts)


def renamed(rig: Rig) -> None:
    """Read definitions in which the alert has another name, and the same one before."""
    [service] = rig.evaluator.watch.workspace.services
    rule = replace(service.alerts[0], name="TooMuch", formerly=(service.alerts[0].ref,))
    watch = Watch(builders.workspace(replace(service, alerts=(rule,))), interval=STEP)
    watch.inherit(rig.evaluator.watch)
    rig.evaluator.watch = watch


@pytest.mark.parametrize(("kind", "stored"), [("pagerduty", True), ("pagerduty", False), ("email", True)])
def test_a_rule_is_renamed_while_it_fires(rig: Rig, kind: str, stored: bool) -> None:
    """One begin and one end under one key, with the name of the time; also if the state cannot be stored just then."""
    rig.evaluator.notifications = alerts.notifications(alerts.channel("email", kind), alerts.route("email", wait=0))
    rig.level(10)
    rig.tick()
    [begin] = rig.outbox()
    read_only(rig.store, on=not stored)
    renamed(rig)
    rig.evaluator.shadow(Due(rig.clock.at))  # as one that stands by, it knows what is stored by the new name
    assert [view.title for view in rig.board.read().open_alerts()] == ["TooMuch on shop (shop)"]
    rig.tick()
    read_only(rig.store, on=False)
    rig.tick()
    known = rig.store.load()

    assert {identity.rule for identity in (*known.alerts, *known.views)} == {"shop/TooMuch"}
    assert known.alerts == rig.evaluator.memory.alerts
    assert known.groups == rig.evaluator.memory.groups
    assert orphans(known) == ()
    assert len(rig.store.fires(NOON)) == 1

    rig.evaluator.memory = known
    rig.level(0)
    rig.tick()
    end = rig.store.letters_about(begin.alerts[0].dedup_key)[-1]

    assert (end.action, end.dedup_key, end.titles) == ("resolve", begin.dedup_key, ("TooMuch on shop (shop)",))
    assert [view.resolved_at is None for view in rig.store.history(limit=9)] == [False]
