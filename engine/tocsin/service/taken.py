"""Acknowledgements as the evaluator, the API and the page see them: what the store says, or what it said last."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from tocsin.evaluate.model import Acknowledgement
from tocsin.notify.acknowledgements import LONGEST, AcknowledgementStore
from tocsin.service.last_known import LastKnown
from tocsin.service.signing import genuine, signed

KEPT = timedelta(days=30)


class Taken:
    """Who has taken up which episode; with a *secret* only who knows the signature of an episode may say so.

    The signature stands in the link of a message, so who got the message can acknowledge, and who merely reaches the
    port cannot.
    """

    def __init__(self, store: AcknowledgementStore, secret: str = "") -> None:
        self._store = store
        self._secret = secret
        self._known: LastKnown[Mapping[str, Acknowledgement]] = LastKnown("the acknowledgements", store.all)

    def known(self) -> Mapping[str, Acknowledgement]:
        """All of them; while the store does not answer, as of when it last did."""
        return self._known.now()

    def take(self, dedup_key: str, by: str, comment: str, now: datetime) -> Acknowledgement:
        """Note that *by* has it; who came first has it."""
        self._store.forget(now - KEPT)
        self._store.put(dedup_key, Acknowledgement(by.strip()[:LONGEST], now, comment.strip()[:LONGEST]))
        return self._store.all()[dedup_key]

    def give_back(self, dedup_key: str) -> None:
        """Nobody has it any more: reminders and escalation go on."""
        self._store.withdraw(dedup_key)

    def signature(self, dedup_key: str) -> str:
        """What a link to this episode carries; empty without a secret."""
        return signed(self._secret, dedup_key)

    def may(self, dedup_key: str, signature: str) -> bool:
        """Whether who shows *signature* may acknowledge this episode."""
        return genuine(self._secret, dedup_key, signature)
