"""The rows of the outbox: how messages get there, which may be taken, how what waits is folded when it is leased."""

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, case, func, insert, or_, select, update

from tocsin.adapters.codec import decode, encode, instant, microseconds
from tocsin.adapters.outbox import folded, urgency
from tocsin.adapters.tables import EVALUATOR, OUTBOX
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import OutboxDepth, Parcel
from tocsin.ports import Notification

PENDING, SENT, DEAD, SUPERSEDED = "pending", "sent", "dead", "superseded"
CANDIDATES = 200
"""How many due messages one lease looks at; a message behind one in flight is passed over."""

LONGEST_WAIT = 2 * 3_600_000_000
"""No lease and no retry lies further ahead, unless the wall clock was set back; then it is no reason to wait."""

_log = logging.getLogger(__name__)


def due_keys(channel: str, at: int) -> Select[Any]:
    """The keys of messages that may be taken, the most severe first, then one of each group in turn, oldest first."""
    return (
        select(OUTBOX.c.dedup_key)
        .where(OUTBOX.c.channel == channel, OUTBOX.c.status == PENDING)
        .where(or_(OUTBOX.c.next_at <= at, _far(OUTBOX.c.next_at, at)))
        .where(or_(OUTBOX.c.leased_until.is_(None), OUTBOX.c.leased_until <= at, _far(OUTBOX.c.leased_until, at)))
        .order_by(OUTBOX.c.urgency, OUTBOX.c.turn, OUTBOX.c.next_at, OUTBOX.c.id)
        .limit(CANDIDATES)
    )


def depths(connection: Connection) -> tuple[OutboxDepth, ...]:
    """The state of the outbox by channel."""
    pending, dead = (func.count().filter(OUTBOX.c.status == status) for status in (PENDING, DEAD))
    oldest, due = (func.min(time).filter(OUTBOX.c.status == PENDING) for time in (OUTBOX.c.first_due, _due()))
    query = select(OUTBOX.c.channel, pending, oldest, dead, due).group_by(OUTBOX.c.channel).order_by(OUTBOX.c.channel)
    rows = connection.execute(query).all()
    return tuple(OutboxDepth(c, p, _instant(first), d, _instant(since)) for c, p, first, d, since in rows)


def post(connection: Connection, messages: Sequence[Notification], at: datetime) -> None:
    """Put *messages* into the outbox; what is there already is not put there again."""
    known = _known(connection, messages)
    _insert(connection, [m for m in messages if _place(m) not in known], at, {"status": PENDING, "attempts": 0})


def note_sent(connection: Connection, messages: Sequence[Notification], at: datetime) -> None:
    """Record *messages* that went out past the outbox, so that what follows knows of them."""
    done = {"status": SENT, "settled_at": microseconds(at), "detail": "sent past the outbox"}
    known = _known(connection, messages)
    _insert(connection, [m for m in messages if _place(m) not in known], at, done | {"attempts": 1})
    old = [{f"old_{name}": value for name, value in zip(_PLACE, place, strict=True)} for place in sorted(known)]
    if old:
        where = [OUTBOX.c[name] == bindparam(f"old_{name}") for name in _PLACE]
        connection.execute(update(OUTBOX).where(*where, OUTBOX.c.status == PENDING).values(done), old)


_PLACE = ("channel", "dedup_key", "seq")


def _place(message: Notification) -> tuple[str, str, int]:
    return (message.channel, message.dedup_key, message.seq)


def _known(connection: Connection, messages: Sequence[Notification]) -> set[tuple[str, str, int]]:
    """Find those of *messages* that are in the outbox already, in bites that every database takes."""
    wanted = {_place(message) for message in messages}
    found: set[tuple[str, str, int]] = set()
    for channel in {message.channel for message in messages}:
        keys = sorted({message.dedup_key for message in messages if message.channel == channel})
        for start in range(0, len(keys), 500):
            bite = OUTBOX.c.dedup_key.in_(keys[start : start + 500])
            query = select(OUTBOX.c.dedup_key, OUTBOX.c.seq).where(OUTBOX.c.channel == channel, bite)
            found.update((channel, row.dedup_key, row.seq) for row in connection.execute(query))
    return found & wanted


def _insert(
    connection: Connection, messages: Sequence[Notification], at: datetime, fields: Mapping[str, object]
) -> None:
    if not messages:
        return
    last = connection.scalar(select(EVALUATOR.c.last_outbox_id)) or 0
    turns = _turns(connection, messages, microseconds(at))
    rows = [
        {
            "id": number,
            "channel": message.channel,
            "dedup_key": message.dedup_key,
            "seq": message.seq,
            "action": message.action.value,
            "urgency": urgency(message),
            "message": encode(message),
            "first_due": microseconds(at),
            "next_at": 0,
            "token": 0,
            "unknowns": 0,
            "detail": "",
            "turn": turn,
            "receipt": message.receipt,
            **fields,
        }
        for number, (message, turn) in enumerate(zip(messages, turns, strict=True), last + 1)
    ]
    connection.execute(insert(OUTBOX), rows)
    connection.execute(update(EVALUATOR).values(last_outbox_id=last + len(rows)))


def _turns(connection: Connection, messages: Sequence[Notification], at: int) -> list[int]:
    """When it is each message's turn: the first of a group now, its second after one of every other group, and so on.

    Now is the lowest turn that waits in its channel with its urgency. So whoever comes late does not wait for a storm
    that was there before, and a storm loses nothing to newcomers but their turns (start-time fair queueing).
    """
    waiting = (OUTBOX.c.status == PENDING) & (OUTBOX.c.next_at <= at)
    lines = (OUTBOX.c.channel, OUTBOX.c.urgency)
    query = select(*lines, func.min(OUTBOX.c.turn)).where(waiting).group_by(*lines)
    now = {(channel, urgent): turn for channel, urgent, turn in connection.execute(query)}
    before: Counter[tuple[object, ...]] = Counter()
    turns = []
    for message in messages:
        line = (message.channel, urgency(message))
        group = (*line, message.group, frozenset(text.service for text in message.alerts))
        turns.append(now.get(line, 0) + before[group])
        before[group] += 1
    return turns


def lease_next(connection: Connection, channel: str, key: str, at: int, until: int) -> Iterator[Parcel]:
    """Lease the one message that *key* has to say, unless one of its messages is in flight or backs off."""
    of_key = (OUTBOX.c.channel == channel) & (OUTBOX.c.dedup_key == key)
    rows = connection.execute(select(OUTBOX).where(of_key).order_by(OUTBOX.c.seq)).all()
    pending = [row for row in rows if row.status == PENDING]
    if any(_ahead(row.leased_until, at) for row in pending):
        return
    told, waiting = _legible(connection, pending, at)
    if not waiting:
        return
    last = waiting[-1]
    next_at = max(row.next_at for row in waiting)
    reached = any(row.status == SENT or row.receipt or _unknowns(row) for row in rows if row.id != last.id)
    receipt = next((row.receipt for row in reversed(rows) if row.receipt), "")
    message = replace(folded(told, reached=reached), receipt=receipt)
    leased = not _ahead(next_at, at)
    changes = {
        "message": encode(message),
        "action": message.action.value,
        "urgency": min(row.urgency for row in waiting),
        "turn": min(row.turn for row in waiting),
        "next_at": next_at,
        "unknowns": _unknowns(last),
        "attempts": max(row.attempts for row in waiting) + leased,
        "token": last.token + 1,
        "leased_until": until if leased else None,
    }
    connection.execute(update(OUTBOX).where(OUTBOX.c.id == last.id).values(changes))
    if len(waiting) > 1:
        older = update(OUTBOX).where(OUTBOX.c.id == bindparam("old_id"))
        gone = [{"old_id": row.id, "unknowns": _unknowns(row)} for row in waiting[:-1]]
        connection.execute(older.values(status=SUPERSEDED, settled_at=at, leased_until=None), gone)
    if leased:
        yield Parcel(
            last.id, message, changes["attempts"], instant(last.first_due), changes["unknowns"], changes["token"]
        )


def _legible(
    connection: Connection, rows: Sequence[Row[Any]], at: int
) -> tuple[Sequence[Notification], Sequence[Row[Any]]]:
    """The messages of *rows*, and the rows that have one; the others are dead, for they would hold up their channel."""
    told, legible = [], []
    for row in rows:
        try:
            told.append(decode(Notification, row.message))
        except UnavailableError as error:
            _log.error("a message is given up: %s", error, extra={"channel": row.channel, "key": row.dedup_key})
            given_up = {"status": DEAD, "settled_at": at, "leased_until": None, "detail": str(error)[:200]}
            connection.execute(update(OUTBOX).where(OUTBOX.c.id == row.id).values(given_up))
        else:
            legible.append(row)
    return told, legible


def _due() -> ColumnElement[int]:
    """When a message may be taken: the latest of three times, in words that every database knows."""
    retry, lease = OUTBOX.c.next_at, func.coalesce(OUTBOX.c.leased_until, 0)
    later = case((retry > lease, retry), else_=lease)
    return case((OUTBOX.c.first_due > later, OUTBOX.c.first_due), else_=later)


def _instant(count: int | None) -> datetime | None:
    return None if count is None else instant(count)


def _far(time: ColumnElement[Any], at: int) -> ColumnElement[bool]:
    return time > at + LONGEST_WAIT


def _ahead(time: int | None, at: int) -> bool:
    """Whether *time* has yet to come."""
    return time is not None and at < time <= at + LONGEST_WAIT


def _unknowns(row: Row[Any]) -> int:
    """A lease that ran out unsettled is an attempt of which nobody knows the end."""
    return int(row.unknowns) + (row.leased_until is not None)
