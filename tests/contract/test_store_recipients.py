"""What every Store promises about messages to several people: each has one of his own, with an end of its own."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import text as sql
from tests.alerts import NOON, message, seconds, text
from tests.databases import DATABASE
from tests.outboxes import FAILED, SENT, post, said, wipe

from tocsin.adapters import database
from tocsin.adapters.codec import encode, microseconds
from tocsin.adapters.outbox_recipients import MOST
from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Commit, Fallback, Parcel, Settled
from tocsin.ports import Action, Delivery, Outcome

ANA, BO, CY = "ana@x.org", "bo@x.org", "cy@x.org"
BOTH = (ANA, BO)
REFUSED = Delivery(Outcome.REJECTED, "SMTP 550 no such user")
OVER = text(resolved=NOON)


def take(store: SqlStore, who: str, at: float = 0, among: Sequence[str] = BOTH, limit: int = 10) -> tuple[Parcel, ...]:
    """Lease what is due for one of them."""
    now = NOON + seconds(at)
    store.fan_out("email", among, now)
    return store.lease("email", now, now + seconds(30), limit, recipient=who)


def settle(store: SqlStore, parcel: Parcel, delivery: Delivery, again: float | None = None) -> None:
    """Record an attempt, without a fallback."""
    store.settle(parcel, delivery, NOON, None if again is None else NOON + seconds(again))


def letters(store: SqlStore, status: str) -> list[tuple[str, str]]:
    """Who and what, of a status."""
    return sorted((letter.recipient, letter.action) for letter in store.letters(status, 100))


def test_each_has_a_message_of_his_own(store: SqlStore) -> None:
    """What one does not take is tried again for him alone; the other's next does not wait for it."""
    post(store, message())
    (first,), (other,) = take(store, ANA), take(store, BO)
    settle(store, first, SENT)
    settle(store, other, FAILED, again=300)
    post(store, message(action=Action.RESOLVE, seq=1))

    assert [p.notification.action for p in take(store, ANA, 1)] == [Action.RESOLVE]
    assert take(store, BO, 1) == ()
    (late,) = take(store, BO, 300)
    assert (late.attempts, late.notification.notes) == (
        2,
        ("this alert fired and resolved before a message about it could be delivered here",),
    )
    assert store.depths()[0].pending == 2  # both are under way


def test_who_has_a_message_outlives_the_process(where: str) -> None:
    """A second store on the same state, as after a restart, asks only for who lacks it."""
    store = SqlStore(where)
    if where == DATABASE:
        wipe(store)
    post(store, message())
    settle(store, take(store, ANA)[0], SENT)
    settle(store, take(store, BO)[0], FAILED, again=1)
    store.close()
    again = SqlStore(where)

    assert (take(again, ANA, 60), len(take(again, BO, 60))) == ((), 1)
    again.close()


def test_a_receipt_is_that_of_the_recipient(store: SqlStore) -> None:
    """Each reads a thread of his own."""
    post(store, message())
    settle(store, take(store, ANA)[0], Delivery(Outcome.SENT, receipt="first subject"))
    settle(store, take(store, BO)[0], FAILED, again=0)
    post(store, message(seq=1))

    assert take(store, ANA)[0].notification.receipt == "first subject"
    assert take(store, BO)[0].notification.receipt == ""


def test_a_recipient_who_was_replaced_is_written_to_under_his_new_address(store: SqlStore) -> None:
    """A message that bo did not take goes to cy, who is there instead; ana, who has it, gets no second one."""
    post(store, message())
    settle(store, take(store, ANA)[0], SENT)
    settle(store, take(store, BO)[0], FAILED, again=600)
    after = (ANA, CY)

    assert take(store, ANA, 1, after) == ()
    assert [(p.attempts, p.unknowns) for p in take(store, CY, 1, after)] == [(1, 0)]
    assert said(take(store, BO, 40)) == [("thread", "fire")]  # he is back in place of cy
    assert letters(store, "pending") == [(BO, "fire")]


def test_a_recipient_who_is_gone_keeps_nothing_waiting(store: SqlStore) -> None:
    """What is under way to him is left alone until nobody can say any more what becomes of it."""
    post(store, message())
    settle(store, take(store, ANA)[0], SENT)
    take(store, BO)
    post(store, message(key="next"))

    (told,) = take(store, ANA, 1, (ANA,))
    assert told.notification.dedup_key == "next"
    assert store.depths()[0].pending == 2  # bo's is under way still
    assert take(store, ANA, 30, (ANA,)) == ()
    assert letters(store, "pending") == [(ANA, "fire")]


def test_a_channel_that_has_no_recipients_any_more_gets_what_they_lack(store: SqlStore) -> None:
    """Once, also where both lack it; and the other way round."""
    post(store, message(key="a"))
    for who in BOTH:
        settle(store, take(store, who)[0], FAILED, again=600)
    post(store, message(key="b"))

    assert sorted(said(take(store, "", 1, ("",)))) == [("a", "fire"), ("b", "fire")]
    assert store.depths()[0].pending == 2
    assert sorted(said(take(store, ANA, 60))) == [("a", "fire"), ("b", "fire")]


def test_a_message_that_one_of_them_has_goes_to_no_fallback(store: SqlStore) -> None:
    """It is told already; that bo lacks it is on record."""
    post(store, message())
    store.settle_all([Settled(take(store, BO)[0], REFUSED)], NOON, Fallback("slack"))
    store.settle_all([Settled(take(store, ANA)[0], SENT)], NOON, Fallback("slack"))

    assert store.lease("slack", NOON, NOON + seconds(30), 10) == ()
    assert letters(store, "dead") == [(BO, "fire")]
    assert store.letters("dead", 1)[0].fallback is None


def test_a_message_that_none_of_them_takes_goes_to_the_fallback_once(store: SqlStore) -> None:
    """When the last of them does not take it; with what follows."""
    post(store, message())
    for who in BOTH:
        assert store.lease("slack", NOON, NOON + seconds(30), 10) == ()
        store.settle_all([Settled(take(store, who)[0], REFUSED)], NOON, Fallback("slack"))
    post(store, message("email", Action.RESOLVE, OVER, seq=1))
    (told,) = store.lease("slack", NOON, NOON + seconds(30), 10)

    assert (told.notification.action, told.attempts) == (Action.RESOLVE, 1)
    assert letters(store, "superseded") == [("", "fire")]  # the beginning, which waited there
    assert letters(store, "dead") == [(ANA, "fire"), (BO, "fire")]
    assert [letter.fallback for letter in store.letters("dead", 9)] == ["slack", "slack"]


def test_a_page_to_several_is_one_page(store: SqlStore) -> None:
    """For page budgets, which count what people were woken for."""
    post(store, message())
    take(store, ANA)

    assert len(store.fires(NOON)) == 1


def test_what_went_past_the_outbox_waits_for_nobody(store: SqlStore) -> None:
    """It went to all of them."""
    post(store, message())
    take(store, ANA)
    store.commit(Commit(NOON, sent=(message(),)))

    assert letters(store, "pending") == []
    assert take(store, BO) == ()


def test_depths_tell_who_waits(store: SqlStore) -> None:
    """Since when for one that was tried, and since when for one that never was."""
    post(store, message(key="a"))
    settle(store, take(store, BO)[0], FAILED, again=300)
    post(store, message(key="b"), at=NOON + seconds(7))
    take(store, CY, 7)
    waits = {each.recipient: (each.due, each.untried) for each in store.depths()[0].waits}

    assert waits[ANA] == (NOON, NOON)
    assert waits[BO] == (NOON + seconds(7), NOON + seconds(7))


def test_what_was_never_tried_goes_before_what_failed(store: SqlStore) -> None:
    """Of messages that are equally severe; for a channel without recipients, too."""
    mild = text(severity="warning")
    post(store, message("email", Action.FIRE, mild, key="old"), message(key="grave"))
    for parcel in take(store, ANA):
        settle(store, parcel, FAILED, again=1)
    post(store, message("email", Action.FIRE, mild, key="new"), at=NOON + seconds(60))

    assert [key for key, _ in said(take(store, ANA, 60))] == ["grave", "new", "old"]


def test_more_than_one_transaction_takes_apart_are_ready_at_once(store: SqlStore) -> None:
    """The critical one came last, and goes first."""
    post(store, *(message("email", Action.FIRE, text(severity="info"), key=f"m{n}") for n in range(MOST)))
    post(store, message(key="grave"))
    (first,) = take(store, ANA, limit=1)

    assert first.notification.dedup_key == "grave"
    assert store.waiting("email", NOON, ANA) == (0, MOST)
    assert store.waiting("email", NOON, BO) == (1, MOST + 1)


# --- a state of before -------------------------------------------------------------------------------------


def before(where: str, monkeypatch: pytest.MonkeyPatch, *rows: dict[str, Any]) -> None:
    """A state as the release of schema 11 left it, with *rows* in its outbox."""
    every = database._migrations()
    with monkeypatch.context() as patch:
        patch.setattr(database, "_migrations", lambda: {n: every[n] for n in every if n < 12})
        engine = database.open_state(where, NOON)
    fields = {
        "channel": "email",
        "seq": 0,
        "action": "fire",
        "urgency": 0,
        "status": "pending",
        "first_due": microseconds(NOON),
        "next_at": 0,
        "token": 1,
        "attempts": 0,
        "unknowns": 0,
        "leased_until": None,
        "detail": "",
        "receipt": "",
        "settled_at": None,
    }
    names = ["id", "dedup_key", "message", *fields]
    with engine.begin() as connection:
        for number, row in enumerate(rows, 1):
            told = {"id": number, "message": encode(message(key=row["dedup_key"])), **fields, **row}
            columns, values = ", ".join(names), ", ".join(f":{name}" for name in names)
            connection.execute(sql(f"INSERT INTO outbox ({columns}) VALUES ({values})"), told)
        connection.execute(sql("UPDATE evaluator SET last_outbox_id = :last"), {"last": len(rows)})
    engine.dispose()


def test_what_waits_in_an_older_state_goes_to_everybody(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that some had accepted may be a repeat, and is known to; one that nobody had is none. What was sent stays."""
    if where == DATABASE:
        pytest.skip("this database has the tables of today")
    tried = {"attempts": 3, "next_at": microseconds(NOON + seconds(20))}
    before(
        where,
        monkeypatch,
        {"dedup_key": "sent", "status": "sent", "settled_at": microseconds(NOON)},
        {"dedup_key": "fresh"},
        {"dedup_key": "nobody", **tried},
        {"dedup_key": "some", **tried, "receipt": "its subject"},
        {"dedup_key": "flying", "attempts": 1, "leased_until": microseconds(NOON + seconds(30))},
    )
    store = SqlStore(where)
    post(store, message("email", Action.RESOLVE, OVER, key="sent", seq=1))
    found = {
        who: {p.notification.dedup_key: (p.unknowns, p.notification.notes) for p in take(store, who, 30)}
        for who in BOTH
    }
    store.close()

    assert found[ANA] == {k: (n, ()) for k, n in {"sent": 0, "fresh": 0, "nobody": 0, "some": 1, "flying": 1}.items()}
    assert found[BO] == found[ANA]
