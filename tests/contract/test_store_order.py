"""What every Store promises of messages that wait: nothing overtakes, the worst goes first, what is late is merged.

Runs where `test_store.py` does.
"""

import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alerts import NOON, message, seconds, text, view
from tests.outboxes import FAILED, SENT, UNKNOWN, post, said, take
from tests.strategies import QUARTER
from tests.talks import EMAIL, Talk, closed

from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Commit, Store
from tocsin.evaluate.model import AlertView, Mute, MuteKind
from tocsin.ports import HEARTBEAT, Action, Delivery


def test_messages_of_a_key_never_overtake(store: Store) -> None:
    """The end of an incident waits while its beginning is under way."""
    post(store, message())
    (fire,) = take(store)
    post(store, message(action=Action.RESOLVE, seq=1))
    meanwhile = take(store, 10)
    store.settle(fire, SENT, NOON, None)

    assert (said(meanwhile), said(take(store, 10))) == ([], [("thread", "resolve")])


@pytest.mark.parametrize("known", [False, True])
def test_what_went_out_past_the_outbox_counts_as_sent(store: Store, known: bool) -> None:
    """Its end does not say that it comes alone, also where the row was written after all; nothing goes out twice."""
    if known:
        post(store, message())
    sent = message(key="thread", seq=0), message(key="thread", seq=2), message("slack")
    store.commit(Commit(NOON, outbox=(message(key="thread", seq=1),), sent=sent))
    (between,) = take(store)
    store.settle(between, SENT, NOON, None)
    store.commit(Commit(NOON, sent=sent))
    post(store, message(action=Action.RESOLVE, seq=3))
    (end,) = take(store)

    assert (between.notification.seq, end.notification.action, end.notification.notes) == (1, Action.RESOLVE, ())
    assert [(depth.channel, depth.pending, depth.dead) for depth in store.depths()] == [
        ("email", 1, 0),
        ("slack", 0, 0),
    ]


def test_a_beginning_that_was_not_sent_in_time_is_not_sent_after_the_end(store: Store) -> None:
    """One message remains: the end, which says that nothing was heard of the beginning."""
    post(store, message("pd"))
    (fire,) = take(store, channel="pd")
    store.settle(fire, FAILED, NOON, NOON + seconds(5))
    post(store, message("pd", Action.RESOLVE, seq=1))
    backing_off = take(store, 1, "pd")
    (end,) = take(store, 5, "pd")
    store.settle(end, SENT, NOON, None)

    assert said(backing_off) == []
    assert end.notification.action is Action.RESOLVE
    assert "before a message about it could be delivered" in end.notification.notes[0]
    assert said(take(store, 10_000, "pd")) == []


@pytest.mark.parametrize(("outcome", "goes"), [(UNKNOWN, 400), (FAILED, 1_800)])
def test_news_does_not_wait_for_long_behind_what_may_have_arrived(store: Store, outcome: Delivery, goes: int) -> None:
    """That is tried again late, as each attempt may be a copy; what certainly has not is tried again with the news."""
    post(store, message())
    (page,) = take(store)
    store.settle(page, outcome, NOON, NOON + seconds(1_800))
    post(store, message(action=Action.FIRE, seq=1), at=NOON + seconds(100))

    assert take(store, 101) == take(store, goes - 1) == ()
    assert [parcel.notification.seq for parcel in take(store, goes)] == [1]


def test_a_heartbeat_does_not_wait_for_an_earlier_one_to_be_tried_again(store: Store) -> None:
    """After an outage of its watcher the next one goes at once: minutes later that one has taken us for dead."""
    beat = message(HEARTBEAT, Action.REPEAT, key="heartbeat")
    post(store, beat)
    (first,) = take(store, channel=HEARTBEAT)
    store.settle(first, FAILED, NOON, NOON + seconds(300))
    post(store, replace(beat, seq=1))
    (second,) = take(store, 60, HEARTBEAT)
    store.settle(second, FAILED, NOON + seconds(60), NOON + seconds(70))

    assert (second.notification.seq, second.attempts) == (1, 1)
    assert (take(store, 69, HEARTBEAT), [p.attempts for p in take(store, 70, HEARTBEAT)]) == ((), [2])


def test_a_trigger_lost_in_a_crash_never_follows_its_resolve(store: Store) -> None:
    """The lease of the trigger runs out after the resolve was queued: only the resolve goes out."""
    post(store, message("pd"))
    take(store, channel="pd")
    post(store, message("pd", Action.RESOLVE, seq=1))
    (end,) = take(store, 31, "pd")

    assert (end.notification.action, end.notification.notes, end.unknowns) == (Action.RESOLVE, (), 0)


def test_an_end_after_a_delivered_beginning_says_nothing_special(store: Store) -> None:
    """The usual case."""
    post(store, message())
    (fire,) = take(store)
    store.settle(fire, SENT, NOON, None)
    post(store, message(action=Action.RESOLVE, seq=1))
    (end,) = take(store)

    assert end.notification.notes == ()


def test_what_waited_is_told_in_one_message(store: Store) -> None:
    """After an outage of the receiver: the latest words, no reminder, and no resolve is swallowed."""
    a_gone = text("a", resolved=NOON + seconds(10))
    post(store, message("email", Action.FIRE, text("a"), text("b")))
    post(store, message("email", Action.REPEAT, a_gone, text("b"), seq=1))
    post(store, message("email", Action.REPEAT, text("b", summary="latest"), seq=2))
    (parcel,) = take(store)
    told = {a.dedup_key: (a.resolved_at, a.summary) for a in parcel.notification.alerts}

    assert parcel.notification.action is Action.FIRE, "nobody has heard of it yet"
    assert told == {"a": (NOON + seconds(10), "7.2% of requests fail"), "b": (None, "latest")}


def test_an_instant_that_comes_twice_takes_no_page_away(store: Store) -> None:
    """The clock is set back, and another alert of the group begins at the instant at which the last one did."""
    talk = Talk(EMAIL)

    def tick(at: float, *views: AlertView) -> None:
        before = len(talk.sent)
        talk.tick(at, *views)
        store.commit(Commit(talk.now, outbox=tuple(talk.sent[before:])))

    for at, one in ((0, view("a")), (10, view("a")), (20, closed("a", 20))):
        tick(at, one)
    assert [action for _, action in said(take(store, 30))] == ["resolve"]
    tick(4_000)
    for at in (0, 10, 20):
        tick(at, view("b"))

    assert [action for _, action in said(take(store, 30))] == ["fire"]


def test_what_was_never_delivered_is_told_after_a_silence(store: Store) -> None:
    """Of two alerts of an undelivered page one is muted and the other ends: the page that goes out has both."""
    mute = Mute(MuteKind.SILENCE, "s", "(silenced by ana: disks)")
    talk, p = Talk(EMAIL), view("p")
    for at, views in (
        (0, (p, view("q"))),
        (10, (p, view("q"))),
        (20, (replace(p, muted=(mute,)), closed("q", 20))),
        (30, (p,)),
    ):
        before = len(talk.sent)
        talk.tick(at, *views)
        post(store, *talk.sent[before:])
    (parcel,) = take(store, 40)
    told = {a.dedup_key: a.resolved_at for a in parcel.notification.alerts}

    assert (parcel.notification.action, parcel.notification.seq) == (Action.FIRE, 1)
    assert told == {"p": None, "q": NOON + seconds(20)}
    assert talk.tick(50, p) == [], "once is enough"


def test_the_most_severe_goes_first(store: Store) -> None:
    """A critical page does not queue behind notes of less weight."""
    post(store, message("email", Action.FIRE, text(severity="info"), key="info"))
    post(store, message("email", Action.FIRE, text(severity="critical"), key="critical"), at=NOON + seconds(1))

    assert [key for key, _ in said(take(store, 2))] == ["critical", "info"]


def test_a_storm_of_one_group_does_not_hold_up_another(store: Store) -> None:
    """Two hundred pages of one service wait; a page of another service that comes later is the second to go."""
    storm = [message("pd", Action.FIRE, text(f"k{i}", service="mysql"), key=f"k{i}") for i in range(200)]
    post(store, *storm)
    for parcel in take(store, channel="pd", limit=50):
        store.settle(parcel, SENT, NOON, None)
    late = [message("pd", Action.FIRE, text(f"late{i}", service="be-auth"), key=f"late{i}") for i in range(2)]
    post(store, *late, at=NOON + seconds(30))
    order = [key for _ in range(5) for key, _ in said(take(store, 31, "pd", limit=1))]
    rest = [key for key, _ in said(take(store, 31, "pd", limit=200))]

    assert order == ["k50", "late0", "k51", "late1", "k52"]
    assert rest == [f"k{i}" for i in range(53, 200)]


def test_severity_comes_before_turns(store: Store) -> None:
    """A critical page of the group that storms goes before the first warning of another one."""
    pages = [message("pd", Action.FIRE, text(f"k{i}", service="mysql"), key=f"k{i}") for i in range(3)]
    note = message("pd", Action.FIRE, text("note", service="be-auth", severity="warning"), key="note")
    post(store, note, *pages)

    assert [key for key, _ in said(take(store, channel="pd"))] == ["k0", "k1", "k2", "note"]


def test_two_workers_never_get_the_same_message(store: Store) -> None:
    """Leasing from several threads at once gives each message to exactly one."""
    post(store, *(message(key=f"k{i}") for i in range(40)))
    got: list[str] = []
    lock = threading.Lock()

    def work() -> None:
        while parcels := take(store, limit=3):
            with lock:
                got.extend(p.notification.dedup_key for p in parcels)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got) == sorted(f"k{i}" for i in range(40))


@settings(max_examples=QUARTER)
@given(st.lists(st.sampled_from(["fire", "repeat", "resolve", "send", "fail", "crash", "wait"]), max_size=25))
def test_a_key_is_never_told_to_fire_after_its_end(steps: list[str]) -> None:
    """Whatever order of posting, sending, failing, crashing: what arrives is a prefix of the story, ends included."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        store = SqlStore(f"{folder}/tocsin.db")
        arrived, posted, at = [], 0, 0.0
        for step in steps:
            if step in {"fire", "repeat", "resolve"}:
                post(store, message("pd", Action(step), seq=posted), at=NOON + seconds(at))
                posted += 1
                if step == "resolve":
                    break
            elif step == "wait":
                at += 45
            else:
                for parcel in take(store, at, "pd"):
                    if step != "fail":
                        arrived.append(parcel.notification.action)
                    if step != "crash":
                        delivery = SENT if step == "send" else FAILED
                        store.settle(parcel, delivery, NOON + seconds(at), NOON + seconds(at + 20))
        for _ in range(3):
            at += 100
            for parcel in take(store, at, "pd"):
                arrived.append(parcel.notification.action)
                store.settle(parcel, SENT, NOON + seconds(at), None)
        pending = sum(d.pending for d in store.depths())
        store.close()

    ended = "resolve" in steps[: len(steps)]
    assert pending == 0
    assert arrived.count(Action.RESOLVE) == int(ended)
    assert not ended or arrived[-1] is Action.RESOLVE


def test_messages_that_opened_something_critical(store: SqlStore) -> None:
    """Whatever has become of them, since a time; reminders, ends and less severe ones are none."""
    mild = message("email", Action.FIRE, text("w", severity="warning"), key="w")
    before, first = message(key="old"), message(key="a")
    post(store, before)
    post(store, first, mild, message(action=Action.REPEAT, key="b"), at=NOON + seconds(1))
    (parcel, *_) = take(store, 2)
    store.settle(parcel, SENT, NOON + seconds(2), None)

    assert store.fires(NOON + seconds(1)) == (first,)
    assert store.fires(NOON) == (before, first)
