"""From the outbox to real receivers, with faults at either end: slow, refusing, silent receivers, and kill -9."""

import json
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from tests.alerts import NOON, message, seconds, text

from tocsin.adapters.store import SqlStore
from tocsin.demo.receivers import HttpReceiver, Inbox, Reply
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Commit, Parcel
from tocsin.ports import Action, Notification
from tocsin.service.delivery import REPEATED, Courier
from tocsin_notifiers import build

pytestmark = pytest.mark.real

HANG = 30.0
"""Seconds that a receiver which hangs would hold us."""

PROCESS = Path(__file__).with_name("courier_process.py")


class TestClock:
    """A wall clock in the test's hands; with *real* it runs."""

    __test__ = False

    def __init__(self, *, real: bool = False) -> None:
        self.real = real
        self.at = NOON

    def now(self) -> datetime:
        """Read the time."""
        return datetime.now(UTC) if self.real else self.at


@pytest.fixture
def web() -> Iterator[HttpReceiver]:
    """Slack and PagerDuty."""
    with HttpReceiver() as web:
        yield web


@pytest.fixture
def inbox() -> Iterator[Inbox]:
    """The mail server."""
    with Inbox() as inbox:
        yield inbox


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    """An empty store."""
    store = SqlStore(str(tmp_path / "tocsin.db"))
    yield store
    store.close()


def specs(web: HttpReceiver, inbox: Inbox) -> dict[str, Any]:
    """Kinds and settings of three channels."""
    mail = {
        "host": inbox.host,
        "port": str(inbox.port),
        "tls": "none",
        "from": "t@example.org",
        "to": "oncall@example.org",
    }
    return {
        "email": {"kind": "email", "settings": mail},
        "slack": {
            "kind": "slack",
            "settings": {"webhook": "https://hooks.slack.com/services/T/B/C", "endpoint": web.url},
        },
        "pagerduty": {"kind": "pagerduty", "settings": {"integration_key": "k" * 32, "endpoint": web.url}},
    }


def channels(web: HttpReceiver, inbox: Inbox, deadline: float = 5.0) -> dict[str, Any]:
    """Three channels without a pace, so that a test takes no longer than it must."""
    made: dict[str, Any] = {n: build(n, s["kind"], s["settings"]) for n, s in specs(web, inbox).items()}
    for channel in made.values():
        channel.deadline, channel.pace = deadline, timedelta()
    return made


@pytest.fixture
def clock() -> TestClock:
    """Noon, until the test says otherwise."""
    return TestClock()


@pytest.fixture
def stepwise(store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock) -> Courier:
    """A courier that the test steps; the backoff takes its whole ceiling."""
    return Courier(store, channels(web, inbox, deadline=0.4), clock, jitter=lambda: 1.0)


@contextmanager
def running(store: SqlStore, made: dict[str, Any]) -> Iterator[Courier]:
    """Run a courier in threads, with short waits."""
    courier = Courier(store, made, TestClock(real=True), jitter=lambda: 0.05, poll=timedelta(milliseconds=20))
    courier.start()
    try:
        yield courier
    finally:
        courier.stop(timedelta(seconds=1))


def post(store: SqlStore, *messages: Notification, at: datetime | None = None) -> None:
    """Put messages into the outbox."""
    store.commit(Commit(at or datetime.now(UTC), outbox=messages))


def settled(store: SqlStore, timeout: float = 10.0) -> bool:
    """Wait until nothing is pending any more."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if not any(depth.pending for depth in store.depths()):
            return True
        time.sleep(0.02)
    return False


# --- receivers with faults ---------------------------------------------------------------------------------


def test_three_errors_and_a_success_make_one_message(store: SqlStore, web: HttpReceiver, inbox: Inbox) -> None:
    """Slack answers 500 three times and then 200: four requests, one message, and the email is there already."""
    web.answer(500, 500, 500)
    with running(store, channels(web, inbox)) as courier:
        post(store, message("slack"), message("email"))
        courier.wake()
        inbox.wait_for(timeout=5)
        web.wait_for(count=4, timeout=5)
        assert settled(store)
        time.sleep(0.2)

    assert len(web.requests) == 4
    assert [(depth.channel, depth.dead) for depth in store.depths()] == [("email", 0), ("slack", 0)]


def test_a_receiver_that_hangs_delays_nobody_else(store: SqlStore, web: HttpReceiver, inbox: Inbox) -> None:
    """Slack takes the request and never answers; the email arrives at once, and so does PagerDuty's event."""
    web.answer(*[Reply(hang=True)] * 20, path="/services")
    with running(store, channels(web, inbox, deadline=HANG)) as courier:
        begin = time.monotonic()
        post(store, *(message(name, key=f"k{i}") for name in ("slack", "email", "pagerduty") for i in range(3)))
        courier.wake()
        inbox.wait_for(count=3, timeout=HANG)
        web.wait_for(lambda r: r.service == "pagerduty", count=3, timeout=HANG)
        took = time.monotonic() - begin

    assert took < HANG / 2


def test_stopping_does_not_wait_for_a_receiver_that_hangs(store: SqlStore, web: HttpReceiver, inbox: Inbox) -> None:
    """The process may end at its deadline; what was under way stays in the outbox."""
    web.answer(Reply(hang=True))
    with running(store, channels(web, inbox, deadline=HANG)) as courier:
        post(store, message("slack"))
        courier.wake()
        web.wait_for(timeout=HANG / 2)
        begin = time.monotonic()
        clean = courier.stop(timedelta(seconds=0.3))
        took = time.monotonic() - begin

    assert (clean, store.depths()[0].pending) == (False, 1)
    assert took < HANG / 2


def test_stopping_sends_what_is_due(store: SqlStore, web: HttpReceiver, inbox: Inbox) -> None:
    """SIGTERM right after a page was decided does not keep it back."""
    courier = Courier(store, channels(web, inbox), TestClock(real=True), poll=timedelta(seconds=60))
    courier.start()
    time.sleep(0.1)
    post(store, *(message("email", key=f"k{i}") for i in range(5)))

    assert courier.stop(timedelta(seconds=5))
    assert len(inbox.mails) == 5


def test_waits_grow_and_end_in_a_dead_letter(
    store: SqlStore, web: HttpReceiver, stepwise: Courier, clock: TestClock, caplog: pytest.LogCaptureFixture
) -> None:
    """With full jitter at its ceiling a page is tried after 1, 2, 4 … 300 seconds, for a day."""
    web.answer(*[503] * 400)
    post(store, message("slack"), at=NOON)
    tried = []
    while store.depths()[0].pending:
        before = len(web.requests)
        while not stepwise.step("slack"):
            clock.at += seconds(1)
        assert len(web.requests) == before + 1
        tried.append((clock.at - NOON).total_seconds())
        if len(tried) == 14:
            clock.at = NOON + timedelta(hours=24)
    gaps = [int(b - a) for a, b in pairwise(tried[:14])]

    assert gaps == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]
    assert store.depths()[0].dead == 1
    assert "slack: fire given up: HTTP 503: scripted answer" in caplog.messages


def test_retry_after_holds_the_whole_channel_and_no_other(
    store: SqlStore, web: HttpReceiver, stepwise: Courier, clock: TestClock
) -> None:
    """After a 429 nothing goes to Slack for the 30 seconds it asked for, not even another message."""
    web.answer(Reply(429, {"Retry-After": "30"}), path="/services")
    post(store, message("slack", key="a"), message("slack", key="b"), message("pagerduty", key="c"), at=NOON)
    stepwise.step("slack")
    clock.at += seconds(29)
    early = stepwise.step("slack")
    other = stepwise.step("pagerduty")
    clock.at += seconds(1)
    due = [stepwise.step("slack"), stepwise.step("slack")]

    assert (early, other, due) == (False, True, [True, True])
    assert Counter(r.service for r in web.requests) == {"slack": 3, "pagerduty": 1}


def test_a_refusal_is_a_dead_letter_at_once(
    store: SqlStore, web: HttpReceiver, stepwise: Courier, clock: TestClock
) -> None:
    """404: the webhook is gone, and asking again will not bring it back."""
    web.answer(404)
    post(store, message("slack"), at=NOON)
    stepwise.step("slack")
    clock.at += timedelta(hours=1)

    assert stepwise.step("slack") is False
    assert (store.depths()[0].dead, len(web.requests)) == (1, 1)


@pytest.mark.parametrize(("reply", "mails", "dead"), [("451 4.7.1 greylisted", 1, 0), ("550 5.1.1 no such user", 0, 1)])
def test_mail_servers_mean_what_they_say(
    store: SqlStore, inbox: Inbox, stepwise: Courier, clock: TestClock, reply: str, mails: int, dead: int
) -> None:
    """Greylisting passes, an unknown user does not."""
    inbox.rcpt.append(reply)
    post(store, message("email"), at=NOON)
    for _ in range(3):
        stepwise.step("email")
        clock.at += seconds(10)

    assert (len(inbox.mails), store.depths()[0].dead) == (mails, dead)


def test_what_may_have_arrived_is_marked(
    store: SqlStore, web: HttpReceiver, stepwise: Courier, clock: TestClock
) -> None:
    """Slack got the request and did not answer: the next one says that it may be a repeat. PagerDuty's key suffices."""
    web.answer(Reply(hang=True), path="/services")
    web.answer(Reply(hang=True), path="/v2")
    post(store, message("slack"), message("pagerduty"), at=NOON)
    for _ in range(2):
        stepwise.step("slack")
        stepwise.step("pagerduty")
        clock.at += seconds(31)
    slack = [REPEATED in r.json["attachments"][0]["text"] for r in web.requests if r.service == "slack"]
    pages = [r.json for r in web.requests if r.service == "pagerduty"]

    assert slack == [False, True]
    assert [(p["event_action"], p["dedup_key"]) for p in pages] == [("trigger", "thread")] * 2
    assert store.depths()[0].pending == 0


def test_a_receiver_that_shows_every_copy_gets_few(
    store: SqlStore, web: HttpReceiver, stepwise: Courier, clock: TestClock
) -> None:
    """It takes every request and answers none: five copies, then the message counts as dead."""
    web.answer(*[Reply(hang=True)] * 20, path="/services")
    post(store, message("slack"), at=NOON)
    for _ in range(8):
        stepwise.step("slack")
        clock.at += timedelta(minutes=6)

    assert (len(web.requests), store.depths()[0].dead) == (5, 1)


def test_a_trigger_that_could_not_be_sent_never_follows_its_resolve(
    store: SqlStore, web: HttpReceiver, stepwise: Courier, clock: TestClock
) -> None:
    """PagerDuty was down while the alert fired and resolved: it hears the resolve, and no incident is opened."""
    web.answer(500, 500)
    post(store, message("pagerduty", key="episode"), at=NOON)
    stepwise.step("pagerduty")
    post(store, message("pagerduty", Action.RESOLVE, key="episode", seq=1), at=NOON)
    for _ in range(20):
        stepwise.step("pagerduty")
        clock.at += seconds(5)

    assert [r.json["event_action"] for r in web.requests] == ["trigger", "resolve", "resolve"]


def test_a_mail_that_comes_late_and_alone_says_so(
    store: SqlStore, inbox: Inbox, stepwise: Courier, clock: TestClock
) -> None:
    """The mail server was away for the whole incident: one mail tells that it began and ended."""
    inbox.rcpt.extend(["451 later"] * 3)
    post(store, message("email"), at=NOON)
    for _ in range(3):
        stepwise.step("email")
        clock.at += seconds(10)
    end = NOON + seconds(30)
    post(store, message("email", Action.RESOLVE, text(resolved=end), seq=1, at=end), at=end)
    clock.at = NOON + timedelta(hours=2)
    stepwise.step("email")
    (mail,) = inbox.mails

    assert mail.subject == "[RESOLVED] be-camera/uptime burns its error budget (critical)"
    assert mail.text.startswith(
        "Note: this alert fired and resolved before a message about it could be delivered here.\n"
        "Note: delayed 1h 59m: decided at 2026-11-23 12:00:30 UTC.\n\nRESOLVED\n"
    )


# --- workers that fail -------------------------------------------------------------------------------------


class Stumbling(SqlStore):
    """A store that fails with the *errors* that stand here, one at each lease."""

    def __init__(self, path: str, *errors: BaseException) -> None:
        super().__init__(path)
        self.errors = list(errors)

    def lease(self, channel: str, now: datetime, until: datetime, limit: int = 1) -> tuple[Parcel, ...]:
        """Fail, or lease."""
        if self.errors:
            raise self.errors.pop(0)
        return super().lease(channel, now, until, limit)


@contextmanager
def stumbling(
    tmp_path: Path, web: HttpReceiver, inbox: Inbox, *errors: BaseException
) -> Iterator[tuple[Stumbling, Courier]]:
    """Run a courier of one channel on a store that fails."""
    store = Stumbling(str(tmp_path / "stumbling.db"), *errors)
    mail = {"email": build("email", "email", specs(web, inbox)["email"]["settings"])}
    try:
        post(store, message("email"))
        with running(store, mail) as courier:
            yield store, courier
    finally:
        store.close()


def test_a_worker_outlives_what_goes_wrong(
    tmp_path: Path, web: HttpReceiver, inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever its store raises is logged with its traceback and counted, and the page goes out afterwards."""
    errors = (ValueError("year is out of range"), TypeError("no dictionary"), UnavailableError("disk I/O error"))
    with stumbling(tmp_path, web, inbox, *errors) as (store, courier):
        inbox.wait_for(timeout=10)
        assert settled(store)
        (worker,) = courier.workers(store.depths())

    assert (worker.alive, worker.failed, worker.failing, worker.error) == (True, 3, 0, "")
    assert "ValueError: year is out of range" in caplog.text
    assert "email: a round failed: disk I/O error" in caplog.messages


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_worker_that_ends_all_the_same_is_noticed(tmp_path: Path, web: HttpReceiver, inbox: Inbox) -> None:
    """So that somebody restarts the process before the next page is due."""
    with stumbling(tmp_path, web, inbox, GeneratorExit()) as (store, courier):
        end = time.monotonic() + 10
        while courier.workers(())[0].alive and time.monotonic() < end:
            time.sleep(0.01)
        later = courier.workers(store.depths())[0]

    assert (later.channel, later.alive) == ("email", False)


def test_a_message_that_nobody_takes_is_overdue(
    store: SqlStore, web: HttpReceiver, stepwise: Courier, clock: TestClock
) -> None:
    """One that waits for its next attempt, for its receiver's Retry-After or for a removed channel is not."""

    def overdue() -> dict[str, float]:
        return {w.channel: w.overdue.total_seconds() for w in stepwise.workers(store.depths()) if w.overdue}

    web.answer(Reply(429, {"Retry-After": "600"}), path="/services")
    web.answer(500, path="/v2")
    names = ("email", "slack", "pagerduty", "removed")
    post(store, *(message(name, key=key) for name in names for key in ("a", "b")), at=NOON)
    stepwise.step("slack")
    stepwise.step("pagerduty")
    clock.at += seconds(300)
    first = overdue()
    clock.at += seconds(400)

    assert first == {"email": 300, "pagerduty": 300}
    assert overdue() == {"email": 700, "pagerduty": 700, "slack": 100}


# --- kill -9 -----------------------------------------------------------------------------------------------


@contextmanager
def process(
    path: Path, web: HttpReceiver, inbox: Inbox, deadline: float = 0.3, lease: float = 60
) -> Iterator[subprocess.Popen[str]]:
    """Run a courier as a process; at the end it is killed."""
    options = {"store": str(path), "channels": specs(web, inbox), "deadline": deadline, "lease": lease}
    child = subprocess.Popen([sys.executable, str(PROCESS), json.dumps(options)], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "delivering\n"
        yield child
    finally:
        child.kill()
        child.wait(10)
        if child.stdout is not None:
            child.stdout.close()


def test_killed_between_page_and_resolve(tmp_path: Path, store: SqlStore, web: HttpReceiver, inbox: Inbox) -> None:
    """After the restart the resolve arrives everywhere, and nobody is paged a second time."""
    path = tmp_path / "tocsin.db"
    names = ("email", "slack", "pagerduty")
    with process(path, web, inbox) as child:
        post(store, *(message(name) for name in names))
        assert settled(store)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    post(store, *(message(name, Action.RESOLVE, seq=1) for name in names))
    with process(path, web, inbox):
        assert settled(store)

    assert [m.subject.split()[0] for m in inbox.mails] == ["[FIRING]", "[RESOLVED]"]
    assert [r.json["event_action"] for r in web.requests if r.service == "pagerduty"] == ["trigger", "resolve"]
    slack = [r.json["attachments"][0]["title"].split()[0] for r in web.requests if r.service == "slack"]
    assert slack == ["[FIRING]", "[RESOLVED]"]


def test_killed_after_the_receiver_took_it(tmp_path: Path, store: SqlStore, web: HttpReceiver, inbox: Inbox) -> None:
    """Nobody recorded that the page went out: it goes again, once, with the same key, and on Slack with a mark.

    It does not wait for the lease of the dead process to run out.
    """
    path = tmp_path / "tocsin.db"
    web.answer(Reply(hang=True), path="/services")
    web.answer(Reply(hang=True), path="/v2")
    with process(path, web, inbox, deadline=20) as child:
        post(store, message("slack"), message("pagerduty"))
        web.wait_for(count=2)
        child.send_signal(signal.SIGKILL)
        child.wait(10)
    with process(path, web, inbox):
        assert settled(store)
    slack = [REPEATED in r.json["attachments"][0]["text"] for r in web.requests if r.service == "slack"]
    keys = [r.json["dedup_key"] for r in web.requests if r.service == "pagerduty"]

    assert (slack, keys) == ([False, True], ["thread", "thread"])


def test_killed_at_any_time_while_receivers_fail(
    tmp_path: Path, store: SqlStore, web: HttpReceiver, inbox: Inbox
) -> None:
    """Every incident ends resolved and is never reopened; a copy on Slack says that it is one.

    PagerDuty is taken at its worst: it acts on every request that reached it, whatever it answered.
    """
    path, chance, kills, batch = tmp_path / "tocsin.db", random.Random(7), 4, 10
    faults = [Reply(500), Reply(503), Reply(429), Reply(hang=True), Reply(delay=0.1)]
    web.answer(*(chance.choice(faults) for _ in range(25)), path="/v2")
    web.answer(*[Reply(delay=0.03)] * 200, path="/services")
    for turn in range(kills + 1):
        with process(path, web, inbox) as child:
            ends = range(batch * (turn - 1), batch * turn) if turn else range(0)
            begins = range(batch * turn, batch * (turn + 1)) if turn < kills else range(0)
            post(store, *(m for i in ends for m in story_of(i, Action.RESOLVE)))
            post(store, *(m for i in begins for m in story_of(i, Action.FIRE)))
            if turn < kills:
                time.sleep(chance.uniform(0.1, 0.4))
                child.send_signal(signal.SIGKILL)
                child.wait(10)
            else:
                assert settled(store, 15)
    pages: dict[str, str] = {}
    slack: Counter[str] = Counter()
    repeats = 0
    for request in web.requests:
        if request.service == "pagerduty":
            pages[request.json["dedup_key"]] = (
                pages.get(request.json["dedup_key"], "") + request.json["event_action"][0]
            )
            continue
        (attachment,) = request.json["attachments"]
        marked = REPEATED in attachment["text"]
        repeats += marked
        slack[attachment["title"]] += not marked

    assert set(pages) == {f"k{i}" for i in range(batch * kills)}
    assert [key for key, actions in pages.items() if not re.fullmatch("t*r+", actions)] == []
    assert max(slack.values()) == 1
    assert repeats <= kills
    assert [depth.dead for depth in store.depths()] == [0, 0]


def story_of(i: int, action: Action) -> tuple[Notification, Notification]:
    """One message of incident *i* on both channels."""
    now = datetime.now(UTC)
    end = now if action is Action.RESOLVE else None
    seq = int(action is Action.RESOLVE)
    about = text(f"k{i}", title=f"be-camera {i}", resolved=end)
    return (
        message("pagerduty", action, about, key=f"k{i}", seq=seq, at=now),
        message("slack", action, about, key=f"k{i}", seq=seq, at=now),
    )
