"""What survives a crash: alert states, notification groups and the outbox, changed in one transaction per tick."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
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
class GroupEpisode:
    """One episode of *alert* inside a group; *announced* says that people have been told that it fires.

    While it is open, *text* is as it was when last told; the words of the moment come with the views. *told_at* is when
    they were first told, *taken* that the receiver knows that somebody has acknowledged it.
    """

    text: AlertText
    seen_at: datetime
    announced: bool = False
    alert: Identity | None = None
    told_at: datetime | None = None
    taken: bool = False

    @property
    def open(self) -> bool:
        """Whether it still fires."""
        return self.text.resolved_at is None


@dataclass(frozen=True, slots=True)
class Echo:
    """What people were told a moment ago of *alert*, or of the whole group (None), so that flapping is not told again.

    *told* says for each severity when a message last spoke of it. Since *since*, which is the last message, *flaps*
    episodes were over before anybody was told, the last one at *seen_at*. *again* counts how often in a row it was told
    anew while an echo of it lasted.
    """

    alert: Identity | None
    told: tuple[tuple[str, datetime], ...]
    since: datetime
    seen_at: datetime
    flaps: int = 0
    again: int = 0


@dataclass(frozen=True, slots=True)
class Timers:
    """The three waits of a conversation; without a route, Alertmanager's defaults.

    https://prometheus.io/docs/alerting/latest/configuration/#route

    What comes back soon waits for *flap* at first, then for twice as long each time, up to *longest*.
    """

    wait: timedelta = timedelta(seconds=30)
    interval: timedelta = timedelta(minutes=5)
    repeat: timedelta = timedelta(hours=4)
    flap: timedelta = timedelta(minutes=5)
    longest: timedelta = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class GroupState:
    """What a conversation has said and still has to say.

    *opened_at* tells it from earlier ones of the same group; *sent_at* is its last message, *said* how many it sent.
    *echoes* outlive it by a group_interval. *timers* are those it had last, for when no route leads there any more.
    *alone* (each alert is an incident there) and *ends* (it is told of ends) are for when its channel is not there.
    """

    opened_at: datetime
    episodes: tuple[GroupEpisode, ...] = ()
    sent_at: datetime | None = None
    said: int = 0
    echoes: tuple[Echo, ...] = ()
    timers: Timers | None = None
    alone: bool = False
    ends: bool = True


@dataclass(frozen=True, slots=True)
class Memory:
    """Everything that an evaluator loads at start."""

    alerts: Mapping[Identity, AlertState] = field(default_factory=dict)
    views: Mapping[Identity, AlertView] = field(default_factory=dict)
    groups: Mapping[GroupKey, GroupState] = field(default_factory=dict)
    committed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Commit:
    """The changes of one tick; None forgets. Messages that went out past the outbox are *sent*, for the record."""

    at: datetime
    alerts: Mapping[Identity, AlertState | None] = field(default_factory=dict)
    views: tuple[AlertView, ...] = ()
    groups: Mapping[GroupKey, GroupState | None] = field(default_factory=dict)
    outbox: tuple[Notification, ...] = ()
    sent: tuple[Notification, ...] = ()


def remembered_groups(memory: Memory, changes: Mapping[GroupKey, GroupState | None]) -> Mapping[GroupKey, GroupState]:
    """The conversations after *changes*."""
    return {key: state for key, state in {**memory.groups, **changes}.items() if state is not None}


def joined(first: Commit, second: Commit) -> Commit:
    """Two commits as one: the later word counts, and messages keep their order."""
    views = {(v.identity, v.dedup_key): v for v in (*first.views, *second.views)}
    return Commit(
        at=second.at,
        alerts={**first.alerts, **second.alerts},
        views=tuple(views.values()),
        groups={**first.groups, **second.groups},
        outbox=(*first.outbox, *second.outbox),
        sent=(*first.sent, *second.sent),
    )


def remembered(memory: Memory, commit: Commit) -> Memory:
    """What the process knows after *commit*; views of closed episodes are left to the store."""
    alerts = {i: s for i, s in {**memory.alerts, **commit.alerts}.items() if s is not None}
    groups = remembered_groups(memory, commit.groups)
    views = {**memory.views, **{view.identity: view for view in commit.views}}
    views = {identity: view for identity, view in views.items() if view.resolved_at is None}
    return replace(memory, alerts=alerts, views=views, groups=groups, committed_at=commit.at)


@dataclass(frozen=True, slots=True)
class Parcel:
    """One message on its fallback.

    *attempts* counts this one; *unknowns* counts earlier ones that may have arrived, because the receiver did not
    answer or the process died; *first_due* is when the message was put into the outbox; *token* is this lease.
    """

    id: int
    notification: Notification
    attempts: int
    first_due: datetime
    unknowns: int = 0
    token: int = 0


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of one attempt; without *retry_at* a message that was not sent is dead."""

    parcel: Parcel
    delivery: Delivery
    retry_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Fallback:
    """The channel where messages go that another one does not take; *alone* if each alert is an incident there."""

    to: str
    alone: bool = False


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one recipient of a channel, or for all of them together ("").

    *due* is since when (or until when) the first waits to be taken, *untried* since when one does that never was.
    """

    recipient: str
    due: datetime
    untried: datetime | None = None


@dataclass(frozen=True, slots=True)
class OutboxDepth:
    """How much one channel still has to send, and what it gave up on.

    A message to several recipients counts for each. *oldest* is when the oldest of it was put there.
    """

    channel: str
    pending: int
    oldest: datetime | None
    dead: int
    waits: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Letter:
    """One message of the outbox and what became of it.

    *status* is `pending`, `sent`, `dead` or `superseded` (told by a later one); *titles* are those of its first alerts,
    *detail* is what the receiver said last, *fallback* the channel that got it instead. *recipient* is empty where the
    channel has none of their own, and where nobody has looked yet who they are.
    """

    channel: str
    dedup_key: str
    action: str
    status: str
    titles: tuple[str, ...]
    created_at: datetime
    settled_at: datetime | None
    attempts: int
    detail: str
    fallback: str | None = None
    recipient: str = ""

    @property
    def receiver(self) -> str:
        """Who it is for."""
        return receiver(self.channel, self.recipient)


def receiver(channel: str, recipient: str | None) -> str:
    """Who is written to, for people.

    >>> receiver("slack", ""), receiver("email", "ana@example.org")
    ('slack', 'email to ana@example.org')
    """
    return f"{channel} to {recipient}" if recipient else channel


class Store(Protocol):
    """Durable memory; every method is one transaction and safe to call from several threads."""

    def load(self) -> Memory:
        """Everything as of the last commit."""
        ...

    def commit(self, commit: Commit) -> None:
        """All of it, or nothing."""
        ...

    def post(self, messages: Sequence[Notification], at: datetime) -> None:
        """Put *messages* into the outbox without a change of the state, whoever leads."""
        ...

    def history(self, *, severity: str | None, status: str | None, limit: int) -> tuple[AlertView, ...]:
        """Episodes, newest first; *status* is `active` or `resolved`."""
        ...

    def fan_out(self, channel: str, recipients: Sequence[str], now: datetime) -> None:
        """Make messages for each of *recipients* out of those that wait for all of them, or for somebody else.

        From then on each recipient's has its own attempts and its own end, and is leased by his name. So it matters to
        nobody what becomes of another one's, and who has a message is known after a restart. A channel without
        recipients has one of an empty name. To be called before `waiting` and `lease`, as both may have changed.
        """
        ...

    def waiting(self, channel: str, now: datetime, recipient: str = "") -> tuple[int, int]:
        """How many conversations have something to say that is due: critical ones, and all."""
        ...

    def lease(
        self,
        channel: str,
        now: datetime,
        until: datetime,
        limit: int,
        before: Mapping[int, datetime] | None = None,
        *,
        recipient: str = "",
    ) -> tuple[Parcel, ...]:
        """Messages that are due, the most severe first, at most one per dedup key; hidden until *until*.

        Of messages that are equally severe, those that were never tried go before those that failed, and those of
        different groups take turns, so a storm holds up nobody else. Messages of one key go in order. What has waited
        behind an unsent message of its key is merged with it, so a receiver that was away hears the latest state once,
        and never that something fires after it has resolved. A message that cannot be read is dead, and holds up no
        other. What the receiver called the last message of the key comes along as its receipt. With *before*, only what
        was put there by a time that depends on the urgency.
        """
        ...

    def settle(self, parcel: Parcel, delivery: Delivery, now: datetime, retry_at: datetime | None) -> None:
        """Record one attempt of a channel without a fallback, as `settle_all` does."""
        ...

    def settle_all(self, settled: Sequence[Settled], now: datetime, fallback: Fallback | None = None) -> None:
        """Record what became of messages, in one transaction: a commit for each would take longer than sending them.

        Without *retry_at* one that was not sent is dead. It goes to *fallback* in the same transaction, and so does
        what follows it in its conversation; one to several recipients when none of them has it or may still take it. A
        lease that has been taken over can only tell that the message was sent.
        """
        ...

    def set_back(self, now: datetime) -> None:
        """The wall clock was set back to *now*: what waits for a later time is due, as nobody knows when that comes."""
        ...

    def depths(self) -> tuple[OutboxDepth, ...]:
        """The state of the outbox by channel."""
        ...

    def letters(self, status: str, limit: int) -> tuple[Letter, ...]:
        """Messages of people's channels with *status*, newest first."""
        ...

    def letters_about(self, dedup_key: str) -> tuple[Letter, ...]:
        """All messages in which an episode stands, in order."""
        ...

    def episode(self, dedup_key: str) -> AlertView | None:
        """One episode, open or over."""
        ...

    def close(self) -> None:
        """Release the database."""
        ...
