"""slo/evidence."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity
from tocsin.document import Document
from tocsin.spec import Slo

_TRAFFIC = 1.0
"""Events per second; a service with fewer should not have to be down for hours before somebody is told."""


@check("slo/evidence")
def slo_evidence(subject: Subject) -> Iterator[Diagnostic]:
    """An alert does not wait for more bad events than there may be.

    `min_bad_events` is how many errors are no accident. They have to happen within the long window of a tier, so a
    large number is a floor under the traffic: below it not even a total outage fires the alert. Where samples or
    slices are looked at instead of events there is nothing to count, and neither it nor a `significance` does anything.

    Bad: `low_traffic: {min_bad_events: 10000}`: an hour of a total outage at two requests per second has 7,200

    Good: `low_traffic: {min_bad_events: 10}`
    """
    for service in subject.workspace.services:
        document = subject.document("Service", service.name)
        for slo in service.slos if document is not None else ():
            if document is not None and slo.sli.now() is not None:
                yield from _idle(document, slo)  # samples and slices come at a rate of their own
                continue
            if document is None or not slo.tiers:
                continue
            tier = min(slo.tiers, key=lambda each: each.long)
            needed = float(slo.guards.min_bad_events / tier.long.seconds)
            if needed > _TRAFFIC:
                path = ("slos", slo.name, "guards", "low_traffic", "min_bad_events")
                yield Diagnostic(
                    "slo/evidence",
                    document.span(path),
                    f"below {needed:.3g} events per second not even a total outage of {tier.long} fires {tier.name}",
                    Severity.WARNING,
                    hint=f"write less than {int(_TRAFFIC * tier.long.seconds)}; 10 is plenty",
                )


def _idle(document: Document, slo: Slo) -> Iterator[Diagnostic]:
    for key in ("min_bad_events", "significance"):
        path = ("slos", slo.name, "guards", "low_traffic", key)
        if document.at(path) is not None:
            yield Diagnostic(
                "slo/evidence",
                document.span(path),
                f"{key} does nothing here: {slo.ref} looks at samples or slices, and counts no events",
                Severity.WARNING,
                hint="remove it",
            )
