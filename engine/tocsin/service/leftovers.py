"""What one that leads no more owes: incidents that it opened, and the one that leads knows nothing of."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from tocsin.errors import TocsinError
from tocsin.evaluate.memory import Commit, Memory, Store
from tocsin.evaluate.model import AlertState, Identity, Phase
from tocsin.evaluate.rule import key_of
from tocsin.evaluate.state import OPEN
from tocsin.ports import Action, Notification
from tocsin.spec import Notifications

log = logging.getLogger(__name__)

CLOSED = "opened by an evaluator that leads no more; the one that leads has it by another key, or it is over"


@dataclass(slots=True)
class Leftovers:
    """Incidents that were opened past the outbox by one that leads no more: nobody else knows of them.

    Each is closed when it is no use any more: the one that leads has told its alert by another key, or it is over.
    """

    _open: dict[tuple[str, str], tuple[Notification, Identity, datetime]] = field(default_factory=dict)

    def keep(self, told: Commit, memory: Memory, notifications: Iterable[Notifications]) -> None:
        """Remember what *told*, which is never stored, has opened."""
        alone = {name for document in notifications for name, spec in document.channels.items() if spec.per_alert}
        closed = {(m.channel, m.dedup_key) for m in told.sent if m.action is Action.RESOLVE}
        names = {view.dedup_key: view.identity for view in (*memory.views.values(), *told.views)}
        for message in (*told.sent, *told.outbox):
            place = (message.channel, message.dedup_key)
            opened = message.action is Action.FIRE and message.channel in alone and place not in closed
            if opened and (identity := names.get(message.dedup_key)) is not None:
                self._open[place] = (message, identity, told.at)

    def close(self, memory: Memory, store: Store, now: datetime, *, sighted: bool) -> None:
        """Close what can be; *memory* is as stored by the one that leads, with what this one has *sighted* itself."""
        try:
            for place, (message, identity, at) in tuple(self._open.items()):
                if memory.committed_at is None or memory.committed_at <= at:
                    continue  # the one that leads has not stored what it goes on with
                if _told(store, *place):
                    del self._open[place]  # by it, too: it closes it
                elif _useless(store, place, memory.alerts.get(identity), identity, sighted=sighted):
                    store.post((_end(message, now),), now)
                    del self._open[place]
                    log.warning("an incident is closed that only this evaluator knew", extra={"key": place[1]})
        except TocsinError as error:
            log.warning("what was opened past the outbox cannot be closed yet", extra={"error": str(error)})


def _told(store: Store, channel: str, key: str) -> bool:
    return any(letter.channel == channel for letter in store.letters_about(key))


def _useless(
    store: Store, place: tuple[str, str], state: AlertState | None, identity: Identity, *, sighted: bool
) -> bool:
    """Whether the incident is one of two, or its alert is over; a blind look proves nothing."""
    channel, key = place
    if state is not None and state.phase in OPEN:
        now_known_as = key_of(identity, state)
        return now_known_as != key and _told(store, channel, now_known_as)
    return sighted and (state is None or (state.phase is Phase.INACTIVE and state.blind_since is None))


def _end(message: Notification, now: datetime) -> Notification:
    texts = tuple(replace(text, resolved_at=now, reason=CLOSED) for text in message.alerts)
    return replace(message, action=Action.RESOLVE, alerts=texts, evaluated_at=now, seq=1, notes=(), receipt="")
