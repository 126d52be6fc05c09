"""sla/measure."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic


@check("sla/measure")
def sla_measure(subject: Subject) -> Iterator[Diagnostic]:
    """A contract is measured in a way that can be measured.

    A setting that the method does not read would be a promise that nobody keeps; a minute is only seen by intervals
    that divide it; and a journey has members with events, but none of its own that could be too few.

    Bad: `measure: {method: minutes, interval: 5m}`, or `{method: interval-mean, at_least: 5m}`

    Good: `measure: {method: downtime-periods, interval: 1m, at_least: 5m}`
    """
    journeys = {slo.ref for journey in subject.workspace.journeys for slo in journey.slos}
    for sla in subject.workspace.slas:
        if sla.measure.minimum_events and sla.covers in journeys:
            document = subject.document("SLA", sla.name)
            yield Diagnostic(
                "sla/measure",
                document.span(("measure", "minimum_events")) if document else sla.covers_span,
                f"{sla.covers} is a journey: its members have events, it has none of its own",
                hint="leave minimum_events out, or let the contract cover a member",
            )
