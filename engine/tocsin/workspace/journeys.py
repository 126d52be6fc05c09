"""Journeys that are parts of other journeys: none needs itself, and each stands for what it combines.

An objective of a journey inside another journey is replaced by its tree, so that slices of the outer one are combined
from services alone; the outer journey's `slice` and `missing` apply.
"""

from collections.abc import Mapping
from dataclasses import replace
from graphlib import CycleError, TopologicalSorter

from tocsin.diagnostics import Diagnostic, Span
from tocsin.spec import Combine, Journey, JourneySlo, Member, members

MOST_PARTS = 1000
"""Journeys that contain each other twice, ten deep, have a thousand parts; every slice is combined from all of them."""
DEEPEST = 20

_Needs = dict[str, dict[str, Span]]


def nested(journeys: tuple[Journey, ...]) -> tuple[tuple[Journey, ...], tuple[Diagnostic, ...]]:
    """The journeys over services alone; objectives that need themselves or grow too large become findings."""
    slos = {slo.ref: slo for journey in journeys for slo in journey.slos}
    needs = {ref: {part.ref: part.span for part in members(slo.combine)} for ref, slo in slos.items()}
    findings = _untie(needs)
    trees: dict[str, Combine] = {}
    sizes: dict[str, tuple[int, int]] = {}
    for ref in TopologicalSorter(_graph(needs)).static_order():
        inner = [sizes.get(part.ref, (1, 0)) for part in members(slos[ref].combine)]
        size, depth = sum(size for size, _ in inner), 1 + max((depth for _, depth in inner), default=0)
        if size > MOST_PARTS or depth > DEEPEST:
            limit = f"more than {MOST_PARTS} parts" if size > MOST_PARTS else f"journeys more than {DEEPEST} deep"
            message = f"journey SLO {ref} has {limit}, counting those of the journeys in it"
            findings.append(Diagnostic("journey/size", slos[ref].span, message))
            continue
        sizes[ref], trees[ref] = (size, depth), _expanded(slos[ref].combine, trees)
    return tuple(_with(journey, trees) for journey in journeys), tuple(findings)


def _with(journey: Journey, trees: Mapping[str, Combine]) -> Journey:
    slos = tuple(_grown(slo, trees[slo.ref]) for slo in journey.slos if slo.ref in trees)
    return journey if slos == journey.slos else replace(journey, slos=slos)


def _grown(slo: JourneySlo, tree: Combine) -> JourneySlo:
    return slo if tree is slo.combine else replace(slo, combine=tree)


def _expanded(node: Combine, trees: Mapping[str, Combine]) -> Combine:
    parts: tuple[Member | Combine, ...] = tuple(
        trees.get(part.ref, part) if isinstance(part, Member) else _expanded(part, trees) for part in node.parts
    )
    same = all(new is old for new, old in zip(parts, node.parts, strict=True))
    return node if same else replace(node, parts=parts)


def _untie(needs: _Needs) -> list[Diagnostic]:
    """Take one objective out of every cycle, and say which it was."""
    findings: list[Diagnostic] = []
    while cycle := _cycle(needs):
        path = " needs ".join((*cycle, cycle[0]))
        span = needs[cycle[0]][cycle[1 % len(cycle)]]
        findings.append(Diagnostic("reference/cycle", span, f"a journey cannot need itself: {path}"))
        del needs[cycle[0]]
    return findings


def _graph(needs: _Needs) -> dict[str, list[str]]:
    return {ref: sorted(part for part in parts if part in needs) for ref, parts in sorted(needs.items())}


def _cycle(needs: _Needs) -> tuple[str, ...]:
    """One cycle, from its smallest name on, each needing the next; or nothing."""
    try:
        TopologicalSorter(_graph(needs)).prepare()
    except CycleError as error:
        cycle: list[str] = error.args[1][:0:-1]  # without the repetition at its end
        start = cycle.index(min(cycle))
        return (*cycle[start:], *cycle[:start])
    return ()
