"""A message of a channel with several recipients becomes one for each of them, each with an end of its own."""

import logging
from collections import Counter
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from tocsin.adapters.outbox_leases import landed
from tocsin.adapters.outbox_rows import PENDING
from tocsin.adapters.tables import EVALUATOR, OUTBOX

_log = logging.getLogger(__name__)

MOST = 500
"""Messages that are taken apart in one transaction."""


def astray(channel: str, recipients: Sequence[str], at: int) -> ColumnElement[bool]:
    """What waits for everybody, or for somebody who is no recipient any more; not what is in flight."""
    waits = (OUTBOX.c.channel == channel) & (OUTBOX.c.status == PENDING) & landed(at)
    return waits & OUTBOX.c.recipient.not_in(recipients)


def fan_out(connection: Connection, channel: str, recipients: Sequence[str], at: int) -> bool:
    """Put a message for each of *recipients* in place of what is `astray`, the most severe first; whether more is.

    Who has one already gets no other. What was begun for all of them by an earlier release may have reached some: then
    it may be a repeat for each.
    """
    query = select(OUTBOX).where(astray(channel, recipients, at)).order_by(OUTBOX.c.urgency, OUTBOX.c.id).limit(MOST)
    rows = connection.execute(query).mappings().all()
    keys = sorted({row["dedup_key"] for row in rows})
    place = (OUTBOX.c.dedup_key, OUTBOX.c.seq, OUTBOX.c.recipient)
    mine = (OUTBOX.c.channel == channel) & OUTBOX.c.dedup_key.in_(keys)
    taken = {tuple(row) for row in connection.execute(select(*place).where(mine))}
    last = int(connection.scalar(select(EVALUATOR.c.last_outbox_id)) or 0)
    fresh: list[dict[str, Any]] = []
    for row in rows:
        begun = row["unknowns"] + int(row["leased_until"] is not None)
        doubt = max(begun, int(bool(row["receipt"]) and len(recipients) > 1))
        start = {"unknowns": doubt} if not row["recipient"] else {"unknowns": 0, "attempts": 0, "next_at": 0}
        for recipient in recipients:
            here = (row["dedup_key"], row["seq"], recipient)
            if here not in taken:
                taken.add(here)
                number = last + len(fresh) + 1
                fresh.append({**row, **start, "id": number, "recipient": recipient, "leased_until": None})
    if fresh:
        connection.execute(insert(OUTBOX), fresh)
        connection.execute(update(EVALUATOR).values(last_outbox_id=last + len(fresh)))
    connection.execute(delete(OUTBOX).where(OUTBOX.c.id.in_([row["id"] for row in rows])))
    gone = Counter(row["recipient"] for row in rows if row["recipient"])
    for recipient, count in gone.items():
        extra = {"channel": channel, "recipient": recipient, "messages": count}
        _log.warning("%s is no recipient of %s any more; others get what he lacks", recipient, channel, extra=extra)
    return len(rows) == MOST
