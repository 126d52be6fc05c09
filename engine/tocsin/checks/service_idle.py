"""service/idle."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity


@check("service/idle")
def service_idle(subject: Subject) -> Iterator[Diagnostic]:
    """A service is watched.

    One that has neither alerts nor objectives can be down for a week before somebody notices. A service that only
    records series for others is left alone.

    Bad: `kind: Service`, `name: mailer`, with `scrape` and nothing else

    Good: the same with `slos` or `alerts`
    """
    for service in subject.workspace.services:
        if not (service.alerts or service.slos or service.recordings) and service.span.path not in subject.wrong:
            message = f"nothing tells when {service.name} is down: it has neither alerts nor objectives"
            yield Diagnostic("service/idle", service.span, message, Severity.INFO, hint="add slos or alerts")
