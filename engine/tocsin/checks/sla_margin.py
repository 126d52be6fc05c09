"""sla/margin."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.units import literal


@check("sla/margin")
def sla_margin(subject: Subject) -> Iterator[Diagnostic]:
    """A contract promises less than the objective aims at.

    The difference is the time to act: alerts watch the objective's budget, so a contract as strict as the objective is
    broken when they have only just told that the budget is gone, and a stricter one before. Where a contract counts a
    minute as down from a share of errors on (`errors_above`), such minutes break it after that share of its allowance:
    the objective's budget has to be gone by then, too.

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
            continue
        errors = sla.measure.errors_above
        if sla.measure.by_minute and errors is not None and errors * (1 - sla.target) < 1 - target:
            spent = int(100 * errors * (1 - sla.target) / (1 - target))
            yield Diagnostic(
                "sla/margin",
                sla.covers_span,
                f"minutes with {literal(errors * 100)}% of errors break {sla.name} when {spent}% of the budget of "
                f"{sla.covers} is spent",
                Severity.INFO,
                hint="promise less, aim higher, or let alerts of the objective page well before its budget is spent",
                related=((span, "the objective"),),
            )
