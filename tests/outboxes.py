"""An outbox as the suites of stores use it."""

from datetime import datetime

from tests.alerts import NOON, seconds
from tests.databases import wiped

from tocsin.adapters.store import SqlStore
from tocsin.evaluate.memory import Commit, Parcel, Store
from tocsin.ports import Delivery, Notification, Outcome

SENT = Delivery(Outcome.SENT)
FAILED = Delivery(Outcome.RETRY, "HTTP 500")
UNKNOWN = Delivery(Outcome.UNKNOWN, "no answer in time")


def wipe(store: SqlStore) -> None:
    """Make a database that outlives the test as good as new."""
    with store._writing() as connection:
        wiped(connection)


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
