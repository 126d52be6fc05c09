"""From the outbox to real receivers, with faults at their end: slow, refusing and silent ones."""

import time
from collections import Counter
from datetime import timedelta
from itertools import pairwise

import pytest
from tests.alerts import NOON, message, seconds, text
from tests.couriers import TestClock, channels, post, running, settled

from tocsin.adapters.store import SqlStore
from tocsin.demo.receivers import HttpReceiver, Inbox, Reply
from tocsin.ports import Action
from tocsin.service.delivery import REPEATED, Courier

pytestmark = pytest.mark.real

HANG = 30.0
"""Seconds that a receiver which hangs would hold us."""


@pytest.fixture
def stepwise(store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock) -> Courier:
    """A courier that the test steps; the backoff takes its whole ceiling."""
    return Courier(store, channels(web, inbox, deadline=0.4), clock, jitter=lambda: 1.0)


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
        clock.at += timedelta(minutes=33)

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
