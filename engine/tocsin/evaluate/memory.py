"""What survives a crash: alert states, notification groups and the outbox, changed in one transaction per tick."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from tocsin.evaluate.model import AlertState, AlertView, Identity
from tocsin.ports import AlertText, Delivery, Labels, Notification


@dataclass(frozen=True, slots=True, order=True)
class GroupKey:
    """One conversation: a channel, the route that led there, and the values of the route's group_by labels."""

    channel: str
    route: str
    labels: Labels = ()


@dataclass(frozen=True, slots=True)
class Incident:
    """One episode inside a group; *announced* says that people have been told that it fires."""

    text: AlertText
    announced: bool = False
    resolved: bool = False


@dataclass(frozen=True, slots=True)
class GroupState:
    """What a conversation has said and still has to say; *waiting_since* is set while a change is unsaid."""

    incidents: tuple[Incident, ...] = ()
    waiting_since: datetime | None = None
    sent_at: datetime | None = None
    thread: int = 0


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that an evaluator loads at start."""

    alerts: Mapping[Identity, AlertState] = field(default_factory=dict)
    views: Mapping[Identity, AlertView] = field(default_factory=dict)
    groups: Mapping[GroupKey, GroupState] = field(default_factory=dict)
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """The changes of one tick; None forgets."""

    at: datetime
    alerts: Mapping[Identity, AlertState | None] = field(default_factory=dict)
    views: tuple[AlertView, ...] = ()
    groups: Mapping[GroupKey, GroupState | None] = field(default_factory=dict)
    outbox: tuple[Notification, ...] = ()


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its way; *first_due* is when it was put into the outbox."""

    id: int
    notification: Notification
    attempts: int
    first_due: datetime


@dataclass(frozen=True, slots=True)
class OutboxDepth:
    """How much one channel still has to send, and what it gave up on."""

    channel: str
    pending: int
    oldest: datetime | None
    dead: int


class Store(Protocol):
    """Durable memory; every method is one transaction and safe to call from several threads."""

    def load(self) -> Memory:
        """Everything as of the last commit."""
        ...

    def commit(self, commit: Commit) -> None:
        """All of it, or nothing."""
        ...

    def history(self, *, severity: str | None, status: str | None, limit: int) -> tuple[AlertView, ...]:
        """Episodes, newest first; *status* is `active` or `resolved`."""
        ...

    def lease(self, channel: str, now: datetime, until: datetime, limit: int) -> tuple[Parcel, ...]:
        """Messages that are due, in order, at most one per dedup key; hidden from other leases until *until*."""
        ...

    def settle(self, parcel: Parcel, delivery: Delivery, now: datetime, retry_at: datetime | None) -> None:
        """Record the attempt; without *retry_at* a message that was not sent is dead."""
        ...

    def depths(self) -> tuple[OutboxDepth, ...]:
        """The state of the outbox by channel."""
        ...

    def close(self) -> None:
        """Release the database."""
        ...
