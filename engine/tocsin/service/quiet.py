"""Silences as the evaluator and the API see them: what the store says, or what it said last."""

import threading
import uuid
from datetime import datetime

from tocsin.notify.silences import Silence, SilenceStore, asked, ended
from tocsin.service.last_known import LastKnown


class Quiet:
    """The silences of one process, known from its start; a store that fails takes none away, and no tick with it."""

    def __init__(self, store: SilenceStore) -> None:
        self._store = store
        self._known: LastKnown[tuple[Silence, ...]] = LastKnown("the silences", store.all)
        self._changing = threading.Lock()

    def now_known(self) -> tuple[Silence, ...]:
        """All of them; while the store does not answer, as of when it last did."""
        return self._known.now()

    def ask(self, wanted: Silence, now: datetime) -> Silence:
        """Make *wanted*, or change the one with its id; raises SilenceError, or KeyError for an unknown id."""
        with self._changing:
            known = self._by_id(wanted.id) if wanted.id else None
            changes = asked(wanted, known, str(uuid.uuid4()), now)
            self._store.put(changes, now)
        return changes[-1]

    def end(self, name: str, now: datetime) -> None:
        """End the one with the id *name*; raises SilenceError, or KeyError for an unknown id."""
        with self._changing:
            self._store.put((ended(self._by_id(name), now),), now)

    def _by_id(self, name: str) -> Silence:
        found = {silence.id: silence for silence in self._store.all()}
        return found[name]
