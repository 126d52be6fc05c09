"""sla/measure."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.sli import Sli, SlicedSli
from tocsin.spec import Sla, members
from tocsin.units import Duration
from tocsin.workspace import Workspace

_USUAL = Duration.of(seconds=15)


@check("sla/measure")
def sla_measure(subject: Subject) -> Iterator[Diagnostic]:
    """A contract is measured in a way that can be measured.

    A setting that the method does not read would be a promise that nobody keeps; a minute is only seen by intervals
    that divide it; a counter is only seen to rise by an interval with two samples in it (with fewer the interval is
    empty, and outages count as whatever empty intervals count as); and a journey has members with events, but none of
    its own that could be too few.

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
        need, every = _need(sla, subject.workspace)
        if sla.measure.interval < need:
            document = subject.document("SLA", sla.name)
            yield Diagnostic(
                "sla/measure",
                document.span(("measure",)) if document and document.at(("measure",)) else sla.covers_span,
                f"intervals of {sla.measure.interval} hold too few samples of {sla.covers}, of which there is one "
                f"every {every}: empty intervals count as {sla.measure.empty}",
                Severity.WARNING,
                hint=f"it takes intervals of {need}, or more frequent scrapes",
            )


def _need(sla: Sla, workspace: Workspace) -> tuple[Duration, Duration]:
    """The shortest interval in which every SLO that *sla* covers can be seen, and how often the slowest is scraped.

    A counter needs two samples, a kind that looks at gauges one.
    """
    usual = workspace.platform.prometheus.scrape_interval if workspace.platform else _USUAL
    combines = {slo.ref: slo.combine for journey in workspace.journeys for slo in journey.slos}
    combine = combines.get(sla.covers)
    covered = {sla.covers} if combine is None else {member.ref for member in members(combine)}
    found = [
        (Duration((1 if _events(slo.sli).now() is not None else 2) * every.milliseconds), every)
        for service in workspace.services
        for every in [(service.scrape.interval if service.scrape else None) or usual]
        for slo in service.slos
        if slo.ref in covered
    ]
    return max(found, default=(Duration(0), Duration(0)))


def _events(sli: Sli) -> Sli:
    """Contracts count events, whatever the budget of the objective counts."""
    return sli.inner if isinstance(sli, SlicedSli) else sli
