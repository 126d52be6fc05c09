"""Messages that were given up are seen: in the store, by the API, and on the page only when there are any."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests import snapshots
from tests.alerts import NOON, message, seconds, text
from tests.sites import Site, standing
from tests.snapshots import NOW

from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Commit, Fallback, Letter, Settled
from tocsin.ports import HEARTBEAT, Action, Delivery, Outcome
from tocsin.service.page import DEAD_FOR, render

REFUSED = Delivery(Outcome.REJECTED, "HTTP 404: no such channel")


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A service."""
    with standing(tmp_path) as site:
        yield site


def give_up(store: SqlStore, *channels: str, fallback: Fallback | None = None, key: str = "k1") -> None:
    """Let a message of each channel die now."""
    for channel in channels:
        store.commit(Commit(NOW, outbox=(message(channel, Action.FIRE, text(title=f"{channel} burns"), key=key),)))
        (parcel,) = store.lease(channel, NOW, NOW + seconds(30))
        store.settle_all([Settled(parcel, REFUSED)], NOW + seconds(1), fallback)


def test_the_store_lists_messages_by_what_became_of_them(tmp_path: Path) -> None:
    """Newest first, with what the receiver said and who got it instead; heartbeats are nobody's message."""
    store = SqlStore(str(tmp_path / "tocsin.db"))
    give_up(store, "slack", fallback=Fallback("email"))
    give_up(store, HEARTBEAT)
    (dead,), (copy,) = store.letters("dead", 9), store.letters("pending", 9)
    store.close()

    assert dead == Letter(
        "slack", "k1", "fire", "dead", ("slack burns",), NOW, NOW + seconds(1), 1, REFUSED.detail, "email"
    )
    assert (copy.channel, copy.titles, copy.settled_at) == ("email", ("slack burns",), None)


def test_a_message_that_cannot_be_read_is_listed_all_the_same(tmp_path: Path) -> None:
    """It is dead because of that."""
    store = SqlStore(str(tmp_path / "tocsin.db"))
    store.commit(Commit(NOON, outbox=(message(),)))
    with store._writing() as connection:
        connection.exec_driver_sql("UPDATE outbox SET message = 'no message', status = 'dead', settled_at = 1")
    (dead,) = store.letters("dead", 9)
    store.close()

    assert dead.titles == ()


def test_the_api_shows_them(site: Site) -> None:
    """Those that were given up, unless others are asked for."""
    give_up(site.store, "slack", "pagerduty")
    dead = site.get("/api/v1/deliveries")["deliveries"]

    assert [each["channel"] for each in dead] == ["pagerduty", "slack"]
    assert (dead[0]["detail"], dead[0]["alerts"], dead[0]["attempts"]) == (REFUSED.detail, ["pagerduty burns"], 1)
    assert site.get("/api/v1/deliveries", status="dead", limit="1")["deliveries"] == dead[:1]
    assert site.get("/api/v1/deliveries", status="sent")["deliveries"] == []
    assert site.get("/api/v1/deliveries", 422, status="lost")["error"]["code"] == "invalid-parameter"


def test_without_a_store_the_api_says_so(site: Site) -> None:
    """And does not claim that nothing was given up."""
    site.store.close()
    (Path(site.store._engine.url.database or "")).write_bytes(b"this is no database" * 100)

    assert site.get("/api/v1/deliveries", 503)["error"]["code"] == "store-unavailable"


def test_the_page_shows_them_only_when_there_are_any(site: Site) -> None:
    """For a week, as text."""
    before = site.ask("/").text
    give_up(site.store, "slack")
    after = site.ask("/").text
    site.clock.at = NOW + DEAD_FOR + timedelta(hours=1)
    later = site.ask("/").text

    assert "Messages given up" not in before
    assert "Messages given up" in after
    assert "HTTP 404: no such channel" in after
    assert "Messages given up" not in later


def test_words_of_receivers_are_never_markup() -> None:
    """Whatever they answered."""
    evil = "<script>alert(1)</script>"
    letter = Letter(evil, evil, evil, "dead", (evil,), NOW, NOW, 1, evil, evil)

    assert evil not in render(snapshots.standing(snapshots.healthy()), (), NOW, (letter,))
