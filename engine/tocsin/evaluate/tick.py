"""One tick: look at everything at one instant, then decide what that changes.

`Watch(workspace)` holds the questions and what they remember between looks. `watch.look(source, now)` asks them and
never raises for what the source does: whatever could not be seen is UNKNOWN, with the reason. `turn(watch, sight,
memory, now)` is pure: it steps every alert and says what to store and what to show. An unexpected exception in either
makes the rule UNKNOWN in which it happened, and no other; it is told as one of the *faults*.

A look begins with the cheapest question there is, `vector(1)`. If not even that is answered, nothing else is asked,
so a dead source costs one deadline and not one for each rule, and so does one that is asked about the past, because the
clock was set back (`instants`). After three looks in a row without an answer the alert
`source` fires, one for all rules; `source:questions` tells when only some questions fail. No other waits for a question
that is slow (`late`).
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from tocsin.evaluate import alerts, burn, combined, own
from tocsin.evaluate.asking import RANGES, Asker, Unanswered
from tocsin.evaluate.asks import alert_asks, awake_in, blind_slo, slo_asks
from tocsin.evaluate.calm import QUIET, Calm
from tocsin.evaluate.composites import Composites
from tocsin.evaluate.faults import Faults
from tocsin.evaluate.grouped import question_of
from tocsin.evaluate.instants import Instants
from tocsin.evaluate.journey import JourneySight
from tocsin.evaluate.late import Answers, K, Roll, T
from tocsin.evaluate.measured import Key
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import (
    Identity,
    Phase,
    Snapshot,
    Truth,
)
from tocsin.evaluate.questions import questions
from tocsin.evaluate.received import PREFIX, Heard, foreign, forgotten, joined
from tocsin.evaluate.rule import Rule, Seen, one, unknown
from tocsin.evaluate.sight import Sight, Turn
from tocsin.evaluate.sla import SlaSight
from tocsin.evaluate.slo import SloQuestion, SloSight
from tocsin.evaluate.standing import Ledger
from tocsin.evaluate.state import STRIDE
from tocsin.evaluate.steps import Steps
from tocsin.evaluate.together import FEW, FEWEST, MOST, RECENT, Together, size_for
from tocsin.ports import MetricSource, SourceHealth
from tocsin.spec import Composite
from tocsin.workspace import Workspace

WHOLE = 625
"""Calm objectives that one look sees whole: 10,000 in four minutes, which is how often rules count budgets."""
Spread = Callable[[Callable[[Callable[[], None]], None], Iterable[Callable[[], None]]], Iterable[None]]
"""`map`, or the `map` of an executor that asks several questions at a time, or what does not wait for all of them."""
WAITED = "its question has not been answered yet"


class Watch:
    """The questions of a workspace, and what they remember between looks.

    *interval* is the time between ticks, *budgets_every* and *slices_every* are the cadences of what moves slowly.
    Budgets are those of the *ledger* where it holds their periods. Questions of many objectives are asked *together*
    where that is said: a source that looks answers up by the question needs each for itself. Of so many that not all
    calm ones can be seen whole every minute, *budgets_every* is longer.
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
        defined = sum(len(service.slos) for service in workspace.services)
        if together:
            budgets_every = max(budgets_every, interval * -(-defined // WHOLE))
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
        self.instants = Instants()
        self.strikes = 0
        self.slo_roll: Roll[str, SloSight] = Roll()
        self.alert_roll: Roll[str, Seen] = Roll()
        self.slice_roll: Roll[Key, bool] = Roll()
        looks = max(1, budgets_every // interval)
        each, few = size_for(defined, MOST), size_for(defined, FEW)
        self.together = (Together(each, alike=looks <= RECENT), Together(few, alike=False)) if together else ()
        self.calm = Calm(())
        if together:
            for place, question in enumerate(self.slos):
                if isinstance(question, SloQuestion):
                    question.phase = place % looks * interval
            self.calm = Calm(self.slos)

    def inherit(self, before: "Watch") -> None:
        """Take over what *before* remembers of the source and of questions that are still the same, for a reload."""
        self.health, self.strikes, self.instants = before.health, before.strikes, before.instants
        old = {question.slo: question for question in before.slos}
        self.slos = [old.get(question.slo, question) for question in self.slos]
        asked_before = {question: question for question in before.alerts}
        self.alerts = [asked_before.get(question, question) for question in self.alerts]
        if self.together:
            self.calm = Calm(self.slos)
        old_slos, new_slos = before.composites.measured.slos, self.composites.measured.slos
        same = {ref for ref, slo in new_slos.items() if ref in old_slos and old_slos[ref].sli == slo.sli}
        self.composites.book = {key: slices for key, slices in before.composites.book.items() if key[0] in same}
        kept = {question.slo.ref for question in self.slos if old.get(question.slo) is question}
        asked = {question.alert.ref for question in self.alerts if question in asked_before}
        self.slo_roll.inherit(before.slo_roll, kept.__contains__)
        self.alert_roll.inherit(before.alert_roll, asked.__contains__)
        self.slice_roll.inherit(before.slice_roll, self.composites.book.__contains__)

    def renamed(self, names: Mapping[str, str]) -> None:
        """Hear what a sender says of rules by their former *names*, too, which are found without `formerly`."""
        for old, new in names.items():
            rule = self.rules[new]
            if old not in rule.formerly:
                self.rules = {**self.rules, new: replace(rule, formerly=(*rule.formerly, old))}

    def look(
        self,
        source: MetricSource,
        now: datetime,
        *,
        memory: Memory | None = None,
        spread: Spread = map,
        aside: Spread = map,
        ranges: int = RANGES,
    ) -> Sight:
        """Ask everything at *now*; with *memory*, questions that only open alerts need are spared where none is.

        *spread* may be the `map` of an executor, to ask several questions at a time, and may return before slow ones
        are answered; those are asked *aside* from then on, which need not wait for any. More *ranges* than a tick has
        time for let one look read all of the history.
        """
        asker, faults, calm = Asker(source, now, ranges=ranges), Faults(), dict[str, SloSight]()
        health = None if self.instants.away(now, self.stride) else self.health
        alive = faults.attempt("vector(1)", lambda: asker.instant("vector(1)"), Unanswered)
        asker.unreachable = alive.reason if isinstance(alive, Unanswered) else None
        asker.unreachable = self.instants.past(asker, memory.committed_at if memory else None) or asker.unreachable
        if asker.unreachable is None and self.together and len(self.slos) >= FEWEST:
            calm, asker.ahead = self._ahead(source, now, memory, spread)
        restless = [question for question in self.slos if question.slo.ref not in calm]
        ours, slow = self.slo_roll.begin(asker, slo_asks(restless, self.rules, memory, faults))
        jobs, slower = self.alert_roll.begin(asker, alert_asks(self.alerts, memory, faults))
        slices, slowest = self.slice_roll.begin(asker, self.composites.asks(asker, faults))
        _all(aside, [*slow, *slower])
        _all(spread, [*ours, *jobs, *slices])
        about_slos = self.slo_roll.end(asker, self.stride)
        about_alerts = self.alert_roll.end(asker, self.stride)
        about_slices = self.slice_roll.end(asker, self.stride)
        self.calm.saw(about_slos.found)
        known = {**calm, **about_slos.found}
        sights = [known.get(one.slo.ref) or blind_slo(one, self.rules, WAITED, now) for one in self.slos]
        seen = {question.alert.ref: Seen(rest=unknown(WAITED)) for question in self.alerts} | dict(about_alerts.found)
        for sight in sights:
            seen.update(sight.seen)
        readable = {
            key: asking.done or (asking.asker is not asker and key in about_slices.found)
            for key, asking in self.slice_roll.late.items()
        }
        journeys, slas = self.composites.look(asker, faults, readable, self.stride)
        _all(aside, slowest)  # now that nobody reads the slices any more
        composites: dict[str, JourneySight | SlaSight] = {f"{sight.status.ref}:burn": sight for sight in journeys}
        composites |= {f"sla:{sight.status.name}": sight for sight in slas}
        seen |= {rule: one(sight.sample) for rule, sight in composites.items()}
        gone = asker.unreachable
        self.health = _health(health, gone is not None, gone or "", now)
        late = [*_failures(about_slos), *_failures(about_alerts), *_failures(about_slices)]
        failures = dict.fromkeys((*asker.failures, *late, *faults.texts))
        self.strikes = self.strikes + 1 if failures and gone is None else 0
        return Sight(
            at=now,
            health=self.health,
            seen=seen,
            slos=tuple(sight.status for sight in sights),
            journeys=tuple(sight.status for sight in journeys),
            slas=tuple(sight.status for sight in slas),
            strikes=self.strikes,
            questions=tuple(failures) if gone is None else (),
            faults=faults.texts,
            late=len(self.slo_roll.late) + len(self.alert_roll.late) + len(self.slice_roll.late),
            graphs={rule: sight.graph for rule, sight in composites.items() if sight.graph is not None},
        )

    def _ahead(
        self, source: MetricSource, now: datetime, memory: Memory | None, spread: Spread
    ) -> tuple[dict[str, SloSight], Mapping[str, Mapping[str, float]]]:
        """What calm objectives show; of the others what they will ask in this look, asked for many at once."""
        late = self.slo_roll.late
        calm = {} if memory is None else self.calm.look(source, now, awake_in(memory), late.keys(), spread)
        prompt = [one for one in self.slos if one.slo.ref not in late and one.slo.ref not in calm]
        asked = [question.wanted(now) for question in prompt if isinstance(question, SloQuestion)]
        found: dict[str, Mapping[str, float]] = {}
        for together, wanted in zip(self.together, zip(*asked, strict=True), strict=False):
            found |= together.ask(source, now, wanted, spread)
        return calm, found


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
    if seen is None or seen is QUIET:
        return seen is QUIET
    looked = bool(seen.rows) or seen.complete
    return looked and all(sample.truth is Truth.FALSE for sample in seen.rows.values())


def _stepped(rule: Rule, sight: Sight, known: list[Identity], steps: Steps, faults: Faults) -> Steps:
    """Step one rule; if that fails it is blind, and if even that fails everything stays as it was last shown."""

    def blind(reason: str) -> Steps:
        nothing = Seen(rest=unknown(reason))
        return faults.attempt(
            rule.id,
            lambda: steps.empty().rule(rule, nothing, known).blind(rule, nothing, known),
            lambda _: steps.empty().as_before(known),
        )

    def see() -> Steps:
        seen = own.seen(rule, sight, steps.memory)
        if said := sight.heard.ours.get(rule.id):
            seen = joined(seen, rule, said, [identity.labels for identity in known])
        return steps.empty().rule(rule, seen, known).blind(rule, seen, known)

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


def _failures(answers: Answers[K, T]) -> list[str]:
    return [*(f"{name}: no answer yet" for name in answers.waited), *answers.failures]


def _all(spread: Spread, jobs: Iterable[Callable[[], None]]) -> None:
    for _ in spread(_run, jobs):
        pass


def _run(job: Callable[[], None]) -> None:
    job()
