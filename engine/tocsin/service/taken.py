"""Acknowledgements as the evaluator, the API and the page see them: what the store says, or what it said last."""

import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from tocsin.errors import TocsinError
from tocsin.evaluate.model import Acknowledgement
from tocsin.notify.acknowledgements import LONGEST, AcknowledgementStore
from tocsin.service.held import Held
from tocsin.service.last_known import LastKnown
from tocsin.service.signing import genuine, signed

KEPT = timedelta(days=30)


class Taken:
    """Who has taken up which episode; with a *secret* only who knows the signature of an episode may say so.

    The signature stands in the link of a message, so who got the message can acknowledge, and who merely reaches the
    port cannot. What is taken while the store is away is held in memory, and stored when it is back.
    """

    def __init__(self, store: AcknowledgementStore, secret: str = "") -> None:
        self._store = store
        self._secret = secret
        self._known: LastKnown[Mapping[str, Acknowledgement]] = LastKnown("the acknowledgements", store.all)
        self._held: Held[Acknowledgement] = Held("acknowledgements", store.put)
        self._lock = threading.Lock()

    def known(self) -> Mapping[str, Acknowledgement]:
        """All of them; while the store does not answer, as of when it last did, and those taken since."""
        known = self._known.now()
        with self._lock:
            if not self._known.failing and self._held.stored():
                known = self._known.now()
            return {**self._held.items, **known}

    def is_held(self, dedup_key: str) -> bool:
        """Whether it is in memory alone, and lost if the process ends before the store is back."""
        return dedup_key in self._held.items

    def take(self, dedup_key: str, by: str, comment: str, now: datetime) -> Acknowledgement:
        """Note that *by* has it; who came first has it."""
        wanted = Acknowledgement(by.strip()[:LONGEST], now, comment.strip()[:LONGEST])
        if (first := self.known().get(dedup_key)) is not None:
            return first
        try:
            self._store.forget(now - KEPT)
            self._store.put(dedup_key, wanted)
            return self._store.all()[dedup_key]
        except TocsinError as error:
            with self._lock:
                if dedup_key not in self._held.items:
                    self._held.keep(dedup_key, wanted, error)
                return self._held.items[dedup_key]

    def give_back(self, dedup_key: str) -> None:
        """Nobody has it any more: reminders and escalation go on."""
        with self._lock:
            if self._held.items.pop(dedup_key, None) is None:
                self._store.withdraw(dedup_key)

    def signature(self, dedup_key: str) -> str:
        """What a link to this episode carries; empty without a secret."""
        return signed(self._secret, dedup_key)

    def may(self, dedup_key: str, signature: str) -> bool:
        """Whether who shows *signature* may acknowledge this episode."""
        return genuine(self._secret, dedup_key, signature)
