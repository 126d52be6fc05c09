"""The rows of the outbox: how messages get there, what is recorded of them, where those go that are given up."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, bindparam, case, func, insert, select, update

from tocsin.adapters.codec import decode, encode, instant, microseconds
from tocsin.adapters.outbox import urgency
from tocsin.adapters.tables import CANARIES, EVALUATOR, OUTBOX
from tocsin.errors import UnavailableError
from tocsin.evaluate.memory import Fallback, Letter, OutboxDepth, Settled, Waiting
from tocsin.notify.fallback import diverted
from tocsin.ports import CANARY, HEARTBEAT, Action, Notification, Outcome

PENDING, SENT, DEAD, SUPERSEDED = "pending", "sent", "dead", "superseded"


def depths(connection: Connection) -> tuple[OutboxDepth, ...]:
    """The state of the outbox by channel."""
    waits = OUTBOX.c.status == PENDING
    figures = (
        func.count().filter(waits),
        func.min(OUTBOX.c.first_due).filter(waits),
        func.count().filter(OUTBOX.c.status == DEAD),
        func.min(_due()).filter(waits),
        func.min(_due()).filter(waits & (OUTBOX.c.attempts == 0)),
    )
    line = (OUTBOX.c.channel, OUTBOX.c.recipient)
    query = select(*line, *figures).group_by(*line).order_by(*line)
    found: dict[str, OutboxDepth] = {}
    for channel, recipient, pending, oldest, dead, due, untried in connection.execute(query):
        before = found.get(channel, OutboxDepth(channel, 0, None, 0))
        waiting = () if due is None else (Waiting(recipient, instant(due), _instant(untried)),)
        found[channel] = OutboxDepth(
            channel,
            before.pending + pending,
            min((at for at in (before.oldest, _instant(oldest)) if at is not None), default=None),
            before.dead + dead,
            (*before.waits, *waiting),
        )
    return tuple(found.values())


def letters(connection: Connection, status: str, limit: int) -> tuple[Letter, ...]:
    """Messages by what became of them, newest first; heartbeats are none."""
    newest = (func.coalesce(OUTBOX.c.settled_at, OUTBOX.c.first_due).desc(), OUTBOX.c.id.desc())
    mine = (OUTBOX.c.status == status) & (OUTBOX.c.channel != HEARTBEAT)
    return _letters(connection.execute(select(OUTBOX).where(mine).order_by(*newest).limit(limit)).all())


def letters_about(connection: Connection, dedup_key: str) -> tuple[Letter, ...]:
    """All messages in which the episode *dedup_key* stands, in order."""
    mine = OUTBOX.c.message.contains(f'"dedup_key":{encode(dedup_key)}', autoescape=True)
    return _letters(connection.execute(select(OUTBOX).where(mine).order_by(OUTBOX.c.id)).all())


def fires(connection: Connection, since: int) -> tuple[Notification, ...]:
    """Messages put there since then that opened something critical, in order; what cannot be read opened nothing."""
    mine = (OUTBOX.c.action == Action.FIRE.value) & (OUTBOX.c.urgency == 0) & (OUTBOX.c.first_due >= since)
    once = select(func.min(OUTBOX.c.id)).where(mine).group_by(*(OUTBOX.c[name] for name in _PLACE))
    rows = connection.scalars(select(OUTBOX.c.message).where(OUTBOX.c.id.in_(once)).order_by(OUTBOX.c.id))
    return tuple(message for text in rows if (message := _readable(text)) is not None)


def _letters(rows: Iterable[Row[Any]]) -> tuple[Letter, ...]:
    return tuple(
        Letter(
            row.channel,
            row.dedup_key,
            row.action,
            row.status,
            _titles(row.message),
            instant(row.first_due),
            _instant(row.settled_at),
            row.attempts,
            row.detail,
            row.fell_to,
            row.recipient,
        )
        for row in rows
    )


MOST_TITLES = 10


def _titles(message: str) -> tuple[str, ...]:
    """What it is about; nothing where it cannot be read."""
    read = _readable(message)
    return tuple(text.title for text in read.alerts[:MOST_TITLES]) if read is not None else ()


def _readable(message: str) -> Notification | None:
    try:
        return decode(Notification, message)
    except UnavailableError:
        return None


def post(connection: Connection, messages: Sequence[Notification], at: datetime) -> None:
    """Put *messages* into the outbox; what is there already is not put there again.

    Where an earlier message of a conversation went to a fallback, what follows goes there as well.
    """
    known = _known(connection, messages)
    fresh = [m for m in messages if _place(m) not in known]
    _insert(connection, fresh, at, {"status": PENDING, "attempts": 0})
    if copies := list(_following(connection, fresh)):
        post(connection, copies, at)


def settle(connection: Connection, settled: Settled, now: datetime, fallback: Fallback | None) -> None:
    """Record one attempt; what is dead goes the *fallback*. A lease that was taken over can only tell of a success."""
    parcel, delivery, outcome = settled.parcel, settled.delivery, settled.delivery.outcome
    mine = (OUTBOX.c.id == parcel.id) & (OUTBOX.c.status == PENDING)
    changes: dict[str, Any] = {"leased_until": None, "detail": delivery.detail}
    if delivery.receipt:
        changes["receipt"] = delivery.receipt
    if outcome is not Outcome.SENT:
        mine &= OUTBOX.c.token == parcel.token
        changes["unknowns"] = OUTBOX.c.unknowns + int(outcome is Outcome.UNKNOWN)
    dead = outcome is not Outcome.SENT and settled.retry_at is None
    if outcome is Outcome.SENT or dead:
        changes |= {"status": DEAD if dead else SENT, "settled_at": microseconds(now)}
    elif settled.retry_at is not None:
        changes["next_at"] = microseconds(settled.retry_at)
    done = connection.execute(update(OUTBOX).where(mine).values(changes)).rowcount
    if done and outcome is Outcome.SENT and parcel.notification.dedup_key.startswith(CANARY):
        sung = CANARIES.c.channel == parcel.notification.channel
        connection.execute(update(CANARIES).where(sung).values(delivered_at=microseconds(now)))
    if done and dead and fallback is not None and not _held(connection, parcel.notification):
        fell = {"fell_to": fallback.to, "fell_alone": int(fallback.alone)}
        connection.execute(update(OUTBOX).where(*_at(parcel.notification)).values(fell))
        divert(connection, parcel.notification, fallback, delivery.detail, now)


def _held(connection: Connection, message: Notification) -> bool:
    """Whether some recipient has the message, or may have it yet; who does not take it last sends it elsewhere."""
    alive = select(OUTBOX.c.id).where(*_at(message), OUTBOX.c.status != DEAD)
    return connection.scalar(alive.limit(1)) is not None


def _at(message: Notification) -> Iterator[ColumnElement[bool]]:
    """What is at the place of *message*: one for each recipient."""
    return (OUTBOX.c[name] == value for name, value in zip(_PLACE, _place(message), strict=True))


def divert(connection: Connection, message: Notification, fallback: Fallback, detail: str, at: datetime) -> None:
    """Put what was given up into the outbox of another channel."""
    post(connection, diverted(message, fallback, f"not delivered to {message.channel}: {detail}"), at)


def _following(connection: Connection, messages: Sequence[Notification]) -> Iterator[Notification]:
    fallen = OUTBOX.c.fell_to.is_not(None)
    lines = (OUTBOX.c.channel, OUTBOX.c.dedup_key, OUTBOX.c.fell_to, OUTBOX.c.fell_alone)
    found: dict[tuple[str, str], Fallback] = {}
    for channel in {message.channel for message in messages}:
        keys = sorted({message.dedup_key for message in messages if message.channel == channel})
        for start in range(0, len(keys), 500):
            bite = (OUTBOX.c.channel == channel) & OUTBOX.c.dedup_key.in_(keys[start : start + 500])
            for row in connection.execute(select(*lines).where(fallen, bite)):
                found[row.channel, row.dedup_key] = Fallback(row.fell_to, alone=bool(row.fell_alone))
    for message in messages:
        if fallback := found.get((message.channel, message.dedup_key)):
            yield from diverted(message, fallback, f"told here, as {message.channel} did not take what came before")


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


def _due() -> ColumnElement[int]:
    """When a message may be taken: the latest of three times, in words that every database knows."""
    retry, lease = OUTBOX.c.next_at, func.coalesce(OUTBOX.c.leased_until, 0)
    later = case((retry > lease, retry), else_=lease)
    return case((OUTBOX.c.first_due > later, OUTBOX.c.first_due), else_=later)


def _instant(count: int | None) -> datetime | None:
    return None if count is None else instant(count)
