"""Digests: what is not urgent is told together, once a day or every few hours; pure.

A digest tells of what fired and of what ended since the one before it; an alert that did both is in it once. Where
nothing happened there is none, and what still fires is counted, not told again. Each is a message of its own, so that
no receiver takes it for an update of the last one.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256

from tocsin.evaluate.memory import GroupEpisode, GroupKey, GroupState
from tocsin.notify.hours import digest_due
from tocsin.notify.pacing import reading_order
from tocsin.ports import DIGEST, Action, AlertText, Notification
from tocsin.spec import Digest


def digested(
    key: GroupKey,
    state: GroupState,
    digest: Digest,
    texts: Mapping[str, AlertText],
    *,
    silent: Collection[GroupEpisode],
    now: datetime,
) -> tuple[GroupState, list[Notification]]:
    """Say what a conversation has to say, if its time has come; nothing is said of what is *silent*."""
    news = _news(state, silent)
    if not news or now < due(digest, state, silent):
        return replace(state, echoes=()), []
    told = [replace(e, text=texts.get(e.text.dedup_key, e.text), announced=True) if e.open else e for e in news]
    kept = [e for e in state.episodes if e.open and e not in news] + [e for e in told if e.open]
    still = len(kept) - sum(e.open for e in told)
    action = Action.FIRE if any(e.open for e in told) else Action.RESOLVE
    alerts = tuple(sorted((e.text for e in told), key=reading_order))
    thread, notes = _thread(key, alerts, now), _notes(told, still)
    message = Notification(key.channel, thread, action, alerts, now, key.labels, 0, notes)
    return replace(state, episodes=tuple(kept), sent_at=now, said=state.said + 1, echoes=()), [message]


def due(digest: Digest, state: GroupState, silent: Collection[GroupEpisode] = ()) -> datetime:
    """When a conversation that has something to say says it."""
    return digest_due(digest, min(map(_happened, _news(state, silent))), state.sent_at)


def _news(state: GroupState, silent: Collection[GroupEpisode]) -> list[GroupEpisode]:
    hushed = {e.text.dedup_key for e in silent}  # all open
    return [e for e in state.episodes if not (e.open and e.text.dedup_key in hushed) and not (e.announced and e.open)]


def _happened(episode: GroupEpisode) -> datetime:
    """When there was the first news of it that nobody was told."""
    ended = episode.text.resolved_at
    return ended if episode.announced and ended is not None else episode.seen_at


def _notes(told: list[GroupEpisode], still: int) -> tuple[str, ...]:
    """How many of what; an alert that nobody knew of may have ended, too."""
    counts = (
        (sum(e.open for e in told), "new"),
        (sum(not e.open and not e.announced for e in told), "came and went"),
        (sum(not e.open and e.announced for e in told), "told of before ended"),
        (still, "told of before still firing"),
    )
    return (f"a digest: {', '.join(f'{count} {what}' for count, what in counts if count)}",)


def _thread(key: GroupKey, alerts: Iterable[AlertText], now: datetime) -> str:
    """Of what it tells, too: after the clock was set back the same instant comes twice."""
    told = [(text.dedup_key, text.resolved_at is None) for text in alerts]
    return DIGEST + sha256(repr((key.channel, key.route, key.labels, now.isoformat(), told)).encode()).hexdigest()[:40]
