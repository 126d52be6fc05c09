"""The evaluator's state machine, groups and routes over a history: what would have fired, and who would have been told.

Everything that decides is the evaluator's own: questions, `evaluate.state.step`, `notify.group.announce`. Only the
ticks at which nothing can change are left out (`traffic`, `values`). Alerts made of other alerts are judged whenever
one of these was. The evaluator's alerts about itself have no history.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import compress
from typing import Protocol

import numpy as np

from tocsin.backtest.ticks import Ticks
from tocsin.evaluate import combined
from tocsin.evaluate.memory import GroupKey, GroupState, Memory
from tocsin.evaluate.model import AlertEvent, AlertState, AlertView, EventKind, Identity, Phase, Sample, Truth
from tocsin.evaluate.rule import Rule, Seen, one
from tocsin.evaluate.state import OPEN, STRIDE
from tocsin.evaluate.steps import Steps
from tocsin.ledger.arrays import Bools
from tocsin.notify.group import announce
from tocsin.notify.muting import NOTHING, Muting
from tocsin.ports import Labels, Notification
from tocsin.spec import Composite, Notifications


class Member(Protocol):
    """Something whose alerts are stepped together."""

    @property
    def due(self) -> Bools:
        """The ticks at which an alert of it that is quiet or fires may change."""
        ...

    @property
    def first(self) -> datetime | None:
        """Since when there is something to see; None where nobody can tell."""
        ...

    def ask(self, at: datetime, opened: Mapping[str, set[Labels]]) -> Mapping[str, Seen]:
        """What is seen at *at*, by rule; *opened* are the instances that are not quiet, by rule."""
        ...


@dataclass(frozen=True, slots=True)
class Episode:
    """One alert from its first sign to its end, which is None where history ends first; *value* when it fired.

    Its beginning is *censored* where its condition was true at the first look: it fired then at the latest.
    """

    view: AlertView
    pending_at: datetime
    fired_at: datetime
    resolved_at: datetime | None
    value: float | None
    censored: bool = False

    @property
    def rule(self) -> str:
        """What fired: `service/alert`, `service/slo:tier`."""
        return self.view.identity.rule

    @property
    def pages(self) -> bool:
        """Whether somebody is woken up."""
        return self.view.severity == "critical"


@dataclass(frozen=True, slots=True)
class Replay:
    """What a set of definitions makes of a history; what came before its *ticks* is known, and does not count."""

    ticks: Ticks
    episodes: tuple[Episode, ...]
    """Those that were open at any of the ticks."""
    messages: tuple[Notification, ...]
    pending: int
    """Alerts that went quiet before they fired."""
    memory: Memory
    """How things stand at the end."""
    earlier: tuple[Episode, ...] = ()
    """Those that were over before the first tick."""
    hovering: tuple[Identity, ...] = ()
    """Between their bounds from the first look to the first tick: nobody can tell whether they fired."""

    def already(self, episode: Episode) -> bool:
        """Whether it fired before the first tick."""
        return episode.fired_at < self.ticks.start


@dataclass(slots=True, eq=False)
class _Run:
    rules: Mapping[str, Rule]
    composites: Mapping[str, Composite]
    notifications: tuple[Notifications, ...]
    muting: Muting
    stride: timedelta
    first: datetime
    """The first look that saw something: what is true then may have been so before."""
    since: datetime
    """From when on it counts."""
    alerts: dict[Identity, AlertState] = field(default_factory=dict)
    known: dict[str, set[Identity]] = field(default_factory=dict)
    groups: dict[GroupKey, GroupState] = field(default_factory=dict)
    last: dict[str, Seen] = field(default_factory=dict)
    shown: dict[Identity, AlertView] = field(default_factory=dict)
    open: dict[Identity, Episode] = field(default_factory=dict)
    done: list[Episode] = field(default_factory=list)
    messages: list[Notification] = field(default_factory=list)
    dropped: int = 0
    hovering: set[Identity] = field(default_factory=set)
    muted: bool = False
    """Whether something is held back that may be told at any tick."""

    def busy(self, rules: Iterable[str]) -> bool:
        """Whether an instance is on its way: what is quiet, or fires and is seen to, waits for something to change."""
        return any(not self._settled(identity) for rule in rules for identity in self.known.get(rule, ()))

    def _settled(self, identity: Identity) -> bool:
        state = self.alerts[identity]
        if state.phase is Phase.INACTIVE:
            return True
        seen = self.last.get(identity.rule)
        sample = seen.rows.get(identity.labels) if seen is not None else None
        if state.phase is not Phase.FIRING or state.blind_since is not None or sample is None:
            return False
        return (sample.kept or sample).truth is Truth.TRUE

    def opened(self, rules: Iterable[str]) -> dict[str, set[Labels]]:
        """The instances that are not quiet."""
        return {
            rule: {i.labels for i in self.known.get(rule, ()) if self.alerts[i].phase is not Phase.INACTIVE}
            for rule in rules
        }

    def tick(self, now: datetime, seen: Mapping[str, Seen]) -> None:
        """Step the rules that were *seen*, then those made of others, and tell people."""
        self.last.update(seen)
        steps = Steps(Memory(self.alerts), now, self.stride)
        for ref in seen:
            if ref in self.rules:
                steps.add(steps.empty().rule(self.rules[ref], seen[ref], tuple(self.known.get(ref, ()))))
        for ref, composite in self.composites.items():
            judged = combined.judge(
                composite, lambda part: combined.verdict(steps.states(part.ref), self.last.get(part.ref))
            )
            self.last[ref] = one(judged)
            steps.add(steps.empty().rule(self.rules[ref], one(judged), tuple(self.known.get(ref, ()))))
        self._remember(steps, now)
        if now <= self.since:
            self._hover(seen, now)
        self.shown = {i: each for i, each in self.shown.items() if self._is_open(i)}
        self.shown |= {each.identity: each for each in steps.shown if each.phase is not Phase.PENDING}
        views = [*self.shown.values(), *steps.closed]
        self.muted = False
        if self.notifications and (views or self.groups):
            heard = self.muting.over(views, now)
            self.muted = any(view.muted for view in heard)
            changes, outbox = announce(self.groups, heard, self.notifications, now)
            self.groups = {k: s for k, s in {**self.groups, **changes}.items() if s is not None}
            if now >= self.since:
                self.messages += outbox

    def _is_open(self, identity: Identity) -> bool:
        state = self.alerts.get(identity)
        return state is not None and state.phase in OPEN

    def _remember(self, steps: Steps, now: datetime) -> None:
        for identity, state in steps.changes.items():
            if state is None:
                self.alerts.pop(identity, None)
                self.known.get(identity.rule, set()).discard(identity)
            else:
                self.alerts[identity] = state
                self.known.setdefault(identity.rule, set()).add(identity)
        shown = {each.identity: each for each in (*steps.shown, *steps.closed)}
        for identity, event in steps.events:
            self._happened(identity, event, shown.get(identity), now)

    def _hover(self, seen: Mapping[str, Seen], now: datetime) -> None:
        """Note what is between its bounds at the first look, until it leaves them."""
        for rule, each in seen.items():
            for labels, sample in each.rows.items():
                identity = Identity(rule, labels)
                if _between(sample):
                    self.hovering |= {identity} if now <= self.first else set()
                elif sample.truth is not Truth.UNKNOWN:
                    self.hovering.discard(identity)

    def _censored(self, identity: Identity, shown: AlertView) -> bool:
        """Whether it was true at the first look, or something was that it is made of."""
        parts = (
            {part.ref for part in self.composites[identity.rule].parts()} if identity.rule in self.composites else ()
        )
        return shown.started_at <= self.first or any(
            each.censored for other, each in self.open.items() if other.rule in parts
        )

    def _happened(self, identity: Identity, event: AlertEvent, shown: AlertView | None, now: datetime) -> None:
        if event.kind is EventKind.FIRED and shown is not None:
            censored = self._censored(identity, shown)
            self.open[identity] = Episode(shown, shown.started_at, now, None, event.value, censored)
        elif event.kind is EventKind.RESOLVED and identity in self.open:
            self.done.append(replace(self.open.pop(identity), resolved_at=now))
        elif event.kind is EventKind.DROPPED and now >= self.since:
            self.dropped += 1


def _between(sample: Sample) -> bool:
    return sample.truth is Truth.FALSE and sample.kept is not None and sample.kept.truth is Truth.TRUE


def replay(
    members: Sequence[tuple[Member, tuple[str, ...]]],
    rules: Mapping[str, Rule],
    composites: Mapping[str, Composite],
    notifications: tuple[Notifications, ...],
    ticks: Ticks,
    *,
    muting: Muting = NOTHING,
    counted: Ticks | None = None,
    known: datetime | None = None,
) -> Replay:
    """Go through all ticks; each of *members* comes with the rules that it sees, *muting* holds back messages.

    Where only the last ticks are *counted*, those before say how things stand at the first of them. There is nothing
    to see before *known*.
    """
    counted = ticks if counted is None else counted
    first = ticks.start if known is None or known <= ticks.start else known + ticks.step
    run = _Run(rules, composites, notifications, muting, max(2 * ticks.step, STRIDE), first, counted.start)
    due = np.zeros((len(members), len(ticks)), dtype=np.bool_)
    for index, (member, _) in enumerate(members):
        due[index] = member.due
    places = np.flatnonzero(due.any(axis=0))
    awake: set[int] = set()
    number = 0
    while number < len(ticks):
        on_its_way = awake or run.groups or run.muted or run.busy(composites)
        if not on_its_way:  # on to where something may begin
            following = int(np.searchsorted(places, number))
            if following == len(places):
                break
            number = int(places[following])
        now = ticks.at(number)
        seen: dict[str, Seen] = {}
        asked = {*np.flatnonzero(due[:, number]).tolist(), *awake}
        for index in sorted(asked):
            member, mine = members[index]
            seen.update(member.ask(now, run.opened(mine)))
        run.tick(now, seen)
        awake = {index for index in asked if run.busy(members[index][1])}
        number += 1
    episodes = sorted((*run.done, *run.open.values()), key=lambda each: (each.fired_at, each.rule, each.view.labels))
    memory = Memory(dict(run.alerts), {each: episode.view for each, episode in run.open.items()}, dict(run.groups))
    over = [each.resolved_at is not None and each.resolved_at <= counted.start for each in episodes]
    return Replay(
        counted,
        tuple(compress(episodes, (not each for each in over))),
        tuple(run.messages),
        run.dropped,
        memory,
        tuple(compress(episodes, over)),
        tuple(sorted(run.hovering, key=lambda each: (each.rule, each.labels))),
    )
