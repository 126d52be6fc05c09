"""What one look changes for the alerts of one rule."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import AlertEvent, AlertState, AlertView, EventKind, Identity, Phase, Sample
from tocsin.evaluate.received import PREFIX
from tocsin.evaluate.rule import Rule, Seen, view
from tocsin.evaluate.state import OPEN, resolve, step

REMEMBER = timedelta(days=1)
"""How long the state of an alert outlives its last episode, so that a clock that is set back repeats no key."""
CHANGED = "the rule was changed, and what it asks now does not name this any more"


@dataclass(slots=True)
class Steps:
    """States to store (None forgets), what happened, and the views of episodes that are open or were just closed."""

    memory: Memory
    now: datetime
    stride: timedelta
    changes: dict[Identity, AlertState | None] = field(default_factory=dict)
    events: list[tuple[Identity, AlertEvent]] = field(default_factory=list)
    shown: list[AlertView] = field(default_factory=list)
    closed: list[AlertView] = field(default_factory=list)
    by_rule: dict[str, set[Identity]] | None = None
    """Who is in memory, once somebody has asked."""

    def empty(self) -> "Steps":
        """The same turn with nothing found yet, to be added when all of it went well."""
        return Steps(self.memory, self.now, self.stride)

    def add(self, more: "Steps") -> None:
        """Take over what was found for another rule."""
        self.changes |= more.changes
        self.events += more.events
        self.shown += more.shown
        self.closed += more.closed

    def states(self, rule: str) -> Iterator[AlertState]:
        """The states of all instances of a rule as they are now."""
        if self.by_rule is None:
            self.by_rule = {}
            for identity in self.memory.alerts:
                self.by_rule.setdefault(identity.rule, set()).add(identity)
        changed = {identity for identity in self.changes if identity.rule == rule}
        for identity in self.by_rule.get(rule, set()) | changed:
            state = self.changes[identity] if identity in self.changes else self.memory.alerts[identity]
            if state is not None:
                yield state

    def rule(self, rule: Rule, seen: Seen, known: Iterable[Identity]) -> "Steps":
        """Step every instance of *rule* that *seen* has something to say about; *known* are those in memory."""
        for labels, sample in seen.rows.items():
            identity = Identity(rule.id, labels)
            before = self.memory.alerts.get(identity) or AlertState(rule.timing)
            self._step(rule, identity, replace(before, asks=rule.asks), sample)
        for identity in known:
            if identity.labels not in seen.rows:
                self._unmentioned(rule, identity, seen)
        return self

    def blind(self, rule: Rule, seen: Seen, known: Iterable[Identity]) -> "Steps":
        """A *rule* that nobody could look at is blind, also where no instance of it is remembered."""
        states = [self.changes.get(identity) or self.memory.alerts[identity] for identity in known]
        told = any(state.phase is not Phase.INACTIVE or state.blind_since is not None for state in states)
        if not (seen.rows or seen.complete or told):
            self._step(rule, Identity(rule.id, ()), AlertState(rule.timing), seen.rest.judge(()))
        return self

    def _unmentioned(self, rule: Rule, identity: Identity, seen: Seen) -> None:
        before = self.memory.alerts[identity]
        changed = bool(before.asks) and before.asks != rule.asks
        if before.phase is Phase.INACTIVE:
            # What was quiet and is gone is no longer blind: there is nothing left to look at.
            self._keep(identity, replace(before, blind_since=None) if seen.complete else before)
        elif changed and seen.complete:
            self._take(rule, identity, *resolve(before, CHANGED, self.now))
        else:
            self._step(rule, identity, before, seen.rest.judge(identity.labels))

    def _step(self, rule: Rule, identity: Identity, before: AlertState, sample: Sample) -> None:
        after, happened = step(replace(before, timing=rule.timing, means=rule.means), sample, self.now, self.stride)
        self._take(rule, identity, after, happened)

    def _take(self, rule: Rule, identity: Identity, after: AlertState, happened: tuple[AlertEvent, ...]) -> None:
        self._keep(identity, after)
        self.events.extend((identity, event) for event in happened)
        if after.phase is not Phase.INACTIVE:
            self.shown.append(view(rule, identity, after))
        elif any(event.kind is EventKind.RESOLVED for event in happened):
            self.closed.append(view(rule, identity, after))

    def _keep(self, identity: Identity, after: AlertState) -> None:
        kept = None if _forgettable(after, self.now) else after
        if kept != self.memory.alerts.get(identity):
            self.changes[identity] = kept

    def as_before(self, known: Iterable[Identity]) -> "Steps":
        """Leave everything as it was last shown."""
        views = self.memory.views
        self.shown += [views[identity] for identity in known if identity in views]
        return self

    def orphans(self, rules: Iterable[str]) -> "Steps":
        """Close the instances of all rules that are not among *rules* any more; those of senders are not ours."""
        present = set(rules)
        for identity, before in self.memory.alerts.items():
            if identity.rule in present or identity.rule.startswith(PREFIX):
                continue
            after, happened = resolve(before, "rule removed", self.now)
            self._keep(identity, after)
            self.events.extend((identity, event) for event in happened)
            if before.phase in OPEN:
                self.closed.append(_farewell(identity, after, self.memory))
        return self


def _farewell(identity: Identity, state: AlertState, memory: Memory) -> AlertView:
    """Show an episode whose rule is gone as it was last shown, closed."""
    last = memory.views.get(identity)
    if last is None:
        bare = Rule(identity.rule, identity.rule.partition("/")[0], "warning", identity.rule, "", ())
        return view(bare, identity, state)
    return replace(
        last, phase=state.phase, resolved_at=state.resolved_at, blind_since=None, facts=state.facts, reason=state.reason
    )


def _forgettable(state: AlertState, now: datetime) -> bool:
    """What is quiet and never fired, or fired long ago."""
    if state.phase is not Phase.INACTIVE or state.blind_since is not None:
        return False
    return not state.episode or state.resolved_at is None or now - state.resolved_at >= REMEMBER
