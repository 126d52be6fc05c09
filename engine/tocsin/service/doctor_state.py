"""`tocsin doctor --state`: what the state says, and how pages are closed that no evaluation will close."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tocsin.adapters.lease import SqlLease
from tocsin.adapters.state_reader import State, read_state
from tocsin.adapters.store import SqlStore
from tocsin.errors import MisuseError
from tocsin.evaluate.leadership import Held
from tocsin.evaluate.memory import Commit, GroupEpisode
from tocsin.evaluate.model import AlertView, Identity, Phase
from tocsin.notify.group import announce
from tocsin.ports import HEARTBEAT
from tocsin.service.doctor import (
    Symptom,
    count,
    of_canaries,
    of_gone_channels,
    of_letters,
    of_orphans,
    of_silences,
    open_pages,
    orphans,
)
from tocsin.service.leadership import name_of_process
from tocsin.spec import Notifications

OLDEST_COMMIT = timedelta(minutes=15)
"""Three of the longest intervals between evaluations."""
REASON = "closed by tocsin doctor"
LEASE = timedelta(seconds=60)


def of_state(where: str, notifications: tuple[Notifications, ...], looked_at: list[str]) -> Iterator[Symptom]:
    """All that is stored; what a service told already is told in the same words."""
    now, state = datetime.now(UTC), read_state(where)
    memory = state.memory
    looked_at.append(
        f"state: schema {state.schema}, {'led by ' + state.leader if state.leader else 'no evaluator leads'}, "
        f"last stored {_time(memory.committed_at)}, {count(len(list(open_pages(memory))), 'open page')}, "
        f"{count(sum(depth.pending for depth in state.depths if depth.channel != HEARTBEAT), 'message')} to send"
    )
    yield from of_leader(state, now)
    yield from of_orphans(memory)
    yield from of_letters(state.dead, now)
    if notifications:
        yield from of_gone_channels(state.pending, memory, [name for each in notifications for name in each.channels])
    yield from of_canaries(state.canaries, notifications, now)
    yield from of_silences(state.silences, now)


def of_leader(state: State, now: datetime) -> Iterator[Symptom]:
    """An evaluator that leads and stores nothing; without one nobody is told anything."""
    stored = state.memory.committed_at
    if not state.leader:
        what = "no evaluator leads: nobody is told anything now"
        yield Symptom(
            weight="note", part="lease", what=what, remedy="start `tocsin serve`, unless it is stopped on purpose"
        )
    elif stored is None or now - stored > OLDEST_COMMIT:
        what = f"{state.leader} leads, and stored its state last {_time(stored)}"
        yield Symptom(
            weight="wrong", part="lease", what=what, remedy="its log says why; `tocsin doctor --url …` asks it"
        )


def close_orphans(where: str, notifications: tuple[Notifications, ...]) -> tuple[Symptom, ...]:
    """Put the ends of all open pages without a live alert into the outbox, as the evaluator that leads meanwhile.

    Their conversations go on by the rules of `announce`: where others of its alerts are still open, the end is told
    with the next message.
    """
    read_state(where)  # no lease and no store where there is none, or one of another release
    with closing(SqlLease(where)) as lease, closing(SqlStore(where)) as store:
        holder = f"tocsin doctor {name_of_process()}"
        held = lease.acquire(holder, LEASE)
        if not isinstance(held, Held):
            raise MisuseError(f"--close: {held.holder} leads", hint="stop all evaluators on this state first")
        try:
            store.fence = held.token
            return _closed(store, notifications, datetime.now(UTC))
        finally:
            lease.release(holder)


def _closed(store: SqlStore, notifications: tuple[Notifications, ...], now: datetime) -> tuple[Symptom, ...]:
    memory = store.load()
    found = orphans(memory)
    if not found:
        return ()
    views = {episode.text.dedup_key: _ended(store, episode, now) for _, episode in found}
    known = {key: view for key, view in views.items() if (seen := store.episode(key)) and seen.resolved_at is None}
    concerned = {key: memory.groups[key] for key, _ in found}
    groups, outbox = announce(concerned, views.values(), notifications, now)
    store.commit(Commit(at=now, views=tuple(known.values()), groups=groups, outbox=outbox))
    return tuple(
        Symptom(weight="note", part="pages", what=f"closed on {key.channel}: {episode.text.title}", remedy="")
        for key, episode in found
    )


def _ended(store: SqlStore, episode: GroupEpisode, now: datetime) -> AlertView:
    """The episode as one that is over; from what people were told, where nothing else is known of it."""
    text = episode.text
    seen = store.episode(text.dedup_key)
    if seen is not None:
        return replace(seen, phase=Phase.INACTIVE, resolved_at=now, blind_since=None, reason=REASON, muted=())
    return AlertView(
        identity=episode.alert or Identity(text.title),
        service=text.service,
        title=text.title,
        summary=text.summary,
        severity=text.severity,
        phase=Phase.INACTIVE,
        started_at=text.started_at,
        fired_at=episode.told_at or text.started_at,
        resolved_at=now,
        blind_since=None,
        dedup_key=text.dedup_key,
        labels=text.labels,
        facts=text.facts,
        reason=REASON,
        runbook=text.runbook,
        description=text.description,
    )


def _time(at: datetime | None) -> str:
    return f"at {at:%Y-%m-%d %H:%M:%S} UTC" if at else "never"
