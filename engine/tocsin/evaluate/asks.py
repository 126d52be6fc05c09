"""What a look asks, by name: for each objective and each alert, with what its open instances need to know."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from functools import partial

from tocsin.evaluate.asking import Asker
from tocsin.evaluate.faults import Faults
from tocsin.evaluate.grouped import GroupedQuestion
from tocsin.evaluate.late import Ask
from tocsin.evaluate.memory import Memory
from tocsin.evaluate.model import Phase, Sample, SloStatus, Truth
from tocsin.evaluate.questions import Question
from tocsin.evaluate.rule import Seen, one, unknown
from tocsin.evaluate.slo import SloQuestion, SloSight
from tocsin.ports import Labels


def slo_asks(
    questions: Iterable[SloQuestion | GroupedQuestion], rules: Iterable[str], memory: Memory | None, faults: Faults
) -> dict[str, Ask[SloSight]]:
    """By reference."""
    opened = {} if memory is None else _opened(memory)
    awake = None if memory is None else awake_in(memory)

    def ask(question: SloQuestion | GroupedQuestion, asker: Asker) -> SloSight:
        def work() -> SloSight:
            if isinstance(question, GroupedQuestion):
                return question.ask(asker, _groups(opened, question.slo.ref))
            return question.ask(asker, awake)

        return faults.attempt(question.slo.ref, work, lambda reason: blind_slo(question, rules, reason, asker.at))

    return {question.slo.ref: partial(ask, question) for question in questions}


def alert_asks(questions: Iterable[Question], memory: Memory | None, faults: Faults) -> dict[str, Ask[Seen]]:
    """By reference."""
    opened = None if memory is None else _opened(memory)

    def ask(question: Question, asker: Asker) -> Seen:
        ref = question.alert.ref
        mine = None if opened is None else opened.get(ref, set())
        return faults.attempt(ref, lambda: question.ask(asker, opened=mine), lambda reason: Seen(rest=unknown(reason)))

    return {question.alert.ref: partial(ask, question) for question in questions}


def blind_slo(question: SloQuestion | GroupedQuestion, rules: Iterable[str], reason: str, at: datetime) -> SloSight:
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


def _opened(memory: Memory) -> Mapping[str, set[Labels]]:
    """The instances that are pending or firing, by rule."""
    found: dict[str, set[Labels]] = {}
    for identity, state in memory.alerts.items():
        if state.phase is not Phase.INACTIVE:
            found.setdefault(identity.rule, set()).add(identity.labels)
    return found


def awake_in(memory: Memory) -> AbstractSet[str]:
    """The rules of which people read something when they are false: alerts that are open, pending or blind."""
    states = memory.alerts.items()
    return {i.rule for i, state in states if state.phase is not Phase.INACTIVE or state.blind_since is not None}


def _groups(opened: Mapping[str, set[Labels]], ref: str) -> set[Labels]:
    """The groups of an SLO whose alerts are open."""
    return {labels for rule, instances in opened.items() if rule.startswith(f"{ref}:") for labels in instances}
