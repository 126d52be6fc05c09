"""The evaluator's memory in a database: alert states, episodes, conversations and the outbox.

Delivery is at least once. A message is leased before it is sent and settled afterwards; a lease that ran out means
that the process died in between, so the message is taken again and counted as perhaps already received.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from typing import BinaryIO

from sqlalchemy import Connection, delete, select, update

from tocsin.adapters import outbox_leases, outbox_recipients, outbox_rows
from tocsin.adapters.codec import decode, encode, instant, microseconds
from tocsin.adapters.database import claim, open_state, put_rows, reading, writing
from tocsin.adapters.outbox_rows import DEAD, PENDING
from tocsin.adapters.tables import ALERTS, CONVERSATIONS, EPISODES, EVALUATOR, LEASES, OUTBOX
from tocsin.errors import FencedError
from tocsin.evaluate.memory import Commit, Fallback, GroupKey, GroupState, Letter, Memory, OutboxDepth, Parcel, Settled
from tocsin.evaluate.model import AlertState, AlertView, Identity
from tocsin.ports import HEARTBEAT, Delivery, Labels, Notification


class SqlStore:
    """A `Store` in SQLite (a path or `sqlite:///path`) or in another database that SQLAlchemy reaches by URL.

    Settled messages are kept for *keep_messages* and closed episodes for *keep_episodes*, then deleted.
    """

    def __init__(
        self,
        url_or_path: str,
        *,
        keep_messages: timedelta = timedelta(days=30),
        keep_episodes: timedelta = timedelta(days=400),
    ) -> None:
        self._engine = open_state(url_or_path, datetime.now(UTC))
        self._claim: BinaryIO | None = None
        self.fence: int | None = None
        """The token of the lease under which this store may be written; None asks for none."""
        self._keep_messages = keep_messages
        self._keep_episodes = keep_episodes

    def load(self) -> Memory:
        """Everything as of the last commit."""
        with self._writing() as connection:  # nobody commits between these queries
            return memory_in(connection)

    def commit(self, commit: Commit) -> None:
        """All of it, or nothing; a message that is already in the outbox is not put there again."""
        alerts = [
            {"rule": i.rule, "labels": encode(i.labels), "state": s and encode(s)} for i, s in commit.alerts.items()
        ]
        groups = [
            {"channel": k.channel, "route": k.route, "labels": encode(k.labels), "state": s and encode(s)}
            for k, s in commit.groups.items()
        ]
        with self._writing() as connection:
            self._check_fence(connection)
            put_rows(connection, ALERTS, alerts, [row for row in alerts if row["state"]])
            put_rows(connection, CONVERSATIONS, groups, [row for row in groups if row["state"]])
            episodes = [_episode(view) for view in commit.views]
            put_rows(connection, EPISODES, episodes, episodes)
            outbox_rows.post(connection, commit.outbox, commit.at)
            outbox_rows.note_sent(connection, commit.sent, commit.at)
            connection.execute(update(EVALUATOR).values(committed_at=microseconds(commit.at)))
            self._prune(connection, commit.at)

    def post(self, messages: Sequence[Notification], at: datetime) -> None:
        """Put *messages* into the outbox, whoever leads."""
        with self._writing() as connection:
            outbox_rows.post(connection, messages, at)

    def history(
        self, *, severity: str | None = None, status: str | None = None, limit: int = 100
    ) -> tuple[AlertView, ...]:
        """Episodes that fired, newest first."""
        query = select(EPISODES.c.seen).where(EPISODES.c.fired_at.is_not(None))
        if severity is not None:
            query = query.where(EPISODES.c.severity == severity)
        if status is not None:
            ended = EPISODES.c.resolved_at
            query = query.where(ended.is_(None) if status == "active" else ended.is_not(None))
        query = query.order_by(EPISODES.c.started_at.desc(), EPISODES.c.dedup_key).limit(limit)
        with self._reading() as connection:
            return tuple(decode(AlertView, seen) for seen in connection.scalars(query))

    def fan_out(self, channel: str, recipients: Sequence[str], now: datetime) -> None:
        """Make messages for each of *recipients* out of those for all of them."""
        at = microseconds(now)
        with self._reading() as connection:  # as for a lease: mostly there is nothing
            if connection.scalar(select(OUTBOX.c.id).where(outbox_recipients.astray(channel, recipients, at))) is None:
                return
        more = True
        while more:
            with self._writing() as connection:
                self._check_fence(connection)
                more = outbox_recipients.fan_out(connection, channel, recipients, at)

    def waiting(self, channel: str, now: datetime, recipient: str = "") -> tuple[int, int]:
        """How many conversations have something to say that is due: critical ones, and all."""
        with self._reading() as connection:
            return outbox_leases.waiting(connection, (channel, recipient), microseconds(now))

    def lease(
        self,
        channel: str,
        now: datetime,
        until: datetime,
        limit: int = 1,
        before: Mapping[int, datetime] | None = None,
        *,
        recipient: str = "",
    ) -> tuple[Parcel, ...]:
        """Messages that are due, severe ones first and groups in turn, one per dedup key; hidden until *until*."""
        at, line = microseconds(now), (channel, recipient)
        bounds = {urgency: microseconds(bound) for urgency, bound in before.items()} if before is not None else None
        with self._reading() as connection:  # most polls find nothing, and need no write lock to see that
            if connection.scalar(outbox_leases.due_keys(line, at, 1, bounds)) is None:
                return ()
        with self._writing() as connection:
            self._check_fence(connection)
            for candidates in (max(each, limit) for each in outbox_leases.CANDIDATES):
                due = connection.scalars(outbox_leases.due_keys(line, at, candidates, bounds)).all()
                keys = list(dict.fromkeys(due))
                parcels = outbox_leases.lease(connection, line, keys, at, microseconds(until), most=limit)
                if parcels or len(due) < candidates:
                    break
            return tuple(parcels)

    def reclaim(self, now: datetime) -> int:
        """End the leases of a process that has died, so that its messages need not wait; returns how many.

        To be called once, before any lease of this process. On SQLite a lock of the file system, which ends with its
        process, tells whether another one uses this store; elsewhere nobody can tell, and leases run out by themselves.
        """
        if self._claim is None:
            self._claim = claim(self._engine)
        if self._claim is None:
            return 0
        at = microseconds(now)
        with self._writing() as connection:
            held = (OUTBOX.c.status == PENDING) & (OUTBOX.c.leased_until > at)
            return connection.execute(update(OUTBOX).where(held).values(leased_until=at)).rowcount

    def settle(self, parcel: Parcel, delivery: Delivery, now: datetime, retry_at: datetime | None) -> None:
        """Record one attempt of a channel without a fallback."""
        self.settle_all([Settled(parcel, delivery, retry_at)], now)

    def settle_all(self, settled: Sequence[Settled], now: datetime, fallback: Fallback | None = None) -> None:
        """Record what became of messages; one that was not sent and is not tried again is dead, and goes elsewhere."""
        with self._writing() as connection:
            for each in settled:
                outbox_rows.settle(connection, each, now, fallback)

    def set_back(self, now: datetime) -> None:
        """The wall clock was set back to *now*: what waits for a later time is due, what is under way keeps a lease."""
        with self._writing() as connection:
            self._check_fence(connection)
            outbox_leases.set_back(connection, microseconds(now))

    def depths(self) -> tuple[OutboxDepth, ...]:
        """The state of the outbox by channel."""
        with self._reading() as connection:
            return outbox_rows.depths(connection)

    def letters(self, status: str, limit: int) -> tuple[Letter, ...]:
        """Messages of people's channels with *status*, newest first."""
        with self._reading() as connection:
            return outbox_rows.letters(connection, status, limit)

    def fires(self, since: datetime) -> tuple[Notification, ...]:
        """Messages since then that opened something critical, in order."""
        with self._reading() as connection:
            return outbox_rows.fires(connection, microseconds(since))

    def letters_about(self, dedup_key: str) -> tuple[Letter, ...]:
        """All messages in which an episode stands, in order."""
        with self._reading() as connection:
            return outbox_rows.letters_about(connection, dedup_key)

    def episode(self, dedup_key: str) -> AlertView | None:
        """One episode, open or over."""
        with self._reading() as connection:
            seen = connection.scalar(select(EPISODES.c.seen).where(EPISODES.c.dedup_key == dedup_key))
        return None if seen is None else decode(AlertView, seen)

    def close(self) -> None:
        """Release the database."""
        self._engine.dispose()
        if self._claim is not None:
            self._claim.close()

    def _check_fence(self, connection: Connection) -> None:
        """Refuse an evaluator whose lease has gone to another one; the transaction keeps others from taking it now."""
        if self.fence is None:
            return
        token, holder = connection.execute(select(LEASES.c.token, LEASES.c.holder)).one()
        if token != self.fence:
            raise FencedError(f"{holder or 'another evaluator'} has taken over")

    def _writing(self) -> AbstractContextManager[Connection]:
        return writing(self._engine)

    def _reading(self) -> AbstractContextManager[Connection]:
        return reading(self._engine)

    def _prune(self, connection: Connection, now: datetime) -> None:
        """Once an hour, delete what is old enough."""
        pruned_at = connection.scalar(select(EVALUATOR.c.pruned_at))
        if pruned_at is not None and 0 <= microseconds(now) - pruned_at < _HOUR:
            return
        old = microseconds(now - self._keep_messages)
        stranded = (OUTBOX.c.status == PENDING) & (OUTBOX.c.first_due < old)  # of a channel that nobody works any more
        given_up = {"status": DEAD, "settled_at": microseconds(now), "detail": "no worker took it"}
        connection.execute(update(OUTBOX).where(stranded).values(given_up))
        connection.execute(delete(OUTBOX).where(OUTBOX.c.settled_at < old))
        beats = (OUTBOX.c.channel == HEARTBEAT) & (OUTBOX.c.settled_at < microseconds(now) - _HOUR)
        connection.execute(delete(OUTBOX).where(beats))
        connection.execute(delete(EPISODES).where(EPISODES.c.resolved_at < microseconds(now - self._keep_episodes)))
        connection.execute(update(EVALUATOR).values(pruned_at=microseconds(now)))


def memory_in(connection: Connection) -> Memory:
    """All that the evaluator remembers, in a transaction that sees one moment."""
    alerts = connection.execute(select(ALERTS)).all()
    views = connection.scalars(select(EPISODES.c.seen).where(EPISODES.c.resolved_at.is_(None))).all()
    groups = connection.execute(select(CONVERSATIONS)).all()
    committed_at = connection.scalar(select(EVALUATOR.c.committed_at))
    open_views = [decode(AlertView, seen) for seen in views]
    return Memory(
        alerts={Identity(r.rule, _labels(r.labels)): decode(AlertState, r.state) for r in alerts},
        views={view.identity: view for view in open_views},
        groups={GroupKey(r.channel, r.route, _labels(r.labels)): decode(GroupState, r.state) for r in groups},
        committed_at=None if committed_at is None else instant(committed_at),
    )


_HOUR = 3_600_000_000


def _labels(text: str) -> Labels:
    labels: Labels = decode(Labels, text)
    return labels


def _episode(view: AlertView) -> dict[str, object]:
    return {
        "dedup_key": view.dedup_key,
        "service": view.service,
        "severity": view.severity,
        "started_at": microseconds(view.started_at),
        "fired_at": view.fired_at and microseconds(view.fired_at),
        "resolved_at": view.resolved_at and microseconds(view.resolved_at),
        "seen": encode(view),
    }
