"""sla/margin."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity


@check("sla/margin")
def sla_margin(subject: Subject) -> Iterator[Diagnostic]:
    """A contract promises less than the objective aims at.

    The difference is the time to act: alerts watch the objective's budget, so a contract as strict as the objective is
    broken when they have only just told that the budget is gone, and a stricter one before.

    Bad: an SLA with `target: 99.9%` over an SLO with `target: 99.5%`

    Good: an SLA of 99.5% over an SLO of 99.9%
    """
    workspace = subject.workspace
    slos = {slo.ref: (slo.target, slo.span) for service in workspace.services for slo in service.slos}
    slos |= {slo.ref: (slo.target, slo.span) for journey in workspace.journeys for slo in journey.slos}
    for sla in workspace.slas:
        if sla.covers not in slos:
            continue
        target, span = slos[sla.covers]
        if sla.target >= target:
            same = sla.target == target
            relation = "as much as" if same else "more than"
            yield Diagnostic(
                "sla/margin",
                sla.covers_span,
                f"{sla.name} promises {relation} {sla.covers} aims at, so there is no time to act before it is broken",
                Severity.INFO if same else Severity.WARNING,
                hint="promise less, or aim higher",
                related=((span, "the objective"),),
            )
