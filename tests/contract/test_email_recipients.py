"""Mail to several people: whatever one's server does, the others have each page once, and at once."""

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.alerts import NOON, message, seconds, text
from tests.couriers import TestClock, post, running, settled
from tests.mailservers import Particular

from tocsin.adapters.store import SqlStore
from tocsin.notify.limits import BreakerState
from tocsin.ports import Action, Notification, Outcome
from tocsin.service.delivery import REPEATED, Courier
from tocsin_notifiers import build

pytestmark = pytest.mark.real

ANA, BO = "ana@x.org", "bo@x.org"
FULL = "452 4.2.2 mailbox full"


@pytest.fixture
def inbox() -> Iterator[Particular]:
    """The mail server."""
    with Particular() as inbox:
        yield inbox


def make(inbox: Particular, *to: str, deadline: float = 5.0) -> Any:
    """Build a channel to it, as a start and a SIGHUP do."""
    settings: dict[str, Any] = {
        "host": inbox.host,
        "port": str(inbox.port),
        "tls": "none",
        "from": "t@x.org",
        "to": to or (ANA, BO),
    }
    channel: Any = build("email", "email", settings)
    channel.deadline = deadline
    return channel


def courier(store: SqlStore, inbox: Particular, clock: TestClock, *to: str) -> Courier:
    """A courier of a process, or of one of its definitions."""
    return Courier(store, {"email": make(inbox, *to)}, clock, jitter=lambda: 0.5)


def drain(one: Courier) -> None:
    """Step until nothing is left to do now."""
    while one.step("email"):
        pass


def mild(name: str) -> Notification:
    """A warning of a group of its own."""
    return message("email", Action.FIRE, text(name, severity="warning", title=name), key=name)


# --- the channel -------------------------------------------------------------------------------------------


def test_who_has_a_mail_is_not_written_to_again(inbox: Particular) -> None:
    """A greylisted recipient is tried again alone."""
    channel = make(inbox)
    inbox.rcpts[BO] = "451 4.7.1 greylisted"
    first = channel.send(message(), NOON).outcome
    inbox.rcpts.clear()
    second = channel.send(message(), NOON).outcome

    assert (first, second) == (Outcome.RETRY, Outcome.SENT)
    assert sorted(inbox.asked) == [ANA, BO, BO]
    assert [mail.recipients for mail in inbox.mails] == [(ANA,), (BO,)]


@pytest.mark.parametrize(("stage", "outcome"), [("rcpt", Outcome.RETRY), ("data", Outcome.UNKNOWN)])
def test_who_hangs_keeps_nobody_waiting(inbox: Particular, stage: str, outcome: Outcome) -> None:
    """Before DATA nothing can have arrived; after it, it may have."""
    inbox.hangs.add((stage, ANA))
    began = time.monotonic()
    delivery = make(inbox, deadline=0.6).send(message(), NOON)
    took = time.monotonic() - began

    assert (delivery.outcome, delivery.detail) == (outcome, "no answer within the deadline")
    assert took < 10
    assert len(inbox.of(BO)) == 1


def test_what_was_given_up_before_data_is_not_handed_over_later(inbox: Particular) -> None:
    """The server answers RCPT after the deadline: the next attempt is the only one that sends."""
    channel = make(inbox, ANA, deadline=0.3)
    inbox.hangs.add(("rcpt", ANA))
    first = channel.send(message(), NOON)
    inbox.hangs.clear()
    for thread in threading.enumerate():
        if thread.name == "tocsin-send":
            thread.join(5)
    arrived = len(inbox.mails)
    channel.deadline = 5.0

    assert (first.outcome, arrived) == (Outcome.RETRY, 0)
    assert channel.send(message(), NOON).outcome is Outcome.SENT
    assert len(inbox.mails) == 1


# --- from the outbox ---------------------------------------------------------------------------------------


def test_a_full_mailbox_costs_nobody_else_a_page(store: SqlStore, inbox: Particular) -> None:
    """Days of 4xx for one of two: the other has all that fires as it fires, and the channel is not left alone."""
    inbox.rcpts[BO] = FULL
    clock = TestClock()
    one = courier(store, inbox, clock)
    told = 0
    for turn in range(6):
        grave = message(key=f"grave{turn}")
        post(store, grave, *(mild(f"w{turn}-{n}") for n in range(4)), at=clock.at)
        told += 5
        drain(one)
        assert len(inbox.of(ANA)) == told
        clock.at += seconds(25)
    breakers = {worker.recipient: worker.breaker for worker in one.workers(store.depths())}

    assert breakers[ANA] is BreakerState.CLOSED
    assert breakers[BO] is not BreakerState.CLOSED
    assert inbox.asked.count(ANA) == 30
    inbox.rcpts.clear()
    clock.at += seconds(600)
    drain(one)
    assert [subject.split()[0] for subject in inbox.of(BO)] == ["[FIRING]"] * 6 + ["[FIRING:24]"]


@pytest.mark.parametrize("stage", ["rcpt", "data"])
def test_a_recipient_who_hangs_delays_no_page_of_another(store: SqlStore, inbox: Particular, stage: str) -> None:
    """Real threads: the first in `to` does not answer, and pages come one after another while she is asked once."""
    inbox.hangs.add((stage, ANA))
    with running(store, {"email": make(inbox, deadline=45)}) as one:
        for n in range(4):
            post(store, message(key=f"k{n}"))
            one.wake()
            inbox.wait_for(lambda mail: mail.recipients == (BO,), timeout=20, count=n + 1)
        asked = inbox.asked.count(ANA)
        inbox.hangs.clear()
        assert settled(store, 20)

    assert asked <= 1
    assert [len(inbox.of(who)) for who in (ANA, BO)] == [4, 4]


@pytest.mark.parametrize("end", ["reload", "restart"])
def test_nobody_gets_a_page_twice_as_another_is_greylisted(where: str, inbox: Particular, end: str) -> None:
    """Neither when definitions are read again nor when a process takes over; who lacks it gets it in the end."""
    clock, store = TestClock(), SqlStore(where)
    inbox.rcpts[BO] = "451 4.7.1 greylisted"
    post(store, message(key="k"), at=NOON)
    for _ in range(3):
        one = courier(store, inbox, clock)
        drain(one)
        clock.at += seconds(40)
        if end == "restart":
            store.close()
            store = SqlStore(where)
    inbox.rcpts.clear()
    drain(courier(store, inbox, clock))
    assert [len(inbox.of(who)) for who in (ANA, BO)] == [1, 1]
    assert not any(REPEATED in mail.text for mail in inbox.mails)
    assert store.depths()[0].pending == 0
    store.close()


def test_a_death_between_the_mails_of_two_is_a_doubt_of_one(store: SqlStore, inbox: Particular) -> None:
    """Ana's was on its way when the process died: hers may be a repeat and says so, bo's is none."""
    clock = TestClock()
    post(store, message(key="k"), at=NOON)
    store.fan_out("email", (ANA, BO), NOON)
    store.lease("email", NOON, NOON + seconds(60), 1, recipient=ANA)
    clock.at += seconds(61)
    drain(courier(store, inbox, clock))
    marked = {mail.recipients[0]: REPEATED in mail.text for mail in inbox.mails}

    assert marked == {ANA: True, BO: False}


def test_a_greylisted_storm_stays_one(store: SqlStore, inbox: Particular) -> None:
    """Thirty at once: ana has them in one, and so has bo afterwards, whatever the dice say."""
    clock = TestClock()
    dice = iter(range(1, 10_000))
    one = Courier(store, {"email": make(inbox)}, clock, jitter=lambda: next(dice) * 0.37 % 1)
    inbox.rcpts[BO] = "451 4.7.1 greylisted"
    post(store, *(mild(f"w{n}") for n in range(30)), at=NOON)
    for _ in range(8):
        drain(one)
        clock.at += seconds(5)
    inbox.rcpts.clear()
    clock.at += timedelta(minutes=5)
    drain(one)

    assert [subject.split()[0] for who in (ANA, BO) for subject in inbox.of(who)] == ["[FIRING:30]"] * 2


def test_a_page_that_was_never_tried_is_overdue_however_busy_its_channel(store: SqlStore, inbox: Particular) -> None:
    """Measured by the message, not by what the channel did last; what waits for a failing receiver is not."""
    clock = TestClock()
    one = courier(store, inbox, clock, ANA)
    post(store, message(key="a"), message(key="b"), at=NOON)
    for _ in range(2):  # a worker that goes to "a" again and again
        one.step("email")
        clock.at += seconds(0)
    post(store, message(key="c"), at=clock.at)
    (dispatch,) = one._dispatches.values()
    clock.at += seconds(400)
    dispatch.busy_at = clock.at
    (worker,) = one.workers(store.depths())

    assert worker.overdue == seconds(400)
    inbox.rcpts[ANA] = FULL
    post(store, *(message(key=f"k{n}") for n in range(9)), at=clock.at)
    drain(one)
    (worker,) = one.workers(store.depths())
    assert (worker.overdue, worker.breaker) == (seconds(0), BreakerState.OPEN)
