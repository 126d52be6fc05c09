"""Rates, breakers, storms and fallbacks of channels, from the outbox to real receivers."""

import time
import tracemalloc
from collections import Counter
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from tests.alerts import NOON, message, seconds, text
from tests.couriers import TestClock, channels, post, running

from tocsin.adapters.store import SqlStore
from tocsin.demo.receivers import HttpReceiver, Inbox, Reply
from tocsin.evaluate.memory import Fallback
from tocsin.notify.limits import PATIENCE, BreakerState
from tocsin.ports import Action, Notification, Rate
from tocsin.service.delivery import Courier

pytestmark = pytest.mark.real

OVER = text(resolved=NOON)


def courier(
    store: SqlStore,
    web: HttpReceiver,
    inbox: Inbox,
    clock: TestClock,
    *,
    rate: Rate | None = None,
    **fallbacks: Fallback,
) -> Courier:
    """A courier that the test steps."""
    made: dict[str, Any] = channels(web, inbox, deadline=2)
    for channel in made.values():
        channel.rate = rate
    return Courier(store, made, clock, fallbacks=fallbacks, jitter=lambda: 1.0)


def drain(one: Courier, name: str) -> int:
    """Step until there is nothing to do; returns how often something was done."""
    done = 0
    while one.step(name):
        done += 1
    return done


# --- rates -------------------------------------------------------------------------------------------------


def test_a_rate_is_kept_and_the_critical_go_first(
    store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock
) -> None:
    """Five a minute: in each minute five, the worst first, whatever came before them."""
    one = courier(store, web, inbox, clock, rate=Rate(5, timedelta(minutes=1)))
    mild = [message("pagerduty", Action.FIRE, text(f"i{n}", severity="info"), key=f"i{n}") for n in range(10)]
    post(store, *mild, *(message("pagerduty", key=f"c{n}") for n in range(2)), at=NOON)
    sent = []
    for _ in range(4):
        drain(one, "pagerduty")
        sent.append(len(web.requests))
        clock.at += timedelta(minutes=1)

    assert sent == [5, 10, 12, 12]
    assert {r.json["dedup_key"] for r in web.requests[:2]} == {"c0", "c1"}


def test_a_worker_waits_for_its_rate_also_at_the_end(store: SqlStore, web: HttpReceiver, inbox: Inbox) -> None:
    """Stopping sends what is due for as long as it may, and not faster than the receiver takes it."""
    made = {"pagerduty": channels(web, inbox)["pagerduty"]}
    made["pagerduty"].rate = Rate(1, timedelta(seconds=0.2))
    with running(store, made) as one:
        post(store, *(message("pagerduty", key=f"k{n}") for n in range(4)))
        assert one.stop(timedelta(seconds=10))
    times = [r.at for r in web.requests]

    assert len(times) == 4
    assert times[-1] - times[0] > timedelta(seconds=0.5)


# --- breaker -----------------------------------------------------------------------------------------------


def test_a_receiver_that_is_away_is_not_asked_for_every_message(
    store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock
) -> None:
    """A hundred incidents wait: some attempts, then one probe at a time, and all go out when it is back."""
    one = courier(store, web, inbox, clock)
    web.answer(*[503] * (PATIENCE + 3))
    post(store, *(message("pagerduty", key=f"k{n}") for n in range(100)), at=NOON)
    tried = []
    for _ in range(400):
        drain(one, "pagerduty")
        tried.append(len(web.requests))
        clock.at += seconds(1)

    assert tried[0] == tried[14] == PATIENCE
    assert max(b - a for a, b in pairwise(tried[:100])) == 1
    assert Counter(r.json["dedup_key"] for r in web.requests[PATIENCE + 3 :]) == {f"k{n}": 1 for n in range(100)}


def test_a_breaker_shows(store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock) -> None:
    """Open, then half-open, then closed; the other channels' are their own business."""
    one = courier(store, web, inbox, clock)
    web.answer(*[503] * PATIENCE)
    post(store, *(message("pagerduty", key=f"k{n}") for n in range(PATIENCE + 1)), at=NOON)
    drain(one, "pagerduty")

    def shown() -> dict[str, BreakerState]:
        return {worker.channel: worker.breaker for worker in one.workers(store.depths())}

    assert shown() == {"pagerduty": BreakerState.OPEN, "slack": BreakerState.CLOSED, "email": BreakerState.CLOSED}
    clock.at += seconds(16)
    assert shown()["pagerduty"] is BreakerState.HALF_OPEN
    drain(one, "pagerduty")
    assert shown()["pagerduty"] is BreakerState.CLOSED


# --- storms ------------------------------------------------------------------------------------------------


def test_a_storm_is_one_message_where_alerts_have_no_incidents(
    store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock
) -> None:
    """Two critical ones go first, each by itself; a hundred others in one; each of them is closed later."""
    one = courier(store, web, inbox, clock)
    mild = [text(f"w{n}", severity="warning", title=f"Backlog{n}") for n in range(100)]
    post(store, *(message("email", Action.FIRE, alert, key=alert.dedup_key) for alert in mild), at=NOON)
    post(store, *(message("email", key=f"c{n}") for n in range(2)), at=NOON)
    drain(one, "email")
    *critical, storm = inbox.mails

    assert [mail.subject.split()[1] for mail in critical] == ["be-camera/uptime"] * 2
    assert "a storm: 100 messages in one, 100 warning firing." in storm.text
    assert sum(f"Backlog{n} " in storm.text or f"Backlog{n}\n" in storm.text for n in range(100)) == 100
    assert store.depths()[0].pending == 0
    post(store, message("email", Action.RESOLVE, text("w7", resolved=NOON), key="w7", seq=1), at=NOON)
    drain(one, "email")
    assert inbox.mails[-1].subject.startswith("[RESOLVED]")
    assert "before a message about it" not in inbox.mails[-1].text


def test_a_storm_that_is_refused_is_tried_again_as_one(
    store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock
) -> None:
    """And is the same message then."""
    one = courier(store, web, inbox, clock)
    inbox.rcpt.append("451 later")
    post(store, *(message("email", key=f"k{n}", at=NOON) for n in range(30)), at=NOON)
    drain(one, "email")
    waited = store.depths()[0].pending
    clock.at += seconds(5)
    drain(one, "email")

    assert waited == 30
    assert (len(inbox.mails), store.depths()[0].pending) == (1, 0)


@pytest.mark.parametrize("count", [1_500, pytest.param(10_000, marks=pytest.mark.soak)])
def test_thousands_of_alerts_at_once(
    store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock, count: int
) -> None:
    """Bounded messages and memory, the critical first, none lost: 500 conversations in a mail."""
    one = courier(store, web, inbox, clock)
    told = [
        message("email", Action.FIRE, text(f"k{n}", severity="critical" if n % 50 == 0 else "info"), key=f"k{n}")
        for n in range(count)
    ]
    post(store, *told, at=NOON)
    del told
    tracemalloc.start()
    mails = drain(one, "email")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert mails == len(inbox.mails) == count // 500
    assert f"{count // 50} critical firing" in inbox.mails[0].text
    assert max(len(mail.message.as_bytes()) for mail in inbox.mails) < 200_000
    assert peak < 30e6
    assert (store.depths()[0].pending, store.depths()[0].dead) == (0, 0)


# --- fallback ----------------------------------------------------------------------------------------------


def incident(store: SqlStore, channel: str, *actions: Action, clock: TestClock) -> list[Notification]:
    """The messages of one incident."""
    told = [
        message(channel, action, OVER if action is Action.RESOLVE else text(), key="k1", seq=n)
        for n, action in enumerate(actions)
    ]
    post(store, *told, at=clock.at)
    return told


def test_what_is_refused_goes_to_the_fallback_and_is_closed_there(
    store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock
) -> None:
    """Slack's webhook is gone for the page, and is back for its end: both are told by email, too."""
    one = courier(store, web, inbox, clock, slack=Fallback("email"))
    web.answer(404)
    incident(store, "slack", Action.FIRE, clock=clock)
    drain(one, "slack")
    drain(one, "email")
    post(store, message("slack", Action.RESOLVE, OVER, key="k1", seq=1), at=clock.at)
    drain(one, "email")
    drain(one, "slack")

    assert [mail.subject.split()[0] for mail in inbox.mails] == ["[FIRING]", "[RESOLVED]"]
    assert "Note: not delivered to slack: HTTP 404" in inbox.mails[0].text
    assert "Note: told here, as slack did not take what came before." in inbox.mails[1].text
    assert inbox.messages[1]["References"] == inbox.messages[0]["Message-ID"]
    assert len(web.requests) == 2


@pytest.mark.parametrize(("severity", "minutes"), [("critical", 5), ("warning", 30), ("info", 120)])
def test_what_cannot_be_sent_in_time_goes_to_the_fallback(
    store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock, severity: str, minutes: int
) -> None:
    """The sooner the more severe it is, also where its channel is left alone because it fails."""
    one = courier(store, web, inbox, clock, pagerduty=Fallback("email"))
    web.answer(*[503] * 10_000)
    for n in range(12):
        told = text(f"k{n}", severity=severity)
        post(store, message("pagerduty", Action.FIRE, told, key=f"k{n}"), at=NOON)
    when: list[float] = []
    while len(when) < 12 and clock.at < NOON + timedelta(hours=3):
        drain(one, "pagerduty")
        drain(one, "email")
        when += [(clock.at - NOON).total_seconds() / 60] * (len(inbox.mails) - len(when))
        clock.at += seconds(15)

    assert len(when) == 12
    assert minutes - 5 <= min(when) <= max(when) <= minutes + 0.5
    assert all("Note: not delivered to pagerduty: " in mail.text for mail in inbox.mails)
    assert store.depths()[1].dead == 12


def test_a_fallback_with_incidents_gets_one_for_each_alert(
    store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock
) -> None:
    """Opened and closed by the alerts' own keys; what PagerDuty was told anyway is not told twice."""
    one = courier(store, web, inbox, clock, slack=Fallback("pagerduty", alone=True))
    web.answer(404, path="/services")
    post(store, message("pagerduty", Action.FIRE, text("a"), key="a"), at=NOON)
    post(store, message("slack", Action.FIRE, text("a"), text("b"), key="group"), at=NOON)
    drain(one, "slack")
    over = (text("a", resolved=NOON), text("b", resolved=NOON))
    post(store, message("slack", Action.RESOLVE, *over, key="group", seq=1), at=NOON)
    post(store, message("pagerduty", Action.RESOLVE, over[0], key="a", seq=1), at=NOON)
    clock.at += seconds(1)
    drain(one, "pagerduty")
    events = Counter((r.json["event_action"], r.json["dedup_key"]) for r in web.requests if r.service == "pagerduty")

    assert events == {("resolve", "a"): 1, ("resolve", "b"): 1}


def test_without_a_fallback_a_message_is_tried_for_a_day(
    store: SqlStore, web: HttpReceiver, inbox: Inbox, clock: TestClock
) -> None:
    """Nobody else would tell."""
    one = courier(store, web, inbox, clock)
    web.answer(*[503] * 100, path="/v2")
    incident(store, "pagerduty", Action.FIRE, clock=clock)
    for _ in range(80):
        drain(one, "pagerduty")
        clock.at += timedelta(minutes=6)

    assert (store.depths()[0].pending, store.depths()[0].dead) == (1, 0)


def test_a_hanging_receiver_does_not_keep_a_page_from_its_fallback(
    store: SqlStore, web: HttpReceiver, inbox: Inbox
) -> None:
    """Real threads and a real hang: the webhook takes the page and never answers; the gone one is told by email."""
    web.answer(Reply(hang=True), path="/services")
    web.answer(410, path="/v2")
    made = channels(web, inbox, deadline=20)
    one = Courier(
        store, made, TestClock(real=True), fallbacks={"pagerduty": Fallback("email")}, poll=timedelta(milliseconds=20)
    )
    one.start()
    begin = time.monotonic()
    post(store, message("slack"), message("pagerduty", key="k1"))
    one.wake()
    inbox.wait_for(timeout=15)

    assert time.monotonic() - begin < 15
    one.stop(timedelta())
