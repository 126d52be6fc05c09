"""One tick: look at everything at one instant, then decide what that changes.

`Watch(workspace)` holds the questions and what they remember between looks. `watch.look(source, now)` asks them and
never raises for what the source does: whatever could not be seen is UNKNOWN, with the reason. `turn(watch, sight,
memory, now)` is pure: it steps every alert and says what to store and what to show. An unexpected exception in either
makes the rule UNKNOWN in which it happened, and no other; it is told as one of the *faults*.

A look begins with the cheapest question there is, `vector(1)`. If not even that is answered, nothing else is asked,
so a dead source costs one deadline and not one for each rule. After three looks in a row without an answer the alert
`source` fires, one for all rules; `source:questions` tells when only some questions fail.
"""

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from tocsin.evaluate import alerts, burn, combined, own
from tocsin.evaluate.asking import RANGES, Asker, Unanswered
from tocsin.evaluate.composites import Composites
from tocsin.evaluate.faults import Faults
from tocsin.evaluate.grouped import GroupedQuestion, question_of
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import (
    Identity,
    Phase,
    Sample,
    SloStatus,
    Snapshot,
    Truth,
)
from tocsin.evaluate.questions import Question, questions
from tocsin.evaluate.received import PREFIX, Heard, foreign, forgotten, joined
from tocsin.evaluate.rule import Rule, Seen, one, unknown
from tocsin.evaluate.sight import Sight, Turn
from tocsin.evaluate.slo import SloQuestion, SloSight
from tocsin.evaluate.standing import Ledger
from tocsin.evaluate.state import STRIDE
from tocsin.evaluate.steps import Steps
from tocsin.evaluate.together import FEW, FEWEST, Together
from tocsin.ports import Labels, MetricSource, SourceHealth
from tocsin.spec import Composite
from tocsin.workspace import Workspace

Spread = Callable[[Callable[[Callable[[], None]], None], Iterable[Callable[[], None]]], Iterable[None]]
"""`map`, or the `map` of an executor that asks several questions at a time."""


class Watch:
    """The questions of a workspace, and what they remember between looks.

    *interval* is the time between ticks, *budgets_every* and *slices_every* are the cadences of what moves slowly.
    Budgets are those of the *ledger* where it holds their periods. Questions of many objectives are asked *together*
    where that is said: a source that looks answers up by the question needs each for itself.
    """

    def __init__(
        self,
        workspace: Workspace,
        *,
        interval: timedelta = timedelta(seconds=15),
        budgets_every: timedelta = timedelta(seconds=60),
        slices_every: timedelta = timedelta(seconds=300),
        ledger: Ledger | None = None,
        together: bool = False,
    ) -> None:
        self.workspace = workspace
        self.stride = max(2 * interval, STRIDE)
        self.composites = Composites.of(workspace, slices_every)
        self.composites.ledger = ledger
        self.slos = [question_of(slo, budgets_every, ledger) for service in workspace.services for slo in service.slos]
        self.alerts = questions(workspace)
        self.combined = combined.composites(workspace)
        made = [
            *(rule for service in workspace.services for slo in service.slos for rule in burn.rules(service, slo)),
            *(alerts.rule(service, alert) for service in workspace.services for alert in service.alerts),
            *self.composites.rules(),
            *own.RULES,
        ]
        self.rules: Mapping[str, Rule] = {rule.id: rule for rule in made}
        self.health: SourceHealth | None = None
        self.strikes = 0
        self.together = (Together(), Together(FEW), Together(FEW, alike=False)) if together else ()
        if together:
            looks = max(1, budgets_every // interval)
            for place, question in enumerate(self.slos):
                if isinstance(question, SloQuestion):
                    question.phase = place % looks * interval

    def inherit(self, before: "Watch") -> None:
        """Take over what *before* remembers of the source and of questions that are still the same, for a reload."""
        self.health, self.strikes = before.health, before.strikes
        old = {question.slo: question for question in before.slos}
        self.slos = [old.get(question.slo, question) for question in self.slos]
        old_slos, new_slos = before.composites.measured.slos, self.composites.measured.slos
        same = {ref for ref, slo in new_slos.items() if ref in old_slos and old_slos[ref].sli == slo.sli}
        self.composites.book = {key: slices for key, slices in before.composites.book.items() if key[0] in same}

    def look(
        self,
        source: MetricSource,
        now: datetime,
        *,
        memory: Memory | None = None,
        spread: Spread = map,
        ranges: int = RANGES,
    ) -> Sight:
        """Ask everything at *now*; with *memory*, questions that only open alerts need are spared where none is.

        *spread* may be the `map` of an executor, to ask several questions at a time. More *ranges* than a tick has
        time for let one look read all of the history.
        """
        asker, faults = Asker(source, now, ranges=ranges), Faults()
        opened = None if memory is None else _opened(memory)
        awake = None if memory is None else _awake(memory)
        alive = faults.attempt("vector(1)", lambda: asker.instant("vector(1)"), Unanswered)
        if isinstance(alive, Unanswered):
            asker.unreachable = alive.reason
        elif self.together and len(self.slos) >= FEWEST:
            asker.ahead = self._ahead(source, now, spread)
        slos: list[SloSight | None] = [None] * len(self.slos)
        seen: dict[str, Seen] = {}

        def ask_slo(place: int) -> None:
            question = self.slos[place]

            def blind(reason: str) -> SloSight:
                return _blind_slo(question, self.rules, reason, now)

            def ask() -> SloSight:
                if isinstance(question, GroupedQuestion):
                    return question.ask(asker, _groups(opened or {}, question.slo.ref))
                return question.ask(asker, awake)

            slos[place] = faults.attempt(question.slo.ref, ask, blind)

        def ask_alert(question: Question) -> None:
            ref = question.alert.ref
            mine = None if opened is None else opened.get(ref, set())
            seen[ref] = faults.attempt(
                ref, lambda: question.ask(asker, opened=mine), lambda reason: Seen(rest=unknown(reason))
            )

        jobs: list[Callable[[], None]] = [partial(ask_slo, i) for i in range(len(self.slos))]
        jobs += [*(partial(ask_alert, question) for question in self.alerts), *self.composites.jobs(asker, faults)]
        for _ in spread(_run, jobs):
            pass
        sights = [sight for sight in slos if sight is not None]
        for sight in sights:
            seen.update(sight.seen)
        journeys, slas = self.composites.look(asker, faults)
        seen |= {f"{sight.status.ref}:burn": one(sight.sample) for sight in journeys}
        seen |= {f"sla:{sight.status.name}": one(sight.sample) for sight in slas}
        down = isinstance(alive, Unanswered) or asker.unreachable is not None
        self.health = _health(self.health, down, asker.unreachable or "", now)
        failures = dict.fromkeys((*asker.failures, *faults.texts))
        self.strikes = self.strikes + 1 if failures and not down else 0
        return Sight(
            at=now,
            health=self.health,
            seen=seen,
            slos=tuple(sight.status for sight in sights),
            journeys=tuple(sight.status for sight in journeys),
            slas=tuple(sight.status for sight in slas),
            strikes=self.strikes,
            questions=tuple(failures) if not down else (),
            faults=faults.texts,
        )

    def _ahead(self, source: MetricSource, now: datetime, spread: Spread) -> Mapping[str, Mapping[str, float]]:
        """Ask what objectives will ask in this look, many at once: what every look asks, and what is due."""
        asked = [question.wanted(now) for question in self.slos if isinstance(question, SloQuestion)]
        found: dict[str, Mapping[str, float]] = {}
        for together, wanted in zip(self.together, zip(*asked, strict=True), strict=False):
            found |= together.ask(source, now, [one for some in wanted for one in some], spread)
        return found


def turn(watch: Watch, sight: Sight, memory: Memory, now: datetime) -> Turn:
    """Step every alert that *sight* or a sender has something to say about; what no rule makes any more is closed."""
    known: dict[str, list[Identity]] = {}
    for identity in memory.alerts:
        known.setdefault(identity.rule, []).append(identity)
    faults, steps = Faults(), Steps(memory, now, watch.stride)
    for rule in watch.rules.values():
        quiet = rule.id not in known and rule.id not in sight.heard.ours and _quiet(sight.seen.get(rule.id))
        if rule.id not in watch.combined and not quiet:
            steps.add(_stepped(rule, sight, known.get(rule.id, []), steps, faults))
    steps.add(faults.attempt("received alerts", partial(_received, sight.heard, known, steps), lambda _: steps.empty()))
    seen = dict(sight.seen)
    for ref in watch.combined:
        seen[ref] = faults.attempt(ref, partial(_combined, watch.combined[ref], seen, steps), _unseen)
        steps.add(_stepped(watch.rules[ref], replace(sight, seen=seen), known.get(ref, []), steps, faults))
    steps.add(faults.attempt("removed rules", lambda: steps.empty().orphans(watch.rules), lambda _: steps.empty()))
    return Turn(
        alerts=steps.changes,
        views=tuple(v for v in (*steps.shown, *steps.closed) if v.phase is not Phase.PENDING),
        events=tuple(steps.events),
        snapshot=Snapshot(now, sight.health, sight.slos, sight.journeys, sight.slas, tuple(steps.shown)),
        faults=(*sight.faults, *faults.texts),
    )


def _received(heard: Heard, known: Mapping[str, list[Identity]], steps: Steps) -> Steps:
    """Step the alerts that none of our rules evaluates, those that nobody has spoken of since the start, too."""
    made, named = steps.empty(), set()
    for claim, sample in heard.theirs:
        rule, labels = foreign(claim)
        named.add(Identity(rule.id, labels))
        made.rule(rule, Seen({labels: sample}), ())
    before = [identity for rule, each in known.items() if rule.startswith(PREFIX) for identity in each]
    for rule, identity, seen in forgotten(before, named):
        made.rule(rule, seen, (identity,))
    return made


def _quiet(seen: Seen | None) -> bool:
    """Whether all instances are false: for alerts that are not remembered nothing follows from that."""
    return seen is not None and all(sample.truth is Truth.FALSE for sample in seen.rows.values())


def _stepped(rule: Rule, sight: Sight, known: list[Identity], steps: Steps, faults: Faults) -> Steps:
    """Step one rule; if that fails it is blind, and if even that fails everything stays as it was last shown."""

    def blind(reason: str) -> Steps:
        nothing = Seen(rest=unknown(reason))
        return faults.attempt(
            rule.id, lambda: steps.empty().rule(rule, nothing, known), lambda _: steps.empty().as_before(known)
        )

    def see() -> Steps:
        seen = own.seen(rule, sight, steps.memory)
        if said := sight.heard.ours.get(rule.id):
            seen = joined(seen, rule, said, [identity.labels for identity in known])
        return steps.empty().rule(rule, seen, known)

    return faults.attempt(rule.id, see, blind)


def _combined(composite: Composite, seen: Mapping[str, Seen], steps: Steps) -> Seen:
    """Judge an alert by what those that it is made of have become."""
    return one(combined.judge(composite, lambda part: combined.verdict(steps.states(part.ref), seen.get(part.ref))))


def _unseen(reason: str) -> Seen:
    return Seen(rest=unknown(reason))


def _health(before: SourceHealth | None, down: bool, detail: str, now: datetime) -> SourceHealth:
    failures = (before.failures if before else 0) + 1 if down else 0
    since = before.since if before is not None and before.ok is not down else now
    return SourceHealth(ok=not down, since=since, detail=detail, failures=failures)


def _opened(memory: Memory) -> Mapping[str, set[Labels]]:
    """The instances that are pending or firing, by rule."""
    found: dict[str, set[Labels]] = {}
    for identity, state in memory.alerts.items():
        if state.phase is not Phase.INACTIVE:
            found.setdefault(identity.rule, set()).add(identity.labels)
    return found


def _awake(memory: Memory) -> AbstractSet[str]:
    """The rules of which people read something when they are false: alerts that are open, pending or blind."""
    states = memory.alerts.items()
    return {i.rule for i, state in states if state.phase is not Phase.INACTIVE or state.blind_since is not None}


def _groups(opened: Mapping[str, set[Labels]], ref: str) -> set[Labels]:
    """The groups of an SLO whose alerts are open."""
    return {labels for rule, instances in opened.items() if rule.startswith(f"{ref}:") for labels in instances}


def _blind_slo(question: SloQuestion | GroupedQuestion, rules: Iterable[str], reason: str, at: datetime) -> SloSight:
    """Nothing is known of an SLO whose question could not even be asked."""
    slo = question.slo
    status = SloStatus(
        ref=slo.ref,
        service=slo.service,
        name=slo.name,
        target=slo.target,
        window=slo.window,
        at=at,
        good=None,
        total=None,
        sli=None,
        allowed=None,
        used=None,
        remaining=None,
        burns=(),
        state="unknown",
        exhaustion=None,
        reason=reason,
    )
    mine = [rule for rule in rules if rule.startswith(f"{slo.ref}:")]
    nothing = Seen(rest=unknown(reason)) if slo.sli.by else one(Sample(Truth.UNKNOWN, reason=reason))
    return SloSight(dict.fromkeys(mine, nothing), status)


def _run(job: Callable[[], None]) -> None:
    job()
