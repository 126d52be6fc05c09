"""Test messages through channels: when, what, and what is remembered of them."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from tests.alerts import NOON, channel, notifications, seconds, text

from tocsin.adapters.canary_store import SqlCanaries
from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Commit, GroupEpisode, GroupKey, GroupState
from tocsin.notify.canary import Canary, released
from tocsin.ports import Action, Delivery, Outcome
from tocsin.service.canary import Canaries
from tocsin.service.telemetry import Telemetry
from tocsin.units import Duration
from tocsin_notifiers.message import render

WEEK = timedelta(days=7)
EVERY = Duration.of(days=7)
EMAIL = notifications(replace(channel("email"), canary=EVERY))
PAGES = notifications(replace(channel("pager", "pagerduty"), canary=EVERY))


def conversation(severity: str, count: int = 1, name: str = "email") -> dict[GroupKey, GroupState]:
    """Open alerts on a channel."""
    episodes = tuple(GroupEpisode(text(f"k{i}", severity=severity), NOON, announced=True) for i in range(count))
    return {GroupKey(name, "*"): GroupState(NOON, episodes, NOON, 1)}


@pytest.fixture
def path(tmp_path: Path) -> str:
    """Where the state is."""
    return str(tmp_path / "tocsin.db")


@pytest.fixture
def store(path: str) -> Iterator[SqlStore]:
    """The outbox."""
    with closing(SqlStore(path)) as store:
        yield store


class TestWhen:
    """Once in the time that the channel gives, and not while people are busy."""

    @pytest.mark.parametrize(
        ("last", "due"),
        [(None, True), (NOON - WEEK, True), (NOON - WEEK + seconds(1), False), (NOON + seconds(1), True)],
    )
    def test_it_is_due(self, last: datetime | None, due: bool) -> None:
        """At first, after that time, and when the clock has gone back."""
        known = {"email": Canary("email", last)} if last else {}

        assert bool(released(EMAIL, known, {}, NOON)[1]) is due

    def test_only_channels_that_ask_for_it(self) -> None:
        """By default there is none."""
        assert released(notifications(channel("email")), {}, {}, NOON) == ((), ())

    @pytest.mark.parametrize(
        ("groups", "due"),
        [
            (conversation("critical"), False),
            (conversation("critical", name="slack"), True),
            (conversation("warning", 20), True),
            (conversation("warning", 21), False),
        ],
    )
    def test_not_while_it_burns(self, groups: dict[GroupKey, GroupState], due: bool) -> None:
        """Nothing critical open on this channel, and no storm; other channels do not count."""
        assert bool(released(EMAIL, {}, groups, NOON)[1]) is due

    def test_an_incident_is_closed_when_it_is_there(self) -> None:
        """With the same key; not before the receiver has it, nor twice, but after an hour in any case."""
        (opened,), (trigger,) = released(PAGES, {}, {}, NOON)
        waiting = released(PAGES, {"pager": opened}, {}, NOON + seconds(15))
        there = replace(opened, delivered_at=NOON + seconds(1))
        (after,), (end,) = released(PAGES, {"pager": there}, conversation("critical", name="pager"), NOON + seconds(15))
        _, late = released(PAGES, {"pager": opened}, {}, NOON + timedelta(hours=1))

        assert waiting == ((), ())
        assert (trigger.action, end.action, late[0].action) == (Action.FIRE, Action.RESOLVE, Action.RESOLVE)
        assert trigger.dedup_key == end.dedup_key == late[0].dedup_key
        assert (trigger.alerts[0].severity, after.open) == ("info", False)
        assert released(PAGES, {"pager": after}, {}, NOON + seconds(30)) == ((), ())

    def test_a_conversation_has_no_end(self) -> None:
        """A mail is not followed by another one."""
        (canary,), _ = released(EMAIL, {}, {}, NOON)

        assert canary.open is False


def test_people_read_that_it_is_a_test() -> None:
    """In the subject already."""
    (message,) = released(EMAIL, {}, {}, NOON)[1]
    told = render(message, NOON)

    assert told.subject == "[TEST] This is a test: Tocsin reaches you through this channel (info)"
    assert "nothing is wrong" in told.body


def test_a_success_is_remembered(store: SqlStore, path: str) -> None:
    """In the transaction that settles the message; a later one that fails takes nothing away, nor does a restart."""
    with closing(SqlCanaries(path)) as kept:
        canaries = Canaries(kept)
        store.commit(Commit(NOON, outbox=canaries.released(EMAIL, {}, NOON)))
        again = canaries.released(EMAIL, {}, NOON + seconds(15))
        (parcel,) = store.lease("email", NOON, NOON + seconds(30))
        store.settle(parcel, Delivery(Outcome.SENT), NOON + seconds(1), None)
        store.commit(Commit(NOON + WEEK, outbox=canaries.released(EMAIL, {}, NOON + WEEK)))
        (parcel,) = store.lease("email", NOON + WEEK, NOON + WEEK + seconds(30))
        store.settle(parcel, Delivery(Outcome.REJECTED, "550"), NOON + WEEK, None)

    with closing(SqlCanaries(path)) as kept:
        telemetry = Telemetry("1")
        telemetry.watch_canaries(Canaries(kept).known)
        metrics = generate_latest(telemetry.registry).decode()
        assert kept.all() == {"email": Canary("email", NOON + WEEK, NOON + seconds(1))}
    assert again == ()
    at = (NOON + seconds(1)).timestamp()
    sample = next(line for line in metrics.splitlines() if line.startswith("tocsin_canary_success_timestamp_seconds{"))
    assert sample.startswith('tocsin_canary_success_timestamp_seconds{channel="email"} ')
    assert float(sample.rpartition(" ")[2]) == at
