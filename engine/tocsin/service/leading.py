"""What a process does because it leads, and because it does not any more.

Who leads evaluates, stores and sends. Who follows evaluates in the shadow of the leader and shows how things stand.
"""

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from tocsin.adapters.store import SqlStore
from tocsin.errors import FencedError, TocsinError
from tocsin.evaluate.fitness import Fitness, fitness
from tocsin.evaluate.leadership import Role
from tocsin.evaluate.memory import Fallback
from tocsin.notify.fallback import fallbacks
from tocsin.ports import Channel
from tocsin.service.board import Board
from tocsin.service.couriers import Couriers
from tocsin.service.delivery import reaching_nobody
from tocsin.service.inbox import Inbox
from tocsin.service.keeper import Keeper
from tocsin.service.leadership import Leadership
from tocsin.service.loop import Evaluator
from tocsin.service.paged import Paged
from tocsin.service.scheduler import Due
from tocsin.service.telemetry import Telemetry

log = logging.getLogger(__name__)

DOUBT = "another evaluator may have sent this, too: the state store does not answer"


@dataclass(slots=True)
class Leading:
    """The role that this process plays; only the thread that evaluates changes it."""

    leadership: Leadership
    evaluator: Evaluator
    store: SqlStore
    couriers: Couriers
    inbox: Inbox
    paged: Paged
    keeper: Keeper | None
    board: Board
    telemetry: Telemetry
    role: Role = field(default_factory=Role)
    _keeping: bool = False

    def start(self) -> None:
        """Ask for the lease for the first time."""
        self.play(self.leadership.start())

    def follow(self) -> bool:
        """Play what the lease says now; whether that is something else than before."""
        changed = (role := self.leadership.role) != self.role
        if changed:
            self.play(role)
        return changed

    def evaluate(self, due: Due) -> None:
        """Evaluate as who leads, or in the shadow of who does."""
        if not self.role.leads:
            self.evaluator.shadow(due)
            self.leadership.judged(self._fitness())
            return
        try:
            self.evaluator.tick(due)
        except FencedError as error:
            log.warning("this evaluator does not lead any more", extra={"why": str(error)})
            self.play(self.leadership.ask())
            return
        self.leadership.judged(self._fitness())
        if self.keeper is not None and not self._keeping:
            self.keeper.start()  # the first evaluation asks the most, and comes first
            self._keeping = True

    def _fitness(self) -> Fitness:
        """How the last evaluation went, and whether anything of what is to be told arrives."""
        standing = self.board.read()
        if standing.snapshot is None or standing.tick_error:
            return Fitness()
        cut_off: tuple[str, ...] = ()
        if self.role.leads:
            with suppress(TocsinError):
                depths = self.store.depths()
                sent = partial(self.store.letters, "sent", 1)
                cut_off = reaching_nobody(self.couriers.workers(depths), depths, sent)
        return fitness(standing.snapshot.source, standing.snapshot.at, standing.interval, cut_off)

    def play(self, role: Role) -> None:
        """Begin to lead, or to follow; what follows evaluates and shows, and tells nobody."""
        before, self.role = self.role, role
        self.board.update(role=role)
        self.telemetry.leads.set(role.leads)
        self.evaluator.doubt = DOUBT if role.open else ""
        self.store.fence = role.token
        anew = role.leads and not before.leads
        if anew:
            self.inbox.load()
            self.paged.forget()
        if role.leads and (anew or role.token != before.token):
            now, length = self.evaluator.clock.now(), self.leadership.length
            self.evaluator.lead(now + length if role.lapsed else None, anew=anew)
        if anew:
            self.couriers.start()
        elif before.leads and not role.leads:
            self.evaluator.give_way()
            self.hand_over(self.evaluator.detour.channels, fallbacks(self.evaluator.notifications))

    def hand_over(self, channels: Mapping[str, Channel], others: Mapping[str, Fallback]) -> None:
        """Deliver through *channels* from now on; what is being sent is finished beside, the store keeps them apart."""
        self.couriers.hand_over(channels, others)
        if self.role.leads:
            self.couriers.start()
        self.evaluator.detour.channels, self.evaluator.detour.fallbacks = channels, others
