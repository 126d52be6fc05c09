"""What senders of alerts said last: written by requests, read by ticks.

It is stored before a sender gets its answer, so a process that dies forgets nothing; where the store fails, the alerts
count all the same, for the sender says them again every minute.
"""

import logging
import threading
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from tocsin.errors import SourceError, TocsinError
from tocsin.evaluate.claims import Claim, ClaimStore, fingerprint, later
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.received import Heard, Received, heard
from tocsin.evaluate.rule import Rule
from tocsin.evaluate.rulings import Evidence
from tocsin.evaluate.state import OPEN

log = logging.getLogger(__name__)

ENDED_FOR = timedelta(minutes=15)
"""How long an end is remembered: as long as Prometheus repeats it."""
SILENT_FOR = timedelta(days=7)
ASK_EVERY = timedelta(minutes=1)
"""How often the metric source is asked what its rules do, while a sender is silent."""
MOST = 100_000
"""Alerts that are remembered at most; beyond them a request is refused, and its sender counts that."""


class FullError(Exception):
    """More alerts than can be remembered."""


@dataclass(slots=True)
class Inbox:
    """All claims by fingerprint; *ask_rules* asks the metric source what its own alerting rules say of silent ones.

    It is told which, and how often it was asked.
    """

    store: ClaimStore
    ask_rules: Callable[[tuple[Claim, ...], int], tuple[Evidence, ...]]
    shared: bool = False
    """Whether evaluators on other hosts hear senders for us."""
    _claims: dict[str, Claim] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _rulings: tuple[Evidence, ...] = ()
    _asked_at: datetime | None = None
    _asked: int = 0

    def load(self) -> None:
        """Take up what the last process knew, or another one on the same store has heard."""
        try:
            stored = {fingerprint(claim.labels): claim for claim in self.store.all()}
        except TocsinError as error:
            log.warning("what senders said cannot be read", extra={"error": str(error)})
            return
        with self._lock:
            newer = {key: claim for key, claim in self._claims.items() if _newer(claim, stored.get(key))}
            self._claims = {**stored, **newer}

    def put(self, claims: Iterable[Claim]) -> None:
        """Remember the latest word on each alert; raises FullError and takes nothing where it would be too much."""
        found: dict[str, Claim] = {}
        with self._lock:
            for claim in claims:
                key = fingerprint(claim.labels)
                found[key] = later(found.get(key) or self._claims.get(key), claim)
            if len(self._claims.keys() | found.keys()) > MOST:
                raise FullError
            self._claims = {**self._claims, **found}
        try:
            self.store.put(found)
        except TocsinError as error:
            log.warning("what a sender said is not stored", extra={"error": str(error), "alerts": len(found)})

    def read(self, rules: Mapping[str, Rule], now: datetime, gone: Collection[str] = frozenset()) -> Heard:
        """Sort what is claimed by the rules it belongs to; asks the metric source only while a sender is silent."""
        if self.shared:
            self.load()
        with self._lock:
            claims = tuple(self._claims.values())
        if silent := tuple(claim for claim in claims if claim.silent(now)):
            self._look(silent, now)
        return heard(Received(claims, self._rulings), rules, now, gone)

    def tidy(self, told: Heard, memory: Memory, now: datetime) -> None:
        """Forget ends that have been told long ago, and the silence of senders about what is over by our own rules."""
        unseen = {fingerprint(claim.labels) for claim in told.blind}
        if unseen:
            unseen -= self._needed(told, memory)
        unseen |= {fingerprint(claim.labels) for claim in told.outdated}
        with self._lock:
            old = [key for key, claim in self._claims.items() if key in unseen or _old(claim, now)]
            if old:
                gone = set(old)
                self._claims = {key: claim for key, claim in self._claims.items() if key not in gone}
        try:
            self.store.forget(old)
        except TocsinError as error:
            log.warning("what senders said cannot be tidied", extra={"error": str(error)})

    def _needed(self, told: Heard, memory: Memory) -> set[str]:
        opened = {identity.rule for identity, state in memory.alerts.items() if state.phase in OPEN}
        ours = [claim for rule, pairs in told.ours.items() if rule in opened for claim, _ in pairs]
        return {fingerprint(claim.labels) for claim in (*ours, *(claim for claim, _ in told.theirs))}

    def _look(self, silent: tuple[Claim, ...], now: datetime) -> None:
        if self._asked_at is not None and timedelta() <= now - self._asked_at < ASK_EVERY:
            return
        self._asked_at = now
        self._asked += 1
        try:
            self._rulings = self.ask_rules(silent, self._asked)
        except SourceError as error:
            self._rulings = ()
            log.info("the metric source does not say what its rules do", extra={"error": str(error)})


def _newer(claim: Claim, stored: Claim | None) -> bool:
    return stored is None or stored.said_at < claim.said_at


def _old(claim: Claim, now: datetime) -> bool:
    lasting = SILENT_FOR if claim.tells_end and not claim.ended else ENDED_FOR
    return now - max(claim.ends_at, claim.said_at) > lasting
