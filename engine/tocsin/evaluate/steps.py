"""What one look changes for the alerts of one rule."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import AlertEvent, AlertState, AlertView, EventKind, Identity, Phase, Sample
from tocsin.evaluate.rule import Rule, Seen, view
from tocsin.evaluate.state import OPEN, resolve, step


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

    def empty(self) -> "Steps":
        """The same turn with nothing found yet, to be added when all of it went well."""
        return Steps(self.memory, self.now, self.stride)

    def add(self, more: "Steps") -> None:
        """Take over what was found for another rule."""
        self.changes |= more.changes
        self.events += more.events
        self.shown += more.shown
        self.closed += more.closed

    def rule(self, rule: Rule, seen: Seen, known: Iterable[Identity]) -> "Steps":
        """Step every instance of *rule* that *seen* has something to say about; *known* are those in memory."""
        for identity, sample in self._samples(rule, seen, known):
            before = self.memory.alerts.get(identity) or AlertState(rule.timing)
            after, happened = step(replace(before, timing=rule.timing), sample, self.now, self.stride)
            kept = None if _forgettable(rule, after) else after
            if kept != self.memory.alerts.get(identity):
                self.changes[identity] = kept
            self.events.extend((identity, event) for event in happened)
            if after.phase is not Phase.INACTIVE:
                self.shown.append(view(rule, identity, after))
            elif any(event.kind is EventKind.RESOLVED for event in happened):
                self.closed.append(view(rule, identity, after))
        return self

    def as_before(self, known: Iterable[Identity]) -> "Steps":
        """Leave everything as it was last shown."""
        views = self.memory.views
        self.shown += [views[identity] for identity in known if identity in views]
        return self

    def orphans(self, rules: Iterable[str]) -> "Steps":
        """Close the instances of all rules that are not among *rules* any more."""
        present = set(rules)
        for identity, before in self.memory.alerts.items():
            if identity.rule in present or (before.phase is Phase.INACTIVE and before.blind_since is None):
                continue
            after, happened = resolve(before, "rule removed", self.now)
            self.changes[identity] = after
            self.events.extend((identity, event) for event in happened)
            if before.phase in OPEN:
                self.closed.append(_farewell(identity, after, self.memory))
        return self

    def _samples(self, rule: Rule, seen: Seen, known: Iterable[Identity]) -> Iterable[tuple[Identity, Sample]]:
        """The instances that one look mentioned, and those that it should have mentioned."""
        for labels, sample in seen.rows.items():
            yield Identity(rule.id, labels), sample
        for identity in known:
            if identity.labels in seen.rows:
                continue
            if self.memory.alerts[identity].phase is not Phase.INACTIVE or rule.on_missing == "fire":
                yield identity, seen.rest.judge(identity.labels)


def _farewell(identity: Identity, state: AlertState, memory: Memory) -> AlertView:
    """Show an episode whose rule is gone as it was last shown, closed."""
    last = memory.views.get(identity)
    if last is None:
        bare = Rule(identity.rule, identity.rule.partition("/")[0], "warning", identity.rule, "", ())
        return view(bare, identity, state)
    return replace(
        last, phase=state.phase, resolved_at=state.resolved_at, blind_since=None, facts=state.facts, reason=state.reason
    )


def _forgettable(rule: Rule, state: AlertState) -> bool:
    """Only what never fired: the number of the last episode must outlive it, or its key would be used twice."""
    quiet = state.phase is Phase.INACTIVE and not state.episode and state.blind_since is None
    return quiet and rule.on_missing != "fire"
