"""One tick: look at everything at one instant, then decide what that changes.

`Watch(workspace)` holds the questions and what they remember between looks. `watch.look(source, now)` asks them and
never raises for what the source does: whatever could not be seen is UNKNOWN, with the reason. `turn(watch, sight,
memory, now)` is pure: it steps every alert and says what to store and what to show.

A look begins with the cheapest question there is, `vector(1)`. If not even that is answered, nothing else is asked,
so a dead source costs one deadline and not one for each rule. After three looks in a row without an answer the alert
`source` fires, one for all rules; `source:questions` tells when only some questions fail.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from tocsin.evaluate import alerts, burn
from tocsin.evaluate.alerts import AlertQuestion
from tocsin.evaluate.asking import Asker, Unanswered
from tocsin.evaluate.composites import Composites
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import (
    AlertEvent,
    AlertState,
    AlertView,
    EventKind,
    Identity,
    JourneyStatus,
    Phase,
    Sample,
    SlaStatus,
    SloStatus,
    Snapshot,
    Truth,
)
from tocsin.evaluate.rule import Rule, Seen, one, view
from tocsin.evaluate.slo import SloQuestion, SloSight
from tocsin.evaluate.state import OPEN, STRIDE, resolve, step
from tocsin.ports import MetricSource, SourceHealth, labels_of
from tocsin.workspace import Workspace

BLIND_AFTER = 3
"""Looks in a row without an answer until people are told."""
SOURCE = Rule(
    id="source",
    service="tocsin",
    severity="critical",
    title="the metric source does not answer",
    summary="no alert can fire or resolve until the metric source answers again; what fired keeps firing",
    labels=labels_of({"alertname": "MetricSourceDown", "service": "tocsin", "severity": "critical", "ref": "source"}),
)
QUESTIONS = Rule(
    id="source:questions",
    service="tocsin",
    severity="warning",
    title="some questions get no answer",
    summary="some rules are blind: the metric source answers, but not to their questions",
    labels=labels_of({"alertname": "QuestionsFail", "service": "tocsin", "severity": "warning", "ref": "source"}),
)

Spread = Callable[[Callable[[Callable[[], None]], None], Iterable[Callable[[], None]]], Iterable[None]]
"""`map`, or the `map` of an executor that asks several questions at a time."""


@dataclass(frozen=True, slots=True)
class Sight:
    """All that one look saw; *strikes* counts looks in a row in which some questions failed, *questions* says how."""

    at: datetime
    health: SourceHealth
    seen: Mapping[str, Seen]
    slos: tuple[SloStatus, ...] = ()
    journeys: tuple[JourneyStatus, ...] = ()
    slas: tuple[SlaStatus, ...] = ()
    strikes: int = 0
    questions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What one tick changes: *alerts* to store (None forgets), *views* of episodes that people know or must know of.

    *views* holds every episode that fires, blind or not, or was closed by this turn; `snapshot.alerts` also shows
    the pending ones.
    """

    alerts: Mapping[Identity, AlertState | None]
    views: tuple[AlertView, ...]
    events: tuple[tuple[Identity, AlertEvent], ...]
    snapshot: Snapshot


class Watch:
    """The questions of a workspace, and what they remember between looks.

    *interval* is the time between ticks, *budgets_every* and *slices_every* are the cadences of what moves slowly.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        interval: timedelta = timedelta(seconds=15),
        budgets_every: timedelta = timedelta(seconds=60),
        slices_every: timedelta = timedelta(seconds=300),
    ) -> None:
        self.workspace = workspace
        self.stride = max(2 * interval, STRIDE)
        self.composites = Composites.of(workspace, slices_every)
        self.slos = [SloQuestion(slo, budgets_every) for service in workspace.services for slo in service.slos]
        self.alerts = [AlertQuestion(alert) for service in workspace.services for alert in service.alerts]
        made = [
            *(rule for service in workspace.services for slo in service.slos for rule in burn.rules(service, slo)),
            *(alerts.rule(service, alert) for service in workspace.services for alert in service.alerts),
            *self.composites.rules(),
            SOURCE,
            QUESTIONS,
        ]
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in made}
        self.health: SourceHealth | None = None
        self.strikes = 0

    def inherit(self, before: "Watch") -> None:
        """Take over what *before* remembers of the source and of questions that are still the same, for a reload."""
        self.health, self.strikes = before.health, before.strikes
        old = {question.slo: question for question in before.slos}
        self.slos = [old.get(question.slo, question) for question in self.slos]
        slos = before.composites.slos
        same = {slo.ref for slo in self.composites.slos.values() if slo.ref in slos and slos[slo.ref].sli == slo.sli}
        self.composites.book = {key: slices for key, slices in before.composites.book.items() if key[0] in same}

    def look(self, source: MetricSource, now: datetime, *, memory: Memory | None = None, spread: Spread = map) -> Sight:
        """Ask everything at *now*; with *memory*, questions that only open alerts need are spared where none is.

        *spread* may be the `map` of an executor, to ask several questions at a time.
        """
        asker = Asker(source, now)
        opened = None if memory is None else {i.rule for i, s in memory.alerts.items() if s.phase is not Phase.INACTIVE}
        alive = asker.instant("vector(1)")
        if isinstance(alive, Unanswered):
            asker.unreachable = alive.reason
        slos: list[SloSight | None] = [None] * len(self.slos)
        seen: dict[str, Seen] = {}

        def ask_slo(place: int) -> None:
            slos[place] = self.slos[place].ask(asker)

        def ask_alert(question: AlertQuestion) -> None:
            ref = question.alert.ref
            seen[ref] = question.ask(asker, is_open=opened is None or ref in opened)

        jobs: list[Callable[[], None]] = [partial(ask_slo, i) for i in range(len(self.slos))]
        jobs += [*(partial(ask_alert, question) for question in self.alerts), *self.composites.jobs(asker)]
        for _ in spread(_run, jobs):
            pass
        sights = [sight for sight in slos if sight is not None]
        for sight in sights:
            seen.update(sight.seen)
        journeys, slas = self.composites.look(asker)
        seen |= {f"{sight.status.ref}:burn": one(sight.sample) for sight in journeys}
        seen |= {f"sla:{sight.status.name}": one(sight.sample) for sight in slas}
        down = isinstance(alive, Unanswered) or asker.unreachable is not None
        self.health = _health(self.health, down, asker.unreachable or "", now)
        self.strikes = self.strikes + 1 if asker.failures and not down else 0
        return Sight(
            at=now,
            health=self.health,
            seen=seen,
            slos=tuple(sight.status for sight in sights),
            journeys=tuple(sight.status for sight in journeys),
            slas=tuple(sight.status for sight in slas),
            strikes=self.strikes,
            questions=tuple(dict.fromkeys(asker.failures)) if not down else (),
        )


def turn(watch: Watch, sight: Sight, memory: Memory, now: datetime) -> Turn:
    """Step every alert that *sight* has something to say about; what is not in its rules any more is closed."""
    known: dict[str, list[Identity]] = {}
    for identity in memory.alerts:
        known.setdefault(identity.rule, []).append(identity)
    changes: dict[Identity, AlertState | None] = {}
    events: list[tuple[Identity, AlertEvent]] = []
    closed: list[AlertView] = []
    shown: list[AlertView] = []
    for rule in watch.rules.values():
        seen = _seen(rule, sight, memory)
        for identity, sample in _samples(rule, seen, known.get(rule.id, ()), memory):
            before = memory.alerts.get(identity) or AlertState(rule.timing)
            after, happened = step(replace(before, timing=rule.timing), sample, now, watch.stride)
            kept = None if _forgettable(rule, after) else after
            if kept != memory.alerts.get(identity):
                changes[identity] = kept
            events.extend((identity, event) for event in happened)
            if after.phase is not Phase.INACTIVE:
                shown.append(view(rule, identity, after))
            elif any(event.kind is EventKind.RESOLVED for event in happened):
                closed.append(view(rule, identity, after))
    for identity in _orphans(watch, memory):
        before = memory.alerts[identity]
        after, happened = resolve(before, "rule removed", now)
        changes[identity] = after
        events.extend((identity, event) for event in happened)
        if before.phase in OPEN:
            closed.append(_farewell(identity, after, memory))
    return Turn(
        alerts=changes,
        views=tuple(v for v in (*shown, *closed) if v.phase is not Phase.PENDING),
        events=tuple(events),
        snapshot=Snapshot(now, sight.health, sight.slos, sight.journeys, sight.slas, tuple(shown)),
    )


def _samples(rule: Rule, seen: Seen, known: Iterable[Identity], memory: Memory) -> Iterable[tuple[Identity, Sample]]:
    """The instances that one look mentioned, and those that it should have mentioned."""
    for labels, sample in seen.rows.items():
        yield Identity(rule.id, labels), sample
    for identity in known:
        if identity.labels in seen.rows:
            continue
        if memory.alerts[identity].phase is not Phase.INACTIVE or rule.on_missing == "fire":
            yield identity, seen.rest.judge(identity.labels)


def _orphans(watch: Watch, memory: Memory) -> list[Identity]:
    return [
        identity
        for identity, state in memory.alerts.items()
        if identity.rule not in watch.rules and (state.phase is not Phase.INACTIVE or state.blind_since is not None)
    ]


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


def _seen(rule: Rule, sight: Sight, memory: Memory) -> Seen:
    """What is known about a rule; the two rules about the source itself follow from the look as a whole."""
    if rule is SOURCE:
        return one(_struck(rule, memory, sight.health.failures, sight.health.detail, ()))
    if rule is QUESTIONS:
        if not sight.health.ok:
            return one(Sample(Truth.UNKNOWN, reason=sight.health.detail))
        return one(_struck(rule, memory, sight.strikes, f"{len(sight.questions)} kinds of failure", sight.questions))
    return sight.seen.get(rule.id, Seen())


def _struck(rule: Rule, memory: Memory, strikes: int, detail: str, questions: tuple[str, ...]) -> Sample:
    """True after some looks in a row that failed, or while one fails and the alert is open (after a restart)."""
    state = memory.alerts.get(Identity(rule.id))
    is_open = state is not None and state.phase in OPEN
    facts = tuple(("failure", text) for text in (questions[:5] or (detail,)))
    if strikes >= BLIND_AFTER or (strikes and is_open):
        return Sample(Truth.TRUE, float(strikes), detail, facts)
    return Sample(Truth.FALSE, float(strikes), "every question is answered again")


def _health(before: SourceHealth | None, down: bool, detail: str, now: datetime) -> SourceHealth:
    failures = (before.failures if before else 0) + 1 if down else 0
    since = before.since if before is not None and before.ok is not down else now
    return SourceHealth(ok=not down, since=since, detail=detail, failures=failures)


def _run(job: Callable[[], None]) -> None:
    job()
