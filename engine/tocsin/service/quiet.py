"""Silences as the evaluator and the API see them: what the store says, or what it said last.

What is asked for while the store is away is held in memory, and stored when it is back: who silences has a reason now.
"""

import logging
import threading
import uuid
from collections.abc import Iterable
from datetime import datetime

from tocsin.errors import TocsinError
from tocsin.notify.silences import Silence, SilenceStore, asked, ended
from tocsin.service.last_known import LastKnown

log = logging.getLogger(__name__)


class Quiet:
    """The silences of one process, known from its start; a store that fails takes none away, and no tick with it."""

    def __init__(self, store: SilenceStore) -> None:
        self._store = store
        self._known: LastKnown[tuple[Silence, ...]] = LastKnown("the silences", store.all)
        self._held: dict[str, tuple[Silence, datetime]] = {}
        """By id: what is to be stored, and when it was asked for."""
        self._changing = threading.RLock()

    def now_known(self) -> tuple[Silence, ...]:
        """All of them; while the store does not answer, as of when it last did, and those asked for since."""
        known = self._known.now()
        with self._changing:
            if self._held and not self._known.failing:
                known = self._stored(known)
            held = {name: silence for name, (silence, _) in self._held.items()}
        if not held:
            return known
        return tuple(sorted(({each.id: each for each in known} | held).values(), key=lambda each: each.ends_at))

    def ask(self, wanted: Silence, now: datetime) -> Silence:
        """Make *wanted*, or change the one with its id; raises SilenceError, or KeyError for an unknown id."""
        with self._changing:
            known = self._by_id(wanted.id) if wanted.id else None
            changes = asked(wanted, known, str(uuid.uuid4()), now)
            self._put(changes, now)
        return changes[-1]

    def end(self, name: str, now: datetime) -> None:
        """End the one with the id *name*; raises SilenceError, or KeyError for an unknown id."""
        with self._changing:
            self._put((ended(self._by_id(name), now),), now)

    def _put(self, changes: Iterable[Silence], now: datetime) -> None:
        changes = tuple(changes)
        try:
            self._store.put(changes, now)
        except TocsinError as error:
            names = [silence.id for silence in changes]
            log.warning("silences are held in memory", extra={"silences": names, "error": str(error)})
            self._held |= {silence.id: (silence, now) for silence in changes}

    def _stored(self, known: tuple[Silence, ...]) -> tuple[Silence, ...]:
        """Store what is held; returns all that is known then."""
        try:
            for silence, at in self._held.values():
                self._store.put((silence,), at)
        except TocsinError:
            return known
        log.info("silences that were held in memory are stored", extra={"count": len(self._held)})
        self._held.clear()
        return self._known.now()

    def _by_id(self, name: str) -> Silence:
        return {silence.id: silence for silence in self.now_known()}[name]
