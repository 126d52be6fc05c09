"""alert/runbook."""

from collections.abc import Iterator

from tocsin.checks.base import Subject, check
from tocsin.diagnostics import Diagnostic, Severity


@check("alert/runbook", asked=True)
def alert_runbook(subject: Subject) -> Iterator[Diagnostic]:
    """An alert that wakes somebody says what to do.

    At night nobody remembers. An alert of severity critical, or an objective whose burning budget pages, has a runbook:
    its own or its service's. Off until somebody asks for it, because only a team knows where its runbooks are.

    Bad: `severity: critical` without `runbook`, here or at the service

    Good: `runbook: https://runbooks.example.org/shop#queue`
    """
    for service in subject.workspace.services:
        if service.runbook:
            continue
        raw = {alert.ref for alert in service.alerts if "runbook_url" in dict(alert.raw.annotations)}
        loud = [a for a in service.alerts if a.severity == "critical" and not a.runbook and a.ref not in raw]
        pages = [slo for slo in service.slos if not slo.runbook and any(tier.severity == "page" for tier in slo.tiers)]
        for ref, span in [(a.ref, a.span) for a in loud] + [(slo.ref, slo.span) for slo in pages]:
            message = f"{ref} wakes somebody and does not say what to do"
            hint = f"add runbook: URL here, or for all of {service.name}"
            yield Diagnostic("alert/runbook", span, message, Severity.WARNING, hint=hint)
