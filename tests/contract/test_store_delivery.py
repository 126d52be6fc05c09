"""What every Store promises about delivery: receipts, storms, and messages that go to another channel."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

import pytest
from tests.alerts import NOON, message, seconds, text
from tests.couriers import TestClock
from tests.databases import DATABASE, wiped

from tocsin.adapters.store import SqlStore
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Commit, Fallback, Parcel, Settled
from tocsin.ports import Action, Delivery, Notification, Outcome, Rate
from tocsin.service.dispatch import Dispatch

GONE = Delivery(Outcome.REJECTED, "HTTP 404")
OVER = text(resolved=NOON)


@pytest.fixture
def store(where: str) -> Iterator[SqlStore]:
    """An empty store."""
    store = SqlStore(where)
    if where == DATABASE:
        with store._writing() as connection:
            wiped(connection)
    yield store
    store.close()


def post(store: SqlStore, *messages: Notification) -> None:
    """Put messages into the outbox."""
    store.commit(Commit(NOON, outbox=messages))


def take(store: SqlStore, channel: str = "slack", limit: int = 10) -> tuple[Parcel, ...]:
    """Lease what is due."""
    return store.lease(channel, NOON, NOON + seconds(30), limit)


def test_a_receipt_comes_with_what_follows(store: SqlStore) -> None:
    """Also that of an attempt which did not get to its end; that of another conversation does not."""
    post(store, message("slack", key="a"), message("slack", key="b"))
    first = {parcel.notification.dedup_key: parcel for parcel in take(store)}
    store.settle(first["a"], Delivery(Outcome.RETRY, "half", receipt="C1:1"), NOON, NOON)
    store.settle(first["b"], Delivery(Outcome.SENT), NOON, None)
    post(store, message("slack", Action.RESOLVE, OVER, key="a", seq=1), message("slack", key="b", seq=1))
    second = {parcel.notification.dedup_key: parcel.notification for parcel in take(store)}

    assert (second["a"].receipt, second["b"].receipt) == ("C1:1", "")
    assert second["a"].notes == ()  # its beginning is there already
    assert second["a"].action is Action.RESOLVE


def test_what_is_due_is_counted(store: SqlStore) -> None:
    """Conversations, not messages; what is under way or comes later is not due."""
    mild = text(severity="info")
    post(store, *(message("slack", Action.FIRE, mild, key=f"m{n}") for n in range(5)), message("slack", key="bad"))
    post(store, message("slack", Action.REPEAT, mild, key="m0", seq=1), message("email", key="other"))
    before = store.waiting("slack", NOON)
    take(store, limit=1)

    assert before == (1, 6)
    assert store.waiting("slack", NOON) == (0, 5)


def test_many_are_leased_and_settled_at_once(store: SqlStore) -> None:
    """In the order of urgency; each has its own end."""
    post(store, *(message("slack", Action.FIRE, text(severity="info"), key=f"m{n}") for n in range(30)))
    post(store, message("slack", key="bad"))
    parcels = take(store, limit=25)
    store.settle_all([Settled(parcel, Delivery(Outcome.SENT)) for parcel in parcels], NOON)

    assert len(parcels) == 25
    assert parcels[0].notification.dedup_key == "bad"
    assert len(take(store, limit=25)) == 6


def test_what_was_sent_while_the_store_went_is_not_sent_again(store: SqlStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its outcome is kept, and stored when that works again; what follows in its conversation goes on at once."""
    clock, sent = TestClock(), list[Notification]()

    class Slack:
        name, idempotent, joins = "slack", False, True
        rate: Rate | None = None

        def send(self, notification: Notification, now: datetime) -> Delivery:
            sent.append(notification)
            return Delivery(Outcome.SENT)

    def away(*_: object) -> None:
        raise UnavailableError("away")

    post(store, message("slack", key="a"))
    dispatch = Dispatch(Slack(), store, clock, lambda: 0.5, seconds(30))
    with monkeypatch.context() as patch:
        patch.setattr(store, "settle_all", away)
        for _ in range(2):
            with pytest.raises(UnavailableError):
                dispatch.step()
    post(store, message("slack", Action.RESOLVE, OVER, key="a", seq=1))
    clock.at += seconds(60)
    dispatch.step()
    dispatch.step()

    assert [(one.action, one.notes) for one in sent] == [(Action.FIRE, ()), (Action.RESOLVE, ())]
    assert [depth.pending for depth in store.depths() if depth.channel == "slack"] == [0]


@pytest.mark.parametrize("failures", [1, 6])
def test_a_channel_is_left_alone_for_no_longer_when_the_clock_is_set_back(store: SqlStore, failures: int) -> None:
    """Neither at its own wish (HTTP 429), nor because it fails."""
    clock, sent = TestClock(), list[str]()
    answers = (
        [Delivery(Outcome.RETRY, "HTTP 429", seconds(30))] if failures == 1 else [Delivery(Outcome.RETRY, "503")] * 6
    )

    class Slack:
        name, idempotent, joins = "slack", False, False
        rate: Rate | None = None

        def send(self, notification: Notification, now: datetime) -> Delivery:
            sent.append(notification.dedup_key)
            return answers.pop() if answers else Delivery(Outcome.SENT)

    post(store, *(message("slack", key=f"{n}") for n in range(7)))
    dispatch = Dispatch(Slack(), store, clock, lambda: 0.99, seconds(30))
    while answers:
        clock.at = dispatch.free_at(clock.at)
        dispatch.step()
    assert dispatch.free_at(clock.at) > clock.at

    clock.at -= seconds(3_000)
    store.set_back(clock.at)
    dispatch.step()
    clock.at += seconds(40)
    assert dispatch.free_at(clock.at) == clock.at
    assert dispatch.step()


def test_only_what_is_late_is_leased(store: SqlStore) -> None:
    """By a bound for each urgency."""
    post(store, message("slack", key="bad"), message("slack", Action.FIRE, text(severity="info"), key="mild"))
    late = store.lease("slack", NOON, NOON + seconds(30), 10, {0: NOON, 1: NOON, 2: NOON - seconds(1)})

    assert [parcel.notification.dedup_key for parcel in late] == ["bad"]


def test_what_is_given_up_goes_to_the_fallback_with_what_follows(store: SqlStore) -> None:
    """In the same transaction; its end, too, although the channel takes it again."""
    post(store, message("slack", key="a"))
    store.settle_all([Settled(take(store)[0], GONE)], NOON, Fallback("email"))
    post(store, message("slack", Action.RESOLVE, OVER, key="a", seq=1))
    post(store, message("slack", Action.RESOLVE, OVER, key="a", seq=1))  # as after a crash
    (copy,) = take(store, "email")

    assert copy.notification.action is Action.RESOLVE
    assert copy.notification.notes[0] == "told here, as slack did not take what came before"
    assert [depth.dead for depth in store.depths() if depth.channel == "slack"] == [1]


def test_fallbacks_go_on(store: SqlStore) -> None:
    """From the first channel to the third, and the end as well."""
    post(store, message("a", key="k"))
    store.settle_all([Settled(take(store, "a")[0], GONE)], NOON, Fallback("b"))
    store.settle_all([Settled(take(store, "b")[0], GONE)], NOON, Fallback("c", alone=True))
    (third,) = take(store, "c")
    store.settle(third, Delivery(Outcome.SENT), NOON, None)
    post(store, message("a", Action.RESOLVE, OVER, key="k", seq=1))
    (end,) = take(store, "c")

    assert third.notification.notes == ("not delivered to b: HTTP 404", "not delivered to a: HTTP 404")
    assert (third.notification.dedup_key, end.notification.dedup_key) == ("k1", "k1")
    assert end.notification.action is Action.RESOLVE


def test_a_lease_that_was_taken_over_sends_nothing_elsewhere(store: SqlStore) -> None:
    """Whoever has it now decides."""
    post(store, message("slack", key="a"))
    (old,) = take(store)
    store.lease("slack", NOON + seconds(60), NOON + seconds(90), 1)
    store.settle_all([Settled(old, GONE)], NOON + seconds(61), Fallback("email"))

    assert take(store, "email") == ()
    assert store.letters("dead", 9) == ()


def test_what_went_past_the_outbox_leaves_its_receipt(store: SqlStore) -> None:
    """What follows changes that message and posts no other."""
    store.commit(Commit(NOON, sent=(replace(message("slack", key="a"), receipt="C1:1"),)))
    post(store, message("slack", Action.RESOLVE, OVER, key="a", seq=1))

    assert take(store)[0].notification.receipt == "C1:1"
