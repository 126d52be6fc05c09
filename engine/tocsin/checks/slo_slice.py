"""slo/slice."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.units import Duration

_USUAL = Duration.of(seconds=15)


@check("slo/slice")
def slo_slice(subject: Subject) -> Iterator[Diagnostic]:
    """A time slice holds at least one scrape.

    Objectives that are judged slice by slice need a sample in each. A slice shorter than the scrape interval is empty
    every other time, and counts as whatever empty slices count as.

    Bad: `slice: 10s` with samples every 15s

    Good: `slice: 1m`
    """
    workspace = subject.workspace
    platform = workspace.platform
    usual = platform.prometheus.scrape_interval if platform else _USUAL
    sliced = [(slo.ref, slo.slice, usual, slo.span) for journey in workspace.journeys for slo in journey.slos]
    for service in workspace.services:
        interval = (service.scrape.interval if service.scrape else None) or usual
        for slo in service.slos:
            slice_ = getattr(slo, "slice", None)
            sliced += [(slo.ref, slice_, interval, slo.span)] if isinstance(slice_, Duration) else []
    for ref, length, interval, span in sliced:
        if length < interval:
            message = f"slices of {ref} are {length} long, and there is a sample every {interval}"
            yield Diagnostic(
                "slo/slice", span, message, Severity.WARNING, hint=f"write slice: {interval} or a multiple of it"
            )
