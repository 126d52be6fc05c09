"""Alerts made of other alerts, in three values: blindness of one part matters only where the others do not decide.

They are judged last in a turn, by what the other alerts have become in it.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from tocsin.evaluate.model import AlertState, Sample, Truth
from tocsin.evaluate.rule import Seen
from tocsin.evaluate.state import OPEN
from tocsin.spec import Composite, Part
from tocsin.workspace import Workspace

States = Iterable[AlertState]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a part fires, and how many of its instances do."""

    truth: Truth
    instances: int = 0


def composites(workspace: Workspace) -> Mapping[str, Composite]:
    """The composite alerts by rule, each behind those that it needs; the compiler refuses what goes in circles."""
    found = {
        alert.ref: alert.condition
        for service in workspace.services
        for alert in service.alerts
        if isinstance(alert.condition, Composite)
    }
    needs = {ref: {part.ref for part in composite.parts()} for ref, composite in found.items()}
    return {ref: found[ref] for ref in TopologicalSorter(needs).static_order() if ref in found}


def verdict(states: States, seen: Seen | None) -> Verdict:
    """One part: true if an instance fires in plain sight; unknown if none does, and nobody can see all of them."""
    states = tuple(states)
    firing = sum(state.phase in OPEN and state.blind_since is None for state in states)
    if firing:
        return Verdict(Truth.TRUE, firing)
    unseen = seen is None or (not seen.complete and not seen.rows and seen.rest.sample.truth is Truth.UNKNOWN)
    blind = any(state.blind_since is not None for state in states)
    return Verdict(Truth.UNKNOWN if blind or unseen else Truth.FALSE)


def judge(composite: Composite, look: Callable[[Part], Verdict]) -> Sample:
    """All of *all_of*, one of *any_of*, none of *none_of*."""
    every = {part: look(part) for part in composite.parts()}
    truths = {part: found.truth for part, found in every.items()}
    terms = [truths[part] for part in composite.all_of]
    terms += [_any(truths[part] for part in composite.any_of)] if composite.any_of else []
    terms += [_not(truths[part]) for part in composite.none_of]
    truth = _all(terms)
    leading = next(
        (every[part].instances for part in (*composite.all_of, *composite.any_of) if every[part].instances), None
    )
    facts = tuple((part.ref, _SAID[truths[part]]) for part in every)
    return Sample(truth, float(leading) if leading else None, _reason(truth, composite, truths), facts)


_SAID = {Truth.TRUE: "fires", Truth.FALSE: "does not fire", Truth.UNKNOWN: "cannot be seen"}


def _reason(truth: Truth, composite: Composite, truths: Mapping[Part, Truth]) -> str:
    """The parts that decide, in words."""
    if truth is Truth.UNKNOWN:
        return f"{', '.join(part.ref for part in truths if truths[part] is Truth.UNKNOWN)} cannot be seen"
    if truth is Truth.TRUE:
        return f"{', '.join(part.ref for part in truths if truths[part] is Truth.TRUE)} fires"
    against = [f"{part.ref} does not fire" for part in composite.all_of if truths[part] is Truth.FALSE]
    if composite.any_of and all(truths[part] is Truth.FALSE for part in composite.any_of):
        against.append(f"none of {', '.join(part.ref for part in composite.any_of)} fires")
    against += [f"{part.ref} fires" for part in composite.none_of if truths[part] is Truth.TRUE]
    return "; ".join(against)


def _all(terms: Iterable[Truth]) -> Truth:
    terms = tuple(terms)
    if Truth.FALSE in terms:
        return Truth.FALSE
    return Truth.UNKNOWN if Truth.UNKNOWN in terms else Truth.TRUE


def _any(terms: Iterable[Truth]) -> Truth:
    return _not(_all(_not(term) for term in terms))


def _not(term: Truth) -> Truth:
    return {Truth.TRUE: Truth.FALSE, Truth.FALSE: Truth.TRUE}.get(term, term)
