"""Couriers from a store to real receivers, with a wall clock in the test's hands."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.alerts import NOON

from tocsin.adapters.store import SqlStore
from tocsin.demo.receivers import HttpReceiver, Inbox
from tocsin.evaluate.memory import Commit
from tocsin.ports import Notification
from tocsin.service.delivery import Courier
from tocsin_notifiers import build


class TestClock:
    """A wall clock in the test's hands; with *real* it runs."""

    __test__ = False

    def __init__(self, *, real: bool = False) -> None:
        self.real = real
        self.at = NOON

    def now(self) -> datetime:
        """Read the time."""
        return datetime.now(UTC) if self.real else self.at


def specs(web: HttpReceiver, inbox: Inbox) -> dict[str, Any]:
    """Kinds and settings of three channels."""
    mail = {
        "host": inbox.host,
        "port": str(inbox.port),
        "tls": "none",
        "from": "t@example.org",
        "to": "oncall@example.org",
    }
    return {
        "email": {"kind": "email", "settings": mail},
        "slack": {
            "kind": "slack",
            "settings": {"webhook": "https://hooks.slack.com/services/T/B/C", "endpoint": web.url},
        },
        "pagerduty": {"kind": "pagerduty", "settings": {"integration_key": "k" * 32, "endpoint": web.url}},
    }


def channels(web: HttpReceiver, inbox: Inbox, deadline: float = 5.0) -> dict[str, Any]:
    """Three channels without a pace, so that a test takes no longer than it must."""
    made: dict[str, Any] = {n: build(n, s["kind"], s["settings"]) for n, s in specs(web, inbox).items()}
    for channel in made.values():
        channel.deadline, channel.rate = deadline, None
    return made


@contextmanager
def running(store: SqlStore, made: dict[str, Any]) -> Iterator[Courier]:
    """Run a courier in threads, with short waits."""
    courier = Courier(store, made, TestClock(real=True), jitter=lambda: 0.05, poll=timedelta(milliseconds=20))
    courier.start()
    try:
        yield courier
    finally:
        courier.stop(timedelta(seconds=1))


def post(store: SqlStore, *messages: Notification, at: datetime | None = None) -> None:
    """Put messages into the outbox."""
    store.commit(Commit(at or datetime.now(UTC), outbox=messages))


def settled(store: SqlStore, timeout: float = 10.0) -> bool:
    """Wait until nothing is pending any more."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if not any(depth.pending for depth in store.depths()):
            return True
        time.sleep(0.02)
    return False
