"""Alerts that have to be said again: an Alertmanager takes one for over that nobody mentions for some minutes.

Once a minute everything is said again that a channel has been told of and that fires, and everything that ended in the
last quarter of an hour. Nothing of it is stored: it follows from the state, so a restart just goes on. An evaluation
that hangs does not stop it, for an alert that nobody can look at has not ended.
"""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from tocsin.errors import TocsinError
from tocsin.evaluate.memory import GroupKey, GroupState, Store
from tocsin.evaluate.model import AlertView
from tocsin.notify.routing import Directory, alert_text
from tocsin.ports import AlertText, Channel, Clock, Delivery, Outcome
from tocsin.service.board import Board
from tocsin.service.loop import Evaluator

log = logging.getLogger(__name__)

EVERY = timedelta(minutes=1)
"""As Prometheus does (`--rules.alert.resend-delay`)."""
RESOLVED_FOR = timedelta(minutes=15)
"""How long an end is said again, as Prometheus does (`resolvedRetention`)."""
MOST_RESOLVED = 1_000


@runtime_checkable
class Renewing(Protocol):
    """A channel that forgets what it is not told again; *lasting* is how long it remembers."""

    name: str
    lasting: timedelta

    def renew(self, texts: tuple[AlertText, ...], now: datetime) -> Delivery:
        """Say it again, all of it."""
        ...


def lasting(interval: timedelta) -> timedelta:
    """How long an alert lasts without news: four evaluations, or four of our minutes, as with Prometheus."""
    return 4 * max(interval, EVERY)


def standing(
    channel: str,
    groups: Mapping[GroupKey, GroupState],
    live: Mapping[str, AlertView],
    ended: Iterable[AlertView],
    now: datetime,
) -> tuple[AlertText, ...]:
    """What *channel* has been told of and fires, in the words of the moment, and what has just *ended*."""
    open_ones = {
        text.dedup_key: alert_text(live[text.dedup_key]) if text.dedup_key in live else text
        for text in _announced(channel, groups)
    }
    over = {
        view.dedup_key: alert_text(view)
        for view in ended
        if view.resolved_at is not None and now - view.resolved_at < RESOLVED_FOR
    }
    return (*over.values(), *(text for key, text in open_ones.items() if key not in over))


def teller(board: Board, store: Store, evaluator: Evaluator) -> Callable[[str, datetime], tuple[AlertText, ...]]:
    """What each channel has been told, by what the evaluator knows and the store remembers.

    While the store is away the ends are those that it knew last: what fires must be said again all the same.
    """
    past: Sequence[AlertView] = ()

    def tell(channel: str, now: datetime) -> tuple[AlertText, ...]:
        nonlocal past
        live = {view.dedup_key: view for view in board.read().alerts}
        directory = Directory.of(evaluator.notifications)
        try:
            past = store.history(severity=None, status="resolved", limit=MOST_RESOLVED)
        except TocsinError as error:
            log.warning("%s: ends cannot be said again: %s", channel, type(error).__name__)
        recent = (view for view in past if view.resolved_at and now - view.resolved_at < RESOLVED_FOR)
        ended = [view for view in recent if any(key.channel == channel for key in directory.destinations(view))]
        return standing(channel, evaluator.memory.groups, live, ended, now)

    return tell


def _announced(channel: str, groups: Mapping[GroupKey, GroupState]) -> Iterator[AlertText]:
    for key, state in groups.items():
        if key.channel == channel:
            yield from (episode.text for episode in state.episodes if episode.announced and episode.open)


@dataclass(slots=True)
class Renewal:
    """Renews in a thread of its own; *tell* gives what a channel has been told, and *leads* whether it is our turn."""

    clock: Clock
    tell: Callable[[str, datetime], tuple[AlertText, ...]]
    leads: Callable[[], bool]
    channels: tuple[Renewing, ...] = ()
    _stopping: threading.Event = field(default_factory=threading.Event)

    def follow(self, channels: Iterable[Channel], interval: timedelta) -> None:
        """Renew those of *channels* that need it from now on."""
        self.channels = tuple(channel for channel in channels if isinstance(channel, Renewing))
        for channel in self.channels:
            channel.lasting = lasting(interval)

    def start(self) -> None:
        """Begin."""
        threading.Thread(target=self._work, name="tocsin-renewal", daemon=True).start()

    def stop(self) -> None:
        """End; what is under way is not waited for."""
        self._stopping.set()

    def renew(self) -> None:
        """Say everything again once; what goes wrong is logged, never raised."""
        for channel in self.channels:
            now = self.clock.now()
            try:
                texts = self.tell(channel.name, now)
                told = channel.renew(texts, now) if texts else Delivery(Outcome.SENT)
            except Exception as error:  # noqa: BLE001  # its text may hold a secret, and the thread must go on
                log.error("%s: alerts could not be renewed: %s", channel.name, type(error).__name__)  # noqa: TRY400
                continue
            if told.outcome is not Outcome.SENT or told.detail:
                log.warning("%s: alerts were not renewed: %s", channel.name, told.detail)

    def _work(self) -> None:
        while not self._stopping.wait(EVERY.total_seconds()):
            if self.leads():
                self.renew()
