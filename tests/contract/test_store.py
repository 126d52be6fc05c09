"""What every Store promises: atomic memory, an outbox in order, leases that outlive a crash.

Runs on SQLite; on PostgreSQL, too, where TOCSIN_TEST_DATABASE names an empty database that may be filled.
"""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from threading import Barrier, Timer

import pytest
from tests.alerts import NOON, message, seconds, text, view
from tests.databases import DATABASE
from tests.outboxes import FAILED, SENT, post, said, take, wipe

from tocsin.adapters.store import SqlStore
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Commit, GroupEpisode, GroupKey, GroupState, Store
from tocsin.evaluate.model import AlertState, Identity, Phase, Timing
from tocsin.ports import Action, Delivery, Outcome, labels_of
from tocsin.units import Duration

STATE = AlertState(
    Timing(Duration.of(minutes=1), Duration.of(seconds=0)), Phase.FIRING, 3, timedelta(microseconds=7), NOON, value=43.2
)
IDENTITY = Identity("be-camera/uptime:fast", labels_of({"pod": "a", "zone": "ü"}))
GROUP = GroupKey("email", "severity=critical", labels_of({"service": "be-camera"}))


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


def test_nothing_waits_for_an_hour_that_comes_twice(store: Store) -> None:
    """A retry would wait as long as the clock was set back; what is under way keeps its lease, and no more."""
    post(store, message(key="leased"), message(key="failed"), at=NOON)
    _, failed = take(store, lease=60)
    store.settle(failed, FAILED, NOON, NOON + seconds(60))
    back = -3_540
    assert take(store, back) == ()

    store.set_back(NOON + seconds(back))
    assert [key for key, _ in said(take(store, back))] == ["failed"]
    assert sorted(key for key, _ in said(take(store, back + 60))) == ["failed", "leased"]


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
    fresh = store.depths()[0].waits[0].due
    (parcel,) = take(store)
    leased = store.depths()[0].waits[0].due
    store.settle(parcel, FAILED, NOON, NOON + seconds(300))
    waiting = store.depths()[0].waits[0].due
    post(store, message("slack"), at=NOON + seconds(7))

    assert (fresh, leased, waiting) == (NOON, NOON + seconds(30), NOON + seconds(300))
    assert store.depths()[1].waits[0].due == NOON + seconds(7)


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


def test_evaluators_that_start_together_share_a_new_database(where: str) -> None:
    """One makes its tables, the others wait for that; none ends with a fault of the database."""
    together = Barrier(4)

    def start(_: int) -> None:
        together.wait()
        SqlStore(where).close()

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(start, range(4))) == [None] * 4


def test_a_new_file_that_somebody_writes_is_waited_for(tmp_path: Path) -> None:
    """As by another evaluator that starts; SQLite itself refuses to switch the file to its log then, without a wait."""
    path = tmp_path / "tocsin.db"
    with closing(sqlite3.connect(path, check_same_thread=False)) as other:
        other.execute("CREATE TABLE x (y)")
        other.execute("BEGIN IMMEDIATE")
        other.execute("INSERT INTO x VALUES (1)")
        timer = Timer(0.3, other.rollback)
        timer.start()
        SqlStore(str(path)).close()
        timer.join()

    with closing(sqlite3.connect(path)) as one:
        assert one.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_store_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    """A file in place of the folder, and a folder in place of the file."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(UnavailableError, match="cannot create"):
        SqlStore(str(tmp_path / "file" / "tocsin.db"))
    with pytest.raises(UnavailableError, match="does not work"):
        SqlStore(str(tmp_path))
