"""The tick: look, decide, announce, store, deliver; nothing that happens inside ends the process."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from tocsin.errors import FencedError, TocsinError
from tocsin.evaluate.faults import Faults
from tocsin.evaluate.memory import Commit, Memory, Store, joined, remembered, remembered_groups
from tocsin.evaluate.model import Acknowledgement, AlertView, Phase, Snapshot
from tocsin.evaluate.received import removed
from tocsin.evaluate.renaming import Carried, carried
from tocsin.evaluate.sight import Sight
from tocsin.evaluate.tick import Spread, Watch, turn
from tocsin.notify.acknowledgements import seen_to
from tocsin.notify.group import announce
from tocsin.notify.muting import NOTHING, Muting
from tocsin.notify.pacing import flapping
from tocsin.notify.page_budgets import Spending
from tocsin.notify.silence_ends import ending
from tocsin.notify.silences import Silence
from tocsin.ports import CANARY, HEARTBEAT, Clock, MetricSource, Notification
from tocsin.service.board import BlindRule, Board
from tocsin.service.canary import Canaries
from tocsin.service.detour import Detour, key_of
from tocsin.service.heartbeat import Heart
from tocsin.service.inbox import Inbox
from tocsin.service.leftovers import Leftovers
from tocsin.service.links import NO_LINKS, Links
from tocsin.service.logbook import tell, tell_names
from tocsin.service.overlap import Overlap
from tocsin.service.paged import Paged
from tocsin.service.scheduler import Due
from tocsin.service.standby import Standby
from tocsin.service.telemetry import Telemetry
from tocsin.spec import Notifications

log = logging.getLogger(__name__)


class Deliverer(Protocol):
    """Whoever empties the outbox."""

    def wake(self) -> None:
        """Look into the outbox now."""
        ...


@dataclass(slots=True)
class Evaluator:
    """Everything one tick needs; *memory* is the truth of this process, the store its copy for the next one.

    Where a commit fails, its changes join those of the next tick, so nothing is lost unless the process ends first,
    and its messages take the *detour*.
    """

    watch: Watch
    notifications: tuple[Notifications, ...]
    memory: Memory
    source: MetricSource
    store: Store
    deliverer: Deliverer
    board: Board
    telemetry: Telemetry
    clock: Clock
    detour: Detour
    spread: Spread = map
    aside: Spread = map
    silences: Callable[[], tuple[Silence, ...]] = tuple
    acknowledgements: Callable[[], Mapping[str, Acknowledgement]] = dict
    muting: Muting = NOTHING
    """What the definitions mute by."""
    inbox: Inbox | None = None
    doubt: str = ""
    """What every message says while another evaluator may lead, too."""
    unstored: str = ""
    """What a message says that the state did not take, where another evaluator cannot know of it."""
    heart: Heart | None = None
    links: Links = NO_LINKS
    canaries: Canaries | None = None
    paged: Paged | None = None
    unsaved: Commit | None = None
    standby: Standby = field(default_factory=Standby)
    overlap: Overlap | None = None
    leftovers: Leftovers = field(default_factory=Leftovers)
    faults: tuple[str, ...] = ()
    """What the last tick could not evaluate because of a bug."""

    def tick(self, due: Due) -> None:
        """Evaluate the instant of *due*; what goes wrong is logged, counted and shown, never raised."""
        if due.missed:
            self.telemetry.missed.inc(due.missed)
            log.warning("evaluation took too long, slots were skipped", extra={"missed": due.missed})
        if due.forced:
            self.telemetry.forced.inc()
            log.warning("the wall clock went back, evaluating anyway", extra={"instant": due.at})
            self._set_back()
        try:
            with self.telemetry.tick_duration.time():
                snapshot = self._evaluate(due.at)
        except FencedError:
            raise
        except Exception as error:
            log.exception("a tick failed", extra={"instant": due.at})
            self._failed(error)
            return
        self.telemetry.ticks.labels("ok").inc()
        self._show(snapshot)

    def _set_back(self) -> None:
        try:
            self.store.set_back(self.clock.now())
        except FencedError:
            raise
        except TocsinError as error:
            log.warning("what waits in the outbox waits for the old time", extra={"error": str(error)})
        self.deliverer.wake()

    def shadow(self, due: Due) -> None:
        """Look as the evaluator that leads does, from what it has stored, and store and tell nothing.

        So the questions are warm when this one takes over, and its page shows how things stand. What begins is
        remembered: where the one that leads does not store it, both know it by the same first instant.
        """
        read = True
        try:
            self.memory = self.standby.caught_up(self.memory, self.store.load())
        except TocsinError as error:
            read = False
            self.standby.silent(due.at)
            log.warning("the state cannot be read, its last one is gone on with", extra={"error": str(error)})
        try:
            memory = self._carried(Faults()).memory
            sight = self._look(memory, due.at)
            turned = turn(self.watch, sight, memory, due.at)
        except Exception as error:
            log.exception("a tick failed", extra={"instant": due.at})
            self._failed(error)
            return
        self.memory = self.standby.gone_on(self.memory, memory, turned.alerts)
        if read and self.detour.wait(0):
            sighted = sight.health.ok and not sight.questions and not sight.late
            self.leftovers.close(self.memory, self.store, due.at, sighted=sighted)
        self.telemetry.ticks.labels("ok").inc()
        self._show(replace(turned.snapshot, alerts=self.marked(turned.snapshot.alerts, due.at)))

    def lead(self, until: datetime | None, *, anew: bool) -> None:
        """Go on with what is stored, and with what began since; *anew* as one that has followed.

        Where another one has stored something since this one last knew, what this one has not stored is dropped.
        With *until* another one may have led up to now, and tell people until then.
        """
        try:
            stored = self.store.load()
        except TocsinError as error:
            log.warning("leads with what it remembers", extra={"error": str(error)})
        else:
            if not anew and self.standby.outdone(stored):
                self.give_way()
                anew = True
            if anew:
                self.memory = self.standby.caught_up(self.memory, stored)
        self.overlap = self.overlap if until is None else Overlap(self.standby.stored_at, until)

    def give_way(self) -> None:
        """Drop what is not stored: whoever leads tells it from what it sees itself. What it does not know is kept."""
        if self.unsaved is not None:
            split = self.detour.sort(self.unsaved.outbox)
            told = replace(self.unsaved, outbox=(*split.free, *split.waiting), sent=(*self.unsaved.sent, *split.sent))
            self.leftovers.keep(told, self.memory, self.notifications)
        self.unsaved = self.overlap = None
        self.standby.lost()
        self.detour.clear()

    def _failed(self, error: Exception) -> None:
        self.telemetry.ticks.labels("failed").inc()
        self.board.update(tick_error=f"{type(error).__name__}; the log says more")

    def _carried(self, faults: Faults) -> Carried:
        rules = self.watch.rules
        known = faults.attempt("renamed rules", lambda: carried(self.memory, rules), lambda _: Carried(self.memory))
        self.watch.renamed(known.names)
        return known

    def _look(self, memory: Memory, now: datetime) -> Sight:
        sight = self.watch.look(self.source, now, memory=memory, spread=self.spread, aside=self.aside)
        self.telemetry.late.set(sight.late)
        if self.paged is not None:
            sight = replace(sight, overspent=self._overspent(self.paged.spending(self.notifications, now)))
        sight = replace(sight, ending=ending(self.silences(), memory.views.values(), now))
        if self.inbox is None:
            return sight
        rules = self.watch.rules
        return replace(sight, heard=self.inbox.read(rules, now, removed(memory.alerts, rules)))

    def _overspent(self, spending: tuple[Spending, ...]) -> Mapping[str, tuple[float, str]]:
        """Show how much of page budgets is spent; returns those of which it is too much."""
        self.board.update(page_budgets=spending)
        return {one.budget.name: (float(one.pages), one.words) for one in spending if one.over}

    def marked(self, views: tuple[AlertView, ...], now: datetime) -> tuple[AlertView, ...]:
        """The *views* with why nobody is told of them, and who has taken them up."""
        muting = replace(self.muting, silences=self.silences())
        return seen_to(muting.over(views, now), self.acknowledgements())

    def _evaluate(self, now: datetime) -> Snapshot:
        faults = Faults()
        known = self._carried(faults)
        memory = known.memory
        sight = self._look(memory, now)
        turned = turn(self.watch, sight, memory, now)
        views = self.marked(turned.views, now)
        groups, outbox = announce(memory.groups, views, self.notifications, now)
        outbox = self.links.added(outbox, views, sight.graphs)
        if self.paged is not None:
            outbox = self.paged.noted(outbox, self.notifications, now)
        if self.overlap is not None:
            outbox = self.overlap.noted(outbox, memory, views, now)
            self.overlap = self.overlap if self.overlap.lasts(views, now) else None
        if self.heart is not None and sight.health.ok and self.unsaved is None:
            outbox = (*outbox, *self.heart.beat(now))
        if self.canaries is not None and self.unsaved is None and not self.doubt:
            outbox = (*outbox, *self.canaries.released(self.notifications, remembered_groups(memory, groups), now))
        outbox = noted(outbox, self.doubt)
        fresh = tuple(view for view in views if self.memory.views.get(view.identity) != view)
        alerts, groups = {**self.standby.begun, **known.alerts, **turned.alerts}, {**known.groups, **groups}
        commit = Commit(at=now, alerts=alerts, views=fresh, groups=groups, outbox=outbox)
        self._commit(commit)
        self.memory, self.standby.begun = remembered(memory, commit), {}
        if self.inbox is not None:
            self.inbox.tidy(sight.heard, self.memory, now)
        tell_names(known.names)
        tell(turned, outbox)
        self._tell_faults((*faults.texts, *turned.faults))
        return replace(turned.snapshot, alerts=self.marked(turned.snapshot.alerts, now))

    def _commit(self, commit: Commit) -> None:
        """Store *commit* and what could not be stored before; a store that fails stops neither evaluation nor pages."""
        whole = commit if self.unsaved is None else joined(self.unsaved, commit)
        split = self.detour.sort(whole.outbox)
        free, waiting, sent = split.free, split.waiting, (*whole.sent, *split.sent)
        try:
            self.store.commit(replace(whole, outbox=free, sent=sent))
        except FencedError:
            if self.unsaved is not None:
                gone = {key_of(message) for message in split.sent}
                rest = tuple(message for message in self.unsaved.outbox if key_of(message) not in gone)
                self.unsaved = replace(self.unsaved, outbox=rest, sent=sent)
            raise
        except Exception as error:
            waiting = noted(waiting, self.unstored)
            free = noted((message for message in free if not _tries(message)), self.unstored)
            self.unsaved = replace(whole, outbox=(*waiting, *free), sent=sent)
            self.standby.silent(commit.at)
            self.telemetry.commit_failures.inc()
            log.exception("the state could not be stored", extra={"messages_held_back": len(free) + len(waiting)})
            why = str(error) if isinstance(error, TocsinError) else f"{type(error).__name__}; the log says more"
            self.board.update(commit_error=why)
            self.detour.send(free)
            return
        if self.unsaved is not None:
            log.warning("the state is stored again")
            self.detour.end()
        self.unsaved = Commit(at=commit.at, outbox=waiting) if waiting else None
        self.telemetry.last_commit.set(self.clock.now().timestamp())
        self.board.update(commit_error="", committed_at=commit.at)
        self.standby.stored(commit.at)
        self.deliverer.wake()

    def _tell_faults(self, faults: tuple[str, ...]) -> None:
        """Count every fault, and log each when it is new: it comes again with every tick."""
        self.telemetry.faults.inc(len(faults))
        for fault in faults:
            if fault not in self.faults:
                log.error("a rule could not be evaluated", extra={"fault": fault})
        self.faults = faults

    def finish(self, seconds: float) -> None:
        """Wait for what is under way past the outbox, and store what is still unsaved."""
        self.detour.wait(seconds)
        if self.unsaved is not None:
            self._commit(Commit(at=self.unsaved.at))

    def _show(self, snapshot: Snapshot) -> None:
        before, now = self.board.read().snapshot, self.clock.now()
        self.board.update(
            snapshot=snapshot,
            ticked_at=now,
            tick_error="",
            blind=blind_rules(self.memory),
            flapping=flapping(self.memory.groups, snapshot.at),
        )
        self.telemetry.blind.set(sum(state.blind_since is not None for state in self.memory.alerts.values()))
        self.telemetry.last_tick.set(now.timestamp())
        health = snapshot.source
        if health.ok:
            self.telemetry.last_source.set(now.timestamp())
        else:
            self.telemetry.source_failures.inc()
        if before is None or before.source.ok != health.ok:
            level = logging.INFO if health.ok else logging.ERROR
            text = "the metric source answers" if health.ok else "the metric source does not answer"
            log.log(level, text, extra={"detail": health.detail} if health.detail else {})


def _tries(message: Notification) -> bool:
    """Whether it is there to try the way through the outbox, and so has nothing to say beside it."""
    return message.channel == HEARTBEAT or message.dedup_key.startswith(CANARY)


def noted(messages: Iterable[Notification], note: str) -> tuple[Notification, ...]:
    """The *messages*, each with *note*, if there is one; none says it twice."""
    return tuple(
        replace(message, notes=(*message.notes, note)) if note and note not in message.notes else message
        for message in messages
    )


def blind_rules(memory: Memory) -> tuple[BlindRule, ...]:
    """The rules that are quiet only because nobody can look, each once."""
    found = {
        identity.rule: BlindRule(identity.rule, state.blind_since, state.reason)
        for identity, state in memory.alerts.items()
        if state.blind_since is not None and state.phase is Phase.INACTIVE
    }
    return tuple(sorted(found.values()))
