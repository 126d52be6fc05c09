"""slo/traffic."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic
from tocsin.guards import BASE, TRAFFIC_MEMORY
from tocsin.units import Duration


@check("slo/traffic")
def slo_traffic(subject: Subject) -> Iterator[Diagnostic]:
    """The alert about absent traffic fires while it is known that there was some.

    What is usual is known from the last day: a day after the last request a service counts as out of use, and its
    alert is over. It begins five minutes after the last request, so with a `for` of 23h55m or more it never fires.

    Bad: `no_traffic: {for: 1d}`

    Good: `no_traffic: {for: 1h}`, or `no_traffic: {alert: false, reason: nobody works at weekends}`
    """
    limit = Duration(TRAFFIC_MEMORY.milliseconds - BASE.milliseconds)
    for service in subject.workspace.services:
        document = subject.document("Service", service.name)
        for slo in service.slos if document is not None else ():
            if document is not None and slo.no_traffic.alert and slo.no_traffic.for_ >= limit:
                yield Diagnostic(
                    "slo/traffic",
                    document.span(("slos", slo.name, "no_traffic", "for")),
                    f"TrafficAbsent of {slo.ref} can never fire: {TRAFFIC_MEMORY} after the last event nothing is "
                    "known of traffic any more",
                    hint=f"write less than {limit}, or switch it off with a reason",
                )
