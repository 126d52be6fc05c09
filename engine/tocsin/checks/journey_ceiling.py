"""journey/ceiling."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from tocsin.budget import ceiling, needs
from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.spec import JourneySlo, members
from tocsin.units import literal, percentage


@check("journey/ceiling")
def journey_ceiling(subject: Subject) -> Iterator[Diagnostic]:
    """A journey promises no more than the objectives of its members add up to.

    If every member just keeps its own objective, nobody is alerted about any, and the journey has what they make
    together: three services of 99.9 % in series have 99.7 %. A journey that promises more is broken while all its
    members are fine; `tocsin apportion` says what they would have to keep. (Members are taken as independent, each with
    its own outages. Where outages overlap, a series is better than that and a parallel worse. B. Treynor and others,
    "The Calculus of Service Availability", ACM Queue 2017.)

    Bad: `target: 99.9%` over `series: [a/up, b/up, c/up]`, each with a target of 99.9 %

    Good: `target: 99.7%` over them, or `target: 99.9%` over members of 99.9667 %
    """
    targets = {slo.ref: slo.target for service in subject.workspace.services for slo in service.slos}
    for slo in (slo for journey in subject.workspace.journeys for slo in journey.slos):
        found = ceiling(slo.combine, targets)
        if found is None or slo.target <= found:
            continue
        document = subject.document("Journey", slo.journey)
        path = ("slos", slo.name, "target")
        yield Diagnostic(
            "journey/ceiling",
            document.span(path) if document and document.at(path) else slo.span,
            f"{slo.ref} promises {literal(slo.target * 100)}%, and members that just keep their objectives make "
            f"{percentage(found)}",
            Severity.WARNING,
            hint=_hint(slo, found, targets),
        )


def _hint(slo: JourneySlo, found: Fraction, targets: Mapping[str, Decimal]) -> str:
    """The nearest target that can be kept; where all members need the same, also what that is."""
    lower = f"promise {percentage(found)} or less"
    alike = {*(needs(slo.combine, slo.target) or {}).values()}
    if len(alike) != 1:
        return f"{lower}, or let members aim higher: `tocsin apportion {slo.ref} PATH` says which, and how high"
    needed = alike.pop()
    lacking = dict.fromkeys(part.ref for part in members(slo.combine) if targets[part.ref] < needed)
    said = ", ".join(f"{ref} ({literal(targets[ref] * 100)}%)" for ref in lacking)
    return f"{lower}, or let each member keep {literal(needed * 100)}%, which is more than {said}"
