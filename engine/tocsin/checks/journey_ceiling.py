"""journey/ceiling."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from fractions import Fraction

from tocsin.budget import apportion_multiplied, ceiling
from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.spec import Combine, JourneySlo, Member, members
from tocsin.units import literal

_DIGITS = 4
"""Digits of a percentage behind its point that people write: 99.9954 %."""


@check("journey/ceiling")
def journey_ceiling(subject: Subject) -> Iterator[Diagnostic]:
    """A journey promises no more than the objectives of its members add up to.

    If every member just keeps its own objective, nobody is alerted about any, and the journey has what they make
    together: three services of 99.9 % in series have 99.7 %. A journey that promises more is broken while all its
    members are fine. (Members are taken as independent, each with its own outages. Where outages overlap, a series is
    better than that and a parallel worse. B. Treynor and others, "The Calculus of Service Availability", ACM Queue
    2017.)

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
            f"{_percent(found)}",
            Severity.WARNING,
            hint=_hint(slo, found, targets),
        )


def _hint(slo: JourneySlo, found: Fraction, targets: Mapping[str, Decimal]) -> str:
    """The nearest target that can be kept; in a plain series of members also what these would have to keep."""
    lower = f"promise {_percent(found)} or less"
    needed = _needed(slo.combine, slo.target)
    if needed is None:
        return f"{lower}, or let members aim higher"
    lacking = dict.fromkeys(part.ref for part in members(slo.combine) if targets[part.ref] < needed)
    said = ", ".join(f"{ref} ({literal(targets[ref] * 100)}%)" for ref in lacking)
    return f"{lower}, or let each member keep {_percent(needed, up=True)}, which is more than {said}"


def _needed(tree: Combine, target: Decimal) -> Fraction | None:
    """What equal members of a plain series have to keep."""
    if tree.how != "series" or not all(isinstance(part, Member) for part in tree.parts):
        return None
    return Fraction(apportion_multiplied(target, [1] * len(tree.parts))[0])


def _percent(share: Fraction, *, up: bool = False) -> str:
    """A share as people write it, rounded to the side on which it holds.

    >>> _percent(Fraction("0.997002999")), _percent(Fraction("0.99966655"), up=True)
    ('99.7002%', '99.9667%')
    """
    parts = share * 100 * 10**_DIGITS
    whole = -(-parts.numerator // parts.denominator) if up else parts.numerator // parts.denominator
    return f"{literal(Decimal(whole).scaleb(-_DIGITS))}%"
