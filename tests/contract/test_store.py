"""What every Store promises: atomic memory, an outbox in order, leases that outlive a crash.

Runs on SQLite; on PostgreSQL, too, where TOCSIN_TEST_DATABASE names an empty database that may be filled.
"""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.alerts import NOON, message, seconds, text, view
from tests.databases import DATABASE, wiped
from tests.strategies import QUARTER
from tests.talks import EMAIL, Talk, closed

from tocsin.adapters.store import SqlStore
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Commit, GroupEpisode, GroupKey, GroupState, Parcel, Store
from tocsin.evaluate.model import AlertState, Identity, Mute, MuteKind, Phase, Timing
from tocsin.ports import Action, Delivery, Notification, Outcome, labels_of
from tocsin.units import Duration

SENT = Delivery(Outcome.SENT)
FAILED = Delivery(Outcome.RETRY, "HTTP 500")


@pytest.fixture
def store(where: str) -> Iterator[SqlStore]:
    """An empty store."""
    store = SqlStore(where)
    if where == DATABASE:
        wipe(store)
    yield store
    store.close()


def wipe(store: SqlStore) -> None:
    """Make a database that outlives the test as good as new."""
    with store._writing() as connection:
        wiped(connection)


STATE = AlertState(
    Timing(Duration.of(minutes=1), Duration.of(seconds=0)), Phase.FIRING, 3, timedelta(microseconds=7), NOON, value=43.2
)
IDENTITY = Identity("be-camera/uptime:fast", labels_of({"pod": "a", "zone": "ü"}))
GROUP = GroupKey("email", "severity=critical", labels_of({"service": "be-camera"}))


def post(store: Store, *messages: Notification, at: datetime = NOON) -> None:
    """Put messages into the outbox."""
    store.commit(Commit(at, outbox=messages))


def take(store: Store, at: float = 0, channel: str = "email", lease: float = 30, limit: int = 10) -> tuple[Parcel, ...]:
    """Lease *at* seconds after noon."""
    now = NOON + seconds(at)
    return store.lease(channel, now, now + seconds(lease), limit)


def said(parcels: tuple[Parcel, ...]) -> list[tuple[str, str]]:
    """Keys and actions."""
    return [(p.notification.dedup_key, p.notification.action.value) for p in parcels]


# --- memory ------------------------------------------------------------------------------------------------


def test_what_is_committed_is_loaded(store: Store, where: str) -> None:
    """All of it comes back exactly, also in another process's connection."""
    group = GroupState(NOON, (GroupEpisode(text(), NOON, announced=True),), NOON, 1)
    open_view, closed_view = view("a"), view("b", resolved=NOON)
    store.commit(Commit(NOON, {IDENTITY: STATE}, (open_view, closed_view), {GROUP: group}))
    other = SqlStore(where)
    memory = other.load()
    other.close()

    assert dict(memory.alerts) == {IDENTITY: STATE}
    assert dict(memory.groups) == {GROUP: group}
    assert dict(memory.views) == {open_view.identity: open_view}
    assert memory.committed_at == NOON


def test_a_later_commit_replaces_and_none_forgets(store: Store) -> None:
    """Only what is named changes."""
    other = Identity("mysql/up:fast")
    store.commit(Commit(NOON, {IDENTITY: STATE, other: STATE}, (), {GROUP: GroupState(NOON)}))
    store.commit(Commit(NOON + seconds(1), {IDENTITY: None}, (), {GROUP: None}))
    memory = store.load()

    assert (dict(memory.alerts), dict(memory.groups)) == ({other: STATE}, {})


def test_a_commit_that_fails_leaves_nothing_behind(store: Store) -> None:
    """Half a transition would page for a state that was never reached."""
    broken = view("a", facts=(("fact", object()),))
    with pytest.raises(TypeError):
        store.commit(Commit(NOON, {IDENTITY: STATE}, (view("b"), broken), {GROUP: GroupState(NOON)}, (message(),)))
    memory = store.load()

    assert (dict(memory.alerts), dict(memory.groups), take(store)) == ({}, {}, ())


def test_history_is_newest_first_and_filtered(store: Store) -> None:
    """By severity and by whether the episode is over; what never fired is not in it."""
    old = view("a", fired=NOON, resolved=NOON + seconds(60))
    new = view("b", fired=NOON + seconds(100), severity="warning")
    store.commit(Commit(NOON, views=(old, new, view("c", fired=None))))

    assert store.history(severity=None, status=None, limit=10) == (new, old)
    assert store.history(severity="critical", status=None, limit=10) == (old,)
    assert store.history(severity=None, status="active", limit=10) == (new,)
    assert store.history(severity=None, status="resolved", limit=10) == (old,)
    assert store.history(severity=None, status=None, limit=1) == (new,)


def test_what_is_old_is_deleted(where: str) -> None:
    """Settled messages and closed episodes go after their time; what is open or unsent stays."""
    store = SqlStore(where, keep_messages=seconds(3_600), keep_episodes=seconds(7_200))
    if where == DATABASE:
        wipe(store)
    store.commit(
        Commit(NOON, views=(view("old", resolved=NOON), view("open")), outbox=(message(key="a"), message(key="b")))
    )
    (first, _) = take(store)
    store.settle(first, SENT, NOON, None)
    store.commit(Commit(NOON + seconds(7_300)))
    waiting = sum(depth.pending + depth.dead for depth in store.depths())
    keys = [v.dedup_key for v in store.history(severity=None, status=None, limit=10)]
    post(store, message(key="a"))
    pending = store.depths()[0].pending
    store.close()

    assert keys == ["open"]
    assert (waiting, pending) == (1, 1), "the settled message is gone, so it does not count as a repetition"


# --- the outbox --------------------------------------------------------------------------------------------


def test_a_message_is_leased_once(store: Store) -> None:
    """While one worker has it, nobody else gets it, and other channels never do."""
    post(store, message())

    assert said(take(store, channel="slack")) == []
    assert said(take(store)) == [("thread", "fire")]
    assert said(take(store, 29)) == []


def test_what_was_sent_is_never_sent_again(store: Store) -> None:
    """Also when the same commit arrives twice, as after a lost answer of the database."""
    post(store, message())
    (parcel,) = take(store)
    store.settle(parcel, SENT, NOON, None)
    post(store, message())

    assert said(take(store, 10_000)) == []


def test_a_lease_that_ran_out_counts_as_perhaps_arrived(store: Store) -> None:
    """The process died between sending and recording: the message goes again, and knows about it."""
    post(store, message())
    take(store)
    (again,) = take(store, 31)

    assert (again.unknowns, again.attempts) == (1, 2)


@pytest.mark.parametrize("where", ["path", "url"], indirect=True)  # who else uses a server cannot be told
def test_what_a_dead_process_was_sending_need_not_wait(where: str) -> None:
    """After a crash its leases are ended at once, and count as perhaps arrived."""
    dead = SqlStore(where)
    dead.reclaim(NOON)
    post(dead, message())
    take(dead)
    dead.close()
    store = SqlStore(where)
    reclaimed = store.reclaim(NOON + seconds(1))
    (again,) = take(store, 1)
    store.close()

    assert (reclaimed, again.unknowns, again.attempts) == (1, 1, 2)


def test_what_a_living_process_is_sending_is_left_to_it(where: str) -> None:
    """Two processes on one store send nothing twice."""
    living, second = SqlStore(where), SqlStore(where)
    if where == DATABASE:
        wipe(living)
    living.reclaim(NOON)
    post(living, message())
    take(living)
    reclaimed = second.reclaim(NOON + seconds(1))
    told = take(second, 1)
    second.close()
    living.close()

    assert (reclaimed, told) == (0, ())


def test_a_worker_that_comes_too_late_can_only_say_sent(store: Store) -> None:
    """After another one took over, its failure says nothing; its success does."""
    post(store, message())
    (stale,) = take(store)
    (current,) = take(store, 31)
    store.settle(stale, FAILED, NOON + seconds(32), None)
    alive = store.depths()[0].pending
    store.settle(stale, SENT, NOON + seconds(33), None)
    store.settle(current, FAILED, NOON + seconds(34), NOON + seconds(35))

    assert (alive, store.depths()[0].pending, said(take(store, 10_000))) == (1, 0, [])


def test_a_failed_message_waits_for_its_next_time(store: Store) -> None:
    """Attempts and those that may have arrived are counted."""
    post(store, message())
    (first,) = take(store)
    store.settle(first, Delivery(Outcome.UNKNOWN, "no answer"), NOON, NOON + seconds(60))
    early = take(store, 59)
    (second,) = take(store, 60)

    assert early == ()
    assert (first.attempts, second.attempts, second.unknowns) == (1, 2, 1)


def test_a_clock_that_is_set_back_hides_nothing(store: Store) -> None:
    """Neither a lease nor a retry of a day ahead is waited for, nor is a message from the future."""
    post(store, message(key="leased"), message(key="failed"), at=NOON)
    leased, failed = take(store)
    store.settle(failed, FAILED, NOON, NOON + seconds(60))
    post(store, message(key="new"), at=NOON)
    yesterday = -86_400

    assert sorted(key for key, _ in said(take(store, yesterday))) == ["failed", "leased", "new"]
    assert leased.notification.dedup_key == "leased"


def test_what_nobody_takes_is_given_up(where: str) -> None:
    """Messages for a channel that was removed do not count as pending for ever."""
    store = SqlStore(where, keep_messages=seconds(3_600))
    if where == DATABASE:
        wipe(store)
    post(store, message("gone"))
    store.commit(Commit(NOON + seconds(7_300)))
    (depth,) = store.depths()
    store.close()

    assert (depth.pending, depth.dead) == (0, 1)


def test_a_dead_message_is_counted_and_not_sent(store: Store) -> None:
    """It stays visible in the depths."""
    post(store, message())
    (parcel,) = take(store)
    store.settle(parcel, Delivery(Outcome.REJECTED, "HTTP 404"), NOON, None)
    (depth,) = store.depths()

    assert (depth.channel, depth.pending, depth.dead, depth.oldest) == ("email", 0, 1, None)
    assert said(take(store, 10_000)) == []


def test_depths_tell_how_long_the_oldest_waits(store: Store) -> None:
    """Per channel."""
    post(store, message(key="a"), message("slack", key="b"))
    post(store, message(key="c"), at=NOON + seconds(60))

    assert [(d.channel, d.pending, d.oldest) for d in store.depths()] == [("email", 2, NOON), ("slack", 1, NOON)]


def test_depths_tell_since_when_a_message_could_be_taken(store: SqlStore) -> None:
    """Neither a lease nor a wait between attempts counts as lying idle."""
    post(store, message())
    fresh = store.depths()[0].due
    (parcel,) = take(store)
    leased = store.depths()[0].due
    store.settle(parcel, FAILED, NOON, NOON + seconds(300))
    waiting = store.depths()[0].due
    post(store, message("slack"), at=NOON + seconds(7))

    assert (fresh, leased, waiting) == (NOON, NOON + seconds(30), NOON + seconds(300))
    assert store.depths()[1].due == NOON + seconds(7)


@pytest.mark.parametrize(
    "broken", ["", "no JSON", "{}", "[]", "null", '{"channel":"email","alerts":7}', '{"action":"dance"}']
)
def test_a_message_that_cannot_be_read_is_dead_and_holds_up_no_other(
    store: SqlStore, broken: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither its channel nor what its own key has to say besides."""
    post(store, message(key="bad", at=NOON), message(key="good"))
    post(store, message(key="bad", action=Action.RESOLVE, seq=1))
    spoil(store, "bad", 0, broken)
    told = said(take(store))

    assert told == [("bad", "resolve"), ("good", "fire")]
    assert store.depths()[0].dead == 1
    assert "a stored Notification cannot be read" in caplog.text


def spoil(store: SqlStore, key: str, seq: int, content: str) -> None:
    """Write something else in place of a message, as a fault of a disk or of another release would."""
    from tocsin.adapters.tables import OUTBOX

    with store._writing() as connection:
        where = (OUTBOX.c.dedup_key == key) & (OUTBOX.c.seq == seq)
        connection.execute(OUTBOX.update().where(where).values(message=content))


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


def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    """A file in place of the folder, and a folder in place of the file."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnavailableError, match="cannot create"):
        SqlStore(str(tmp_path / "file" / "tocsin.db"))
    with pytest.raises(UnavailableError, match="does not work"):
        SqlStore(str(tmp_path))


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
