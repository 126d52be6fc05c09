"""Silences as the evaluator and the API see them: what the store says, or what it said last.

What is asked for while the store is away is held in memory, and stored when it is back: who silences has a reason now.
"""

import threading
import uuid
from collections.abc import Iterable
from datetime import datetime

from tocsin.errors import TocsinError
from tocsin.notify.silences import Silence, SilenceStore, asked, ended
from tocsin.service.held import Held
from tocsin.service.last_known import LastKnown


class Quiet:
    """The silences of one process, known from its start; a store that fails takes none away, and no tick with it."""

    def __init__(self, store: SilenceStore) -> None:
        self._store = store
        self._known: LastKnown[tuple[Silence, ...]] = LastKnown("the silences", store.all)
        self._held: Held[tuple[Silence, datetime]] = Held("silences", lambda _, asked: store.put((asked[0],), asked[1]))
        """With when each was asked for."""
        self._changing = threading.RLock()

    def now_known(self) -> tuple[Silence, ...]:
        """All of them; while the store does not answer, as of when it last did, and those asked for since."""
        known = self._known.now()
        with self._changing:
            if not self._known.failing and self._held.stored():
                known = self._known.now()
            held = {name: silence for name, (silence, _) in self._held.items.items()}
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
            for silence in changes:
                self._held.keep(silence.id, (silence, now), error)

    def _by_id(self, name: str) -> Silence:
        return {silence.id: silence for silence in self.now_known()}[name]
