"""Leasing from the outbox: which messages may be taken, and how what waits is folded when it is."""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)

from tocsin.adapters.codec import decode, encode, instant
from tocsin.adapters.outbox import folded
from tocsin.adapters.outbox_rows import DEAD, PENDING, SENT, SUPERSEDED
from tocsin.adapters.tables import OUTBOX
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Parcel
from tocsin.ports import HEARTBEAT, Notification

CANDIDATES = (8, 200)
"""How many due messages one lease looks at, then, if all of those wait behind one in flight.

Each row is a wait for the interpreter's lock while a tick computes, and mostly the first one is taken.
"""

LONGEST_LEASE = 60_000_000
LONGEST_WAIT = 2 * 3_600_000_000
"""No lease and no retry lies further ahead, unless the wall clock was set back; then it is no reason to wait."""

NEWS_WAITS = 5 * 60_000_000
"""How long something new waits behind a message that may have arrived: that one is tried again late, so as not to be
shown often.
"""

_log = logging.getLogger(__name__)


Line = tuple[str, str]
"""A channel, and one of its recipients; empty where it has none of their own."""

_TRIED: ColumnElement[bool] = literal_column("(attempts > 0)")
"""As the index has it."""


def due_keys(line: Line, at: int, candidates: int, before: Mapping[int, int] | None = None) -> Select[Any]:
    """The keys of messages that may be taken: the most severe first, of these what was never tried.

    Then one of each group in turn, oldest first.
    """
    query = (
        select(OUTBOX.c.dedup_key)
        .where(*_due_now(line, at))
        .order_by(OUTBOX.c.urgency, _TRIED, OUTBOX.c.turn, OUTBOX.c.next_at, OUTBOX.c.id)
        .limit(candidates)
    )
    if before is None:
        return query
    late = (and_(OUTBOX.c.urgency == urgency, OUTBOX.c.first_due <= bound) for urgency, bound in before.items())
    return query.where(or_(*late))


def _due_now(line: Line, at: int) -> tuple[ColumnElement[bool], ...]:
    channel, recipient = line
    return (
        OUTBOX.c.channel == channel,
        OUTBOX.c.recipient == recipient,
        OUTBOX.c.status == PENDING,
        or_(OUTBOX.c.next_at <= at, _far(OUTBOX.c.next_at, at)),
        landed(at),
    )


def landed(at: int) -> ColumnElement[bool]:
    """What is not in flight."""
    return or_(OUTBOX.c.leased_until.is_(None), OUTBOX.c.leased_until <= at, _far(OUTBOX.c.leased_until, at))


def waiting(connection: Connection, line: Line, at: int) -> tuple[int, int]:
    """How many keys have something to say that is due: critical ones, and all."""
    keys = func.count(OUTBOX.c.dedup_key.distinct())
    query = select(OUTBOX.c.urgency, keys).where(*_due_now(line, at)).group_by(OUTBOX.c.urgency)
    counts: dict[int, int] = {row[0]: row[1] for row in connection.execute(query)}
    return counts.get(0, 0), sum(counts.values())


def lease(connection: Connection, line: Line, keys: Sequence[str], at: int, until: int, *, most: int) -> list[Parcel]:
    """Lease what *keys* have to say, in their order, up to *most* messages."""
    channel, recipient = line
    theirs = (OUTBOX.c.channel == channel) & OUTBOX.c.recipient.in_({recipient, ""})
    parcels: list[Parcel] = []
    for start in range(0, len(keys), most):
        bite = keys[start : start + most]
        found: dict[str, list[Row[Any]]] = defaultdict(list)
        for row in connection.execute(
            select(OUTBOX).where(theirs & OUTBOX.c.dedup_key.in_(bite)).order_by(OUTBOX.c.seq)
        ):
            found[row.dedup_key].append(row)
        changes: list[dict[str, Any]] = []
        for key in bite:
            if len(parcels) < most and (
                parcel := _lease_one(connection, recipient, found[key], at, until, changes=changes)
            ):
                parcels.append(parcel)
        if changes:
            changed = update(OUTBOX).where(OUTBOX.c.id == bindparam("row")).values({c: bindparam(c) for c in _CHANGED})
            connection.execute(changed, changes)
        if len(parcels) >= most:
            break
    return parcels


_CHANGED = ("message", "action", "urgency", "turn", "next_at", "unknowns", "attempts", "token", "leased_until")


def _lease_one(
    connection: Connection,
    recipient: str,
    rows: Sequence[Row[Any]],
    at: int,
    until: int,
    *,
    changes: list[dict[str, Any]],
) -> Parcel | None:
    """The one message that the *rows* of a key have to say, unless one of them is in flight or backs off.

    Those to everybody are there for what was sent so; what waits so goes to each recipient first.

    What becomes of the row that says it joins *changes*.
    """
    pending = [row for row in rows if row.status == PENDING and row.recipient == recipient]
    if any(_ahead(row.leased_until, at) for row in pending):
        return None
    told, waiting = _legible(connection, pending, at)
    if not waiting:
        return None
    last = waiting[-1]
    tried = waiting if last.channel != HEARTBEAT else waiting[-1:]  # an earlier sign of life is nothing to wait for
    next_at = max(row.next_at for row in tried)
    if not last.attempts and any(row.unknowns for row in waiting):
        next_at = min(next_at, last.first_due + NEWS_WAITS)
    reached = any(row.status == SENT or row.receipt or _unknowns(row) for row in rows if row.id != last.id)
    receipt = next((row.receipt for row in reversed(rows) if row.receipt), "")
    message = replace(folded(told, reached=reached), receipt=receipt)
    leased = not _ahead(next_at, at)
    change = {
        "row": last.id,
        "message": encode(message),
        "action": message.action.value,
        "urgency": min(row.urgency for row in waiting),
        "turn": min(row.turn for row in waiting),
        "next_at": next_at,
        "unknowns": _unknowns(last),
        "attempts": max(row.attempts for row in tried) + leased,
        "token": last.token + 1,
        "leased_until": until if leased else None,
    }
    changes.append(change)
    if len(waiting) > 1:
        older = update(OUTBOX).where(OUTBOX.c.id == bindparam("old_id"))
        gone = [{"old_id": row.id, "unknowns": _unknowns(row)} for row in waiting[:-1]]
        connection.execute(older.values(status=SUPERSEDED, settled_at=at, leased_until=None), gone)
    if not leased:
        return None
    return Parcel(last.id, message, change["attempts"], instant(last.first_due), change["unknowns"], change["token"])


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


def set_back(connection: Connection, at: int) -> None:
    """Nothing lies ahead of *at*, and no lease lasts for longer than one taken now."""
    for column, latest in (
        (OUTBOX.c.next_at, at),
        (OUTBOX.c.first_due, at),
        (OUTBOX.c.leased_until, at + LONGEST_LEASE),
    ):
        ahead = (OUTBOX.c.status == PENDING) & (column > latest)
        connection.execute(update(OUTBOX).where(ahead).values({column: latest}))


def _far(time: ColumnElement[Any], at: int) -> ColumnElement[bool]:
    return time > at + LONGEST_WAIT


def _ahead(time: int | None, at: int) -> bool:
    """Whether *time* has yet to come."""
    return time is not None and at < time <= at + LONGEST_WAIT


def _unknowns(row: Row[Any]) -> int:
    """A lease that ran out unsettled is an attempt of which nobody knows the end."""
    return int(row.unknowns) + (row.leased_until is not None)
